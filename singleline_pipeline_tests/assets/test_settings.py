"""settings.toml in the pipeline: what a setting touches is made again with it, and nothing else is."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from singleline_pipeline.definitions import defs
from singleline_pipeline.orchestration.jobs import SKETCHBOOK_ASSETS
from singleline_pipeline.scans.samples import write_sample_sketchbooks
from singleline_pipeline.settings_file import write_settings

from .conftest import Shelf, new_shelf

UP_TO_DATASET = {*SKETCHBOOK_ASSETS, "stroke3_dataset"}


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shelf]:
    """Two sketchbooks up to the dataset; each test goes on from where the one before it left."""
    root = tmp_path_factory.mktemp("settings")
    with pytest.MonkeyPatch.context() as patch, new_shelf(root, patch) as shelf:
        write_sample_sketchbooks(shelf.home.sketchbooks, seed=3, books=2, pages=6, scale=0.3)
        assert shelf.run(UP_TO_DATASET).failed == {}
        yield shelf


def traced(shelf: Shelf, book: str) -> tuple[str, str]:
    """Id and SHA-256 of a page that was traced, the one with the most strokes."""
    table = shelf.lake.read("strokes", book).to_pylist()
    page = max(table, key=lambda row: len(row["strokes"]))
    return page["page_id"], page["sha256"]


def metadata(shelf: Shelf, asset: str, book: str | None = None) -> dict:
    found = shelf.instance.fetch_materializations(
        dg.AssetRecordsFilter(dg.AssetKey(asset), asset_partitions=[book] if book else None), limit=1
    )
    return {name: value.value for name, value in found.records[0].asset_materialization.metadata.items()}


def test_a_page_of_its_own_settings_makes_its_sketchbook_stale_and_no_other_page_another(
    books: Shelf,
) -> None:
    page_id, page = traced(books, "sb01")
    before = {row["page_id"]: row for row in books.lake.read("joined_strokes", "sb01").to_pylist()}
    write_settings(books.home.settings, {"joined_strokes": {"max_gap": 200}}, page, page_id)
    outcome = books.run(UP_TO_DATASET)
    assert outcome.failed == {}
    again = {name for name in outcome.materialized if "strokes" in name or "drawings" in name}
    assert "joined_strokes [sb01]" in again
    assert not any("sb02" in name for name in outcome.materialized)
    assert not any(name.startswith(("raw_pages", "strokes [")) for name in outcome.materialized)
    after = {row["page_id"]: row for row in books.lake.read("joined_strokes", "sb01").to_pylist()}
    assert after.pop(page_id)["strokes_after"] < before.pop(page_id)["strokes_after"]
    assert after == before
    said = metadata(books, "joined_strokes", "sb01")
    assert said["settings"] == {"max_gap": 15.0, "min_points": 10}
    assert said["settings_of_single_pages"] == {page_id: {"max_gap": 200.0, "min_points": 10}}
    assert books.run(UP_TO_DATASET).materialized == [], "once is enough"


def test_what_holds_everywhere_touches_the_asset_that_reads_it(books: Shelf) -> None:
    write_settings(books.home.settings, {"stroke3_dataset": {"min_epsilon": 4.0, "cut_ends": 0}})
    assert books.run(UP_TO_DATASET).materialized == ["stroke3_dataset"]
    assert min(books.lake.read("stroke3_dataset")["epsilon"].to_pylist()) == 4.0
    assert metadata(books, "stroke3_dataset")["settings"]["min_epsilon"] == 4.0
    of_page = metadata(books, "joined_strokes", "sb02")
    assert "settings_of_single_pages" not in of_page
    page_id, page = traced(books, "sb02")
    write_settings(books.home.settings, {"stroke3_dataset": {"min_epsilon": 9.0}}, page, page_id)
    assert books.run(UP_TO_DATASET).materialized == ["stroke3_dataset"]
    rows = books.lake.read("stroke3_dataset").to_pylist()
    assert {row["epsilon"] == 9.0 for row in rows if row["page_id"] == page_id} <= {True}
    assert min(row["epsilon"] for row in rows) == 4.0


def test_what_the_launch_pad_says_goes_before_a_page_of_its_own(books: Shelf) -> None:
    page_id, _ = traced(books, "sb01")
    dg.materialize(
        list(defs.resolve_asset_graph().assets_defs),
        selection=["joined_strokes"],
        partition_key="sb01",
        instance=books.instance,
        run_config={"ops": {"joined_strokes": {"config": {"max_gap": 40.0}}}},
    )
    said = metadata(books, "joined_strokes", "sb01")
    assert said["settings"]["max_gap"] == 40.0
    assert "settings_of_single_pages" not in said, f"{page_id} has what was given, too"


def test_another_encoder_for_all_makes_every_sketchbook_s_vectors_anew(books: Shelf) -> None:
    """One that is not there fails each of them, and takes nothing away: the vectors that there are stay."""
    before = books.bytes_of_lake()
    write_settings(books.home.settings, {"encoder": {"name": "nowhere/none"}})
    outcome = books.run({"raw_pages", "rejected_pages", "page_embeddings"})
    assert outcome.materialized == []
    assert {*outcome.failed} == {"page_embeddings [sb01]", "page_embeddings [sb02]"}
    assert all("nowhere/none" in said for said in outcome.failed.values())
    assert books.bytes_of_lake() == before
    write_settings(books.home.settings, {"encoder": {"name": None}})
    assert books.run({"raw_pages", "rejected_pages", "page_embeddings"}).materialized == []


def test_a_wrong_value_is_a_warning_of_the_step_and_a_broken_file_stops_what_reads_it(
    books: Shelf, tmp_path: Path
) -> None:
    right = books.home.settings.read_text()
    books.home.settings.write_text(right + "\n[drawings]\nmin_overlap = 3\nmin_area = 400\n")
    outcome = books.run(UP_TO_DATASET)
    assert outcome.failed == {}
    line = right.count("\n") + 3
    assert any(
        f"settings.toml, line {line}: drawings.min_overlap must be" in said for said in outcome.warnings
    )
    assert metadata(books, "drawings", "sb02")["settings"] == {"min_overlap": 0.25, "min_area": 400.0}
    books.home.settings.write_text(right + "[joined_strokes\n")
    outcome = books.run(UP_TO_DATASET)
    assert outcome.materialized == []
    assert {*outcome.failed} <= {"sb01", "sb02", "settings"}
    assert all("settings.toml is not TOML" in said for said in outcome.failed.values())
