"""Sample sketchbooks: whole folders of scans that were never drawn, for the demo and for tests."""

import os
from pathlib import Path

import cv2
import numpy as np

from singleline_pipeline.scans.errors import PageError
from singleline_pipeline.scans.sample_pages import SamplePage, sample_book, sample_page
from singleline_pipeline.scans.sample_truth import PageTruth, write_truth

JPEG_QUALITY = 85

_FOLDERS = {
    "drawing": "art",
    "watercolor": "art",
    "dark": "art",
    "skewed": "art",
    "notes": "notes",
    "cover": "cover",
}
# How many drawings the drawing pages of a book hold, shuffled anew for each book: 22 on 7 pages.
_DRAWINGS_ON_A_PAGE = (3, 4, 2, 5, 3, 4, 1)


def write_sample_sketchbooks(
    root: Path,
    *,
    seed: int = 0,
    books: int = 3,
    pages: int = 12,
    truth: Path | None = None,
    first: int = 1,
    scale: float = 1.0,
) -> list[str]:
    """Write sketchbooks `sb01`, `sb02`, ... into `root` and return their names.

    Each holds `pages` pages in art, notes and cover, and one more in each of xtra and priv, which must never
    be read. The same arguments give the same bytes; a book does not depend on how many others there are, so
    that `first=4, books=1` adds a fourth. A file that is there already with the same bytes is left alone,
    mtime and all. `scale` 0.5 gives scans of half the size. With `truth`, a folder outside of `root`, what
    is on the pages is written there.
    """
    root = Path(root)
    if books < 0 or pages < 1 or not 0.1 <= scale <= 2.0:
        raise PageError(f"Cannot make {books} sample sketchbooks of {pages} pages at scale {scale:g}.")
    if truth is not None and Path(truth).resolve().is_relative_to(root.resolve()):
        raise PageError(
            f"The truth must lie outside of the sketchbooks folder {root}, or it would be taken for one."
        )
    names = []
    rows: list[PageTruth] = []
    for number in range(first, first + books):
        names.append(f"sb{number:02d}")
        rows += _write_book(root / names[-1], [seed, number], pages, scale)
    if truth is not None:
        write_truth(Path(truth), rows)
    return names


def _write_book(folder: Path, seed: list[int], count: int, scale: float) -> list[PageTruth]:
    rng = np.random.default_rng(seed)
    book = sample_book(rng)
    kinds = _kinds(count, seed[1], rng)
    drawings = iter(
        np.concatenate([rng.permutation(_DRAWINGS_ON_A_PAGE) for _ in range(count // 7 + 1)]).tolist()
    )
    rows = []
    number = int(rng.integers(1, 6))
    colour_names = 0
    for place, kind in enumerate([*kinds, "skewed", "notes"]):
        page_folder = _FOLDERS[kind] if place < count else ("xtra", "priv")[place - count]
        stem = "cover-v1-light" if kind == "cover" else f"{number:03d}"
        if kind == "watercolor" and colour_names % 2 == 0:
            stem += "-color"
        colour_names += kind == "watercolor"
        page = sample_page(
            kind,
            seed=[*seed, place],
            scale=scale,
            number=None if kind == "cover" else number,
            drawings=next(drawings) if kind == "drawing" else None,
            book=book,
        )
        path = f"{folder.name}/{page_folder}/{stem}.jpg"
        _write_if_different(folder.parent / path, _jpeg(page.image))
        rows.append(
            _truth(page, f"{folder.name}p{stem}", path, {"xtra": "extra", "priv": "private"}.get(page_folder))
        )
        number += 0 if kind == "cover" else int(rng.integers(1, 4))
    return rows


def _kinds(count: int, number: int, rng: np.random.Generator) -> list[str]:
    """A cover, then notes, watercolors, at times a bad scan, and drawings, mixed."""
    if count < 4:
        return ["drawing"] * count
    others = ["notes"] * max(1, round(0.10 * count)) + ["watercolor"] * max(1, round(0.17 * count))
    if count >= 10 and number % 3:
        others.append("dark" if number % 3 == 1 else "skewed")
    elif count >= 10:
        others.append("notes")
    drawings = ["drawing"] * (count - 1 - len(others))
    return ["cover", *rng.permutation(others + drawings).tolist()]


def _truth(page: SamplePage, page_id: str, path: str, kind: str | None) -> PageTruth:
    height, width = page.image.shape[:2]
    return PageTruth(
        page_id=page_id,
        path=path,
        kind=kind or {"dark": "bad", "skewed": "bad"}.get(page.kind, page.kind),
        drawings=len(set(page.drawing.tolist())),
        width=width,
        height=height,
        binder=page.side or "",
        binder_box=page.binder,
        number_box=page.number,
        pen=page.pen,
        lines=page.lines,
        drawing=page.drawing,
    )


def _jpeg(image: np.ndarray) -> bytes:
    _, encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    return encoded.tobytes()


def _write_if_different(file: Path, data: bytes) -> None:
    """A sketchbook whose files keep their mtimes is not taken for a changed one."""
    file.parent.mkdir(parents=True, exist_ok=True)
    if file.is_file() and file.read_bytes() == data:
        return
    partial = file.with_name(f".{file.name}.partial")
    partial.write_bytes(data)
    os.replace(partial, file)
