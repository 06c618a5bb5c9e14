"""What the sliders write is what the pipeline reads, and what is said of it beforehand is what becomes stale."""

import os
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from singleline_pipeline.lake import Lake
from singleline_pipeline.orchestration.settings_versions import settings_version
from singleline_pipeline.settings_file import SETTINGS, Settings, read_settings

from .conftest import client_of, served
from .homes import MadeHome

MOVED = {"join_gap": 40.0, "method": "route", "line_gap": 30.0, "overlap": 0.25, "epsilon": 1.0}


@pytest.fixture
def traced(made: MadeHome) -> str:
    """A page of drawings of the first sketchbook."""
    return next(name for name, group in made.truth.items() if group == "drawings" and name.startswith("sb01"))


def effects(client: TestClient, page: str, **values: object) -> dict[str, dict]:
    answer = client.post("/api/settings/effects", json={"page_id": page, "values": MOVED | values})
    assert answer.status_code == 200, answer.text
    return answer.json()


def write(client: TestClient, action: str, page: str, **values: object) -> dict:
    body = {"action": action, "page_id": page, "values": MOVED | values}
    answer = client.post("/api/settings", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def versions(made: MadeHome) -> dict[tuple[str, str | None], dict[str, str]]:
    """What the pipeline takes for the version of the settings of each of its tables."""
    books = ["sb01", "sb02"]
    parts = [
        (asset, book) for asset in SETTINGS for book in books if asset not in ("encoder", "stroke3_dataset")
    ]
    return {part: settings_version(*part, made.home) for part in [*parts, ("stroke3_dataset", None)]}


@pytest.mark.parametrize(
    ("action", "values", "stale"),
    [
        ("page", {}, {("joined_strokes", "sb01")}),
        ("everywhere", {}, {("joined_strokes", "sb01"), ("joined_strokes", "sb02")}),
        ("page", {"join_gap": 15, "method": "splice", "line_gap": 40}, {("spliced_strokes", "sb01")}),
        ("everywhere", {"join_gap": 15, "overlap": 0.5}, {("drawings", "sb01"), ("drawings", "sb02")}),
        ("everywhere", {"join_gap": 15, "epsilon": 2}, {("stroke3_dataset", None)}),
        ("page", {"join_gap": 15, "epsilon": 2}, {("stroke3_dataset", None)}),
        ("page", {"join_gap": 15}, set()),
        ("built in", {}, set()),
    ],
)
def test_what_is_said_before_is_what_the_pipeline_then_finds_stale(
    client: TestClient, made: MadeHome, traced: str, action: str, values: dict, stale: set
) -> None:
    before, said = versions(made), effects(client, traced, **values)[action]
    assert said["changes"] == bool(stale)
    answer = write(client, action, traced, **values)
    after = versions(made)
    assert {part for part in before if before[part] != after[part]} == stale
    assert answer["said"] == said["sentence"]
    books = {book for _, book in stale if book}
    assert answer["waiting"]["sketchbooks"] == (len(books) or len(stale))
    number = sum(Lake(made.home.lake).read("drawings", book).num_rows for book in books)
    if len(books) == 2:
        assert f"This makes 2 sketchbooks stale: {number} drawings are made again" in said["sentence"]
    elif books:
        wanted = f"This makes sb01 stale: {number} drawings are made again, and only those of {traced} can be others"
        assert wanted in said["sentence"]
    assert effects(client, traced, **values)[action]["changes"] is False


def test_a_page_keeps_its_own_until_it_is_as_everywhere_again(
    client: TestClient, made: MadeHome, traced: str
) -> None:
    other = next(name for name, group in made.truth.items() if group == "drawings" and name != traced)
    write(client, "page", other, join_gap=5)
    write(client, "page", traced)
    said = write(client, "everywhere", traced, join_gap=20)
    assert "1 page has settings of their own, which stay" in said["said"]
    assert said["settings"]["values"]["join_gap"] == 20, "whoever says everywhere means this page, too"
    assert client.get(f"/api/settings/{other}").json()["values"]["join_gap"] == 5
    back = write(client, "as everywhere", other)
    assert back["settings"]["values"]["join_gap"] == 20
    assert write(client, "built in", other)["settings"]["values"]["join_gap"] == 15
    assert read_settings(made.home.settings) == Settings()


def test_trying_goes_out_from_what_the_page_has(client: TestClient, made: MadeHome, traced: str) -> None:
    """What nobody moves is as in settings.toml, min_points and min_area too, which have no slider."""
    usual = client.get(f"/api/line/{traced}").json()
    assert (usual["strokes_joined"], len(usual["drawings"])) == (2, 2)
    write(client, "page", traced, join_gap=0)
    assert client.get(f"/api/line/{traced}").json()["strokes_joined"] == 4
    assert client.get(f"/api/line/{traced}?join_gap=15").json() == usual
    made.home.settings.write_text("[drawings]\nmin_area = 20000\n[stroke3_dataset]\nmax_points = 12\n")
    found = client.get(f"/api/line/{traced}").json()
    assert len(found["drawings"]) < 2, "a loop fits into a square of that area"
    made.home.settings.write_text("[stroke3_dataset]\nmax_points = 12\n")
    found = client.get(f"/api/line/{traced}").json()
    assert max(drawing["points"] for drawing in found["drawings"]) <= 12
    assert min(drawing["epsilon"] for drawing in found["drawings"]) > 1


def test_what_waits_for_a_run_is_told_until_its_table_is_written_again(
    client: TestClient, made: MadeHome, traced: str
) -> None:
    def waiting() -> int:
        return client.get("/api/pages/decided").json()["waiting"]["sketchbooks"]

    assert waiting() == 0
    write(client, "everywhere", traced)
    assert waiting() == 2
    write(client, "everywhere", traced, join_gap=50)
    assert waiting() == 2
    write(client, "built in", traced)
    assert waiting() == 0, "they are as the tables were made"
    write(client, "page", traced)
    assert waiting() == 1
    table = Path(made.home.root / "lake" / "joined_strokes" / "sb01.parquet")
    later = table.stat().st_mtime + 10
    os.utime(table, (later, later))
    assert waiting() == 0
    write(client, "as everywhere", traced)
    assert waiting() == 1, "now it was made with what is no longer said"


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"action": "nowhere"}, "action must be one of page, as everywhere"),
        ({"page_id": "sb09p0001"}, "sb09p0001"),
        ({"values": {"join_gap": 500}}, "join_gap must be a number from 0 to 200"),
        ({"values": {"join_gap": "15"}}, "join_gap must be a number"),
        ({"values": {"method": "magic"}}, "method must be one of route, splice"),
        ({"values": {"min_points": 3}}, "no setting 'min_points'"),
        ({"values": [1]}, "values must be a object"),
    ],
)
def test_nothing_wrong_is_written(
    client: TestClient, made: MadeHome, traced: str, body: dict, says: str
) -> None:
    whole = {"action": "page", "page_id": traced, "values": MOVED} | body
    answer = client.post("/api/settings", json=whole)
    assert 400 <= answer.status_code < 500
    assert says in answer.json()["error"]
    assert not made.home.settings.exists()


def test_a_file_that_is_no_toml_is_told_and_left_alone(
    client: TestClient, made: MadeHome, traced: str
) -> None:
    made.home.settings.write_text("[drawings\n")
    body = {"action": "page", "page_id": traced, "values": MOVED}
    answer = client.post("/api/settings", json=body)
    assert answer.status_code == 503
    assert "settings.toml is not TOML" in answer.json()["error"]
    assert made.home.settings.read_text() == "[drawings\n"
    assert "settings.toml" in client.get("/api/pages/decided").json()["problems"][-1]
    made.home.settings.write_text("[drawings]\nmin_overlap = 3\n")
    [problem] = client.get("/api/pages/decided").json()["problems"]
    assert "settings.toml, line 2: drawings.min_overlap" in problem


def test_a_person_keeps_the_settings_of_a_page_and_takes_them_back(
    browser, made: MadeHome, traced: str
) -> None:
    with served(made) as studio:
        page = browser.new_page(viewport={"width": 1360, "height": 900})
        page.goto(studio.url)
        page.locator(f".thumb[title^='{traced}']").dblclick()
        page.get_by_text("Try other settings").click()
        page.locator(".figures", has_text="4 strokes traced, 2 joined").wait_for()
        for _ in range(15):
            page.locator("input[name=join_gap]").press("ArrowLeft")
        page.locator(".figures", has_text="4 strokes traced, 4 joined").wait_for()
        keep = page.get_by_role("button", name="Use for this page")
        page.locator("#keeps-page", has_text=f"only those of {traced} can be others").wait_for()
        keep.click()
        page.locator("#run", has_text="Run (1)").wait_for()
        assert read_settings(made.home.settings).everywhere == {}
        assert f'id = "{traced}"' in made.home.settings.read_text()
        page.keyboard.press("Escape")
        page.locator(f".thumb[title^='{traced}']").dblclick()
        page.get_by_text("Try other settings").click()
        page.locator(".figures", has_text="4 strokes traced, 4 joined").wait_for()
        made.home.settings.write_text(made.home.settings.read_text() + "\n[drawings]\nmin_ovelap = 0.5\n")
        page.locator("#notice", has_text="drawings has no min_ovelap").wait_for(state="attached")
        page.get_by_role("button", name="As everywhere").click()
        page.locator(".figures", has_text="4 strokes traced, 2 joined").wait_for()
        assert page.get_by_role("button", name="As everywhere").is_disabled()
        page.close()
    assert client_of(made).get(f"/api/settings/{traced}").json()["values"]["join_gap"] == 15
