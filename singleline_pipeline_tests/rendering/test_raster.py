from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from singleline_pipeline.rendering import RenderError, encode_preview, overlay, rasterize
from singleline_pipeline.rendering.palette import STROKES, bgr

from .test_svg import DEGENERATE


@dataclass(frozen=True)
class Mark:
    kind: str
    box: tuple[float, float, float, float]


def opened(data: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as picture:
        return np.asarray(picture.convert("RGB"))


def test_a_drawing_fills_its_square_in_black_on_white(face: list[np.ndarray]) -> None:
    """The encoder sees every drawing at one scale and in the middle, or clusters would sort by position."""
    picture = rasterize(face, size=200, pen=2, margin=0.1)
    assert picture.shape == (200, 200)
    assert picture.dtype == np.uint8
    rows, columns = np.nonzero(picture < 128)
    assert (rows.min(), rows.max()) == pytest.approx((20, 179), abs=1)
    assert (columns.min(), columns.max()) == pytest.approx((40, 159), abs=1)
    assert picture.max() == 255
    assert picture.min() == 0


@pytest.mark.parametrize("pen", [1.0, 1.5, 2.0, 4.0])
def test_the_pen_has_the_width_that_was_asked_for(pen: float) -> None:
    picture = rasterize([np.array([[0.0, 0.0], [100.0, 0.0]])], size=100, pen=pen)
    darkness = (255 - picture[:, 50].astype(float)).sum() / 255
    assert darkness == pytest.approx(pen, abs=0.3)


def test_position_and_scale_of_the_drawing_do_not_show(face: list[np.ndarray]) -> None:
    moved = [stroke * 7.5 + [1000, -300] for stroke in face]
    difference = rasterize(face).astype(int) - rasterize(moved)
    assert np.abs(difference).max() <= 40
    assert np.abs(difference).mean() < 0.05


@pytest.mark.parametrize("case", DEGENERATE)
def test_degenerate_drawings_are_rasterized(case: str) -> None:
    picture = rasterize(DEGENERATE[case], size=64)
    assert (picture < 200).any() == bool(DEGENERATE[case])


def test_the_traced_line_lies_over_its_page_in_the_colours_of_the_strokes() -> None:
    page = np.full((400, 300, 3), 235, np.uint8)
    page[100, 50:250] = 0
    lines = [np.array([[50.0, 200.0], [250.0, 200.0]]), np.array([[150.0, 300.0], [150.0, 390.0]])]
    picture = overlay(page, lines)
    assert picture.shape == (400, 300, 3)
    assert picture[200, 150].tolist() == pytest.approx(bgr(STROKES[0]), abs=40)
    assert picture[350, 150].tolist() == pytest.approx(bgr(STROKES[1]), abs=40)
    assert 140 < picture[100, 150, 0] < 200 < picture[10, 10, 0]


def test_a_large_page_is_scaled_with_its_lines() -> None:
    page = np.full((2200, 1500), 255, np.uint8)
    picture = overlay(page, [np.array([[0.0, 1100.0], [1500.0, 1100.0]])], max_side=440)
    assert picture.shape == (440, 300, 3)
    assert picture[220, 150].tolist() == pytest.approx(bgr(STROKES[0]), abs=40)


def test_what_was_ignored_is_outlined_even_past_the_edge() -> None:
    """A binder's box may leave the page: it is clipped to it, never dropped."""
    page = np.full((300, 200), 255, np.uint8)
    picture = overlay(
        page, [], ignored=[Mark("binder", (-50, -10, 40, 400)), Mark("number", (150, 250, 180, 280))]
    )
    assert (picture[10:290, 40] < 100).all()
    assert (picture[250, 150:181] < 100).all()
    assert (picture[100:230, 100:199] == 255).all()


def test_a_broken_box_is_named() -> None:
    with pytest.raises(RenderError, match="box of the ignored binder"):
        overlay(np.full((30, 30), 255, np.uint8), [], ignored=[Mark("binder", (0, 0, float("nan"), 1))])


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((0, 5), np.uint8),
        np.zeros((5, 5, 2), np.uint8),
        np.zeros((5, 5), np.float32),
        np.zeros(5, np.uint8),
    ],
)
def test_what_is_no_image_is_refused(image: np.ndarray) -> None:
    for show in (lambda: overlay(image, []), lambda: encode_preview(image)):
        with pytest.raises(RenderError, match=r"uint8 is needed|\(h, w\), \(h, w, 3\) or \(h, w, 4\)"):
            show()


@pytest.mark.parametrize("format", ["jpeg", "png"])
@pytest.mark.parametrize("max_bytes", [74_000, 20_000, 3_000])
def test_the_noisiest_page_fits_its_preview(format: str, max_bytes: int) -> None:
    """Grain of a scanner is what JPEG and PNG are worst at, and what every page has."""
    noise = np.random.default_rng(0).integers(0, 255, (1100, 750, 3), dtype=np.uint8)
    data = encode_preview(noise, max_bytes, format)
    assert len(data) <= max_bytes
    height, width = opened(data).shape[:2]
    assert width / height == pytest.approx(750 / 1100, rel=0.05)
    assert height >= 24


def test_a_preview_that_fits_keeps_its_pixels(face: list[np.ndarray]) -> None:
    picture = rasterize(face)
    data = encode_preview(picture, format="png")
    np.testing.assert_array_equal(opened(data)[:, :, 0], picture)
    assert data == encode_preview(picture, format="png")


def test_colours_keep_their_order() -> None:
    """OpenCV's blue comes first, the file's red does."""
    blue = np.full((40, 40, 3), (250, 10, 20), np.uint8)
    assert tuple(opened(encode_preview(blue, format="png"))[5, 5]) == (20, 10, 250)


def test_transparency_is_paper() -> None:
    clear = np.zeros((40, 40, 4), np.uint8)
    assert (opened(encode_preview(clear, format="png")) == 255).all()


def test_a_limit_that_holds_nothing_is_an_error() -> None:
    with pytest.raises(RenderError, match="An image of 300 x 200 pixels cannot be shown in 50 bytes"):
        encode_preview(np.zeros((200, 300), np.uint8), 50)


@given(
    st.tuples(st.integers(1, 40), st.integers(1, 40)).flatmap(lambda shape: arrays(np.uint8, shape)),
    st.sampled_from(["jpeg", "png"]),
)
def test_images_of_any_size_have_a_preview(image: np.ndarray, format: str) -> None:
    assert opened(encode_preview(image, format=format)).shape[:2] == image.shape
