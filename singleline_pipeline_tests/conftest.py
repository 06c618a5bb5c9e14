"""One thread for everybody, repeatable Hypothesis, and the browser that tests of pictures and pages share."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING

import hypothesis
import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

# Set before numpy, torch and OpenCV are imported, and inherited by every process that a test starts: sums in
# another order give other last digits.
for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OPENCV_FOR_THREADS_NUM"):
    os.environ[_variable] = "1"
# Instances without the project's dagster.yaml would report what the tests do to Dagster's makers.
os.environ["DAGSTER_DISABLE_TELEMETRY"] = "1"

hypothesis.settings.register_profile("repeatable", derandomize=True, deadline=None, database=None)
hypothesis.settings.load_profile("repeatable")

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
CHROMIUM_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def find_chromium() -> str | None:
    """The browser at $CHROMIUM, at Debian's place, or on the path."""
    places = (os.environ.get("CHROMIUM"), "/usr/bin/chromium", *CHROMIUM_NAMES)
    return next((found for place in places if place and (found := shutil.which(place))), None)


def _without_browser(reason: str) -> None:
    """Skip, or fail where SINGLELINE_REQUIRE_BROWSER=1 says that there has to be one."""
    if os.environ.get("SINGLELINE_REQUIRE_BROWSER") == "1":
        pytest.fail(f"SINGLELINE_REQUIRE_BROWSER=1, but {reason}", pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Headless Chromium with an empty profile, driven by Playwright's sync API.

    It lives for one module and no longer: while the sync API runs, the main thread has a running event loop,
    in which `asyncio.run`, and with it parts of Dagster, would fail in all later tests.
    """
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        _without_browser("playwright is not installed (pip install playwright).")
    executable = find_chromium()
    if executable is None:
        _without_browser("there is no Chromium (apt-get install chromium, or set CHROMIUM to its path).")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=executable, args=list(CHROMIUM_FLAGS))
        yield started
        started.close()
