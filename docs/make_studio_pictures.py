"""The pictures of docs/studio.md: `python docs/make_studio_pictures.py --home HOME`, with Chromium and Playwright.

The labels of HOME are not touched: the studio looks at a copy.
"""

import argparse
import io
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

PICTURES = Path(__file__).parent / "pictures"


def main() -> None:
    """Start the studio, do what a person would, and take pictures of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--chromium", default=shutil.which("chromium"))
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        for part in ("lake", "labels"):
            shutil.copytree(chosen.home / part, Path(folder) / part)
        script = "from singleline_pipeline.cli import main; main()"
        command = [sys.executable, "-c", script, "studio", "--home", folder, "--port", "0"]
        studio = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            url = studio.stdout.readline().split(" at ")[1].split()[0]
            browser = playwright.chromium.launch(executable_path=chosen.chromium, args=["--no-sandbox"])
            take_all(browser, url)
            browser.close()
        finally:
            studio.terminate()
            studio.wait()


def take_all(browser: Browser, url: str) -> None:
    """Each picture after what it shows was done."""
    page = opened(browser, url, 1200, 760, "light")
    page.locator(".head").first.click()
    for key in ("1", "7", "7"):
        page.keyboard.press(key)
        page.wait_for_timeout(500)
    page.locator(".strip").nth(1).locator(".thumb").nth(0).click()
    page.locator(".strip").nth(1).locator(".thumb").nth(1).click()
    page.locator("#choices button").nth(4).hover()
    page.wait_for_timeout(500)
    save(page, "studio.jpg")
    page.keyboard.press("Escape")

    page = opened(browser, url + "#drawings", 1200, 1000, "dark")
    page.locator(".thumb").nth(1).dblclick()
    page.get_by_text("Try other settings").click()
    page.locator(".figures", has_text="traced").wait_for()
    page.locator("input[name=epsilon]").press("ArrowRight")
    page.locator("input[name=join_gap]").press("ArrowRight")
    page.locator("#keeps-page", has_text="stale").wait_for()
    page.locator(".keep").scroll_into_view_if_needed()
    page.locator(".page-view image").wait_for()
    page.wait_for_timeout(700)
    save(page, "studio-page.jpg")

    phones = []
    for scheme in ("light", "dark"):
        page = opened(browser, url, 390, 780, scheme)
        page.locator(".thumb").nth(1).click()
        page.wait_for_timeout(500)
        phones.append(Image.open(io.BytesIO(page.screenshot())))
    both = Image.new("RGB", (sum(phone.width for phone in phones) + 20, phones[0].height), "white")
    both.paste(phones[0], (0, 0))
    both.paste(phones[1], (phones[0].width + 20, 0))
    both.convert("RGB").save(PICTURES / "studio-phone.jpg", quality=80, optimize=True)


def opened(browser: Browser, url: str, width: int, height: int, scheme: str) -> Page:
    """A window of its own with everything loaded."""
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
    page = context.new_page()
    page.goto(url)
    page.wait_for_selector(".thumb")
    page.wait_for_load_state("networkidle")
    return page


def save(page: Page, name: str) -> None:
    """A picture that is small enough for a clone."""
    Image.open(io.BytesIO(page.screenshot())).convert("RGB").save(PICTURES / name, quality=80, optimize=True)


if __name__ == "__main__":
    main()
