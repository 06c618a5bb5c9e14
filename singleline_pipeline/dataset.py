"""From kept drawings to a stroke-3 dataset: simplified to a budget, cut at the far ends, split by page, kept for good.

Every version of the dataset is a snapshot, a folder that is never changed: the `.npz` that the SketchRNN family
reads and a manifest that says what is in it and what was dropped. A model names the fingerprint of the snapshot
that it saw.
"""

import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from singleline_pipeline import geometry

SPLITS = ("train", "valid", "test")


class SnapshotError(ValueError):
    """A version of the dataset cannot be kept; the message says where, and why."""


@dataclass(frozen=True)
class DatasetSettings:
    """How drawings become rows of stroke-3.

    Attributes:
        max_points: Most points that a drawing may have.
        min_epsilon: Tolerance in canvas units that every drawing is simplified with; more where the budget asks.
        cut_ends: Share of the drawings that is cut at each end of the distribution of their points.
    """

    max_points: int = 250
    min_epsilon: float = 1.0
    cut_ends: float = 0.05


@dataclass(frozen=True)
class KeptDrawing:
    """A drawing that passed the filter; strokes in canvas units, (n, 2) each."""

    drawing_id: str
    page_id: str
    sketchbook: str
    page_sha256: str
    strokes: list[np.ndarray]
    settings: DatasetSettings | None = None
    """Budget and tolerance of its page, where those are not everywhere's."""


@dataclass(frozen=True)
class DatasetRow:
    """One drawing of the dataset: stroke3 is (n, 3) float32 in canvas units."""

    drawing_id: str
    page_id: str
    sketchbook: str
    split: str
    stroke3: np.ndarray
    strokes: int
    epsilon: float


@dataclass(frozen=True)
class Dataset:
    """Rows in the order of the drawings, and for each drawing that is not among them the reason."""

    rows: list[DatasetRow]
    dropped: dict[str, str] = field(default_factory=dict)

    def splits(self) -> dict[str, list[np.ndarray]]:
        """The stroke-3 arrays by split, in the order of the rows."""
        return {split: [row.stroke3 for row in self.rows if row.split == split] for split in SPLITS}

    def fingerprint(self) -> str:
        """The fingerprint of the rows, see `fingerprint`."""
        return fingerprint((row.drawing_id, row.split, row.stroke3) for row in self.rows)


def fingerprint(rows: Iterable[tuple[str, str, np.ndarray]]) -> str:
    """SHA-256 over (id, split, stroke3) of all rows: two datasets with the same fingerprint hold the same drawings."""
    digest = hashlib.sha256()
    for drawing_id, split, stroke3 in rows:
        digest.update(f"{drawing_id} {split} {len(stroke3)}\n".encode())
        digest.update(np.ascontiguousarray(stroke3, "<f4").tobytes())
    return digest.hexdigest()


def split_of(page_sha256: str) -> str:
    """The split of a page, from a hash of its file's SHA-256: 80 % train, 10 % valid, 10 % test.

    All drawings of a page are on one side, and a page stays on its side whatever sketchbooks come.
    """
    bucket = int(hashlib.sha256(f"split {page_sha256}".encode()).hexdigest()[:8], 16) % 100
    return "train" if bucket < 80 else "valid" if bucket < 90 else "test"


def simplified(strokes: list[np.ndarray], settings: DatasetSettings) -> tuple[list[np.ndarray], float]:
    """A drawing simplified to its tolerance, or to a wider one where the budget asks for it, and that tolerance.

    Raises StrokeError where it cannot be brought within the budget.
    """
    budgeted, epsilon = geometry.simplify_to_budget(strokes, settings.max_points)
    if epsilon >= settings.min_epsilon:
        return budgeted, float(epsilon)
    return [geometry.simplify(stroke, settings.min_epsilon) for stroke in strokes], settings.min_epsilon


def build_dataset(drawings: Sequence[KeptDrawing], settings: DatasetSettings | None = None) -> Dataset:
    """Simplify each drawing to its budget, write it as stroke-3, cut the far ends of the counts of points.

    A drawing that cannot be written within the budget is dropped with its reason, as are the shortest and the
    longest `cut_ends` of all drawings at most; ties with the limit stay.
    """
    settings = settings or DatasetSettings()
    rows: list[DatasetRow] = []
    dropped: dict[str, str] = {}
    for drawing in drawings:
        try:
            strokes, epsilon = simplified(drawing.strokes, drawing.settings or settings)
            stroke3 = geometry.to_stroke3(strokes).astype(np.float32)
        except geometry.StrokeError as error:
            dropped[drawing.drawing_id] = str(error)
            continue
        split = split_of(drawing.page_sha256)
        rows.append(
            DatasetRow(
                drawing.drawing_id, drawing.page_id, drawing.sketchbook, split, stroke3, len(strokes), epsilon
            )
        )
    if rows and settings.cut_ends:
        points = [len(row.stroke3) for row in rows]
        low = np.quantile(points, settings.cut_ends, method="lower")
        high = np.quantile(points, 1 - settings.cut_ends, method="higher")
        for row in rows:
            if not low <= len(row.stroke3) <= high:
                end = "shortest" if len(row.stroke3) < low else "longest"
                dropped[row.drawing_id] = f"among the {settings.cut_ends:.0%} {end} by points"
        rows = [row for row in rows if row.drawing_id not in dropped]
    return Dataset(rows, dropped)


def write_snapshot(
    dataset: Dataset, settings: DatasetSettings, folder: Path, now: datetime | None = None
) -> Path:
    """Keep this version of the dataset as `folder/<date>-<fingerprint>/` and return that folder.

    A version that is already kept is not written again. The snapshot is complete or not there: it is written
    beside its place and renamed. Raises SnapshotError where it cannot be written.
    """
    fingerprint = dataset.fingerprint()
    kept = find_snapshot(folder, fingerprint)
    if kept is not None:
        return kept
    now = now or datetime.now(UTC)
    snapshot = folder / f"{now:%Y%m%d-%H%M%S}-{fingerprint[:12]}"
    building = folder / f".{snapshot.name}.tmp"
    try:
        _write(dataset, settings, now, building)
        building.replace(snapshot)
    except OSError as error:
        shutil.rmtree(building, ignore_errors=True)
        raise SnapshotError(
            f"The dataset cannot be kept in {snapshot} ({error.strerror}). Nothing was changed. Make room on the disk, "
            "or allow writing to the folder."
        ) from error
    return snapshot


def _write(dataset: Dataset, settings: DatasetSettings, now: datetime, building: Path) -> None:
    building.mkdir(parents=True, exist_ok=True)
    splits = dataset.splits()
    geometry.save_npz(building / "dataset.npz", splits)
    manifest = {
        "fingerprint": dataset.fingerprint(),
        "created": now.isoformat(timespec="seconds"),
        "settings": asdict(settings),
        "drawings": {split: len(rows) for split, rows in splits.items()},
        "points": {split: int(sum(map(len, rows))) for split, rows in splits.items()},
        "sketchbooks": dict(sorted(Counter(row.sketchbook for row in dataset.rows).items())),
        # The .npz has no names: these are those of its rows.
        "ids": {split: [row.drawing_id for row in dataset.rows if row.split == split] for split in SPLITS},
        "dropped": dict(sorted(dataset.dropped.items())),
    }
    (building / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")


def find_snapshot(folder: Path, fingerprint: str) -> Path | None:
    """The snapshot with this fingerprint, or None."""
    for snapshot in sorted(folder.glob(f"*-{fingerprint[:12]}")):
        if json.loads((snapshot / "manifest.json").read_text())["fingerprint"] == fingerprint:
            return snapshot
    return None
