"""What the studio says of labels must be what the file holds and what the pipeline makes of it."""

import time
from pathlib import Path

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest
from starlette.testclient import TestClient

from singleline_pipeline.embedding import Label, append_labels, drawing_key, read_labels
from singleline_pipeline.schemas import SCHEMAS
from singleline_pipeline.studio.tables import CALM

from .conftest import client_of
from .homes import MadeHome

WAITING = {"pages": 0, "drawings": 0, "corrected": 0, "sketchbooks": 0}


class Page:
    """Asks as a browser tab does."""

    def __init__(self, client: TestClient, tab: str = "tab") -> None:
        self.client = client
        self.tab = tab
        self.number = 0

    def request_id(self) -> str:
        self.number += 1
        return f"{self.tab}-{self.number}"

    def label(self, scope: str, ids: list[str], label: str, **more) -> dict:
        body = {"request_id": self.request_id(), "scope": scope, "ids": ids, "label": label} | more
        answer = self.client.post("/api/labels", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def correct(self, what: str) -> dict:
        answer = self.client.post(f"/api/{what}", json={"request_id": self.request_id(), "tab": self.tab})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def shown(self, kind: str = "pages") -> dict[str, tuple[str, str]]:
        """Label and who decided it, by id."""
        found = self.client.get(f"/api/{kind}").json()
        decided = self.client.get(f"/api/{kind}/decided?tab={self.tab}").json()
        labels = [found["unsaid"], *found["labels"]]
        by = ["hand", "minimum", "cluster", "suggestion", "nobody"]
        return {
            name: (labels[int(code)], by[int(who)])
            for name, code, who in zip(found["ids"], decided["codes"], decided["by"], strict=True)
        }

    def effect(self, scope: str, ids: list[str], label: str) -> str:
        answer = self.client.post("/api/effects", json={"scope": scope, "ids": ids})
        assert answer.status_code == 200, answer.text
        return answer.json()[label]["sentence"]


@pytest.fixture
def page(client: TestClient) -> Page:
    return Page(client)


def test_without_labels_everything_is_what_it_looks_like(page: Page, made: MadeHome) -> None:
    assert page.shown() == {name: (group, "suggestion") for name, group in made.truth.items()}
    assert set(page.shown("drawings").values()) == {("include", "nobody")}


def test_a_label_goes_before_the_name_of_the_cluster_and_that_before_the_suggestion(
    page: Page, made: MadeHome
) -> None:
    found = page.client.get("/api/pages").json()
    number = found["cluster"][0]
    members = [name for name, of in zip(found["ids"], found["cluster"], strict=True) if of == number]
    page.label("page", members[:1], "badscans")
    page.label("page_cluster", [made.clusters[number]], "covers")
    shown = page.shown()
    assert shown[members[0]] == ("badscans", "hand")
    assert {shown[name] for name in members[1:]} == {("covers", "cluster")}
    assert {shown[name][1] for name in found["ids"] if name not in members} == {"suggestion"}
    page.label("page", members[:1], "")
    assert page.shown()[members[0]] == ("covers", "cluster")


def test_the_file_holds_keys_that_outlive_names_and_says_who_and_when(page: Page, made: MadeHome) -> None:
    page.label("page", ["sb01p0001"], "notes")
    [row] = read_labels(made.labels).rows
    assert (row.scope, row.key, row.label, row.readable_id) == ("page", f"{2:064x}", "notes", "sb01p0001")
    assert row.request_id == "tab-1"
    assert row.when[10] == "T"
    drawing = next(iter(page.shown("drawings")))
    page.label("drawing", [drawing], "exclude")
    row = read_labels(made.labels).rows[1]
    assert row.readable_id == drawing
    found = made.lake.dataset("drawings").to_table(columns=["drawing_id", "sha256", "box"]).to_pylist()
    assert row.key == next(drawing_key(d["sha256"], d["box"]) for d in found if d["drawing_id"] == drawing)


def test_the_effect_is_told_before_and_is_what_then_happens(page: Page, made: MadeHome) -> None:
    """The sentence that the issue asks for, and the numbers in it counted by another way."""
    found = page.client.get("/api/drawings").json()
    key = max(found["clusters"], key=lambda key: found["cluster"].count(found["clusters"].index(key)))
    number = found["clusters"].index(key)
    members = [name for name, of in zip(found["ids"], found["cluster"], strict=True) if of == number]
    page.label("drawing", members[:2], "include")
    said = page.effect("drawing_cluster", [key], "exclude")
    assert said == f"This excludes {len(members) - 2} drawings; 2 were included by hand and stay."
    assert page.label("drawing_cluster", [key], "exclude")["said"] == said
    shown = page.shown("drawings")
    assert [shown[name][0] for name in members].count("exclude") == len(members) - 2
    assert {shown[name] for name in members[:2]} == {("include", "hand")}
    assert page.effect("drawing", members[:1], "exclude") == "This excludes 1 drawing."
    assert page.effect("drawing_cluster", [key], "exclude").startswith("This changes no drawing; 2 were")


def test_the_effect_of_moving_pages_counts_the_drawings_that_go_with_them(page: Page, made: MadeHome) -> None:
    drawings = [name for name, group in made.truth.items() if group == "drawings"]
    others = [name for name, group in made.truth.items() if group == "notes"]
    assert page.effect("page", drawings[:3], "notes") == (
        "This moves 3 pages to notes; 6 drawings leave the dataset."
    )
    page.label("drawing", [f"{drawings[0]}d01"], "exclude")
    assert "; 5 drawings leave" in page.effect("page", drawings[:3], "notes")
    assert page.effect("page", others[:2], "drawings") == (
        "This moves 2 pages to drawings; 2 pages will be traced."
    )
    assert page.effect("page", others[:1], "notes") == "This changes no page."


def test_drawings_under_the_minimum_stay_out_whatever_their_cluster_is_called(made: MadeHome) -> None:
    table = made.lake.read("filtered_drawings", "sb01")
    reason = ["smaller than 40 px"] + [None] * (table.num_rows - 1)
    columns = {"kept": [text is None for text in reason], "reason": reason}
    for name, values in columns.items():
        index = table.schema.get_field_index(name)
        table = table.set_column(index, table.schema.field(name), [values])
    made.lake.write("filtered_drawings", table.cast(SCHEMAS["filtered_drawings"]), "sb01")
    page = Page(client_of(made))
    small = table["drawing_id"][0].as_py()
    assert page.shown("drawings")[small] == ("exclude", "minimum")
    found = page.client.get("/api/drawings").json()
    key = found["clusters"][found["cluster"][found["ids"].index(small)]]
    assert "1 stays out for its size" in page.effect("drawing_cluster", [key], "include")
    page.label("drawing", [small], "include")
    assert page.shown("drawings")[small] == ("include", "hand")


def test_names_carried_over_to_a_new_fit_are_shown_with_their_agreement(page: Page, made: MadeHome) -> None:
    """The fit of last month had one cluster; most of its members are in a cluster of the new one."""
    from singleline_pipeline.embedding import StoredFit, cluster_key, load_fits, save_fit

    [fit] = load_fits(made.home.labels / "fits", "page_cluster")
    old = StoredFit("page_cluster", "0" * 12, "a", "1", [fit.members[0]])
    save_fit(made.home.labels / "fits", old)
    append_labels(made.labels, [Label("page_cluster", cluster_key(old.fit_id, 0), "covers")])
    page = Page(client_of(made))
    cluster = page.client.get("/api/pages/decided").json()["clusters"][0]
    assert (cluster["name"], cluster["agreement"], cluster["by_hand"]) == ("covers", 1.0, False)
    page.label("page_cluster", [made.clusters[0]], "notes")
    cluster = page.client.get("/api/pages/decided").json()["clusters"][0]
    assert (cluster["name"], cluster["by_hand"]) == ("notes", True)


def test_the_same_request_sent_again_is_written_once(page: Page, made: MadeHome) -> None:
    """The answer was lost, or the server was killed before it could give one: the page sends it again."""
    for _ in range(3):
        page.label("page", ["sb01p0000", "sb01p0001"], "notes", request_id="tab-same")
    assert len(read_labels(made.labels).rows) == 2


def test_undo_and_redo_survive_a_restart_of_the_server(page: Page, made: MadeHome) -> None:
    page.label("page", ["sb01p0000", "sb01p0001"], "covers")
    again = Page(client_of(made))
    again.number = 10
    answer = again.correct("undo")
    assert answer["said"] == "2 labels taken back."
    assert answer["decided"]["pages"]["redo"] == 2
    assert {by for _, by in again.shown().values()} == {"suggestion"}
    assert again.correct("redo")["said"] == "2 labels given again."
    assert again.shown()["sb01p0000"] == ("covers", "hand")
    other = Page(client_of(made), "other")
    refused = other.client.post("/api/undo", json={"request_id": "other-1", "tab": "other"})
    assert refused.status_code == 409


def test_labels_written_by_another_program_are_seen(page: Page, made: MadeHome) -> None:
    before = page.client.get("/api/status").json()
    append_labels(made.labels, [Label("page", f"{1:064x}", "covers", who="a spreadsheet")])
    after = page.client.get("/api/status").json()
    assert before["labels"] != after["labels"]
    assert before["lake"] == after["lake"]
    assert page.shown()["sb01p0000"] == ("covers", "hand")
    with made.labels.open("a") as stream:
        stream.write("page,1,nonsense\n")
    assert "line 3" in page.client.get("/api/pages/decided").json()["problems"][0]


def test_tables_that_a_run_has_written_are_seen(page: Page, made: MadeHome) -> None:
    """A page that is something else by now waits for a run, and no longer once the run has written it."""
    page.label("page", ["sb01p0000"], "covers")
    assert page.client.get("/api/pages/decided").json()["waiting"] == WAITING | {"pages": 1}
    before = page.client.get("/api/status").json()["lake"]
    table = made.lake.read("page_groups", "sb01")
    index = table.schema.get_field_index("group")
    groups = ["covers", *table["group"].to_pylist()[1:]]
    made.lake.write("page_groups", table.set_column(index, table.schema.field("group"), [groups]), "sb01")
    # A run may still be writing: what has changed is read when it has stayed so for a moment.
    assert page.client.get("/api/status").json()["lake"] == before
    time.sleep(CALM)
    assert page.client.get("/api/status").json()["lake"] != before
    assert page.client.get("/api/pages/decided").json()["waiting"] == WAITING


def test_the_same_page_in_two_sketchbooks_has_one_label(made: MadeHome) -> None:
    """Its key is the hash of the file; both rows follow, and the sentence counts both."""
    for asset in ("page_embeddings", "page_groups", "raw_pages"):
        table = made.lake.read(asset, "sb02")
        index = table.schema.get_field_index("sha256")
        hashes = [f"{1:064x}", *table["sha256"].to_pylist()[1:]]
        made.lake.write(asset, table.set_column(index, table.schema.field("sha256"), [hashes]), "sb02")
    page = Page(client_of(made))
    first = next(name for name in page.shown() if name.startswith("sb02"))
    page.label("page", ["sb01p0000"], "badscans")
    shown = page.shown()
    assert shown["sb01p0000"] == shown[first] == ("badscans", "hand")
    assert page.effect("page", ["sb01p0000"], "covers").startswith("This moves 2 pages to covers")
    assert page.effect("page", ["sb01p0000", first], "covers").startswith("This moves 2 pages to covers")
    assert len(read_labels(made.labels).rows) == 1


def test_a_damaged_fit_is_named_each_time_and_not_taken_for_no_names(made: MadeHome) -> None:
    """A cluster that seems to have no name would be named again, and wrongly."""
    [file] = (made.home.labels / "fits").glob("page_cluster-*.json")
    whole = file.read_bytes()
    file.write_bytes(whole[:100])
    client = client_of(made)
    for path in ("/api/pages", "/api/pages", "/api/pages/decided", "/api/status"):
        answer = client.get(path)
        assert answer.status_code == 503
        assert file.name in answer.json()["error"]
    file.write_bytes(whole)
    assert client.get("/api/pages").status_code == 200


def test_labels_that_cannot_be_written_are_told_of(page: Page, made: MadeHome) -> None:
    made.labels.mkdir()
    body = {"request_id": "tab-1", "scope": "page", "ids": ["sb01p0000"], "label": "notes"}
    answer = page.client.post("/api/labels", json=body)
    assert answer.status_code == 503
    assert str(made.labels) in answer.json()["error"]


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        ({"ids": ["sb09p0000"]}, 404, "sb09p0000"),
        ({"ids": ["sb01p0000", "../../etc/passwd"]}, 404, "etc/passwd"),
        ({"ids": []}, 400, "1 to 20000"),
        ({"ids": ["sb01p0000"] * 20_001}, 400, "1 to 20000"),
        ({"ids": "sb01p0000"}, 400, "list of strings"),
        ({"ids": [1]}, 400, "list of strings"),
        ({"label": "include"}, 400, "drawings, watercolors"),
        ({"label": None}, 400, "string"),
        ({"scope": "cover"}, 400, "page_cluster"),
        ({"scope": "drawing"}, 404, "drawing"),
        ({"scope": "page_cluster"}, 409, "reload"),
        ({"scope": "page_cluster", "ids": ["000000000000:0"]}, 409, "reload"),
        ({"request_id": "x"}, 400, "request_id"),
        ({"request_id": "tab-1\npage,2"}, 400, "request_id"),
        ({"request_id": "tab-1.undo.tab-0"}, 400, "request_id"),
        ({"more": 1}, 400, "object with"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_a_sentence_and_nothing_is_written(
    page: Page, made: MadeHome, body: dict, status: int, says: str
) -> None:
    whole = {"request_id": "tab-1", "scope": "page", "ids": ["sb01p0000"], "label": "notes"}
    answer = page.client.post("/api/labels", json=whole | body)
    assert answer.status_code == status
    assert says in answer.json()["error"]
    assert not made.labels.exists()


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'"x"', b"\xff\xfe"])
def test_a_body_that_is_no_object_is_refused(page: Page, body: bytes) -> None:
    answer = page.client.post("/api/labels", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 400


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/books", 404),
        ("/api/books/decided", 404),
        ("/api/pages/similar?id=nobody", 404),
        ("/api/pages/similar?id=sb01p0000&count=0", 400),
        ("/api/pages/uncertain?count=1e9", 400),
        ("/api/pages/uncertain?count=" + "9" * 5000, 400),
        ("/api/page/nobody", 404),
        ("/api/line/nobody", 404),
        ("/thumbnails/pages/0123456789abcdef", 404),
        ("/sheets/pages/0123456789abcdef/0", 404),
        ("/pictures/sb01p0000/0123456789abcdef", 404),
    ],
)
def test_unknown_addresses_and_odd_numbers_get_a_sentence(page: Page, path: str, status: int) -> None:
    page.client.get("/api/pages")
    answer = page.client.get(path)
    assert answer.status_code == status
    assert answer.json()["error"].endswith(".")


def test_the_uncertain_ones_come_first_and_those_labelled_by_hand_not_at_all(
    page: Page, made: MadeHome
) -> None:
    ids = page.client.get("/api/pages").json()["ids"]
    doubt = page.client.get("/api/pages").json()["doubt"]
    rows = page.client.get("/api/pages/uncertain?count=5").json()["rows"]
    assert [one["row"] for one in rows] == np.argsort(-np.array(doubt), kind="stable")[:5].tolist()
    assert all("cluster" in one["why"] for one in rows)
    page.label("page", [ids[rows[0]["row"]]], "covers")
    assert rows[0]["row"] not in [r["row"] for r in page.client.get("/api/pages/uncertain").json()["rows"]]


def test_more_like_this_are_pages_of_the_same_group(page: Page, made: MadeHome) -> None:
    """The groups of the made pages lie apart, so that the nearest by cosine are the page's own kind."""
    ids = list(made.truth)
    for name in ids[:10]:
        alike = page.client.get(f"/api/pages/similar?id={name}&count=3").json()["rows"]
        assert ids[alike[0]] == name
        same = sum(value == made.truth[name] for value in made.truth.values()) - 1
        kinds = [made.truth[ids[row]] for row in alike[1:]][:same]
        assert set(kinds) <= {made.truth[name]}


def test_thumbnails_and_pictures_are_kept_by_the_browser_for_ever(page: Page, made: MadeHome) -> None:
    found = page.client.get("/api/pages").json()
    sheets = found["sheets"]
    for path in (
        f"/thumbnails/pages/{found['thumbs'][0]}",
        f"/sheets/pages/{sheets['version']}/0",
        f"/pictures/{found['ids'][0]}/{found['thumbs'][0]}",
    ):
        answer = page.client.get(path)
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "image/jpeg"
        assert "immutable" in answer.headers["cache-control"]
        again = page.client.get(path, headers={"if-none-match": answer.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
    table = made.lake.read("raw_pages", "sb01", ["thumbnail"])
    assert page.client.get(f"/thumbnails/pages/{found['thumbs'][0]}").content == table["thumbnail"][0].as_py()


def test_pages_of_every_format_come_as_a_picture_of_a_screen_s_size(made: MadeHome) -> None:
    """A browser shows no TIFF; a large scan at its own size would take a phone a minute."""
    line = b'<path d="M9 9 L80 90" fill="none" stroke="#000"/>'
    svg = b'<svg xmlns="http://www.w3.org/2000/svg" width="100" height="140">' + line + b"</svg>"
    scan = np.random.default_rng(0).integers(0, 256, (2600, 1900, 3), np.uint8)
    files = [cv2.imencode(suffix, scan)[1].tobytes() for suffix in (".jpg", ".png", ".tif")] + [svg]
    table = made.lake.read("raw_pages", "sb01")
    images = [{"bytes": data, "path": ""} for data in files] + table["image"].to_pylist()[len(files) :]
    index = table.schema.get_field_index("image")
    made.lake.write("raw_pages", table.set_column(index, table.schema.field("image"), [images]), "sb01")
    client = client_of(made)
    found = client.get("/api/pages").json()
    for row in range(len(files)):
        answer = client.get(f"/pictures/{found['ids'][row]}/{found['thumbs'][row]}")
        picture = cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_COLOR)
        assert answer.headers["content-type"] == "image/jpeg"
        assert max(picture.shape) <= 1600
        assert picture.shape[1] / picture.shape[0] == pytest.approx(
            1900 / 2600 if row < 3 else 100 / 140, abs=0.01
        )


def test_a_home_without_pages_is_empty_and_not_an_error(tmp_path: Path) -> None:
    from singleline_pipeline.home import Home
    from singleline_pipeline.studio import create_app

    client = TestClient(create_app(Home.from_environment(tmp_path / "new")), base_url="http://127.0.0.1")
    for kind in ("pages", "drawings"):
        answer = client.get(f"/api/{kind}")
        assert answer.status_code == 200
        assert answer.json()["ids"] == []
        assert client.get(f"/api/{kind}/decided").json()["codes"] == ""
        assert client.get(f"/api/{kind}/uncertain").json() == {"rows": []}
    assert not (tmp_path / "new").exists()


def test_pages_without_clusters_or_a_map_are_shown_all_the_same(made: MadeHome) -> None:
    """The first sketchbook, before anything was fitted."""
    for file in ("page_clusters", "page_map", "drawing_clusters", "drawing_map"):
        (made.home.root / "lake" / f"{file}.parquet").unlink()
    client = client_of(made)
    found = client.get("/api/pages").json()
    assert set(found["cluster"]) == {-1}
    assert set(found["x"]) == {None}
    assert client.get("/api/drawings").json()["thumbs"][0] == ""
    assert Page(client).label("page", found["ids"][:1], "covers")["said"]


def test_a_map_of_an_earlier_version_leaves_the_clusters_to_work_with(made: MadeHome) -> None:
    """After an update the next run makes the map again; until then there is no reason to show nothing."""
    for kind in ("page", "drawing"):
        file = made.home.root / "lake" / f"{kind}_map.parquet"
        pq.write_table(pq.read_table(file).drop_columns(["group"]), file)
    client = client_of(made)
    found = client.get("/api/pages").json()
    assert len(found["ids"]) == len(made.truth)
    assert set(found["x"]) == {None}
    assert "page_map.parquet was written under another schema" in found["problems"][0]
    assert len(client.get("/api/drawings").json()["ids"]) > 0


def test_other_settings_are_tried_by_the_pipeline_s_own_functions(page: Page, made: MadeHome) -> None:
    """Each loop was traced in two pieces, 2 px apart: joined it is one stroke, with a gap of 0 it stays two."""
    name = next(name for name, group in made.truth.items() if group == "drawings")
    found = page.client.get(f"/api/line/{name}").json()
    assert (found["strokes_before"], found["strokes_joined"], len(found["drawings"])) == (4, 2, 2)
    apart = page.client.get(f"/api/line/{name}?join_gap=0&line_gap=0").json()
    assert (apart["strokes_joined"], apart["strokes_after"]) == (4, 4)
    coarse = page.client.get(f"/api/line/{name}?epsilon=6").json()
    assert sum(d["points"] for d in coarse["drawings"]) < sum(d["points"] for d in found["drawings"])
    x, y = np.array(found["drawings"][0]["strokes"][0]).reshape(-1, 2).T
    assert abs(x.mean() - 30) < 8
    assert abs(y.mean() - 40) < 8
    for query in ("join_gap=-1", "join_gap=nan", "line_gap=x", "overlap=2", "method=magic", "epsilon=inf"):
        assert page.client.get(f"/api/line/{name}?{query}").status_code == 400


def test_a_page_comes_with_its_line_and_the_drawings_cut_from_it(page: Page, made: MadeHome) -> None:
    name = next(name for name, group in made.truth.items() if group == "drawings")
    found = page.client.get(f"/api/page/{name}").json()
    assert (found["width"], found["height"]) == (120, 160)
    assert (len(found["traced"]), len(found["line"])) == (4, 2)
    assert [one["id"] for one in found["drawings"]] == [f"{name}d01", f"{name}d02"]
    other = next(name for name, group in made.truth.items() if group == "notes")
    assert page.client.get(f"/api/page/{other}").json()["traced"] == []
    assert page.client.get(f"/api/line/{other}").status_code == 404
