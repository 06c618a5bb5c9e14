"""The map's arithmetic, run in the browser that runs it, against another way to the same answer."""

import re
from collections.abc import Iterator
from importlib.resources import files
from typing import TYPE_CHECKING

import numpy as np
import pytest
import shapely

from .conftest import served
from .homes import MadeHome

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


@pytest.fixture(scope="module")
def page(browser: "Browser", template: MadeHome) -> "Iterator[Page]":
    with served(template) as studio:
        page = browser.new_page()
        page.goto(studio.url)
        yield page
        page.close()


@pytest.mark.parametrize("seed", range(3))
def test_a_lasso_holds_what_lies_in_the_polygon(page: "Page", seed: int) -> None:
    rng = np.random.default_rng(seed)
    angle = np.sort(rng.uniform(0, 2 * np.pi, 30))
    radius = rng.uniform(0.1, 0.5, 30)
    line = np.column_stack([0.5 + radius * np.cos(angle), 0.5 + radius * np.sin(angle)])
    points = rng.uniform(0, 1, (2000, 2)).astype(np.float32)
    points[7] = np.nan  # not on the map
    found = page.evaluate(
        "async ([line, x, y]) => (await import('/static/lasso.js')).inside(line, Float32Array.from(x), "
        "Float32Array.from(y))",
        [line.ravel().tolist(), *(np.nan_to_num(points, nan=-9).T.tolist())],
    )
    wanted = shapely.contains_xy(shapely.Polygon(line), points.astype(float))
    assert sorted(found) == np.flatnonzero(wanted).tolist()


def test_thumbnails_leave_room_for_each_other_at_every_zoom_and_never_vanish_on_the_way_in(
    page: "Page",
) -> None:
    """At level L no two that are shown lie in one square of side 2^-L; what is shown at L is shown at L + 1."""
    rng = np.random.default_rng(1)
    points = np.concatenate([rng.normal(0.3, 0.03, (600, 2)), rng.uniform(0, 0.999, (300, 2))]).clip(0, 0.999)
    points = points.astype(np.float32)
    level = page.evaluate(
        "async ([x, y]) => [...(await import('/static/levels.js')).levels(Float32Array.from(x), Float32Array.from(y))]",
        points.T.tolist(),
    )
    level = np.array(level)
    assert (level == 0).sum() == 1
    for zoom in range(12):
        shown = np.flatnonzero(level <= zoom)
        squares = {
            tuple(square) for square in np.floor(points[shown] * np.float32(2**zoom)).astype(int).tolist()
        }
        assert len(squares) == len(shown)
        every = {tuple(square) for square in np.floor(points * np.float32(2**zoom)).astype(int).tolist()}
        assert squares == every, "no square that could show one is left empty"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("sb01", [0, 1]),
        ("SB01P00", [0, 1]),
        ("p0001", [1, 2]),
        ("sb02 0001", [2]),
        ("  ", []),
        ("nobody", []),
        ("(", []),
    ],
)
def test_search_takes_what_begins_so_before_what_holds_it(page: "Page", text: str, found: list[int]) -> None:
    ids = ["sb01p0000", "sb01p0001", "sb02p0001"]
    script = "async ([ids, text]) => (await import('/static/search.js')).search(ids, text)"
    assert page.evaluate(script, [ids, text]) == found


def test_all_modules_are_asked_for_at_once() -> None:
    """Otherwise the browser learns of each only from the one that imports it, one round trip after the other."""
    static = files("singleline_pipeline.studio") / "static"
    page = (static / "index.html").read_text()
    preloaded = set(re.findall(r'modulepreload" href="/static/([\w-]+\.js)"', page))
    assert preloaded | {"main.js"} == {file.name for file in static.iterdir() if file.name.endswith(".js")}
