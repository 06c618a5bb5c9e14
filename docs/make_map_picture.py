"""The picture of docs/maps.md: `python docs/make_map_picture.py --home HOME`, with Chromium and Playwright."""

import argparse
import io
import shutil
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from singleline_pipeline.export import MapWords, export_map
from singleline_pipeline.home import Home
from singleline_pipeline.lake import Lake

PICTURE = Path(__file__).parent / "pictures" / "map.jpg"
WORDS = MapWords(
    "Sample sketchbooks", "a program", "Faces and figures in one line each. What looks alike lies together."
)


def main() -> None:
    """Publish the map of a home into a folder that goes away, and take pictures of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--chromium", default=shutil.which("chromium"))
    chosen = parser.parse_args()
    lake = Lake(Home.from_environment(chosen.home).lake)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        file, _ = export_map(lake, Path(folder), words=WORDS)
        browser = playwright.chromium.launch(executable_path=chosen.chromium, args=["--no-sandbox"])
        wide = opened(browser, file, 1120, 760, "light")
        wide.locator("#by").select_option("cluster")
        wide.wait_for_timeout(500)
        phone = opened(browser, file, 380, 760, "dark")
        phone.locator("#map").focus()
        for key in ("ArrowRight", "ArrowUp", "Enter"):
            phone.keyboard.press(key)
        phone.wait_for_timeout(2500)
        parts = [Image.open(io.BytesIO(page.screenshot())) for page in (wide, phone)]
        browser.close()
    both = Image.new("RGB", (sum(part.width for part in parts) + 20, parts[0].height), "white")
    both.paste(parts[0], (0, 0))
    both.paste(parts[1], (parts[0].width + 20, 0))
    both.save(PICTURE, quality=80, optimize=True)


def opened(browser: Browser, file: Path, width: int, height: int, scheme: str) -> Page:
    """A window of its own with all drawings drawn."""
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
    page = context.new_page()
    page.goto(file.as_uri())
    page.wait_for_timeout(1500)
    return page


if __name__ == "__main__":
    main()
