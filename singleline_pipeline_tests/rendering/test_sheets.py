from __future__ import annotations

import io

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from singleline_pipeline.rendering import RenderError, before_after_sheet, contact_sheet, rasterize
from singleline_pipeline.rendering.palette import PAPER, STROKES


def opened(data: bytes) -> Image.Image:
    picture = Image.open(io.BytesIO(data))
    picture.load()
    return picture.convert("RGB")


def photograph(seed: int, shape: tuple[int, int] = (220, 150)) -> np.ndarray:
    """Soft colours under scanner grain."""
    rng = np.random.default_rng(seed)
    soft = cv2.resize(
        rng.integers(90, 255, (6, 4, 3), dtype=np.uint8), shape[::-1], interpolation=cv2.INTER_CUBIC
    )
    return np.clip(soft + rng.normal(0, 6, (*shape, 3)), 0, 255).astype(np.uint8)


@given(
    sizes=st.lists(st.tuples(st.integers(0, 90), st.integers(0, 90)), max_size=12),
    columns=st.none() | st.integers(1, 20),
    words=st.text(max_size=40),
    cell=st.integers(16, 200),
)
@settings(max_examples=60)
def test_any_pictures_make_a_sheet(
    sizes: list[tuple[int, int]], columns: int | None, words: str, cell: int
) -> None:
    """Slivers, empty arrays, no pictures at all: a preview that fails would fail the asset behind it."""
    images = [np.full((h, w), 120, np.uint8) for h, w in sizes]
    data = contact_sheet(
        images, [words] * len(images), columns=columns, cell=cell, title=words, max_bytes=30_000
    )
    assert len(data) <= 30_000
    assert min(opened(data).size) > 0


def test_files_that_cannot_be_decoded_get_a_cell_of_their_own() -> None:
    """The sheet of rejected pages is made of nothing else."""
    fine = cv2.imencode(".jpg", photograph(0))[1].tobytes()
    whole = opened(contact_sheet([fine, fine], columns=2, cell=100))
    broken = opened(contact_sheet([fine, b"not an image"], columns=2, cell=100))
    assert whole.size == broken.size
    assert opened(contact_sheet([fine, b""], columns=2, cell=100)).size == whole.size


def test_four_hundred_pages_fit_one_preview() -> None:
    """A sheet a cluster of 1200 pages: some are left out, and the rest stays large enough to be seen."""
    images = [photograph(index) for index in range(40)] * 10
    data = contact_sheet(images, [f"sb48p{index:03d}" for index in range(400)], title="Pages")
    assert len(data) <= 74_000
    few = contact_sheet(images[:12], title="Pages")
    assert len(few) <= 74_000
    assert max(opened(few).size) > 500


def test_what_is_left_out_changes_the_title() -> None:
    """A sheet that shows some of the pages must not pass for one that shows all."""
    noise = [
        np.random.default_rng(index).integers(0, 255, (64, 64, 3), dtype=np.uint8) for index in range(40)
    ]
    cut = opened(contact_sheet(noise, cell=64, max_bytes=30_000))
    assert cut.size[1] > 0
    top = np.asarray(cut)[:24]
    assert (top.min(axis=2) < 120).sum() > 100, "no words at the top"
    whole = np.asarray(opened(contact_sheet(noise[:4], cell=64)))
    paper = np.array([int(PAPER[i : i + 2], 16) for i in (1, 3, 5)])
    assert np.abs(whole[:5].astype(int) - paper).max() <= 60


def test_pictures_keep_their_proportions_and_place() -> None:
    """Wide and tall pictures side by side, in the order in which they were given."""
    wide, tall = np.zeros((50, 100), np.uint8), np.full((100, 50), 90, np.uint8)
    sheet = np.asarray(opened(contact_sheet([wide, tall], columns=2, cell=100))).astype(int)
    black, grey = (sheet.max(axis=2) < 20), (np.abs(sheet - 90).max(axis=2) < 12)
    for mask, ratio in ((black, 2.0), (grey, 0.5)):
        rows, columns = np.nonzero(mask)
        assert np.ptp(columns) / np.ptp(rows) == pytest.approx(ratio, rel=0.08)
    assert np.nonzero(black)[1].max() < np.nonzero(grey)[1].min()


def test_photographs_become_jpeg_and_line_drawings_png(face: list[np.ndarray]) -> None:
    """A JPEG of a thin line is larger than a PNG, and smears it."""
    assert contact_sheet([photograph(0), photograph(1)]).startswith(b"\xff\xd8\xff")
    assert contact_sheet([rasterize(face)] * 4, cell=224).startswith(b"\x89PNG")


def test_equal_pictures_are_equal_bytes() -> None:
    images = [photograph(index) for index in range(6)]
    assert contact_sheet(images, list("abcdef")) == contact_sheet([i.copy() for i in images], list("abcdef"))


@pytest.mark.parametrize(
    ("images", "captions", "message"),
    [
        ([np.zeros((4, 4), np.uint8)], ["a", "b"], "2 captions for 1 images"),
        ([np.zeros((4, 4), np.uint8), np.zeros((4, 4))], None, "Image 1 holds float64"),
        ([np.zeros((4, 4, 7), np.uint8)], None, r"Image 0 has the shape \(4, 4, 7\)"),
    ],
)
def test_what_is_no_image_is_named(
    images: list[np.ndarray], captions: list[str] | None, message: str
) -> None:
    with pytest.raises(RenderError, match=message):
        contact_sheet(images, captions)


def test_a_limit_that_holds_nothing_is_an_error() -> None:
    with pytest.raises(RenderError, match="No contact sheet fits 100 bytes"):
        contact_sheet([photograph(0)], max_bytes=100)


def test_joining_shows_each_stroke_before_and_fewer_after(face: list[np.ndarray]) -> None:
    """Left as many colours as strokes, right one colour for the line that they became."""
    line = face[0]
    quarters = [line[start : start + 16] for start in range(0, 60, 15)]
    sheet = np.asarray(opened(before_after_sheet([quarters], [[line]], ["sb48p005"]))).astype(int)
    half = sheet.shape[1] // 2

    def present(part: np.ndarray, colour: str) -> bool:
        wanted = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
        return int((np.abs(part - wanted).max(axis=2) < 40).sum()) > 10

    assert [present(sheet[:, :half], colour) for colour in STROKES[:5]] == [True] * 4 + [False]
    assert [present(sheet[:, half:], colour) for colour in STROKES[:3]] == [True, False, False]


def test_both_halves_have_one_scale(face: list[np.ndarray]) -> None:
    """A page that lost its speck in the corner must not grow on the right side."""
    before = [face[0], np.array([[600.0, 600.0], [601.0, 601.0]])]
    sheet = np.asarray(opened(before_after_sheet([before], [[face[0]]], cell=400))).astype(int)
    blue = np.abs(sheet - [0x00, 0x3C, 0xE1]).max(axis=2) < 60
    half = sheet.shape[1] // 2
    left, right = np.nonzero(blue[:, :half])[0], np.nonzero(blue[:, half:])[0]
    assert np.ptp(left) == pytest.approx(np.ptp(right), abs=2)


def test_many_pages_of_joining_fit(face: list[np.ndarray]) -> None:
    rng = np.random.default_rng(0)
    pages = [[np.cumsum(rng.normal(size=(20, 2)), axis=0) for _ in range(48)] for _ in range(30)]
    data = before_after_sheet(pages, [page[:4] for page in pages])
    assert len(data) <= 74_000
    assert len(before_after_sheet([], [])) > 0


def test_pairs_have_to_match(face: list[np.ndarray]) -> None:
    with pytest.raises(RenderError, match="1 drawings before and 0 after"):
        before_after_sheet([face], [])
    with pytest.raises(RenderError, match="After, drawing 0, stroke 1 has no points"):
        before_after_sheet([face], [[face[0], np.zeros((0, 2))]])
