"""What a training must remember beside the weights and the optimizer, and where to go on from."""

from __future__ import annotations

import json
import math
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

_FILE = "progress.json"


@dataclass
class Progress:
    """State of a training, kept in each of its checkpoints.

    identity: model, settings and data that the checkpoint is of; it is resumed by the same ones only
    seconds: processor time so far; next_evaluation: at which processor second to evaluate
    halvings: how often the learning rate was halved because the score stood still
    limits, stopped_because: under which limits it was through, if it is
    """

    identity: str
    step: int = 0
    seconds: float = 0.0
    next_evaluation: float = 0.0
    best_score: float = math.inf
    evaluations_since_best: int = 0
    halvings: int = 0
    stopped_because: str = ""
    limits: dict[str, Any] = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)

    def save(self, checkpoint: Path) -> None:
        """Write into a checkpoint, as a whole."""
        temporary = checkpoint / f".{_FILE}"
        with temporary.open("w", encoding="utf-8") as file:
            json.dump(asdict(self), file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(checkpoint / _FILE)


def find_checkpoint(folder: Path, identity: str) -> tuple[Path | None, Progress]:
    """The last whole checkpoint of the same training and its progress; None and a fresh one where there is none."""
    found = []
    for file in folder.glob(f"checkpoint-*/{_FILE}"):
        try:
            progress = Progress(**json.loads(file.read_text(encoding="utf-8")))
        except (json.JSONDecodeError, TypeError):
            continue  # written by another version
        if progress.identity == identity:
            found.append((progress.step, file.parent, progress))
    if not found:
        return None, Progress(identity)
    _, checkpoint, progress = max(found, key=lambda entry: entry[0])
    return checkpoint, progress
