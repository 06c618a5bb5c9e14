"""A rescan is offered the labels of the page that it replaces, and takes them over with a key; undo takes them back."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pytest
from starlette.testclient import TestClient

from singleline_pipeline.embedding import Label, append_labels, drawing_key, match_drawing, read_labels
from singleline_pipeline.studio.lookalikes import moved_box

from .conftest import client_of, served
from .homes import MadeHome

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ONTO = [0.5, 0.0, 10.0, 0.0, 0.5, 20.0]  # twice as large a scan, cropped at its left and top
ALIKE = (("sb02p0020", "sb01p0001"), ("sb02p0021", "sb01p0002"))


@pytest.fixture
def twins(made: MadeHome) -> MadeHome:
    """Two pages of sb02 are scans of pages of sb01, says the map."""
    table = made.lake.read("page_map")
    of = dict(ALIKE)
    ids = table["page_id"].to_pylist()
    assert set(of) | set(of.values()) <= set(ids)
    columns = {
        "same_page": [of.get(name) for name in ids],
        "same_page_likeness": [0.97 if name in of else None for name in ids],
        "onto_same_page": [ONTO if name in of else None for name in ids],
    }
    for name, values in columns.items():
        place = table.schema.get_field_index(name)
        field = table.schema.field(name)
        table = table.set_column(place, field, pa.array(values, field.type))
    made.lake.write("page_map", table)
    return made


@pytest.fixture
def client(twins: MadeHome) -> TestClient:
    return client_of(twins)


def sha256_of(made: MadeHome, name: str) -> str:
    table = made.lake.read("page_groups", name[:4])
    return dict(zip(table["page_id"].to_pylist(), table["sha256"].to_pylist(), strict=True))[name]


def say(client: TestClient, number: int, name: str, label: str) -> None:
    body = {"request_id": f"tab-{number}", "scope": "page", "ids": [name], "label": label}
    assert client.post("/api/labels", json=body).status_code == 200


def pairs(client: TestClient) -> dict[str, str]:
    """Offer by the page that it is made to, or by no page."""
    return {one["to"]: one["offer"] for one in client.get("/api/pages/twice").json()["pairs"]}


def take(client: TestClient, number: int, page: str):
    return client.post("/api/take-over", json={"request_id": f"tab-{number}", "page": page})


def test_a_rescan_takes_over_the_label_of_its_page(client: TestClient, twins: MadeHome) -> None:
    assert pairs(client) == {"": ""}
    say(client, 1, "sb01p0001", "notes")
    assert pairs(client)["sb02p0020"] == "sb02p0020 takes over from sb01p0001: notes."
    answer = take(client, 2, "sb02p0020")
    assert answer.json()["said"].startswith("sb02p0020 takes over")
    last = read_labels(twins.labels).rows[-1]
    assert (last.key, last.label, last.readable_id) == (sha256_of(twins, "sb02p0020"), "notes", "sb02p0020")
    assert pairs(client) == {"": ""}  # both are labelled now
    # The same request again, as after an answer that got lost, writes nothing.
    assert take(client, 2, "sb02p0020").status_code == 200
    assert len(read_labels(twins.labels).rows) == 2


def test_the_older_scan_takes_over_from_the_newer_one_as_well(client: TestClient) -> None:
    say(client, 1, "sb02p0021", "covers")
    assert pairs(client)["sb01p0002"].startswith("sb01p0002 takes over from sb02p0021")
    assert take(client, 2, "sb01p0002").status_code == 200


def test_drawings_are_found_on_the_other_scan_through_the_way_between_them(
    client: TestClient, twins: MadeHome
) -> None:
    """A box on the page is the box of the same ink on its rescan, whose pixels are others; one undo takes all back."""
    box, page = (60.0, 70.0, 110.0, 120.0), sha256_of(twins, "sb01p0001")
    rows = [
        Label("page", page, "drawings"),
        Label("drawing", drawing_key(page, box), "exclude"),
        Label("drawing", drawing_key(page, (0, 0, 10, 10)), "include"),
        Label("drawing", drawing_key(page, (0, 0, 10, 10)), ""),  # taken back: not taken over
    ]
    append_labels(twins.labels, rows)
    assert pairs(client)["sb02p0020"].endswith(": drawings, 1 drawing excluded.")
    assert take(client, 1, "sb02p0020").status_code == 200
    rescan = sha256_of(twins, "sb02p0020")
    labels = read_labels(twins.labels)
    assert match_drawing(rescan, (100.0, 100.0, 200.0, 200.0), labels.drawings()) == "exclude"
    assert labels.resolve("page")[rescan] == "drawings"
    undone = client.post("/api/undo", json={"request_id": "tab-2", "tab": "tab"}).json()
    assert undone["said"] == "2 labels taken back."
    assert rescan not in read_labels(twins.labels).resolve("page")
    assert match_drawing(rescan, (100.0, 100.0, 200.0, 200.0), read_labels(twins.labels).drawings()) is None


def test_what_cannot_be_taken_over_is_refused_with_a_sentence(client: TestClient, twins: MadeHome) -> None:
    for page, status in (("sb01p0001", 409), ("sb01p0005", 409), ("nothing", 404), ("", 404)):
        answer = take(client, 1, page)
        assert answer.status_code == status
        assert answer.json()["error"]
    assert client.post("/api/take-over", json={"request_id": "x", "page": "sb02p0020"}).status_code == 400
    assert not twins.labels.exists()


def test_the_same_file_in_two_sketchbooks_is_no_pair(made: MadeHome) -> None:
    """It is one page to every label, and listed as a duplicate where it is in one sketchbook."""
    table = made.lake.read("page_map").to_pylist()
    assert all(row["same_page"] is None for row in table)
    assert client_of(made).get("/api/pages/twice").json()["pairs"] == []
    assert client_of(made).get("/api/drawings/twice").json()["pairs"] == []


def test_a_row_like_nothing_is_listed_and_a_refit_suggested_when_many_came(made: MadeHome) -> None:
    before = client_of(made).get("/api/pages/twice").json()
    assert before["refit"] == ""
    table = made.lake.read("page_embeddings", "sb02")
    vectors = np.stack(table["embedding"].to_numpy(zero_copy_only=False)) + 60
    place = table.schema.get_field_index("embedding")
    field = table.schema.field("embedding")
    far = pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel(), pa.float32()), vectors.shape[1])
    moved = table.set_column(place, field.with_type(far.type), far)
    # They came after the fit: their files are others.
    sha256 = pa.array([f"{n:064x}" for n in range(900, 900 + table.num_rows)])
    moved = moved.set_column(moved.schema.get_field_index("sha256"), table.schema.field("sha256"), sha256)
    made.lake.write("page_embeddings", moved, "sb02")
    client = client_of(made)
    found = client.get("/api/pages/twice").json()
    ids = client.get("/api/pages").json()["ids"]
    assert {ids[one["row"]] for one in found["outliers"]} == set(table["page_id"].to_pylist())
    assert found["refit"].startswith(f"{table.num_rows} of the {table.num_rows} pages that came after")
    assert client.get("/api/pages").json()["refit"] == found["refit"]


@pytest.mark.parametrize("degrees", [0.0, 3.0])
def test_the_box_of_a_moved_box_holds_its_corners(degrees: float) -> None:
    turn = np.radians(degrees)
    onto = np.array([[np.cos(turn), -np.sin(turn), 5.0], [np.sin(turn), np.cos(turn), -3.0]])
    x0, y0, x1, y1 = moved_box((10.0, 20.0, 110.0, 70.0), onto)
    corners = np.array([[10, 20], [110, 20], [110, 70], [10, 70]]) @ onto[:, :2].T + onto[:, 2]
    assert np.allclose([x0, y0], corners.min(axis=0))
    assert np.allclose([x1, y1], corners.max(axis=0))


@pytest.fixture
def page(browser: "Browser", twins: MadeHome) -> Iterator:
    with served(twins) as studio:
        page = browser.new_page(viewport={"width": 1100, "height": 800})
        page.goto(f"{studio.url}#pages")
        page.wait_for_selector(".thumb")
        yield page
        page.close()


def test_one_key_opens_the_list_another_takes_over_and_z_takes_it_back(page, twins: MadeHome) -> None:
    page.locator(".thumb[title^='sb01p0001']").click()
    page.keyboard.press("3")
    page.wait_for_function("() => document.getElementById('live').textContent.includes('notes')")
    page.keyboard.press("t")
    page.wait_for_selector("#twice-dialog[open] .twin")
    assert page.locator(".twin").count() == 2
    page.keyboard.press("t")  # the pair that has something to take over comes first
    page.wait_for_function("() => !document.querySelector('#twice-dialog [data-to]')")
    assert [row.label for row in read_labels(twins.labels).rows] == ["notes", "notes"]
    page.keyboard.press("z")
    page.wait_for_selector("#twice-dialog [data-to=sb02p0020]")
    assert [row.label for row in read_labels(twins.labels).rows] == ["notes", "notes", ""]
    page.keyboard.press("Escape")
    page.wait_for_selector("#twice-dialog:not([open])", state="attached")
