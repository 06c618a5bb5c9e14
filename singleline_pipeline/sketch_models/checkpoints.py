"""What a training must remember beside the weights and the optimizer, and where to go on from."""

from __future__ import annotations

import json
import math
import os
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

_FILE = "progress.json"
_KEPT = 2


@dataclass
class Progress:
    """State of a training, kept in each of its checkpoints.

    identity: model, settings and data that the checkpoint is of; it is resumed by the same ones only
    seconds: processor time so far; next_evaluation: at which processor second to evaluate
    sheet_seconds: processor time that sheets of samples took, which is part of `seconds`
    halvings: how often the learning rate was halved because the score stood still
    recent_losses, recent_norms, skipped_in_a_row: what a spike is known by, see `spikes`
    limits, stopped_because: under which limits it was through, if it is
    """

    identity: str
    step: int = 0
    seconds: float = 0.0
    next_evaluation: float = 0.0
    sheet_seconds: float = 0.0
    best_score: float = math.inf
    evaluations_since_best: int = 0
    halvings: int = 0
    recent_losses: list[float] = field(default_factory=list)
    recent_norms: list[float] = field(default_factory=list)
    skipped_in_a_row: int = 0
    stopped_because: str = ""
    limits: dict[str, Any] = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)

    def save(self, checkpoint: Path) -> None:
        """Write into a checkpoint."""
        (checkpoint / _FILE).write_text(json.dumps(asdict(self)), encoding="utf-8")


def _read(checkpoint: Path) -> Progress | None:
    """The progress in a checkpoint; None where another version wrote it, or nobody."""
    try:
        return Progress(**json.loads((checkpoint / _FILE).read_text(encoding="utf-8")))
    except (FileNotFoundError, json.JSONDecodeError, UnicodeDecodeError, TypeError):
        return None


class Checkpoints:
    """The last checkpoints of a training: each is written aside, and moved to the others when it is whole.

    Whoever is killed while one is being written finds the one before it, as it was.
    """

    def __init__(self, folder: Path, identity: str) -> None:
        self.folder, self.identity = folder, identity
        self.aside = folder / ".writing"

    def _all(self) -> list[tuple[Path, Progress | None]]:
        return [(checkpoint, _read(checkpoint)) for checkpoint in sorted(self.folder.glob("checkpoint-*"))]

    def find(self) -> tuple[Path | None, Progress]:
        """The last checkpoint of this training and its progress; None and a fresh one where there is none."""
        own = [(path, progress) for path, progress in self._all() if self._is_own(progress)]
        if not own:
            return None, Progress(self.identity)
        checkpoint, progress = max(own, key=_step)
        return checkpoint, progress or Progress(self.identity)

    def has_only_others(self) -> bool:
        """Whether there are checkpoints, all of another training."""
        found = [self._is_own(progress) for _, progress in self._all()]
        return bool(found) and not any(found)

    def clear(self) -> None:
        """Remove what a killed training left half written."""
        shutil.rmtree(self.aside, ignore_errors=True)

    def add(self, name: str) -> None:
        """Move the checkpoint of this name, which lies aside and is whole, to the others, of which two stay."""
        written = self.aside / name
        for file in written.iterdir():
            with file.open("rb+") as handle:
                os.fsync(handle.fileno())
        shutil.rmtree(self.folder / name, ignore_errors=True)
        written.replace(self.folder / name)
        own = []
        for entry in self._all():
            if self._is_own(entry[1]):
                own.append(entry)
            else:
                shutil.rmtree(entry[0])
        for checkpoint, _ in sorted(own, key=_step)[:-_KEPT]:
            shutil.rmtree(checkpoint)

    def _is_own(self, progress: Progress | None) -> bool:
        return progress is not None and progress.identity == self.identity


def _step(entry: tuple[Path, Progress | None]) -> int:
    return entry[1].step if entry[1] is not None else -1
