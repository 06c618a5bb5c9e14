from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from singleline_pipeline.rendering import RenderError, animated_sheet_svg, animated_svg, data_uri

from .parsing import SVG, length, parse, paths

if TYPE_CHECKING:
    from playwright.sync_api import Browser


def key_times(svg: str) -> list[tuple[float, float]]:
    """When each stroke begins and ends, as fractions of the period."""
    times = []
    for animation in parse(svg).iter(f"{SVG}animate"):
        if animation.attrib["attributeName"] == "stroke-dashoffset":
            first, start, stop, last = map(float, animation.attrib["keyTimes"].split(";"))
            assert (first, last) == (0, 1)
            times.append((start, stop))
    return times


def test_the_pen_moves_at_one_speed_through_all_strokes(face: list[np.ndarray]) -> None:
    """A stroke's share of the time is its share of the length, and the next begins where it ends."""
    svg = animated_svg(face[:3], seconds=6)
    times = key_times(svg)
    lengths = np.array([length(points) for points in paths(svg)])
    shares = np.array([stop - start for start, stop in times])
    np.testing.assert_allclose(shares, lengths / lengths.sum() * 6 / 7.5, atol=2e-4)
    assert times[0][0] == 0
    for (_, stop), (start, _) in pairwise(times):
        assert stop == start


def test_a_dot_appears_in_its_turn(face: list[np.ndarray]) -> None:
    svg = animated_svg([face[0], face[3], face[1]], seconds=3, loop=False)
    (appearing,) = (a for a in parse(svg).iter(f"{SVG}animate") if a.attrib["attributeName"] == "opacity")
    turn = float(appearing.attrib["keyTimes"].split(";")[1])
    (_, first_ends), (second_starts, _) = key_times(svg)
    assert first_ends == turn < second_starts


def test_time_goes_by_length_where_it_is_not_given() -> None:
    def seconds(turns: int) -> float:
        angle = np.linspace(0, 2 * np.pi * turns, 100 * turns)
        svg = animated_svg([np.stack([np.cos(angle), np.sin(angle)], axis=1)], loop=False)
        return float(re.search(r'dur="([\d.]+)s"', svg)[1])  # type: ignore[index]

    assert seconds(1) == pytest.approx(np.pi, abs=0.02)
    assert seconds(2) == pytest.approx(2 * np.pi, abs=0.02)
    assert seconds(100) == 20


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf")])
def test_a_time_that_is_none_is_refused(face: list[np.ndarray], seconds: float) -> None:
    with pytest.raises(RenderError, match="time to draw"):
        animated_svg(face, seconds=seconds)


def tangle(rng: np.random.Generator, points: int, strokes: int = 1) -> list[np.ndarray]:
    return np.array_split(np.cumsum(rng.normal(size=(points, 2)), axis=0) * 10, strokes)


def notes(svg: str) -> list[str]:
    return [text.text or "" for text in parse(svg).iter(f"{SVG}text")]


def test_a_sheet_of_sixteen_usual_samples_fits_whole() -> None:
    """16 drawings of 250 points are what a sampling run shows; none of them may be missing."""
    rng = np.random.default_rng(0)
    sheet = animated_sheet_svg([tangle(rng, 250, 4) for _ in range(16)], [f"sample {i}" for i in range(16)])
    assert len(sheet.encode()) <= 74_000
    assert len(paths(sheet)) == 64
    assert notes(sheet) == [f"sample {i}" for i in range(16)]


def test_a_sheet_that_is_too_large_gets_coarser_then_drops_the_last_and_says_so() -> None:
    rng = np.random.default_rng(0)
    drawings = [tangle(rng, 250) for _ in range(12)]
    fine = animated_sheet_svg(drawings, max_bytes=10**6)
    coarse = animated_sheet_svg(drawings, max_bytes=len(fine) * 9 // 10)
    assert len(coarse) <= len(fine) * 9 // 10
    assert len(paths(coarse)) == 12
    assert notes(coarse) == []
    cut = animated_sheet_svg(drawings, max_bytes=len(fine) // 3)
    assert len(cut) <= len(fine) // 3
    kept = len(paths(cut))
    assert 3 <= kept < 12
    assert notes(cut) == [f"{kept} of 12 drawings: the others did not fit."]
    assert len(animated_sheet_svg(drawings, max_bytes=len(cut)).encode()) == len(cut)


def test_a_sheet_drops_no_drawing_that_would_fit() -> None:
    """One more drawing than the limit admits costs one drawing, not several."""
    rng = np.random.default_rng(1)
    drawings = [tangle(rng, 250) for _ in range(6)]
    counts = [len(paths(animated_sheet_svg(drawings, max_bytes=size))) for size in range(2000, 9000, 500)]
    assert counts == sorted(counts)
    assert max(np.diff(counts)) == 1


def test_a_limit_that_holds_nothing_is_an_error(face: list[np.ndarray]) -> None:
    with pytest.raises(RenderError, match="No sheet of drawings fits 100 bytes"):
        animated_sheet_svg([face], max_bytes=100)


def test_an_empty_sheet_says_so() -> None:
    assert notes(animated_sheet_svg([])) == ["No drawings."]


def test_captions_and_drawings_have_to_match(face: list[np.ndarray]) -> None:
    with pytest.raises(RenderError, match="There are 2 captions for 1 drawings"):
        animated_sheet_svg([face], ["a", "b"])


def still(svg: str) -> str:
    """The same picture with its animation taken out: what the finished drawing has to look like."""
    return re.sub(r"<(animate|set)[^>]*/>", "", svg)


@contextmanager
def shown(browser: Browser, svg: str) -> Iterator[Callable[[], np.ndarray]]:
    """The SVG as an <img> of a page; gives a function that takes a grey picture of the page as it is now."""
    page = browser.new_page(viewport={"width": 460, "height": 460})
    page.set_content(f'<body style="margin:0"><img src="{data_uri(svg.encode(), "image/svg+xml")}">')
    page.wait_for_function("document.images[0].complete && document.images[0].naturalWidth > 0")

    def look() -> np.ndarray:
        return cv2.imdecode(np.frombuffer(page.screenshot(), np.uint8), cv2.IMREAD_GRAYSCALE)

    yield look
    page.close()


def ink(picture: np.ndarray) -> int:
    return int((picture < 128).sum())


def look_until(look: Callable[[], np.ndarray], seen: Callable[[np.ndarray], bool]) -> list[np.ndarray]:
    """Pictures taken one after the other, the last of them as wanted; a busy machine takes longer."""
    deadline = time.monotonic() + 40
    shots = [look()]
    while not seen(shots[-1]):
        assert time.monotonic() < deadline, "the animation never came to that"
        shots.append(look())
    return shots


def test_an_img_plays_the_line_and_ends_with_all_of_it(browser: Browser, face: list[np.ndarray]) -> None:
    """The Dagster UI shows Markdown images only: scripts and styles of a page do not reach into them."""
    svg = animated_svg(face, seconds=4, loop=False)
    with shown(browser, still(svg)) as look:
        finished = look()
    with shown(browser, svg) as look:
        shots = look_until(look, lambda shot: ink(shot) >= ink(finished))
        amounts = [ink(shot) for shot in shots]
        assert amounts[0] < 0.9 * ink(finished)
        assert amounts == sorted(amounts)
        assert len(set(amounts)) >= 3
        np.testing.assert_array_equal(look_until(look, lambda shot: True)[-1], finished)


def test_what_the_pen_has_not_reached_is_blank(browser: Browser) -> None:
    """Round caps of strokes that have not begun would show as a scatter of dots."""
    slow = [np.array([[0.0, 0.0], [0.0, 200.0]]), np.array([[60.0, 0.0], [200.0, 0.0], [200.0, 200.0]])]
    with shown(browser, animated_svg(slow, seconds=120, size=400)) as look:
        early = look_until(look, lambda shot: ink(shot) > 0)[-1]
    assert ink(early[:, 60:400]) == 0


def test_a_sheet_plays_and_starts_again(browser: Browser) -> None:
    """Samples are watched more than once: after the finished sheet there is a blank one again."""
    turn = np.linspace(0, 6 * np.pi, 80)
    spiral = [np.stack([turn * np.cos(turn), turn * np.sin(turn)], axis=1)]
    svg = animated_sheet_svg([spiral] * 4, ["a", "b", "c", "d"], columns=2)
    with shown(browser, still(svg)) as look:
        finished = look()
    with shown(browser, svg) as look:
        first = look_until(look, lambda shot: np.array_equal(shot, finished))
        assert ink(first[0]) < ink(finished)
        look_until(look, lambda shot: ink(shot) < 0.8 * ink(finished))
