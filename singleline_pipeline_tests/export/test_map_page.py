"""The published map as a file: small, the same each time, and nothing in it can break out of it."""

import base64
import hashlib
import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from singleline_pipeline.export import ExportError, MapRows, MapWords, map_page
from singleline_pipeline.export import page as page_module
from singleline_pipeline.export.packing import pack_drawings
from singleline_pipeline.export.page import PICTURE_BYTES
from singleline_pipeline.export.scripts import join_modules

from .rows import drawn_rows, loops, page_rows

WORDS = MapWords("Single lines", "An Artist", "What looks alike lies together.")


class Parsed(HTMLParser):
    """Elements of a page with their attributes and texts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self.texts.append("")

    def handle_data(self, data: str) -> None:
        if self.texts:
            self.texts[-1] += data

    def data(self) -> dict:
        at = next(i for i, (_, attrs) in enumerate(self.elements) if attrs.get("id") == "data")
        return json.loads(self.texts[at])


def unpacked(text: str, step: float) -> list[list[np.ndarray]]:
    """What pack_drawings says in its docstring, read back number by number."""
    data, at = base64.b64decode(text), 0

    def number() -> int:
        nonlocal at
        value = shift = 0
        while True:
            value |= (data[at] & 127) << shift
            shift, at = shift + 7, at + 1
            if data[at - 1] < 128:
                return value

    drawings = []
    while at < len(data):
        x = y = 0
        drawing = []
        for _ in range(number()):
            points = []
            for _ in range(number()):
                moves = [number() for _ in range(2)]
                dx, dy = ((move >> 1) ^ -(move & 1) for move in moves)
                x, y = x + dx, y + dy
                points.append((x * step, y * step))
            drawing.append(np.array(points))
        drawings.append(drawing)
    return drawings


def distance_to_line(points: np.ndarray, line: np.ndarray) -> np.ndarray:
    """From each point to the nearest place on a polyline, by looking at many places on it."""
    share = np.linspace(0, 1, 200)[:, None, None]
    places = (line[:-1] * (1 - share) + line[1:] * share).reshape(-1, 2)
    return np.sqrt(((points[:, None] - places[None]) ** 2).sum(axis=2).min(axis=1))


@pytest.mark.parametrize("step", [0.05, 0.4])
def test_packed_lines_are_where_the_pen_was(step: float) -> None:
    """A tenth of a unit is half a pixel on a large screen; more would show as a trembling hand."""
    drawings = loops(4) + [[np.array([[10.0, 20.0]]), np.array([[0.0, 0.0], [200.0, 3.0]])], []]
    found = unpacked(pack_drawings(drawings, step), step)
    assert [len(strokes) for strokes in found] == [1, 1, 1, 1, 2, 0]
    assert found[4][0].tolist() == [[10, 20]]
    for before, after in zip(drawings[:4], found[:4], strict=True):
        far = distance_to_line(before[0], after[0]).max()
        assert far < 1.5 * step + 0.05
        assert np.allclose(after[0][[0, -1]], before[0][[0, -1]], atol=0.51 * step)


def test_a_step_may_be_as_long_as_the_canvas() -> None:
    """Straight lines and the way from stroke to stroke take two bytes; numbers of every length come back."""
    drawing = [np.array([[0.0, 0.0], [200.0, 200.0]]), np.array([[-200.0, 0.0], [-200.1, 6.3], [0.0, 0.0]])]
    found = unpacked(pack_drawings([drawing], 0.1), 0.1)[0]
    assert [stroke.round(4).tolist() for stroke in found] == [stroke.tolist() for stroke in drawing]


def test_fifteen_hundred_drawings_are_under_five_megabytes() -> None:
    """What the artist's whole work has to fit into."""
    assert len(map_page(drawn_rows(1500, books=40, points=480), WORDS).encode()) < 5_000_000


def test_lines_of_a_trembling_hand_are_stored_in_coarser_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the lines are like, 1,500 drawings are under 5 MB; a few of them may be as fine as they are."""
    assert page_module.LINE_BYTES + 300_000 < 5_000_000, "with ids, places and the program"
    rows = drawn_rows(60, points=1200, tremble=0.4)
    assert Parsed(map_page(rows, WORDS)).data()["step"] == 0.05
    monkeypatch.setattr(page_module, "LINE_BYTES", page_module.LINE_BYTES * 60 // 1500)
    coarse = Parsed(map_page(rows, WORDS)).data()
    assert coarse["step"] > 0.05
    assert len(coarse["lines"]) <= page_module.LINE_BYTES


def test_pictures_of_pages_become_smaller_where_there_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """1,500 pages have to fit, too, and the same page may be large where it is one of a few."""
    assert PICTURE_BYTES * 4 / 3 + 300_000 < 5_000_000, "in base64, with ids, places and the program"
    few = Parsed(map_page(page_rows(40), WORDS)).data()["pictures"]
    sizes = {}
    for limit in (200_000, 100_000):
        monkeypatch.setattr(page_module, "PICTURE_BYTES", limit)
        many = Parsed(map_page(page_rows(40), WORDS)).data()["pictures"]
        sizes[limit] = sum(len(base64.b64decode(one)) for one in many)
        assert 0.4 * limit < sizes[limit] <= limit
    assert sum(len(base64.b64decode(one)) for one in few) > sizes[200_000]


def test_the_same_rows_give_the_same_bytes() -> None:
    """Published again with nothing changed, the file has not changed: nothing of time or place is in it."""
    assert map_page(drawn_rows(20), WORDS) == map_page(drawn_rows(20), WORDS)
    assert map_page(page_rows(5), WORDS) == map_page(page_rows(5), WORDS)


EVIL = "</script><script>alert(1)</script><!-- \u2028 {{script}} \\1 & \" ' ñ 画"


def test_names_are_text_and_never_part_of_the_page() -> None:
    """A sketchbook may be called anything that a folder may be called."""
    rows = drawn_rows(3)
    plain = Parsed(map_page(rows, WORDS))
    evil = MapRows(
        [f"{EVIL} {row}" for row in range(3)], rows.places, {"sketchbook": [EVIL] * 3}, rows.drawings
    )
    page = Parsed(map_page(evil, MapWords(EVIL, EVIL, EVIL)))
    assert [tag for tag, _ in page.elements] == [tag for tag, _ in plain.elements]
    said = page.data()
    assert said["title"] == said["by"] == said["about"] == EVIL
    assert said["ids"][2] == f"{EVIL} 2"
    assert said["groups"][0]["names"] == [EVIL]


@pytest.mark.parametrize("rows", [drawn_rows(12), page_rows(4)], ids=["drawings", "pages"])
def test_the_policy_allows_this_script_and_this_style_and_no_request(rows: MapRows) -> None:
    """Whatever a name may smuggle in, the browser runs nothing but what was written here, and asks nobody."""
    text = map_page(rows, WORDS)
    page = Parsed(text)
    policy = next(attrs["content"] for tag, attrs in page.elements if attrs.get("http-equiv"))
    assert policy is not None
    script = re.search(r'<script type="module">(.*?)</script>', text, re.DOTALL)
    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)
    assert script is not None
    assert style is not None
    for kind, found in (("script", script), ("style", style)):
        digest = base64.b64encode(hashlib.sha256(found[1].encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}';" in policy
    assert policy.startswith("default-src 'none';")
    assert not re.search(r"https?:|unsafe|\*", policy)
    assert not re.search(r"^\s*(import|export) ", script[1], re.MULTILINE)
    asked = {
        attrs[name]
        for _, attrs in page.elements
        for name in ("src", "href", "srcset", "data")
        if name in attrs
    }
    assert asked == {"data:,"}
    assert not re.search(r"url\(|@import", style[1])


def places_of(rows: MapRows) -> np.ndarray:
    data = Parsed(map_page(rows, WORDS)).data()
    return np.array([np.frombuffer(base64.b64decode(data[axis]), "<u2") for axis in "xy"]).T.astype(int)


def test_places_fill_the_square_whatever_their_extent() -> None:
    """The page knows nothing of t-SNE's units; one drawing alone lies in the middle."""
    rows = drawn_rows(9)
    large = MapRows(rows.ids, rows.places * 1e4, rows.groups, rows.drawings)
    assert np.abs(places_of(rows) - places_of(large)).max() <= 1
    assert np.ptp(places_of(rows), axis=0).max() == 65535
    assert places_of(drawn_rows(1)).tolist() == [[32768, 32768]]


def test_nothing_and_a_broken_picture_are_refused() -> None:
    """A page that shows nothing would be published by a script that nobody looks at."""
    rows = page_rows(2)
    with pytest.raises(ExportError, match="nothing to show"):
        map_page(MapRows([], np.zeros((0, 2), np.float32), {}, []), WORDS)
    with pytest.raises(ExportError, match="The picture of sb01p001 cannot be read"):
        map_page(MapRows(rows.ids, rows.places, rows.groups, pictures=[rows.pictures[0], b"no"]), WORDS)


def test_modules_are_joined_after_what_they_need_and_once() -> None:
    """A constant that is used before its line is an error of the page, which only its readers would see."""
    modules = {
        "a.js": 'import { b } from "./b.js";\nimport {\n  c,\n} from "./c.js";\nexport const a = b + c;\n',
        "b.js": 'import { c } from "./c.js";\n// export const is said here\nexport function b() {}\n',
        "c.js": "export class C {}\nexport async function c() {}\nlet exported;\n",
        "d.js": "nobody asks for it",
    }
    assert join_modules(modules, "a.js") == (
        "class C {}\nasync function c() {}\nlet exported;\n// export const is said here\nfunction b() {}\n"
        "const a = b + c;\n"
    )
