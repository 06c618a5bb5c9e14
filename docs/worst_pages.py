"""The pages on which the tracer does worst, with the places where it lost the line.

    python docs/worst_pages.py --sketchbooks BOOKS --truth TRUTH --out docs/pictures/worst.jpg

BOOKS and TRUTH are what `write_sample_sketchbooks(BOOKS, truth=TRUTH)` writes, or pages of your own laid out like
that: a page counts if it has a kind, `drawing`, and a file with its true lines.
"""

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from singleline_pipeline import rendering, scans, tracing
from singleline_pipeline.scans.sample_truth import PageTruth, read_truth
from singleline_pipeline_tests.tracing.quality import Quality, quality

SIDE = 360
"""Page pixels on each side of the part that is shown."""
LOST = "#eb2828"
"""Colour of the rings around passes through a crossing that were lost."""


@dataclass(frozen=True)
class ScoredPage:
    """A page, its traced strokes and how true they are."""

    truth: PageTruth
    image: np.ndarray
    strokes: list[np.ndarray]
    found: Quality


def scored(sketchbooks: Path, page: PageTruth) -> ScoredPage:
    """Trace a page and compare it with its truth."""
    image = scans.decode_image((sketchbooks / page.path).read_bytes(), name=page.page_id)
    strokes = tracing.trace_page(image)
    return ScoredPage(page, image, strokes, quality(strokes, page.lines, page.pen or 1.0))


def badness(pages: list[ScoredPage]) -> np.ndarray:
    """(len(pages),) sum of the ranks by distance, recall, passes lost and strokes a true line: 0 is best at all."""
    measures = [
        [page.found.distance for page in pages],
        [-page.found.recall for page in pages],
        [-page.found.passed for page in pages],
        [page.found.strokes / len(page.truth.lines) for page in pages],
    ]
    return sum((np.argsort(np.argsort(measure)) for measure in measures), np.zeros(len(pages)))


def picture(page: ScoredPage, zoom: int = 2) -> np.ndarray:
    """The part of a page that most passes were lost in: the scan, and the strokes over it, side by side."""
    lost = page.found.lost if len(page.found.lost) else np.vstack(page.truth.lines)
    near = np.abs(lost[:, None] - lost).max(axis=2) < SIDE / 2
    centre = lost[near[near.sum(axis=1).argmax()]].mean(axis=0)
    height, width = page.image.shape[:2]
    x, y = (np.clip(centre - SIDE / 2, 0, (width - SIDE, height - SIDE))).astype(int)
    part = Image.fromarray(page.image[y : y + SIDE, x : x + SIDE, ::-1])
    large = np.asarray(part.resize((SIDE * zoom, SIDE * zoom), Image.Resampling.BICUBIC))[:, :, ::-1]
    moved = [(stroke - (x, y) + 0.5) * zoom - 0.5 for stroke in page.strokes]
    inside = [stroke for stroke in moved if ((stroke > 0) & (stroke < SIDE * zoom)).all(axis=1).any()]
    traced = Image.fromarray(rendering.overlay(large, inside, max_side=SIDE * zoom)[:, :, ::-1])
    pen = ImageDraw.Draw(traced)
    for x_ring, y_ring in (page.found.lost - (x, y) + 0.5) * zoom:
        pen.circle((x_ring, y_ring), 9 * zoom, outline=LOST, width=zoom)
    return np.hstack([large, np.asarray(traced)[:, :, ::-1]])


def caption(page: ScoredPage) -> str:
    """What the measures say of a page, in one line."""
    found = page.found
    return (
        f"{page.truth.page_id}: {found.distance:.3f} pens off, {found.recall:.1%} found, "
        f"{found.strokes} strokes for {len(page.truth.lines)}, {len(found.lost)} of {found.crossings} passes lost"
    )


def main() -> None:
    """Score all pages, print their measures, and write the picture of the worst."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--sketchbooks", type=Path, required=True)
    parser.add_argument("--truth", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "pictures" / "worst.jpg")
    parser.add_argument("--pages", type=int, default=5, help="How many pages are shown.")
    arguments = parser.parse_args()
    truth = [page for page in read_truth(arguments.truth) if page.kind == "drawing" and page.lines]
    pages = [scored(arguments.sketchbooks, page) for page in truth]
    order = np.argsort(-badness(pages), kind="stable")
    for index in order:
        sys.stdout.write(caption(pages[index]) + "\n")
    worst = [pages[index] for index in order[: arguments.pages]]
    sheet = rendering.contact_sheet(
        [picture(page) for page in worst],
        [caption(page) for page in worst],
        columns=1,
        cell=2 * SIDE,
        max_bytes=400_000,
    )
    arguments.out.write_bytes(sheet)


if __name__ == "__main__":
    main()
