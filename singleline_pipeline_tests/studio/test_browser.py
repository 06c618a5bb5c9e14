"""The studio in a real browser, as a person uses it: with the mouse, with keys, in two tabs, on a phone."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from singleline_pipeline.embedding import read_labels
from singleline_pipeline.studio.tables import CALM

from .conftest import Served, served
from .homes import MadeHome

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

WIDE, NARROW = {"width": 1360, "height": 860}, {"width": 390, "height": 780}


POOR_CONTRAST = """() => {
  const part = (v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  const light = ([r, g, b]) => 0.2126 * part(r / 255) + 0.7152 * part(g / 255) + 0.0722 * part(b / 255);
  const numbers = (text) => text.match(/[\\d.]+/g).map(Number);
  const ground = (one) => {
    for (let at = one; at; at = at.parentElement) {
      const [r, g, b, a = 1] = numbers(getComputedStyle(at).backgroundColor);
      if (a > 0.9) return [r, g, b];
    }
    return [255, 255, 255];
  };
  const found = new Set();
  for (const one of document.querySelectorAll('header *, main *, footer *')) {
    const own = [...one.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!own || !one.checkVisibility() || one.closest(':disabled')) continue;
    const [a, b] = [light(numbers(getComputedStyle(one).color)), light(ground(one))];
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (contrast < 4.5) found.add(`${one.className || one.id || one.tagName} ${one.textContent} ${contrast}`);
  }
  return [...found];
}"""


@pytest.fixture
def studio(made: MadeHome) -> Iterator[Served]:
    with served(made) as running:
        yield running


@pytest.fixture
def context(browser: "Browser") -> "Iterator[BrowserContext]":
    """A window of its own, in which an error of the page or of its policy fails the test."""
    context = browser.new_context(viewport=WIDE, reduced_motion="reduce")
    wrong: list[str] = []
    context.on("weberror", lambda error: wrong.append(str(error.error)))
    context.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    yield context
    context.close()
    refused = "Failed to load resource"  # what the browser says of a 4xx that the page tells itself
    assert [text for text in wrong if refused not in text] == []


def open_studio(context: "BrowserContext", studio: Served, kind: str = "pages") -> "Page":
    page = context.new_page()
    page.goto(f"{studio.url}#{kind}")
    page.wait_for_selector(".thumb")
    return page


def labels(made: MadeHome) -> list[tuple[str, str, str]]:
    return [(row.scope, row.readable_id, row.label) for row in read_labels(made.labels).rows]


def said(page: "Page", text: str) -> None:
    """Wait until the page has said so, to a screen reader as well."""
    page.wait_for_function("text => document.getElementById('live').textContent.includes(text)", arg=text)


def thumb(page: "Page", name: str):
    return page.locator(f".thumb[title^='{name}']")


def test_naming_a_cluster_by_mouse_says_before_what_it_changes(context, studio: Served) -> None:
    page = open_studio(context, studio)
    page.locator(".head").first.click()
    button = page.locator("#choices button", has_text="covers")
    button.hover()
    page.wait_for_function("() => document.getElementById('effect').textContent.startsWith('This moves')")
    effect = page.locator("#effect").inner_text()
    button.click()
    said(page, effect)
    assert [(scope, label) for scope, _, label in labels(studio.made)] == [("page_cluster", "covers")]
    assert "named by hand" in page.locator(".head").first.inner_text()
    assert page.locator(".strip").first.locator(".thumb.t4").count() > 0


def test_a_lasso_selects_what_lies_in_it_and_a_key_labels_it(context, studio: Served) -> None:
    page = open_studio(context, studio)
    page.wait_for_timeout(200)
    box = page.locator("#map").bounding_box()
    left, top = box["x"] + 4, box["y"] + 50
    right, bottom = box["x"] + box["width"] - 4, box["y"] + box["height"] - 4
    page.keyboard.down("Shift")
    page.mouse.move(left, top)
    page.mouse.down()
    for x, y in ((right, top), (right, bottom), (left, bottom)):
        page.mouse.move(x, y, steps=4)
    page.mouse.up()
    page.keyboard.up("Shift")
    said(page, "40 pages selected.")
    page.keyboard.press("3")
    said(page, "to notes")
    assert {label for _, _, label in labels(studio.made)} == {"notes"}
    assert len(labels(studio.made)) == 40


def test_one_page_is_corrected_undone_redone_and_still_there_after_a_reload(context, studio: Served) -> None:
    page = open_studio(context, studio)
    thumb(page, "sb01p0003").click()
    page.keyboard.press("5")
    said(page, "1 page")
    assert "hand" in thumb(page, "sb01p0003").get_attribute("class")
    page.keyboard.press("z")
    said(page, "1 label taken back.")
    assert "hand" not in thumb(page, "sb01p0003").get_attribute("class")
    page.keyboard.press("y")
    said(page, "1 label given again.")
    page.reload()
    page.wait_for_selector(".thumb")
    assert "covers, by hand" in thumb(page, "sb01p0003").get_attribute("aria-label")
    page.get_by_role("button", name="Undo").click()
    said(page, "1 label taken back.")
    assert [label for _, _, label in labels(studio.made)] == ["covers", "", "covers", ""]


def test_two_tabs_see_each_other_s_labels_and_lose_none(context, browser, studio: Served) -> None:
    """Tabs of one browser tell each other at once; another browser asks."""
    one, two = open_studio(context, studio), open_studio(context, studio)
    thumb(one, "sb01p0000").click()
    one.keyboard.press("3")
    thumb(two, "sb01p0001").click()
    two.keyboard.press("4")
    elsewhere = browser.new_context(viewport=WIDE)
    three = open_studio(elsewhere, studio)
    thumb(three, "sb02p0030").click()
    three.keyboard.press("5")
    for page in (one, two, three):
        for name, label in (("sb01p0000", "notes"), ("sb01p0001", "badscans"), ("sb02p0030", "covers")):
            thumb(page, name).locator(f"xpath=self::*[contains(@aria-label, '{label}, by hand')]").wait_for()
    assert sorted(name for _, name, _ in labels(studio.made)) == ["sb01p0000", "sb01p0001", "sb02p0030"]
    # Undo in one tab takes back what was done there, and not what came last.
    one.keyboard.press("z")
    said(one, "1 label taken back.")
    assert labels(studio.made)[-1][2] == ""
    assert read_labels(studio.made.labels).resolve("page") == {
        f"{2:064x}": "badscans",
        f"{31:064x}": "covers",
    }
    elsewhere.close()


def test_a_page_that_is_gone_is_told_in_a_sentence_and_the_rest_goes_on(context, studio: Served) -> None:
    """A run took a sketchbook away while it was being looked at."""
    page = open_studio(context, studio)
    page.evaluate("() => { Object.defineProperty(document, 'visibilityState', { get: () => 'hidden' }); }")
    root = studio.made.home.root / "lake"
    for file in root.glob("*/sb02.parquet"):
        file.unlink()
    for _ in range(2):  # another tab asks, and so the server knows
        page.context.request.get(f"{studio.url}api/status")
        page.wait_for_timeout(1000 * CALM)
    thumb(page, "sb02p0030").click()
    page.keyboard.press("3")
    notice = page.locator("#notice")
    notice.wait_for()
    assert "sb02p0030" in notice.inner_text()
    assert not studio.made.labels.exists()
    page.keyboard.press("Escape")
    thumb(page, "sb01p0000").click()
    page.keyboard.press("3")
    said(page, "1 page")
    assert labels(studio.made) == [("page", "sb01p0000", "notes")]


def test_everything_can_be_done_with_keys_alone(context, studio: Served) -> None:
    page = open_studio(context, studio)
    keys = page.keyboard
    for _ in range(30):
        keys.press("Tab")
        if page.evaluate("document.activeElement.closest('#strips') !== null"):
            break
    assert page.evaluate("document.activeElement.classList.contains('head')")
    keys.press("7")  # as it looks
    said(page, "This changes no page")
    assert page.evaluate("document.activeElement.closest('.strip').dataset.strip") == "1"
    keys.press("ArrowRight")
    keys.press("ArrowRight")
    keys.press("Space")
    keys.press("ArrowRight")
    keys.press("Space")
    page.locator("#target", has_text="2 pages selected").wait_for()
    keys.press("2")
    said(page, "2 pages to watercolors")
    keys.press("Enter")
    page.locator("#page-dialog[open]").wait_for()
    name = page.locator("#page-title").inner_text()
    keys.press("4")
    said(page, "1 page to badscans")
    keys.press("ArrowLeft")
    page.wait_for_function("name => document.getElementById('page-title').textContent !== name", arg=name)
    keys.press("Escape")
    page.locator("#page-dialog").wait_for(state="hidden")
    keys.press("u")
    said(page, "Look at these 20")
    keys.press("f")
    said(page, "More like sb0")
    keys.press("b")
    keys.press("/")
    keys.type("sb02p0031")
    keys.press("Enter")
    page.locator(".thumb").first.wait_for()
    assert page.locator(".thumb").count() == 1
    keys.press("1")
    said(page, "to drawings" if studio.made.truth["sb02p0031"] != "drawings" else "no page")
    keys.press("d")
    page.locator("#tab-drawings[aria-selected=true]").wait_for()
    keys.press("2")
    said(page, "excludes")
    scopes = [scope for scope, _, _ in labels(studio.made)]
    assert scopes == ["page_cluster", "page", "page", "page", "page", "drawing_cluster"]


def test_drawings_are_excluded_on_their_page(context, studio: Served) -> None:
    page = open_studio(context, studio, "drawings")
    page.locator(".thumb").first.dblclick()
    page.locator(".cut-row").nth(1).wait_for()
    page.locator("rect.cut").nth(1).wait_for()
    assert page.locator("g.line path").count() == 2
    page.locator(".cut-row button").first.click()
    said(page, "This excludes 1 drawing.")
    page.locator("rect.cut.out").wait_for()
    [(scope, name, label)] = labels(studio.made)
    assert (scope, label) == ("drawing", "exclude")
    assert name.endswith("d01")


def test_sliders_show_what_other_settings_make_of_a_page(context, studio: Served) -> None:
    page = open_studio(context, studio, "drawings")
    page.locator(".thumb").first.dblclick()
    page.get_by_text("Try other settings").click()
    page.locator(".figures", has_text="4 strokes traced, 2 joined").wait_for()
    for _ in range(15):
        page.locator("input[name=join_gap]").press("ArrowLeft")
    page.locator(".figures", has_text="4 strokes traced, 4 joined").wait_for()
    page.get_by_label("show the strokes before").check()
    assert page.locator("g.line path").count() == 4
    assert not studio.made.labels.exists()


def test_a_filter_shows_one_group_only(context, studio: Served) -> None:
    page = open_studio(context, studio)
    chip = page.locator("#filters button", has_text="notes")
    chip.click()
    wanted = sum(group == "notes" for group in studio.made.truth.values())
    assert page.locator(".thumb").count() == wanted
    assert chip.get_attribute("aria-pressed") == "true"
    chip.click()
    assert page.locator(".thumb").count() == 40


@pytest.mark.parametrize("kind", ["pages", "drawings"])
def test_it_fits_a_phone_and_a_tap_labels(browser, studio: Served, kind: str) -> None:
    context = browser.new_context(viewport=NARROW, has_touch=True, is_mobile=True)
    page = open_studio(context, studio, kind)
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]
    for button in page.locator("footer button:visible, .panes button:visible").all():
        assert button.bounding_box()["height"] >= 40
    page.locator(".thumb").first.tap()
    page.locator("#choices button").nth(1).tap()
    page.wait_for_function("() => document.getElementById('live').textContent.startsWith('This ')")
    assert len(labels(studio.made)) == 1
    page.locator("#show-map").tap()
    assert page.locator("#map").is_visible()
    assert not page.locator("#strips").is_visible()
    context.close()


def test_a_screen_reader_is_told_what_everything_is(context, studio: Served) -> None:
    """Roles and names of what can be used, from the browser's own tree."""
    page = open_studio(context, studio)
    page.wait_for_timeout(300)
    nameless = page.evaluate(
        """() => [...document.querySelectorAll('button, input, select, canvas, [role=gridcell], [role=rowheader], svg')]
          .filter((one) => one.checkVisibility())
          .filter((one) => !(one.getAttribute('aria-label') || one.textContent.trim() || one.title))
          .map((one) => one.outerHTML)"""
    )
    assert nameless == []
    assert page.get_by_role("tab", selected=True).inner_text() == "Pages"
    assert page.get_by_role("grid").count() == 1
    assert page.get_by_role("gridcell", name="sb01p0000").count() == 1
    assert page.get_by_role("status").count() >= 1
    assert page.locator("#strips [tabindex='0']").count() == 1, "one stop of the Tab key for all thumbnails"
    page.wait_for_function(
        "() => document.querySelectorAll('#choices button[aria-description]').length === 7"
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_can_be_read_on_what_they_stand_on(browser, studio: Served, scheme: str) -> None:
    """WCAG asks for a contrast of 4.5 to 1."""
    context = browser.new_context(viewport=WIDE, color_scheme=scheme)
    page = open_studio(context, studio)
    poor = page.evaluate(POOR_CONTRAST)
    assert poor == []
    context.close()
