"""Comparing the models of folders on a file of drawings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from singleline_pipeline.comparison.compare import Comparison, ComparisonSettings, compare_models
from singleline_pipeline.comparison.errors import ComparisonError
from singleline_pipeline.geometry import load_drawings
from singleline_pipeline.sketch_models import ModelFolderError, load_model
from singleline_pipeline.sketch_models.runs import current_run
from singleline_pipeline.sketch_models.settings import MODEL_NAMES
from singleline_pipeline.sketch_models.sketch_model import SketchModel


@dataclass(frozen=True)
class CurrentModels:
    """The models in use in a home: by name, with the training run that each comes from.

    missing: a sentence on each model that there is none of
    """

    models: dict[str, SketchModel] = field(default_factory=dict)
    runs: dict[str, str] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)


def current_models(folder: Path) -> CurrentModels:
    """Load what `<name>/current` of each model says; what cannot be loaded is missing, and why.

    Raises ComparisonError where there is no model at all.
    """
    found = CurrentModels()
    for name in MODEL_NAMES:
        try:
            run = current_run(folder / name)
            found.models[name] = load_model(run)
        except ModelFolderError as error:
            found.missing.append(f"{name} is left out. {error}")
        else:
            found.runs[name] = run.name
    if not found.models:
        raise ComparisonError(f"There is no model to compare. {' '.join(found.missing)}")
    return found


def compare_folders(
    folders: Sequence[Path],
    data: Path,
    split: str = "valid",
    settings: ComparisonSettings | None = None,
    *,
    progress: Callable[[str], None] = lambda message: None,
) -> Comparison:
    """Compare the models of some folders on a split of a .npz or .parquet file; its train split gives the noise floors.

    Raises ModelFolderError for a folder without a model, StrokeError for a file without drawings, ComparisonError where
    the split is none to compare on.
    """
    models = _named(folders, [load_model(folder) for folder in folders])
    splits = load_drawings(data)
    if split == "train":
        raise ComparisonError(
            "The models learned from the train split: compare them on another one, valid or test."
        )
    if not splits.get(split):
        held = ", ".join(f"{name} ({len(drawings)})" for name, drawings in splits.items())
        raise ComparisonError(f"{data} has no drawings in split {split}; it holds {held}.")
    return compare_models(
        models,
        _numbered("train", splits.get("train", [])),
        _numbered(split, splits[split]),
        settings,
        progress=progress,
    )


def as_json(comparison: Comparison) -> dict[str, Any]:
    """Figures and notes as plain values."""
    return {
        "models": comparison.models,
        "drawings": comparison.counts,
        "figures": [figure.plain() for figure in comparison.figures],
        "notes": comparison.notes,
    }


def _named(folders: Sequence[Path], models: Sequence[SketchModel]) -> dict[str, SketchModel]:
    """By what they are, or by the names of their folders where two are the same, or by their paths."""
    kinds: list[str] = [model.config.model_type for model in models]
    for names in (kinds, [folder.resolve().name for folder in folders], [str(folder) for folder in folders]):
        if max(Counter(names).values(), default=1) == 1:
            return dict(zip(names, models, strict=True))
    raise ComparisonError("The same folder was given twice.")


def _numbered(split: str, drawings: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
    return {f"{split} {number:05d}": drawing for number, drawing in enumerate(drawings)}
