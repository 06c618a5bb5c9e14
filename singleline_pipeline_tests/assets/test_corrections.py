"""What a person sets right on a page holds through every later run, and only its own sketchbook is run for it."""

from collections.abc import Iterator

import dagster as dg
import numpy as np
import pytest

from singleline_pipeline.assets.table_asset import table_of
from singleline_pipeline.corrections import append_corrections, correction_key
from singleline_pipeline.definitions import defs
from singleline_pipeline.embedding import Label, append_labels, drawing_key
from singleline_pipeline.nested import strokes_from_arrow, strokes_to_arrow
from singleline_pipeline.orchestration.jobs import SKETCHBOOK_ASSETS

from .conftest import Shelf, new_shelf


def correct(shelf: Shelf, action: str, page: dict, shape: object) -> None:
    key = correction_key(page["sha256"], shape)
    append_corrections(shelf.home.labels, [(action, key, page["page_id"])])


def boxes(shelf: Shelf, page_id: str) -> list[list[float]]:
    rows = shelf.lake.read("drawings", page_id[:4], ["page_id", "box"]).to_pylist()
    return [row["box"] for row in rows if row["page_id"] == page_id]


def told(shelf: Shelf, asset: str, name: str) -> object:
    event = shelf.instance.get_latest_materialization_event(dg.AssetKey(asset))
    return event.asset_materialization.metadata[name].value


@pytest.fixture(scope="module")
def traced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shelf]:
    """Two sketchbooks, traced once: each test has a page of its own in the first, and leaves the second alone."""
    root = tmp_path_factory.mktemp("corrections")
    with pytest.MonkeyPatch.context() as patch, new_shelf(root, patch) as shelf:
        shelf.draw("sb01", range(3))
        shelf.draw("sb02", range(3, 4))
        assert shelf.run(set(SKETCHBOOK_ASSETS)).failed == {}
        yield shelf


def page_of(shelf: Shelf, number: int) -> dict:
    return shelf.lake.read("joined_strokes", "sb01", ["page_id", "sha256"]).to_pylist()[number]


def test_a_correction_changes_its_page_and_reruns_its_sketchbook_alone(traced: Shelf) -> None:
    """Merged, erased, undone: each run starts at joining, and ends where it began when all is taken back."""
    shelf = traced
    page = page_of(shelf, 0)
    before, bytes_before = boxes(shelf, page["page_id"]), shelf.bytes_of_lake()
    assert len(before) == 2
    correct(shelf, "merge", page, before)
    outcome = shelf.run(set(SKETCHBOOK_ASSETS))
    assert outcome.failed == {}
    assert outcome.warnings == []
    assert set(outcome.materialized) == {
        f"{name} [sb01]"
        for name in (
            "joined_strokes",
            "spliced_strokes",
            "drawings",
            "drawing_embeddings",
            "filtered_drawings",
        )
    }
    [box] = boxes(shelf, page["page_id"])
    np.testing.assert_allclose([*box[:2]], np.min(before, axis=0)[:2], atol=1)
    np.testing.assert_allclose([*box[2:]], np.max(before, axis=0)[2:], atol=1)

    row = shelf.lake.read("strokes", "sb01").to_pylist()[0]
    traced_strokes = strokes_from_arrow(shelf.lake.read("strokes", "sb01")["strokes"])[0]
    longest = max(traced_strokes, key=len)
    correct(shelf, "erase", page, longest[:: max(1, len(longest) // 200)])
    assert shelf.run(set(SKETCHBOOK_ASSETS)).failed == {}
    joined = shelf.lake.read("joined_strokes", "sb01").to_pylist()[0]
    assert joined["sha256"] == row["sha256"]
    [gone] = joined["erased"]
    np.testing.assert_allclose(gone, [*longest.min(axis=0), *longest.max(axis=0)], atol=0.01)
    assert joined["strokes_before"] == len(traced_strokes)
    length = sum(np.hypot(*np.diff(stroke, axis=0).T).sum() for stroke in traced_strokes)
    assert joined["length"] == pytest.approx(length, rel=1e-4)
    out = sum(np.hypot(*np.diff(np.array(stroke), axis=0).T).sum() for stroke in joined["strokes"])
    assert out == pytest.approx(
        joined["length"] - joined["lost"] + joined["added"] + joined["retraced"], rel=1e-3
    )
    assert told(shelf, "joined_strokes", "strokes_erased_by_hand") == 1

    lines = (shelf.home.labels / "corrections.csv").read_text().splitlines()
    undone = [line.replace(",yes,", ",,") for line in lines[1:]]
    (shelf.home.labels / "corrections.csv").write_text("\n".join([*lines, *undone, ""]))
    assert shelf.run(set(SKETCHBOOK_ASSETS)).failed == {}
    assert shelf.bytes_of_lake() == bytes_before
    assert shelf.run(set(SKETCHBOOK_ASSETS)).materialized == []


def test_what_matches_nothing_any_more_is_a_warning_with_its_line(traced: Shelf) -> None:
    shelf = traced
    page = page_of(shelf, 1)
    correct(shelf, "erase", page, [[1.0, 1.0], [2.0, 2.0]])
    correct(shelf, "erase", {"sha256": "0" * 64, "page_id": "sb01p999"}, [[1.0, 1.0]])
    file = shelf.home.labels / "corrections.csv"
    lines = file.read_text().count("\n")
    with file.open("a") as more:
        more.write("smudge,x,yes\n")
    outcome = shelf.run(set(SKETCHBOOK_ASSETS))
    assert outcome.failed == {}
    wrong, nowhere, gone = outcome.warnings
    assert wrong.startswith(f"corrections.csv line {lines + 1}: the scope 'smudge'")
    assert nowhere.startswith(
        f"corrections.csv line {lines - 1}: what to erase on {page['page_id']} at 1,1 to 2,2"
    )
    assert gone.startswith(f"corrections.csv line {lines}: what to erase on sb01p999")
    assert told(shelf, "joined_strokes", "correction_problems") == "\n".join(outcome.warnings)


def test_a_part_that_was_split_off_stays_so_when_the_page_is_traced_and_joined_anew(traced: Shelf) -> None:
    """Other settings, other strokes: what a person said lies on the page, and not on strokes by their number."""
    shelf = traced
    page = page_of(shelf, 2)
    first, second = boxes(shelf, page["page_id"])
    x0, y0, x1, y1 = first
    middle = (y0 + y1) / 2
    outline = [[x0 - 5, y0 - 5], [x1 + 5, y0 - 5], [x1 + 5, middle], [x0 - 5, middle]]
    correct(shelf, "split", page, outline)
    append_labels(
        shelf.home.labels / "labels.csv",
        [Label("drawing", drawing_key(page["sha256"], first), "exclude")],
    )
    assert shelf.run(set(SKETCHBOOK_ASSETS)).failed == {}
    parts = boxes(shelf, page["page_id"])
    assert len(parts) == 3
    assert [second] == [box for box in parts if np.allclose(box, second, atol=1)]
    upper = next(box for box in parts if abs(box[1] - y0) < 2)
    slip = 0.1 * max(x1 - x0, (y1 - y0) / 2) + 10  # what reaches over the outline by less is not cut off
    assert upper[3] == pytest.approx(middle, abs=slip)

    # Strokes that the tracer finds another time: turned round, in pieces, a third of a pixel off.
    table = shelf.lake.read("strokes", "sb01")
    pages = [
        [piece[::-1] + 0.3 for stroke in strokes for piece in np.array_split(stroke, 3) if len(piece)]
        for strokes in strokes_from_arrow(table["strokes"])
    ]
    groups = [
        [
            group
            for group, stroke in zip(row, strokes, strict=True)
            for piece in np.array_split(stroke, 3)
            if len(piece)
        ]
        for row, strokes in zip(table["group"].to_pylist(), strokes_from_arrow(table["strokes"]), strict=True)
    ]
    columns = {name: table[name] for name in table.column_names}
    table = table_of("strokes", columns | {"strokes": strokes_to_arrow(pages), "group": groups})
    shelf.lake.write("strokes", table, "sb01")
    result = dg.materialize(
        list(defs.resolve_asset_graph().assets_defs),
        selection=["joined_strokes", "spliced_strokes", "drawings"],
        partition_key="sb01",
        instance=shelf.instance,
        run_config={"ops": {"joined_strokes": {"config": {"max_gap": 25.0}}}},
    )
    assert result.success
    again = boxes(shelf, page["page_id"])
    assert len(again) == 3
    assert any(np.allclose(box, upper, atol=4) for box in again)
