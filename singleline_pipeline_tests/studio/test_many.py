"""Five thousand pages: what is asked of the server and of the browser must not grow with them."""

from pathlib import Path
from typing import TYPE_CHECKING

from .conftest import served
from .homes import make_home

if TYPE_CHECKING:
    from playwright.sync_api import Browser

PAGES = 5000


def test_five_thousand_thumbnails_take_a_few_dozen_requests_and_all_are_on_the_map(
    browser: "Browser", tmp_path: Path
) -> None:
    made = make_home(tmp_path / "home", pages=PAGES, books=4, k=8, apart=2.0)
    context = browser.new_context(viewport={"width": 1360, "height": 860})
    with served(made) as studio:
        page = context.new_page()
        asked: list[str] = []
        sizes: list[int] = []
        page.on("request", lambda request: asked.append(request.url))
        page.on("response", lambda answer: sizes.append(int(answer.headers.get("content-length", 0))))
        page.goto(studio.url)
        page.wait_for_selector(".thumb")
        page.wait_for_load_state("networkidle")
        thumbnails = [url for url in asked if "/thumbnails/" in url]
        sheets = [url for url in asked if "/sheets/" in url]
        assert len(sheets) == 5
        assert len(thumbnails) < 150
        assert len(set(thumbnails)) == len(thumbnails), "none is asked for twice"
        assert sum(sizes) < 12_000_000
        assert page.locator(".thumb").count() <= 8 * 20
        assert page.evaluate("() => document.querySelectorAll('*').length") < 2500

        # All of them are there all the same: by search, by lasso, at the end of a strip.
        page.locator("#search-for").fill("sb04p4999")
        page.keyboard.press("Enter")
        page.locator(".thumb[title^='sb04p4999']").wait_for()
        page.keyboard.press("b")
        box = page.locator("#map").bounding_box()
        corners = [
            (4, 50),
            (box["width"] - 4, 50),
            (box["width"] - 4, box["height"] - 4),
            (4, box["height"] - 4),
        ]
        page.keyboard.down("Shift")
        page.mouse.move(box["x"] + 4, box["y"] + 50)
        page.mouse.down()
        for x, y in corners:
            page.mouse.move(box["x"] + x, box["y"] + y, steps=3)
        page.mouse.up()
        page.keyboard.up("Shift")
        page.locator("#target", has_text=f"{PAGES} pages selected").wait_for()
        page.keyboard.press("3")
        page.locator("#live", has_text="to notes").wait_for(state="attached")
        assert len(made.labels.read_text().splitlines()) == PAGES + 1
        page.keyboard.press("z")
        page.locator("#live", has_text=f"{PAGES} labels taken back").wait_for(state="attached")
    context.close()


def test_a_strip_goes_on_as_far_as_one_walks(browser: "Browser", tmp_path: Path) -> None:
    """Thumbnails are added twenty at a time; keys must reach the last one."""
    made = make_home(tmp_path / "home", pages=120, books=1, k=2, apart=2.0)
    with served(made) as studio:
        page = browser.new_page()
        page.goto(studio.url)
        page.wait_for_selector(".thumb")
        strip = page.locator(".strip").first
        page.locator(".head").first.click()
        for _ in range(45):
            page.keyboard.press("ArrowRight")
        assert strip.locator(".thumb:focus").get_attribute("data-place") == "44"
        page.close()
