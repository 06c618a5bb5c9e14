"""A page scanned again in another sketchbook is named in `page_map`, with the way from one scan to the other."""

import cv2
import dagster as dg
import numpy as np

from singleline_pipeline.scans.sample_pages import sample_page

from .conftest import Shelf

NAMES = {"raw_pages", "rejected_pages", "page_embeddings", "page_clusters", "page_groups", "page_map"}


def test_a_page_scanned_again_is_named_with_the_way_to_it(empty_shelf: Shelf) -> None:
    shelf = empty_shelf
    scans = [sample_page("drawing", seed=seed, scale=0.4).image for seed in range(3)]
    height, width = scans[1].shape[:2]
    cut = 20  # px of its left edge and of its top: the binder is on it no more
    dimmed = cv2.resize(scans[1][cut:, cut:], None, fx=2, fy=2) * 0.8
    for book, pages in (("sb01", scans), ("sb02", [dimmed.astype(np.uint8)])):
        folder = shelf.home.sketchbooks / book / "art"
        folder.mkdir(parents=True)
        for number, page in enumerate(pages, start=1):
            cv2.imwrite(str(folder / f"{number:03d}.jpg"), page)
    assert shelf.run(NAMES).failed == {}
    rows = {row["page_id"]: row for row in shelf.lake.read("page_map").to_pylist()}
    assert {name: row["same_page"] for name, row in rows.items()} == {
        "sb01p001": None,
        "sb01p002": None,
        "sb01p003": None,
        "sb02p001": "sb01p002",
    }
    assert rows["sb02p001"]["same_page_likeness"] > 0.9
    onto = np.reshape(rows["sb02p001"]["onto_same_page"], (2, 3))
    place = np.array([width / 2, height / 2])
    assert np.abs(onto @ [*((place - cut) * 2), 1] - place).max() < 3  # px of a page of 600 x 800
    made = shelf.instance.get_latest_materialization_event(dg.AssetKey("page_map")).asset_materialization
    assert made.metadata["scanned_twice"].value == 1
    assert "data:image" in made.metadata["pairs"].value
