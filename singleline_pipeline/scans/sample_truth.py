"""What is really on the pages of sample sketchbooks, kept apart from them, for whoever wants to measure against it."""

import csv
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

import numpy as np

from singleline_pipeline.scans.errors import PageError

Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class PageTruth:
    """A row of pages.csv, and the page's lines.

    `kind` is drawing, watercolor, notes, cover, bad, extra or private; boxes are (x0, y0, x1, y1) in pixels,
    None where there is none; `lines` are (n, 2) in page pixels, `drawing` the drawing of the page that each
    belongs to.
    """

    page_id: str
    path: str
    kind: str
    drawings: int
    width: int
    height: int
    binder: str
    binder_box: Box | None
    number_box: Box | None
    pen: float | None
    lines: list[np.ndarray] = field(default_factory=list, repr=False, compare=False)
    drawing: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64), repr=False, compare=False)


_COLUMNS = [item.name for item in fields(PageTruth) if item.name not in ("lines", "drawing")]
_BOXES = ("binder_box", "number_box")


def write_truth(folder: Path, pages: Sequence[PageTruth]) -> None:
    """Write pages.csv, and for every page with lines <page_id>.npz: points, offsets of the lines in them, drawing."""
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "pages.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, _COLUMNS, lineterminator="\n", extrasaction="ignore")
        writer.writeheader()
        for page in pages:
            row = asdict(page)
            for box in _BOXES:
                row[box] = " ".join(map(str, row[box])) if row[box] else ""
            writer.writerow(row)
    for page in pages:
        if page.lines:
            offsets = np.cumsum([0, *map(len, page.lines)])
            points = np.vstack(page.lines).astype(np.float32)
            np.savez_compressed(
                folder / f"{page.page_id}.npz", points=points, offsets=offsets, drawing=page.drawing
            )


def read_truth(folder: Path) -> list[PageTruth]:
    """Read what `write_truth` wrote. Raises PageError where there is none."""
    folder = Path(folder)
    if not (folder / "pages.csv").is_file():
        raise PageError(
            f"There is no pages.csv in {folder}: sample sketchbooks are written without truth unless asked."
        )
    pages = []
    with open(folder / "pages.csv", newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            lines, drawing = [], np.zeros(0, np.int64)
            if (folder / f"{row['page_id']}.npz").is_file():
                with np.load(folder / f"{row['page_id']}.npz") as stored:
                    lines = np.split(stored["points"].astype(np.float64), stored["offsets"][1:-1])
                    drawing = stored["drawing"]
            pages.append(
                PageTruth(
                    page_id=row["page_id"],
                    path=row["path"],
                    kind=row["kind"],
                    drawings=int(row["drawings"]),
                    width=int(row["width"]),
                    height=int(row["height"]),
                    binder=row["binder"],
                    binder_box=_box(row["binder_box"]),
                    number_box=_box(row["number_box"]),
                    pen=float(row["pen"]) if row["pen"] else None,
                    lines=lines,
                    drawing=drawing,
                )
            )
    return pages


def _box(text: str) -> Box | None:
    if not text:
        return None
    x0, y0, x1, y1 = map(int, text.split())
    return x0, y0, x1, y1
