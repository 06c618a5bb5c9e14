"""A page corrected in a real browser: with the mouse, with keys alone, on a phone; and made private."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from singleline_pipeline.corrections import read_corrections

from .conftest import Served, served
from .homes import MadeHome
from .test_browser import NARROW, WIDE

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


@pytest.fixture
def studio(made: MadeHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    (tmp_path / "dagster").mkdir()
    (tmp_path / "dagster" / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "dagster"))
    with served(made) as running:
        yield running


def correcting(page: "Page", studio: Served) -> str:
    """Open a page of drawings at its corrections, and return its name."""
    page.goto(f"{studio.url}#drawings")
    page.wait_for_selector(".thumb")
    page.locator(".thumb").first.focus()
    page.keyboard.press("Enter")
    page.get_by_text("Correct by hand").click()
    said(page, "4 strokes, 0 erased, 2 drawings.")
    return page.locator("#page-title").inner_text()[:9]


def said(page: "Page", text: str) -> None:
    page.locator("#page-dialog [role=status]", has_text=text).wait_for()


def at(page: "Page", x: float, y: float) -> tuple[float, float]:
    """Where a point of the page (in its px) is on the screen."""
    return tuple(
        page.evaluate(
            """([x, y]) => {
              const svg = document.querySelector('.page-view svg');
              const { x: left, y: top } = new DOMPoint(x, y).matrixTransform(svg.getScreenCTM());
              return [left, top];
            }""",
            [x, y],
        )
    )


def actions(made: MadeHome) -> list[tuple[str, str]]:
    return [(row.scope, row.label) for row in read_corrections(made.home.labels).labels.rows]


def test_a_stroke_is_erased_a_part_split_off_and_drawings_merged_with_the_mouse(
    browser: "Browser", studio: Served
) -> None:
    page = browser.new_page(viewport=WIDE)
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    correcting(page, studio)
    page.mouse.move(*at(page, 30, 60))
    page.locator("path.near").wait_for()
    page.mouse.click(*at(page, 30, 60))
    said(page, "This erases 1 stroke. 3 strokes, 1 erased")
    page.keyboard.press("z")
    said(page, "Taken back. 4 strokes, 0 erased")

    page.get_by_role("button", name="Split off").click()
    corners = [(5, 5), (60, 5), (60, 38), (5, 38), (5, 6)]
    page.mouse.move(*at(page, *corners[0]))
    page.mouse.down()
    for corner in corners[1:]:
        page.mouse.move(*at(page, *corner), steps=5)
    assert page.locator("polygon.outline").count() == 1
    page.mouse.up()
    said(page, "3 drawings. Draw around")
    assert page.locator("rect.cut").count() == 3

    page.get_by_role("button", name="Merge", exact=True).click()
    for x, y in ((30, 25), (85, 110)):
        page.mouse.click(*at(page, x, y))
    page.get_by_role("button", name="Merge 2 drawings").click()
    said(page, "This makes 2 drawings one.")
    assert page.locator("rect.cut").count() == 2
    page.get_by_text("Try other settings").click()
    page.locator(".figures", has_text="strokes traced").wait_for()
    assert page.locator("svg.correcting").count() == 0, "one at a time"
    assert actions(studio.made) == [("erase", "yes"), ("erase", ""), ("split", "yes"), ("merge", "yes")]
    assert wrong == []
    page.close()


def test_a_page_is_corrected_with_keys_alone_and_everything_has_a_name(
    browser: "Browser", studio: Served
) -> None:
    page = browser.new_page(viewport=WIDE)
    correcting(page, studio)
    keys, svg = page.keyboard, page.locator(".page-view svg")
    assert svg.get_attribute("role") == "application"
    assert "Arrow keys move the mark, Enter erases" in svg.get_attribute("aria-label")
    svg.focus()
    for _ in range(6):
        keys.press("ArrowUp")
    for _ in range(10):
        keys.press("ArrowLeft")
    said(page, "Near stroke")
    keys.press("Enter")
    said(page, "This erases 1 stroke.")
    page.get_by_role("button", name="Split off").focus()
    keys.press("Enter")
    svg.focus()
    for way, steps in (("ArrowLeft", 20), ("ArrowUp", 30), ("ArrowRight", 30)):
        for _ in range(steps):
            keys.press(way)
        keys.press("Space")
    said(page, "3 corners set.")
    keys.press("Escape")
    assert page.locator("#page-dialog[open]").count() == 1, "Esc takes the outline back, and no more"
    assert page.locator("polygon.outline").count() == 0
    nameless = page.evaluate(
        """() => [...document.querySelectorAll('#page-dialog button, #page-dialog summary, #page-dialog svg')]
          .filter((one) => one.checkVisibility())
          .filter((one) => !(one.getAttribute('aria-label') || one.textContent.trim()))
          .map((one) => one.outerHTML)"""
    )
    assert nameless == []
    page.close()


def test_a_tap_on_a_phone_erases_and_the_page_can_still_be_left(browser: "Browser", studio: Served) -> None:
    context = browser.new_context(viewport=NARROW, has_touch=True, is_mobile=True)
    page = context.new_page()
    correcting(page, studio)
    page.touchscreen.tap(*at(page, 30, 60))
    said(page, "This erases 1 stroke.")
    for button in page.locator(".tools-of-page button:visible").all():
        assert button.bounding_box()["height"] >= 40
    page.get_by_role("button", name="Undo").last.tap()
    said(page, "Taken back.")
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]
    context.close()


def test_a_page_is_made_private_after_one_question_and_the_studio_says_what_went(
    browser: "Browser", studio: Served
) -> None:
    page = browser.new_page(viewport=WIDE)
    name = correcting(page, studio)
    page.get_by_text("Make private").click()
    page.get_by_role("button", name="Take it out of everything").click()
    page.locator("#notice", has_text=f"{name} is private. Removed:").wait_for()
    assert "raw_pages: 1 row" in page.locator("#notice").inner_text()
    assert page.locator("#page-dialog[open]").count() == 0
    page.locator(".thumb").first.wait_for()
    assert page.locator(f".thumb[title^='{name}']").count() == 0
    assert (
        name not in page.content().replace(page.locator("#notice").inner_text(), "").split('id="notice"')[0]
    )
    page.close()
