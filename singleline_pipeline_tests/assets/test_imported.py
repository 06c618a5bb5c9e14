"""Drawings from a tablet go the whole way to the dataset as scans do, but for the tracing, which they do not need."""

import os
import random
import time
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import numpy as np
import pytest

from singleline_pipeline.definitions import defs
from singleline_pipeline.geometry import read_svg
from singleline_pipeline.importing import import_drawings
from singleline_pipeline.nested import strokes_from_arrow
from singleline_pipeline.orchestration.jobs import SKETCHBOOK_ASSETS
from singleline_pipeline.orchestration.maintenance import list_leftovers
from singleline_pipeline.orchestration.resources import HomeResource
from singleline_pipeline.orchestration.sensors import new_sketchbooks
from singleline_pipeline.scans import decode_image
from singleline_pipeline.studio.pages import page_picture
from singleline_pipeline_tests.assets.conftest import Shelf, new_shelf
from singleline_pipeline_tests.geometry.test_svg_path import distance_to
from singleline_pipeline_tests.kanjivg import kanji_files

NAMES = {*SKETCHBOOK_ASSETS, "stroke3_dataset"}
# A face in one line and a second stroke, with a note, a background and a transform, as a drawing program writes it.
BY_HAND = b"""<?xml version="1.0"?>
<svg xmlns="http://www.w3.org/2000/svg" width="148mm" height="210mm" viewBox="0 0 148 210">
 <style>.pen{fill:none;stroke:#222;stroke-width:.6;stroke-linecap:round}</style>
 <rect width="148" height="210" fill="#fffdf5"/><text x="9" y="9">for Lena</text>
 <g class="pen" transform="translate(14 30) rotate(4 60 60)">
  <path d="M20 60c0-40 80-40 80 0s-10 70-40 70-40-30-40-70q10-6 20 0t20 2m-18 30a9 4 0 1 0 30 0v-25l-6 12h10"/>
  <polyline points="30,52 38,48 46,52"/>
 </g>
</svg>"""


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shelf]:
    """Six drawings of KanjiVG and one by hand, run to the dataset."""
    root = tmp_path_factory.mktemp("imported")
    by_hand = root / "lena.svg"
    by_hand.write_bytes(BY_HAND)
    with pytest.MonkeyPatch.context() as patch, new_shelf(root, patch) as shelf:
        files = [*random.Random(5).sample(kanji_files(), 6), by_hand]
        assert import_drawings(files, "tablet01", shelf.home).refused == []
        outcome = shelf.run(NAMES)
        assert outcome.failed == {}
        assert any("not the text in" in warning for warning in outcome.warnings)
        yield shelf


def originals(shelf: Shelf) -> dict[str, list[np.ndarray]]:
    """The strokes of each file, finely, in px of its page of 1600 on the longer side, centres of pixels being whole."""
    found = {}
    for file in sorted((shelf.home.imported / "tablet01").iterdir()):
        longer = 210 * 96 / 25.4 if file.stem == "lena" else 109.0
        strokes = read_svg(file, tolerance=0.001)
        found[f"tablet01p{file.stem}"] = [stroke * (1600 / longer) - 0.5 for stroke in strokes]
    return found


def test_pages_hold_the_files_and_a_picture_of_them(imported: Shelf) -> None:
    pages = imported.lake.read("raw_pages", "tablet01").to_pylist()
    assert len(pages) == 7
    assert imported.lake.read("rejected_pages", "tablet01").num_rows == 0
    for page in pages:
        file = imported.home.imported / page["path"]
        assert page["image"] == {"bytes": file.read_bytes(), "path": page["path"]}
        assert max(page["width"], page["height"]) == 1600
        assert decode_image(page["image"]["bytes"]).shape == (page["height"], page["width"], 3)
        assert decode_image(page["thumbnail"]).min() < 160  # the line is there to be seen
    groups = imported.lake.read("page_groups", "tablet01")
    assert groups["group"].to_pylist() == ["drawings"] * 7
    assert groups["decided_by"].to_pylist() == ["suggestion"] * 7


def test_strokes_are_those_of_the_files(imported: Shelf) -> None:
    """Nothing was traced: order, number and place are as they were drawn, within the tolerance of flattening."""
    table = imported.lake.read("strokes", "tablet01")
    before = originals(imported)
    assert table["page_id"].to_pylist() == sorted(before)
    for row, strokes in zip(table.to_pylist(), strokes_from_arrow(table["strokes"]), strict=True):
        drawn = before[row["page_id"]]
        assert len(strokes) == len(drawn) == len(row["group"])
        assert row["ignored"] == []
        for stroke, original in zip(strokes, drawn, strict=True):
            assert distance_to(stroke, original).max() < 0.11
            assert distance_to(original, stroke).max() < 0.11
            np.testing.assert_allclose(stroke[[0, -1]], original[[0, -1]], atol=1e-3)
    widths = dict(zip(table["page_id"].to_pylist(), table["pen_width"].to_pylist(), strict=True))
    assert widths.pop("tablet01plena") == pytest.approx(0.6 / 210 * 1600)
    assert list(widths.values()) == pytest.approx([3 / 109 * 1600] * 6)


def test_no_line_is_lost_on_the_way_to_the_drawings(imported: Shelf) -> None:
    """What a person drew is in the drawings, back in page pixels, wherever joining dropped nothing as too short."""
    dropped = imported.lake.read("joined_strokes", "tablet01").to_pylist()
    drawings = imported.lake.read("drawings", "tablet01")
    lines: dict[str, list[np.ndarray]] = {}
    for row, strokes in zip(drawings.to_pylist(), strokes_from_arrow(drawings["strokes"]), strict=True):
        corner = np.array(row["box"][:2])
        lines.setdefault(row["page_id"], []).extend(stroke / row["scale"] + corner for stroke in strokes)
    whole = [row["page_id"] for row in dropped if row["strokes_dropped"] == 0]
    assert len(whole) >= 5
    before = originals(imported)
    for page in whole:
        for original in before[page]:
            nearest = np.min([distance_to(line, original) for line in lines[page]], axis=0)
            assert nearest.max() < 0.2
    dataset = imported.lake.read("stroke3_dataset")
    assert set(dataset["sketchbook"].to_pylist()) == {"tablet01"}
    assert dataset.num_rows > 5


def test_a_second_run_has_nothing_to_do_and_a_forced_one_gives_the_same_bytes(imported: Shelf) -> None:
    before = imported.bytes_of_lake()
    assert imported.run(NAMES).materialized == []
    result = dg.materialize(
        list(defs.resolve_asset_graph().assets_defs),
        selection=list(SKETCHBOOK_ASSETS),
        partition_key="tablet01",
        instance=imported.instance,
    )
    assert result.success
    assert imported.bytes_of_lake() == before


def test_the_sensor_leaves_imported_sketchbooks_alone(imported: Shelf, tmp_path: Path) -> None:
    """Neither run for, nor called vanished; not even when scans lie under the same name. Others go on."""
    old = time.time() - 3600
    for name in ("sb01", "tablet01"):
        page = imported.home.sketchbooks / name / "art" / "001.jpg"
        page.parent.mkdir(parents=True)
        page.write_bytes(b"scan")
        os.utime(page, (old, old))
    cursor, asked = None, []
    for _ in range(3):
        context = dg.build_sensor_context(instance=imported.instance, cursor=cursor, definitions=defs)
        result = new_sketchbooks(context, home=HomeResource())
        cursor = result.cursor
        asked += [request.partition_key for request in result.run_requests or []]
        said = result.skip_reason.skip_message if result.skip_reason else ""
        assert "tablet01" not in said
    assert asked == ["sb01"]
    assert "tablet01" not in (cursor or "")


def test_a_new_drawing_makes_its_sketchbook_stale_and_nothing_else_does(
    tmp_path: Path, empty_shelf: Shelf
) -> None:
    """The folder below the home is looked at as folders of scans are."""
    drawing = tmp_path / "lena.svg"
    drawing.write_bytes(BY_HAND)
    import_drawings([drawing], "tablet01", empty_shelf.home)
    assert "raw_pages [tablet01]" in empty_shelf.run({"raw_pages"}).materialized
    import_drawings([drawing], "tablet01", empty_shelf.home)
    assert empty_shelf.run({"raw_pages"}).materialized == []
    drawing.write_bytes(BY_HAND.replace(b"M20 60", b"M21 60"))
    import_drawings([drawing], "tablet01", empty_shelf.home, replace=True)
    assert "raw_pages [tablet01]" in empty_shelf.run({"raw_pages"}).materialized
    assert empty_shelf.lake.read("raw_pages", "tablet01")["image"][0]["bytes"].as_py() == drawing.read_bytes()


def test_the_studio_shows_imported_pages(imported: Shelf) -> None:
    """It has a short cut for large scans, which an SVG must not fall into."""
    picture = page_picture(imported.lake, "tablet01", "tablet01plena")
    assert decode_image(picture).shape[0] == 1600


def test_leftovers_of_killed_imports_are_found(empty_shelf: Shelf) -> None:
    leftover = empty_shelf.home.imported / "tablet01" / ".a.svg.x1y2.tmp"
    leftover.parent.mkdir(parents=True)
    leftover.write_bytes(b"half")
    assert list_leftovers(empty_shelf.home) == []
    assert list_leftovers(empty_shelf.home, now=time.time() + 7200) == [leftover]
