"""Corrections through the studio's addresses: seen at once, written once, taken back, and refused in a sentence."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from singleline_pipeline.corrections import read_corrections
from singleline_pipeline.studio.guard import TOKEN_HEADER

from .conftest import client_of
from .homes import MadeHome

LEFT, RIGHT = "10,20 50,20 50,60 10,60", "65,90 105,90 105,130 65,130"


@pytest.fixture
def page_id(made: MadeHome) -> str:
    return next(name for name, group in made.truth.items() if group == "drawings")


def points(stroke: list[float]) -> str:
    return " ".join(f"{x},{y}" for x, y in zip(stroke[::2], stroke[1::2], strict=True))


def send(client: TestClient, page_id: str, action: str, shape: str, request_id: str = "tab-1"):
    body = {"request_id": request_id, "page_id": page_id, "action": action, "shape": shape}
    return client.post("/api/corrections", json=body)


def take_back(client: TestClient, page_id: str, what: str, request_id: str):
    body = {"request_id": request_id, "page_id": page_id, "what": what}
    return client.post("/api/corrections/undo", json=body)


def test_a_stroke_is_erased_taken_back_and_erased_again(client: TestClient, page_id: str) -> None:
    before = client.get(f"/api/corrections/{page_id}?tab=tab").json()
    assert (len(before["strokes"]), len(before["drawings"]), before["undo"]) == (4, 2, False)
    answer = send(client, page_id, "erase", points(before["strokes"][0])).json()
    assert answer["said"] == "This erases 1 stroke."
    assert (len(answer["strokes"]), len(answer["erased"]), answer["undo"]) == (3, 1, True)
    assert answer["waiting"]["corrected"] == 1
    undone = take_back(client, page_id, "undo", "tab-2").json()
    assert undone["strokes"] == before["strokes"]
    assert (undone["undo"], undone["redo"], undone["waiting"]["corrected"]) == (False, True, 0)
    assert len(take_back(client, page_id, "redo", "tab-3").json()["erased"]) == 1
    assert take_back(client, page_id, "redo", "tab-4").status_code == 409


def test_drawings_are_merged_and_a_part_is_split_off_by_the_functions_of_the_pipeline(
    client: TestClient, made: MadeHome, page_id: str
) -> None:
    shown = client.get(f"/api/corrections/{page_id}").json()
    boxes = " ".join(",".join(map(str, drawing["box"])) for drawing in shown["drawings"])
    answer = send(client, page_id, "merge", boxes).json()
    assert answer["said"] == "This makes 2 drawings one."
    assert len(answer["drawings"]) == 1
    answer = send(client, page_id, "split", "0,0 60,0 60,38 0,38", "tab-2").json()
    assert len(answer["drawings"]) == 2
    said = read_corrections(made.home.labels)
    assert [one.action for one in said.of_page(said.of_sketchbook(page_id[:4])[0].page)] == ["merge", "split"]
    tried = client.get(f"/api/line/{page_id}").json()
    assert [one["box"] for one in tried["drawings"]] == [one["box"] for one in answer["drawings"]]


def test_what_a_run_has_made_true_waits_no_more(client: TestClient, made: MadeHome, page_id: str) -> None:
    """The Run button counts what is to be done, and not what was ever said."""
    shown = client.get(f"/api/corrections/{page_id}").json()
    client.get("/api/pages")
    send(client, page_id, "erase", points(shown["strokes"][0]))
    assert client.get("/api/pages").json()["decided"]["waiting"]["corrected"] == 1
    table = made.lake.read("joined_strokes", page_id[:4])
    made.lake.write("joined_strokes", table, page_id[:4])
    assert client.get("/api/pages").json()["decided"]["waiting"]["corrected"] == 0


def test_a_request_sent_twice_is_done_once(client: TestClient, made: MadeHome, page_id: str) -> None:
    stroke = points(client.get(f"/api/corrections/{page_id}").json()["strokes"][0])
    assert send(client, page_id, "erase", stroke).status_code == 200
    again = send(client, page_id, "erase", stroke)
    assert (again.status_code, len(again.json()["erased"])) == (200, 1)
    assert len(read_corrections(made.home.labels).labels.rows) == 1


def test_two_tabs_lose_none_of_each_other_s_and_each_takes_back_its_own(
    client: TestClient, made: MadeHome, page_id: str
) -> None:
    strokes = client.get(f"/api/corrections/{page_id}").json()["strokes"]
    with ThreadPoolExecutor(4) as pool:
        sent = [
            pool.submit(send, client, page_id, "erase", points(stroke), f"tab{number}-1")
            for number, stroke in enumerate(strokes)
        ]
    assert [one.result().status_code for one in sent] == [200] * 4
    assert read_corrections(made.home.labels).problems == []
    assert len(client.get(f"/api/corrections/{page_id}").json()["erased"]) == 4
    answer = take_back(client, page_id, "undo", "tab2-2").json()
    assert answer["strokes"] == [strokes[2]]


def test_a_line_of_many_points_is_kept_in_few(client: TestClient, made: MadeHome, page_id: str) -> None:
    """A lasso drawn slowly on a tablet has thousands of points; the file is read by people."""
    outline = " ".join(f"{x / 100},5" for x in range(6000)) + " 60,62 0,62"
    assert send(client, page_id, "split", outline).status_code == 200
    [row] = read_corrections(made.home.labels).labels.rows
    assert len(row.key.split()) <= 400


WRONG = [
    ({"action": "smudge"}, "action must be one of erase, split, merge."),
    ({"shape": "here"}, "shape must be points, x,y x,y ..., in pixels of the page."),
    ({"shape": ""}, "erase needs 1 to 400 points"),
    ({"shape": "1,2 3"}, "shape must be points"),
    ({"shape": "nan,1 2,2"}, "the points of erase must be written"),
    ({"shape": " ".join(["1,1"] * 20_001)}, "A line may have 20000 points."),
    ({"request_id": "x"}, "request_id must be"),
    ({"page_id": "sb99p001"}, "There is no page 'sb99p001'"),
    ({"shape": "119,1 119,2"}, "There is no stroke along that line."),
    ({"action": "split", "shape": "110,1 119,1 119,9"}, "There is no line inside that outline."),
    ({"action": "merge", "shape": "0,0,5,5 6,6,9,9"}, "Two drawings of the page are needed"),
    ({"shape": 5}, "shape must be a string."),
]


@pytest.mark.parametrize(("change", "sentence"), WRONG)
def test_what_is_wrong_is_refused_in_a_sentence_and_not_written(
    client: TestClient, made: MadeHome, page_id: str, change: dict, sentence: str
) -> None:
    body = {"request_id": "tab-1", "page_id": page_id, "action": "erase", "shape": "1,1 2,2"} | change
    answer = client.post("/api/corrections", json=body)
    assert 400 <= answer.status_code < 500
    assert sentence in answer.json()["error"]
    assert not (made.home.labels / "corrections.csv").exists()


def test_a_page_that_was_not_traced_says_so(client: TestClient, made: MadeHome) -> None:
    other = next(name for name, group in made.truth.items() if group == "notes")
    answer = client.get(f"/api/corrections/{other}")
    assert (answer.status_code, answer.json()["error"]) == (
        404,
        f"{other} has not been traced: only pages in the group drawings are.",
    )


@pytest.mark.parametrize("path", ["corrections", "corrections/undo", "private"])
def test_nothing_is_corrected_or_removed_without_the_token(
    client: TestClient, made: MadeHome, page_id: str, path: str
) -> None:
    answer = client.post(f"/api/{path}", json={"page_id": page_id}, headers={TOKEN_HEADER: "another"})
    assert answer.status_code == 403
    assert not (made.home.labels / "corrections.csv").exists()


def test_a_private_page_is_gone_from_the_studio_at_once(
    made: MadeHome, page_id: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its tables, its thumbnails on the sheets, its picture; and the browser is told to forget what it kept."""
    (tmp_path / "dagster").mkdir()
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "dagster"))
    (tmp_path / "dagster" / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    client = client_of(made)
    pages = client.get("/api/pages").json()
    version = pages["thumbs"][pages["ids"].index(page_id)]
    sheet = f"/sheets/pages/{pages['sheets']['version']}/0"
    assert client.get(sheet).status_code == client.get(f"/thumbnails/pages/{version}").status_code == 200
    answer = client.post("/api/private", json={"page_id": page_id})
    assert answer.status_code == 200, answer.text
    assert answer.headers["clear-site-data"] == '"cache"'
    said = answer.json()["said"]
    assert said[0] == f"{page_id} is private. Removed:"
    assert "  raw_pages: 1 row" in said
    assert "  drawings: 2 rows" in said
    now = client.get("/api/pages").json()
    assert page_id not in now["ids"]
    assert len(now["ids"]) == len(pages["ids"]) - 1
    drawings = client.get("/api/drawings").json()["ids"]
    assert not [name for name in drawings if name.startswith(page_id)]
    for gone in (sheet, f"/thumbnails/pages/{version}", f"/pictures/{page_id}/{version}"):
        assert client.get(gone).status_code == 404
    assert client.post("/api/private", json={"page_id": page_id}).status_code == 404
    left = [
        file for file in made.home.root.rglob("*.json") if re.search(page_id, json.dumps(file.read_text()))
    ]
    assert left == []
