"""The map to publish with 1,500 drawings: making it, and main-thread milliseconds of a frame while it is moved."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from singleline_pipeline.embedding import map_points, moved
from singleline_pipeline.export import MapRows, MapWords, map_page
from singleline_pipeline_tests.export.rows import drawn_rows

from .test_studio import milliseconds_a_frame

if TYPE_CHECKING:
    from playwright.sync_api import Browser

POINTS = 640
"""Of a line after simplifying: what the tracer's drawings have."""


def on_a_map(rows: MapRows) -> MapRows:
    """Spread as t-SNE spreads them: a round cloud of clumps."""
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(24, 2)) * 30
    places = centres[rng.integers(0, 24, len(rows.ids))] + rng.normal(size=(len(rows.ids), 2)) * 6
    return MapRows(rows.ids, places.astype(np.float32), rows.groups, rows.drawings)


def test_fifteen_hundred_drawings_are_published(benchmark) -> None:
    rows = on_a_map(drawn_rows(1500, books=30, points=POINTS))
    page = benchmark.pedantic(map_page, args=[rows, MapWords("Lines")], rounds=3)
    benchmark.extra_info["megabytes"] = len(page.encode()) / 1e6
    assert len(page.encode()) < 5_000_000


def test_fifteen_hundred_drawings_are_panned(benchmark, browser: "Browser", tmp_path: Path) -> None:
    """At three zooms, from all of them to a few large ones."""
    file = tmp_path / "map.html"
    file.write_text(map_page(on_a_map(drawn_rows(1500, books=30, points=POINTS)), MapWords("Lines")))
    context = browser.new_context(viewport={"width": 1440, "height": 900}, offline=True)
    page = context.new_page()
    devtools = context.new_cdp_session(page)
    devtools.send("Performance.enable", {"timeDomain": "threadTicks"})
    page.goto(file.as_uri())
    page.wait_for_timeout(4000)
    costs = []
    for zoom in (0, 3, 6):
        for _ in range(zoom):
            page.locator("#zoom-in").click()
        page.wait_for_timeout(500)
        costs.append(milliseconds_a_frame(page, devtools))
        page.locator("#zoom-all").click()
    benchmark.pedantic(milliseconds_a_frame, args=[page, devtools], rounds=1)
    context.close()
    benchmark.extra_info["ms_a_frame"] = costs
    assert max(costs) < 12, costs  # a frame has 16.7 ms at 60 Hz


def test_a_map_of_fifteen_hundred_rows_from_nothing_and_from_the_last(benchmark) -> None:
    """A sketchbook more: a third of the time, and what was there hardly moves."""
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(60, 64))
    vectors = centres[rng.integers(0, 60, 1500)] + 0.7 * rng.normal(size=(1500, 64))
    last = np.full((1500, 2), np.nan)
    last[:1250] = map_points(vectors[:1250])
    points = benchmark.pedantic(map_points, args=[vectors], kwargs={"start": last}, rounds=1)
    benchmark.extra_info["moved"] = moved(points, last)
    benchmark.extra_info["moved_anew"] = moved(map_points(vectors), last)
    assert moved(points, last) < 0.1
