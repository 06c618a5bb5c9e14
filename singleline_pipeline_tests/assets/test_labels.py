"""What a person says must move pages and drawings, and only what it touches may run again."""

import dagster as dg

from singleline_pipeline.embedding import Label, append_labels, cluster_key, drawing_key

from .conftest import Shelf

NAMES = {
    "raw_pages",
    "rejected_pages",
    "page_embeddings",
    "page_clusters",
    "page_groups",
    "strokes",
    "joined_strokes",
    "spliced_strokes",
    "drawings",
    "drawing_embeddings",
    "drawing_clusters",
    "filtered_drawings",
    "stroke3_dataset",
}


def say(shelf: Shelf, scope: str, key: str, label: str) -> None:
    append_labels(shelf.home.labels / "labels.csv", [Label(scope, key, label, who="a test")])


def test_what_a_person_says_moves_pages_and_drawings_and_reruns_only_that(empty_shelf: Shelf) -> None:
    """By hand goes before the cluster's name, that before the suggestion; the other sketchbook's line stays."""
    shelf = empty_shelf
    shelf.draw("sb01", range(3))
    shelf.draw("sb02", range(3, 6))
    assert shelf.run(NAMES).failed == {}
    groups = shelf.lake.read("page_groups", "sb01").to_pylist()
    assert [(row["group"], row["decided_by"]) for row in groups] == [("drawings", "suggestion")] * 3
    before = shelf.lake.read("stroke3_dataset").num_rows

    # A page by hand.
    say(shelf, "page", groups[0]["sha256"], "notes")
    outcome = shelf.run(NAMES)
    first = shelf.lake.read("page_groups", "sb01").to_pylist()[0]
    assert (first["group"], first["decided_by"]) == ("notes", "hand")
    assert shelf.lake.read("strokes", "sb01").num_rows == 2
    assert not {f"{name} [sb02]" for name in ("raw_pages", "page_embeddings")} & set(outcome.materialized)
    assert shelf.lake.read("stroke3_dataset").num_rows < before

    # The cluster of that page: its other pages follow, the page labelled by hand does not.
    say(shelf, "page_cluster", cluster_key(first["fit_id"], first["cluster"]), "covers")
    shelf.run(NAMES)
    for book in ("sb01", "sb02"):
        for row in shelf.lake.read("page_groups", book).to_pylist():
            by_hand = row["sha256"] == first["sha256"]
            of_cluster = row["cluster"] == first["cluster"]
            wanted = "notes" if by_hand else "covers" if of_cluster else "drawings"
            assert row["group"] == wanted
    # Taken back: an empty label.
    say(shelf, "page_cluster", cluster_key(first["fit_id"], first["cluster"]), "")
    assert shelf.run(NAMES).failed == {}

    # A drawing by hand, by its page and box.
    drawing = shelf.lake.read("filtered_drawings", "sb02").to_pylist()[0]
    say(shelf, "drawing", drawing_key(drawing["sha256"], drawing["box"]), "exclude")
    outcome = shelf.run(NAMES)
    now = {row["drawing_id"]: row for row in shelf.lake.read("filtered_drawings", "sb02").to_pylist()}
    assert now[drawing["drawing_id"]]["reason"] == "excluded by hand"
    assert sum(row["kept"] for row in now.values()) == len(now) - 1
    ran = {label.split(" ")[0] for label in outcome.materialized}
    assert ran == {"page_clusters", "drawing_clusters", "filtered_drawings", "stroke3_dataset"} & ran
    assert drawing["drawing_id"] not in shelf.lake.read("stroke3_dataset")["drawing_id"].to_pylist()


def test_clusters_stay_frozen_when_a_sketchbook_comes_and_names_go_over_to_a_new_fit(
    empty_shelf: Shelf,
) -> None:
    """Names kept by the number of the cluster were right for 18 % of the pages after a refit."""
    shelf = empty_shelf
    names = {"raw_pages", "rejected_pages", "page_embeddings", "page_clusters", "page_groups"}
    shelf.draw("sb01", range(6))
    shelf.run(names)
    fit = shelf.lake.read("page_clusters")
    for number in range(fit.num_rows):
        say(shelf, "page_cluster", cluster_key(fit["fit_id"][0].as_py(), number), "drawings")
    shelf.draw("sb02", range(6, 9))
    shelf.run(names)
    frozen = shelf.lake.read("page_clusters")
    assert frozen["fit_id"].to_pylist() == fit["fit_id"].to_pylist()
    assert frozen["name"].to_pylist() == ["drawings"] * fit.num_rows
    # Three pages more are no reason for another fit, and nobody is asked to look at them.
    made = shelf.instance.get_latest_materialization_event(dg.AssetKey("page_clusters")).asset_materialization
    assert made.metadata["suggestion"].value == "The clusters fit what there is."
    assert "outliers" in made.metadata

    shelf.refit("page_clusters")
    fitted = shelf.lake.read("page_clusters")
    assert fitted["fit_id"][0].as_py() != fit["fit_id"][0].as_py()
    assert set(fitted["name"].to_pylist()) == {"drawings"}
    assert sum(fitted["size"].to_pylist()) == 9
