"""Training runs of one model in a folder: `<date>-<data and settings>/` each, and `current`, the one in use."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from singleline_pipeline.sketch_models.errors import DatasetError, ModelFolderError
from singleline_pipeline.sketch_models.folders import load_model
from singleline_pipeline.sketch_models.score import evaluate
from singleline_pipeline.sketch_models.settings import TrainSettings

CURRENT = "current"


@dataclass(frozen=True)
class Promotion:
    """Whether a run became the current one, and the scores on the same held-out drawings that decided it.

    score_name: which score that is; current_score: None where there was nothing that it could be compared with
    other_kind: whether there was a current run, whose score is of another kind
    """

    promoted: bool
    score: float
    current_score: float | None
    score_name: str
    other_kind: bool


def run_folder(
    models: Path, dataset_fingerprint: str, settings: TrainSettings, now: datetime | None = None
) -> Path:
    """The folder for a run with these data and settings: the one that was begun already, else a new name."""
    what = f"{dataset_fingerprint} {settings.identity(models.name)}"
    key = hashlib.sha256(what.encode()).hexdigest()[:12]
    begun = sorted(models.glob(f"*-{key}"))
    if begun:
        return begun[-1]
    return models / f"{now or datetime.now(UTC):%Y%m%d-%H%M%S}-{key}"


def current_run(models: Path) -> Path:
    """The folder of the run in use. Raises ModelFolderError where nothing has been trained yet."""
    link = models / CURRENT
    if not link.exists():
        raise ModelFolderError(
            f"There are no trained weights in {models} yet: materialize {models.name} first, or "
            "`singleline run --train small`."
        )
    return link.resolve()


def promote(models: Path, run: Path, held_out: Sequence[np.ndarray]) -> Promotion:
    """Make a run the current one unless it is worse on the held-out drawings than the one that is.

    Both are scored here, on the same drawings: scores of earlier datasets cannot be compared. A current run gives way
    where it can no longer be loaded, where it is of another scale, and where its score is of another kind: whoever
    trains the token variant after the continuous one, or the other way round, wants to draw with it, and no figure
    says which of the two is better.
    """
    model = load_model(run)
    score = evaluate(model, held_out)[model.score_name]
    link = models / CURRENT
    current, other_kind = None, False
    if link.exists() and link.resolve() != run.resolve():
        try:
            present = load_model(link.resolve())
            other_kind = present.comparable != model.comparable
            if not other_kind:
                current = evaluate(present, held_out)[present.score_name]
        except (ModelFolderError, DatasetError):  # the drawings are sound, so it is its scale that is another
            current = None
    if current is not None and score > current:
        return Promotion(False, score, current, model.score_name, other_kind)
    temporary = models / f".{CURRENT}.{os.getpid()}"
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(run.name)
    os.replace(temporary, link)
    return Promotion(True, score, current, model.score_name, other_kind)
