"""The published map in a real browser with no network, as a visitor uses it: mouse, keys, touch, a phone, the dark."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from singleline_pipeline.export import MapRows, MapWords, map_page
from singleline_pipeline.export.packing import pack_drawings
from singleline_pipeline_tests.studio.test_browser import POOR_CONTRAST

from .rows import drawn_rows, loops, page_rows
from .test_map_page import EVIL

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

WIDE, NARROW = {"width": 1280, "height": 800}, {"width": 390, "height": 780}
WORDS = MapWords("Single lines", "An Artist", "What looks alike lies together.")


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty drawings in three sketchbooks."""
    return write(tmp_path_factory.mktemp("map"), drawn_rows(40))


def write(folder: Path, rows: MapRows, words: MapWords = WORDS) -> Path:
    file = folder / "map.html"
    file.write_text(map_page(rows, words), "utf-8")
    return file


@pytest.fixture
def contexts(browser: "Browser") -> "Iterator":
    """Windows without a network. An error of the page or of its policy, and any request, fails the test."""
    wrong: list[str] = []
    opened: list[BrowserContext] = []

    def new(**options: object) -> "BrowserContext":
        wanted = {"viewport": WIDE, "reduced_motion": "reduce", "offline": True} | options
        context = browser.new_context(**wanted)
        context.on("weberror", lambda error: wrong.append(str(error.error)))
        context.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
        context.on(
            "request",
            lambda request: (
                None if request.url.startswith(("file:", "data:", "blob:")) else wrong.append(request.url)
            ),
        )
        opened.append(context)
        return context

    yield new
    for context in opened:
        context.close()
    assert wrong == []


def open_map(context: "BrowserContext", file: Path, address: str = "") -> "Page":
    page = context.new_page()
    page.goto(file.as_uri() + address)
    page.wait_for_function("() => document.getElementById('note').textContent !== ''")
    return page


def said(page: "Page") -> str:
    return page.locator("#live").inner_text()


def inked(page: "Page", selector: str) -> int:
    """Pixels of a canvas that are not its commonest colour."""
    return page.evaluate(
        """(selector) => {
          const canvas = document.querySelector(selector);
          const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
          const counts = new Map();
          const pixels = new Uint32Array(data.buffer);
          for (const one of pixels) counts.set(one, (counts.get(one) ?? 0) + 1);
          return pixels.length - [...counts.values()].reduce((a, b) => Math.max(a, b));
        }""",
        selector,
    )


def close(page: "Page") -> None:
    page.keyboard.press("Escape")
    # The dialog tells that it was closed in a task of its own, which puts the address back.
    page.wait_for_function("() => !document.getElementById('large').open && !location.hash")


def test_the_title_says_whose_lines_these_are_and_the_map_shows_them(contexts, file: Path) -> None:
    page = open_map(contexts(), file)
    assert page.title() == "Single lines, by An Artist"
    assert page.locator("h1").inner_text() == "Single lines by An Artist"
    assert page.locator("#note").inner_text() == "40 drawings"
    page.wait_for_timeout(300)
    assert inked(page, "#map") > 3000
    assert "40 drawings" in page.locator("#map").get_attribute("aria-label")


def test_a_drawing_is_drawn_in_real_time_and_at_once_where_motion_is_unwanted(contexts, file: Path) -> None:
    """Watching the line being drawn is half of the point, and makes some people ill."""
    page = open_map(contexts(reduced_motion="no-preference"), file, "#sb01p000d01")
    amounts = []
    for _ in range(4):
        page.wait_for_timeout(250)
        amounts.append(inked(page, "#paper"))
    assert amounts == sorted(set(amounts)), "there is more of the line each time"
    assert page.locator("#play").inner_text() == "Show it whole"
    page.locator("#play").click()
    assert inked(page, "#paper") > 1.2 * amounts[-1]

    still = open_map(contexts(), file, "#sb01p000d01")
    assert still.locator("#play").inner_text() == "Draw it"
    whole = inked(still, "#paper")
    still.wait_for_timeout(200)
    assert inked(still, "#paper") == whole == inked(page, "#paper")
    still.locator("#play").click()
    assert inked(still, "#paper") < whole, "who asks for it sees it drawn"


def test_a_window_that_changes_its_size_does_not_end_the_drawing(contexts, file: Path) -> None:
    """Turning a phone while the pen is moving."""
    page = open_map(contexts(reduced_motion="no-preference", viewport=NARROW), file, "#sb01p000d01")
    page.wait_for_timeout(300)
    page.set_viewport_size({"width": 700, "height": 500})
    page.wait_for_timeout(200)
    assert page.locator("#play").inner_text() == "Show it whole"
    assert inked(page, "#paper") > 50


def test_keys_go_from_neighbour_to_neighbour_and_say_where_they_are(contexts, file: Path) -> None:
    """Everything that a mouse does, without one, and heard."""
    page = open_map(contexts(), file)
    page.locator("#map").focus()
    page.keyboard.press("ArrowRight")
    first = said(page)
    assert first.startswith("sb0")
    assert ", sketchbook sb0" in first
    heard = {first}
    for key in ("ArrowRight", "ArrowUp", "ArrowLeft", "ArrowDown") * 2:
        page.keyboard.press(key)
        heard.add(said(page))
    assert len(heard) >= 4
    page.keyboard.press("Enter")
    name = page.locator("#name").inner_text()
    assert said(page).startswith(name)
    assert page.evaluate("() => document.activeElement.id") == "name"
    for key in ("ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"):
        page.keyboard.press(key)
    other = page.locator("#name").inner_text()
    assert page.evaluate("() => decodeURIComponent(location.hash)") == f"#{other}"
    close(page)
    assert page.evaluate("() => location.hash") == ""
    assert page.evaluate("() => document.activeElement.id") == "map"
    assert other in said(page)


def test_clicks_open_and_drags_do_not(contexts, file: Path) -> None:
    page = open_map(contexts(), file)
    page.wait_for_timeout(200)
    spots = page.evaluate(
        """() => {
          const map = document.getElementById("map").getBoundingClientRect();
          return [map.left + map.width / 2, map.top + map.height / 2];
        }"""
    )
    page.mouse.move(*spots)
    page.mouse.down()
    page.mouse.move(spots[0] + 60, spots[1] + 30, steps=4)
    page.mouse.up()
    assert not page.locator("#large").is_visible()
    for dx in range(-200, 201, 20):
        page.mouse.move(spots[0] + dx, spots[1] + 20)
        if page.locator("#preview").is_visible():
            break
    caption = page.locator("#preview figcaption").inner_text()
    assert inked(page, "#preview canvas") > 100
    page.mouse.down()
    page.mouse.up()
    assert caption.startswith(page.locator("#name").inner_text())
    page.locator("#near button").nth(1).click()
    assert not caption.startswith(page.locator("#name").inner_text())
    page.locator("#close").click()
    assert not page.locator("#large").is_visible()


def test_wheel_keys_and_buttons_zoom_and_all_comes_back(contexts, file: Path) -> None:
    page = open_map(contexts(), file)
    page.wait_for_timeout(300)
    picture = "() => document.getElementById('map').toDataURL()"
    whole = page.evaluate(picture)
    seen = [whole]

    def changed() -> None:
        page.wait_for_timeout(80)
        seen.append(page.evaluate(picture))

    page.locator("#zoom-in").click()
    changed()
    page.locator("#map").focus()
    for key in ("+", "Shift+ArrowLeft", "-"):
        page.keyboard.press(key)
        changed()
    box = page.locator("#map").bounding_box()
    page.mouse.move(box["x"] + 300, box["y"] + 200)
    page.mouse.wheel(0, -300)
    changed()
    assert len(set(seen)) == len(seen)
    page.mouse.move(box["x"] + 5, box["y"] + 5)
    page.locator("#zoom-all").click()
    page.mouse.move(0, 0)
    page.wait_for_timeout(80)
    assert page.evaluate(picture) == whole


def test_two_fingers_zoom_about_the_place_between_them(contexts, file: Path) -> None:
    """What lies under the fingers stays under them."""
    page = open_map(contexts(viewport=NARROW, has_touch=True), file)
    devtools = page.context.new_cdp_session(page)
    box = page.locator("#map").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    def touch(kind: str, apart: float) -> None:
        fingers = [{"x": x - apart, "y": y, "id": 0}, {"x": x + apart, "y": y, "id": 1}]
        devtools.send(
            "Input.dispatchTouchEvent", {"type": kind, "touchPoints": [] if kind == "touchEnd" else fingers}
        )

    page.wait_for_timeout(300)
    before = inked(page, "#map")
    touch("touchStart", 20)
    for apart in range(24, 121, 8):
        touch("touchMove", apart)
    touch("touchEnd", 0)
    page.wait_for_timeout(150)
    assert inked(page, "#map") != before
    assert not page.locator("#large").is_visible()


def test_search_offers_names_and_enter_opens_the_first(contexts, file: Path) -> None:
    page = open_map(contexts(), file)
    page.keyboard.press("/")
    page.keyboard.type("sb02")
    names = page.locator("#found button").all_inner_texts()
    assert len(names) == 13
    assert all(name.startswith("sb02") for name in names)
    assert page.locator("#note").inner_text() == "13 of 40 drawings"
    assert said(page) == "13 drawings found"
    page.keyboard.press("Enter")
    assert page.locator("#name").inner_text() == names[0]
    close(page)
    page.locator("#text").fill("nobody")
    assert page.locator("#found").inner_text() == "Nothing of that name"
    page.locator("#text").press("Escape")
    assert page.locator("#note").inner_text() == "40 drawings"


def test_the_legend_shows_one_group_and_colours_follow_the_choice(contexts, file: Path) -> None:
    page = open_map(contexts(), file)
    chips = [text.split() for text in page.locator(".chip").all_inner_texts()]
    assert chips == [["sb01", "14"], ["sb02", "13"], ["sb03", "13"]]
    page.locator(".chip", has_text="sb03").click()
    assert page.locator("#note").inner_text() == "13 of 40 drawings"
    assert page.locator(".chip[aria-pressed=true]").inner_text().startswith("sb03")
    page.locator("#map").focus()
    for key in ("ArrowRight", "ArrowDown", "ArrowLeft"):
        page.keyboard.press(key)
        assert said(page).startswith("sb03")
    page.locator("#by").select_option("cluster")
    assert page.locator("#note").inner_text() == "40 drawings"
    assert page.locator(".chip").first.inner_text().startswith("cluster 0")


def luminance(colour: str) -> float:
    """Relative luminance of #rrggbb (WCAG 2.2)."""
    parts = np.array([int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)])
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read_in_light_and_dark(contexts, file: Path, scheme: str) -> None:
    """A contrast of 4.5 : 1 (WCAG 2.2 AA), and the lines' colours 3 : 1 against the paper."""
    page = open_map(contexts(color_scheme=scheme), file)
    assert page.evaluate(POOR_CONTRAST) == []
    names = ["--paper", *(f"--k{number}" for number in range(8))]
    script = "(names) => names.map((one) => getComputedStyle(document.documentElement).getPropertyValue(one).trim())"
    paper, *lines = (luminance(one) for one in page.evaluate(script, names))
    contrasts = [(max(one, paper) + 0.05) / (min(one, paper) + 0.05) for one in lines]
    assert min(contrasts) > 4, contrasts


def test_a_phone_shows_everything_without_scrolling_sideways(contexts, file: Path) -> None:
    page = open_map(contexts(viewport=NARROW, has_touch=True, is_mobile=True), file)
    assert page.evaluate("() => document.documentElement.scrollWidth") == 390
    for name in ("#text", "#zoom-in", "#by"):
        assert page.locator(name).bounding_box()["height"] >= 42
    page.goto(file.as_uri() + "#sb02p020d01")
    box = page.locator("#large").bounding_box()
    assert (box["x"], box["width"]) == (0, 390)
    assert page.locator("#play").bounding_box()["y"] < 780


def test_names_that_are_code_are_only_read(contexts, tmp_path: Path) -> None:
    """Titles, ids and sketchbooks come from files and options: they are shown as they are written."""
    rows = drawn_rows(3)
    evil = MapRows(
        [f"{EVIL} {n}" for n in range(3)], rows.places, {"sketchbook": [EVIL, EVIL, "a"]}, rows.drawings
    )
    page = open_map(contexts(), write(tmp_path, evil, MapWords(EVIL, EVIL, EVIL)))
    assert page.locator("h1").text_content() == f"{EVIL} by {EVIL}"
    page.keyboard.press("/")
    page.keyboard.type("alert")
    assert page.locator("#found button").first.text_content() == f"{EVIL} 0"
    page.keyboard.press("Enter")
    assert page.locator("#name").text_content() == f"{EVIL} 0"
    assert page.locator("script").count() == 2


@pytest.mark.parametrize("count", [1, 2])
def test_one_drawing_is_a_map(contexts, tmp_path: Path, count: int) -> None:
    page = open_map(contexts(), write(tmp_path, drawn_rows(count, books=1)))
    page.wait_for_timeout(150)
    assert inked(page, "#map") > 500
    page.locator("#map").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    assert page.locator("#near button").count() == count - 1


def test_rows_in_one_place_are_all_reached_by_keys(contexts, tmp_path: Path) -> None:
    """The same page in two sketchbooks."""
    rows = drawn_rows(3)
    page = open_map(
        contexts(),
        write(tmp_path, MapRows(rows.ids, np.zeros((3, 2), np.float32), rows.groups, rows.drawings)),
    )
    page.locator("#map").focus()
    heard = set()
    for key in ("ArrowRight", "ArrowRight", "ArrowRight", "ArrowLeft", "ArrowLeft"):
        page.keyboard.press(key)
        heard.add(said(page).split(",")[0])
    assert heard == set(rows.ids)


def test_pages_are_pictures(contexts, tmp_path: Path) -> None:
    page = open_map(contexts(), write(tmp_path, page_rows(6)))
    page.wait_for_timeout(300)
    assert inked(page, "#map") > 5000
    page.locator("#map").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.wait_for_timeout(100)
    assert inked(page, "#paper") > 20_000
    assert not page.locator("#play").is_visible()
    assert page.locator("#of").inner_text().startswith("sketchbook sb01 · ")


def in_page(page: "Page", file: Path, expression: str, argument: object) -> object:
    """Run the page's own functions: its script, in which all modules share one scope, and an expression after it."""
    text = file.read_text("utf-8")
    script = text.split('<script type="module">')[1].split("</script>")[0].split("const COLOURS")[0]
    return page.evaluate(f"(argument) => {{ {script}\n return ({expression}); }}", argument)


def test_lines_are_unpacked_to_what_was_packed(browser: "Browser", file: Path) -> None:
    page = browser.new_page()
    drawings = loops(5, seed=3) + [[np.array([[3.0, 4.0]]), np.array([[0.0, 200.0], [150.0, -0.1]])]]
    found = in_page(
        page,
        file,
        "drawingsOf(argument[0], argument[1]).map((strokes) => strokes.map((one) => [...one]))",
        [pack_drawings(drawings, 0.1), 0.1],
    )
    assert [[len(stroke) for stroke in one] for one in found][-1] == [2, 4]
    assert np.allclose(found[-1][1], [0, 200, 150, -0.1], atol=1e-3)
    for drawing, (line,) in zip(drawings[:5], found[:5], strict=True):
        points = np.array(line).reshape(-1, 2)
        nearest = np.linalg.norm(points[:, None] - drawing[0][None], axis=2).min(axis=1)
        assert nearest.max() < 0.2
    page.close()


def test_as_many_drawings_as_there_is_room_for_and_none_over_another(browser: "Browser", file: Path) -> None:
    """At every zoom: those shown are further apart than they are wide, and no other would find room."""
    page = browser.new_page()
    rng = np.random.default_rng(1)
    points = np.concatenate([rng.normal(0.3, 0.03, (300, 2)), rng.uniform(0, 1, (150, 2))])
    shown = rng.random(450) < 0.8
    room = in_page(
        page,
        file,
        "[...spacing(...argument.slice(0, 2).map((one) => Float32Array.from(one)), argument[2])]"
        ".map((one) => Math.min(one, 9))",
        [*points.T.tolist(), shown.astype(int).tolist()],
    )
    page.close()
    room = np.array(room)
    assert (room[~shown] == 0).all()
    apart = np.abs(points[:, None] - points[None]).max(axis=2)
    for width in (0.5, 0.2, 0.05, 0.01):
        chosen = np.flatnonzero(room >= width)
        between = apart[np.ix_(chosen, chosen)] + 9 * np.eye(len(chosen))
        assert between.min() >= width - 1e-6
        others = np.flatnonzero(shown & (room < width))
        assert (apart[np.ix_(others, chosen)].min(axis=1) < width).all()
