"""After a label, the Dagster UI and `singleline run` must agree on what is stale: its own sketchbook, and no other."""

import cv2
import dagster as dg
import numpy as np
import pytest
from dagster._core.definitions.data_version import CachingStaleStatusResolver
from dagster._core.loader import LoadingContextForTest

from singleline_pipeline.definitions import defs
from singleline_pipeline.embedding import Label, append_labels, cluster_key, drawing_key
from singleline_pipeline.orchestration.partitions import sketchbooks
from singleline_pipeline.orchestration.resources import HomeResource
from singleline_pipeline.orchestration.sensors import new_labels

from .conftest import Shelf

PAGES = {"raw_pages", "rejected_pages", "page_embeddings", "page_clusters", "page_groups"}
DRAWINGS = {
    "strokes",
    "joined_strokes",
    "spliced_strokes",
    "drawings",
    "drawing_embeddings",
    "drawing_clusters",
    "filtered_drawings",
}
ALL = PAGES | DRAWINGS
BOOKS = ("sb01", "sb02")
# What the UI asks for when it shows "unsynced"; it is no public module, and this is the only test that needs it.
Resolver = CachingStaleStatusResolver


@pytest.fixture
def ran(empty_shelf: Shelf) -> Shelf:
    """Two sketchbooks of two pages, drawn small, run as far as the groups of their pages."""
    for book, seeds in zip(BOOKS, (range(2), range(2, 4)), strict=True):
        empty_shelf.draw(book, seeds)
    assert empty_shelf.run(PAGES).failed == {}
    return empty_shelf


def look(shelf: Shelf, cursor: str | None) -> dg.SensorResult:
    """What the daemon does every few seconds: the sensor looks at labels.csv, and its events are recorded."""
    context = dg.build_sensor_context(instance=shelf.instance, cursor=cursor)
    result = new_labels(context, home=HomeResource())
    for event in result.asset_events:
        shelf.instance.report_runless_asset_event(event)
    return result


def stale(shelf: Shelf, names: set[str] = PAGES) -> set[str]:
    """What the Dagster UI shows as stale."""
    resolver = Resolver(shelf.instance, defs.resolve_asset_graph(), LoadingContextForTest(shelf.instance))
    found = set()
    for name in names:
        partitioned = defs.resolve_asset_graph().get(dg.AssetKey(name)).is_partitioned
        for book in BOOKS if partitioned else (None,):
            if resolver.get_status(dg.AssetKey(name), book).value != "FRESH":
                found.add(f"{name} [{book}]" if book else name)
    return found


def say(shelf: Shelf, scope: str, key: str, label: str) -> None:
    append_labels(shelf.home.labels / "labels.csv", [Label(scope, key, label, who="a test")])


def test_a_label_makes_its_own_sketchbook_stale_in_the_ui_and_only_that_runs(ran: Shelf) -> None:
    assert ran.run(ALL).failed == {}
    cursor = look(ran, None).cursor
    assert stale(ran, ALL) == set()
    assert ran.run(ALL).materialized == []

    page = ran.lake.read("page_groups", "sb01").to_pylist()[0]
    say(ran, "page", page["sha256"], page["group"])
    assert stale(ran, ALL) == set()  # nobody has looked yet
    cursor = look(ran, cursor).cursor
    assert stale(ran, ALL) == {"page_groups [sb01]"}
    # The page is what it was, by hand now: its sketchbook is not traced again for that.
    assert ran.run(ALL).materialized == ["page_groups [sb01]"]
    assert ran.lake.read("page_groups", "sb01")["decided_by"][0].as_py() == "hand"
    assert stale(ran, ALL) == set()
    assert look(ran, cursor).asset_events == []

    drawing = ran.lake.read("filtered_drawings", "sb02").to_pylist()[0]
    say(ran, "drawing", drawing_key(drawing["sha256"], drawing["box"]), "exclude")
    cursor = look(ran, cursor).cursor
    assert stale(ran, ALL) == {"filtered_drawings [sb02]"}
    assert ran.run(ALL).materialized == ["filtered_drawings [sb02]"]
    assert stale(ran, ALL) == set()

    # Another group: what lies below that page is made anew, and nothing of the other sketchbook.
    say(ran, "page", page["sha256"], "notes")
    look(ran, cursor)
    assert stale(ran, ALL) == {"page_groups [sb01]"}
    outcome = ran.run(ALL)
    assert outcome.failed == {}
    assert "strokes [sb01]" in outcome.materialized
    assert not any(
        "sb02" in one for one in outcome.materialized if one.startswith(("page", "strokes", "draw"))
    )


def test_the_name_of_a_cluster_makes_stale_who_is_in_it(ran: Shelf) -> None:
    """One cluster holds all four pages here; the fit, and so the tables below it, are what they were."""
    cursor = look(ran, None).cursor
    fit = ran.lake.read("page_clusters")
    groups = {book: ran.lake.read("page_groups", book) for book in BOOKS}
    number = groups["sb01"]["cluster"][0].as_py()
    reached = {book for book in BOOKS if number in groups[book]["cluster"].to_pylist()}
    say(ran, "page_cluster", cluster_key(fit["fit_id"][0].as_py(), number), "drawings")
    look(ran, cursor)
    assert stale(ran) == {"page_clusters", *(f"page_groups [{book}]" for book in reached)}
    outcome = ran.run(PAGES)
    assert set(outcome.materialized) == {"page_clusters", *(f"page_groups [{book}]" for book in reached)}
    assert ran.lake.read("page_clusters")["name"].to_pylist()[number] == "drawings"
    assert stale(ran) == set()


def test_page_groups_alone_reads_a_name_that_the_table_of_clusters_does_not_have_yet(ran: Shelf) -> None:
    """Who names a cluster and presses Materialize on page_groups must get what was said."""
    fit = ran.lake.read("page_clusters")
    number = ran.lake.read("page_groups", "sb01")["cluster"][0].as_py()
    say(ran, "page_cluster", cluster_key(fit["fit_id"][0].as_py(), number), "covers")
    assert ran.run({"page_groups"}).failed == {}
    assert ran.lake.read("page_groups", "sb01")["decided_by"][0].as_py() == "cluster"
    assert ran.lake.read("page_groups", "sb01")["group"][0].as_py() == "covers"


def test_a_label_of_nothing_is_reported_by_the_next_run(ran: Shelf) -> None:
    say(ran, "page", "f" * 64, "notes")
    look(ran, None)
    outcome = ran.run(PAGES)
    assert outcome.materialized == ["page_clusters"]
    assert any("is not there" in warning for warning in outcome.warnings)


def test_a_sketchbook_that_comes_to_named_clusters_is_not_stale_once_it_was_run(ran: Shelf) -> None:
    """Its labels have another version than before it had pages: the step that reads them tells Dagster in time."""
    fit = ran.lake.read("page_clusters")
    for number in range(fit.num_rows):
        say(ran, "page_cluster", cluster_key(fit["fit_id"][0].as_py(), number), "drawings")
    cursor = look(ran, None).cursor
    folder = ran.home.sketchbooks / "sb03" / "art"
    folder.mkdir(parents=True)
    cv2.imwrite(str(folder / "001.jpg"), np.full((400, 300, 3), 245, np.uint8))
    ran.instance.add_dynamic_partitions(sketchbooks.name, ["sb03"])
    cursor = look(ran, cursor).cursor  # before a page of it was read
    job = defs.resolve_job_def("sketchbook_job")
    assert job.execute_in_process(instance=ran.instance, partition_key="sb03").success
    look(ran, None)
    resolver = Resolver(ran.instance, defs.resolve_asset_graph(), LoadingContextForTest(ran.instance))
    assert resolver.get_status(dg.AssetKey("page_groups"), "sb03").value == "FRESH"


def test_observing_by_hand_in_the_ui_gives_what_the_sensor_gives(ran: Shelf) -> None:
    """The button Observe is there anyway: it must not tell another story."""
    look(ran, None)
    before = {part: version(ran, *part) for part in (("page_labels", "sb01"), ("cluster_names", None))}
    sources = [dg.AssetKey(name) for name in ("page_labels", "drawing_labels", "cluster_names")]
    job = dg.define_asset_job("observe", selection=dg.AssetSelection.assets(*sources))
    looking = dg.Definitions(
        assets=[defs.resolve_asset_graph().get(key).assets_def for key in sources],
        jobs=[job],
    )
    assert looking.resolve_job_def("observe").execute_in_process(instance=ran.instance).success
    assert {part: version(ran, *part) for part in before} == before
    assert stale(ran) == set()


def version(shelf: Shelf, source: str, book: str | None) -> str:
    condition = dg.AssetRecordsFilter(dg.AssetKey(source), asset_partitions=[book] if book else None)
    record = shelf.instance.fetch_observations(condition, limit=1).records[0]
    return record.asset_observation.tags["dagster/data_version"]
