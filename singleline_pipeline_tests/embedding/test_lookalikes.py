"""A page that was scanned twice is found in any light; two faces on the same paper are never called one page."""

import cv2
import numpy as np
import pytest

from singleline_pipeline.embedding import find_rescans
from singleline_pipeline.scans.sample_pages import sample_page


def smaller(image: np.ndarray) -> np.ndarray:
    """The page as the lake keeps it to be looked at: 256 px, JPEG."""
    height, width = image.shape[:2]
    scale = 256 / max(height, width)
    small = cv2.resize(image, (round(width * scale), round(height * scale)), interpolation=cv2.INTER_AREA)
    return again(small, 80)


def again(image: np.ndarray, quality: int) -> np.ndarray:
    return cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_COLOR)


def askew(image: np.ndarray, degrees: float) -> np.ndarray:
    height, width = image.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    return cv2.warpAffine(image, turn, (width, height), borderMode=cv2.BORDER_REPLICATE)


def cropped(image: np.ndarray) -> np.ndarray:
    height, width = image.shape[:2]
    return image[: height - height // 20, width // 20 :]


def lit(image: np.ndarray, light: np.ndarray | float) -> np.ndarray:
    return np.clip(image.astype(np.float32) * light, 0, 255).astype(np.uint8)


def shadow(image: np.ndarray) -> np.ndarray:
    return lit(image, np.linspace(0.7, 1.05, image.shape[1], dtype=np.float32)[None, :, None])


RESCANS = {
    "askew": lambda image: askew(image, 2.0),
    "cropped": cropped,
    "darker": lambda image: lit(image, 0.75),
    "tinted": lambda image: lit(image, np.array([0.8, 0.95, 1.0], np.float32)),
    "another light": shadow,
    "worse JPEG": lambda image: again(image, 40),
    "half the resolution": lambda image: cv2.resize(
        image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA
    ),
    "all of it": lambda image: again(shadow(cropped(askew(image, -1.5))), 60),
}


@pytest.fixture(scope="module")
def scans() -> list[np.ndarray]:
    """Pages of all kinds: drawings on the same paper, watercolors, and notes, which are all alike from afar."""
    kinds = ["drawing"] * 6 + ["watercolor"] * 3 + ["notes"] * 5
    return [sample_page(kind, seed=seed, scale=0.4).image for seed, kind in enumerate(kinds)]


@pytest.fixture(scope="module")
def pages(scans: list[np.ndarray]) -> list[np.ndarray]:
    return [smaller(scan) for scan in scans]


def test_different_pages_are_no_rescans_of_each_other(pages) -> None:
    assert find_rescans(len(pages), pages.__getitem__) == []


@pytest.mark.parametrize("how", RESCANS)
def test_each_page_is_found_again(scans, pages, how: str) -> None:
    made = [smaller(RESCANS[how](scan)) for scan in scans]
    every = pages + made
    found = find_rescans(len(every), every.__getitem__)
    assert [(pair.picture, pair.of) for pair in found] == [
        (len(pages) + row, row) for row in range(len(pages))
    ]
    assert min(pair.likeness for pair in found) > 0.9


def test_the_map_takes_the_ink_of_one_onto_that_of_the_other(scans, pages) -> None:
    """By it, a drawing's box is carried over to the page that was scanned again."""
    scan = scans[0]
    height, width = scan.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), 1.5, 0.97)
    rescan = cv2.warpAffine(scan, turn, (width, height), borderMode=cv2.BORDER_REPLICATE)
    [pair] = find_rescans(2, [smaller(rescan), pages[0]].__getitem__)
    scale = max(pages[0].shape) / max(scan.shape)
    corners = np.array([[0.2, 0.2], [0.8, 0.3], [0.5, 0.8]]) * [width, height]  # of the scan
    turned = corners @ turn[:, :2].T + turn[:, 2]
    onto = (corners * scale) @ pair.onto[:, :2].T + pair.onto[:, 2]
    assert np.abs(onto - turned * scale).max() < 1.5  # px of a thumbnail


def test_of_several_scans_each_is_shown_with_an_earlier_one(scans, pages) -> None:
    three = [pages[0], smaller(shadow(scans[0])), smaller(askew(scans[0], 1.0))]
    found = find_rescans(3, three.__getitem__)
    assert [pair.picture for pair in found] == [1, 2]
    assert found[0].of == 0


def test_blank_pages_and_pictures_of_any_shape_are_no_rescans() -> None:
    """Blank paper is like every other blank paper; a strip is not an error."""
    blank = np.full((256, 190, 3), 240, np.uint8)
    noisy = np.random.default_rng(0).normal(240, 2, (256, 190, 3)).clip(0, 255).astype(np.uint8)
    odd = [blank, noisy, blank[:, :1], blank[:1], np.zeros((1, 1, 3), np.uint8), blank[..., 0]]
    assert find_rescans(len(odd), odd.__getitem__) == []
    assert find_rescans(0, odd.__getitem__) == []
    strips = [np.repeat(np.random.default_rng(n).integers(0, 255, (256, 1, 1)), 3, 2) for n in (0, 0, 1)]
    found = find_rescans(3, [strip.astype(np.uint8) for strip in strips].__getitem__)
    assert {(pair.picture, pair.of) for pair in found} <= {(1, 0)}


def test_what_two_pictures_are_does_not_depend_on_what_else_there_is(scans, pages) -> None:
    """A sketchbook that comes must not change what was found before."""
    rescan = smaller(shadow(scans[3]))
    [alone] = find_rescans(2, [pages[3], rescan].__getitem__)
    every = [*pages, rescan]
    [among] = find_rescans(len(every), every.__getitem__)
    assert (among.of, among.likeness) == (3, alone.likeness)
    assert np.array_equal(among.onto, alone.onto)
