"""The studio with real pages and with very many: clicks, seconds, megabytes, milliseconds of a frame."""

import contextlib
import csv
import json
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import psutil

from singleline_pipeline.embedding import encoder, map_points, suggest_group
from singleline_pipeline.scans import decode_image, read_sketchbook
from singleline_pipeline.scans.samples import write_sample_sketchbooks
from singleline_pipeline_tests.studio.homes import MadeHome, MadePages, make_home, write_pages
from singleline_pipeline_tests.studio.test_sorting import MOST, sort

if TYPE_CHECKING:
    from playwright.sync_api import Browser

GROUP_OF = {
    "drawing": "drawings",
    "watercolor": "watercolors",
    "notes": "notes",
    "cover": "covers",
    "bad": "badscans",
}


def sample_pages(root: Path) -> MadeHome:
    """Three sample sketchbooks as the pipeline sees them: scans, default encoder, sixteen clusters."""
    write_sample_sketchbooks(root / "books", seed=5, books=3, pages=20, truth=root / "truth", scale=0.25)
    with open(root / "truth" / "pages.csv", newline="") as file:
        truth = {row["page_id"]: GROUP_OF.get(row["kind"], "") for row in csv.DictReader(file)}
    pages = [page for book in sorted((root / "books").iterdir()) for page in read_sketchbook(book).pages]
    pages.sort(key=lambda page: page.page_id)
    images = (decode_image(page.data, name=page.page_id) for page in pages)
    vectors, statistics = encoder("efficientnet-lite0").embed_and_measure(images)
    made = MadePages(
        ids=[page.page_id for page in pages],
        books=[page.sketchbook for page in pages],
        sha256=[page.sha256 for page in pages],
        files=[page.data for page in pages],
        sizes=[(page.width, page.height) for page in pages],
        thumbnails=[page.thumbnail for page in pages],
        vectors=vectors,
        looks=[suggest_group(page.folder, one) for page, one in zip(pages, statistics, strict=True)],
    )
    home, keys = write_pages(root / "home", made, map_points(vectors), 16)
    return MadeHome(home, {page.page_id: truth[page.page_id] for page in pages}, keys)


def test_sample_sketchbooks_are_sorted_with_at_most_forty_clicks_and_keys(
    benchmark, browser: "Browser", tmp_path: Path
) -> None:
    """Sixty pages of three books, with the default encoder and sixteen clusters."""
    made = sample_pages(tmp_path)
    assert len(made.truth) == 60
    log = benchmark.pedantic(sort, args=[browser, made], rounds=1)
    benchmark.extra_info["actions"] = log
    assert len(log) <= MOST, log


class Process:
    """`singleline studio` as somebody starts it, so that its memory is its own."""

    def __init__(self, made: MadeHome) -> None:
        script = "from singleline_pipeline.cli import main; main()"
        command = [sys.executable, "-c", script, "studio", "--home", str(made.home.root), "--port", "0"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().split(" at ")[1].split()[0]

    def __enter__(self) -> "Process":
        return self

    def __exit__(self, *error: object) -> None:
        self.process.terminate()
        self.process.communicate()

    @property
    def megabytes(self) -> float:
        return psutil.Process(self.process.pid).memory_info().rss / 1e6

    def label(self, request_id: str, ids: list[str], token: str) -> None:
        body = {"request_id": request_id, "scope": "page", "ids": ids, "label": "notes"}
        headers = {"content-type": "application/json", "x-singleline-token": token}
        request = urllib.request.Request(self.url + "api/labels", json.dumps(body).encode(), headers)
        with urllib.request.urlopen(request) as answer:
            answer.read()


def seconds_to_load(browser: "Browser", url: str) -> float:
    """From the address to the first row of thumbnails, in a browser that has nothing of it yet."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    start = time.perf_counter()
    page.goto(url, wait_until="commit")
    page.wait_for_selector(".thumb")
    page.wait_for_function(
        "() => [...document.querySelectorAll('.thumb img')].slice(0, 8).every((one) => one.naturalWidth)"
    )
    taken = time.perf_counter() - start
    context.close()
    return taken


def processor_seconds() -> float:
    """What server and browser have used of the processor so far: others on the machine do not count."""
    used = 0.0
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            used += times.user + times.system
    return used


def test_five_thousand_pages_load_and_are_labelled(benchmark, browser: "Browser", tmp_path: Path) -> None:
    made = make_home(tmp_path / "home", pages=5000, books=80, k=16, apart=2.0)
    ids = list(made.truth)
    with Process(made) as studio:
        seconds_to_load(browser, studio.url)
        before = processor_seconds()
        seconds_to_load(browser, studio.url)
        used = processor_seconds() - before
        benchmark.pedantic(seconds_to_load, args=[browser, studio.url], rounds=5)
        with urllib.request.urlopen(studio.url + "api/token") as answer:
            token = json.load(answer)["token"]
        trips = []
        for number in range(40):
            start = time.perf_counter()
            studio.label(f"bench-{number}", ids[number * 20 : number * 20 + 20], token)
            trips.append(time.perf_counter() - start)
        figures = {
            "label_ms": 1000 * float(np.median(trips)),
            "server_mb": studio.megabytes,
            "load_cpu_s": used,
        }
    benchmark.extra_info.update(figures)
    assert benchmark.stats["median"] < 1.5
    assert figures["label_ms"] < 100
    assert figures["server_mb"] < 400


def test_ten_thousand_drawings_are_panned(benchmark, browser: "Browser", tmp_path: Path) -> None:
    """Processor time of the main thread for each frame, at three zooms."""
    made = make_home(tmp_path / "home", pages=10_000, books=80, k=16, apart=2.0)
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    with Process(made) as studio:
        page = context.new_page()
        devtools = context.new_cdp_session(page)
        devtools.send("Performance.enable", {"timeDomain": "threadTicks"})
        page.goto(studio.url + "#drawings")
        page.wait_for_selector(".thumb")
        page.wait_for_load_state("networkidle")
        assert (
            int(page.evaluate("async () => (await (await fetch('/api/drawings')).json()).ids.length")) > 9_000
        )
        costs = []
        for zoom in (0, 3, 6):
            for _ in range(zoom):
                page.locator("#zoom-in").click()
            costs.append(milliseconds_a_frame(page, devtools))
            page.locator("#zoom-all").click()
        benchmark.pedantic(milliseconds_a_frame, args=[page, devtools], rounds=1)
    context.close()
    benchmark.extra_info["ms_a_frame"] = costs
    assert max(costs) < 8, costs


COUNT_FRAMES = """() => {
  window.frames_ = 0;
  const on = () => (window.frames_++, (window.on_ = requestAnimationFrame(on)));
  on();
}"""


def milliseconds_a_frame(page, devtools) -> float:
    """Drag the map about, and count what the main thread does in that time."""

    def busy() -> float:
        metrics = devtools.send("Performance.getMetrics")["metrics"]
        return next(one["value"] for one in metrics if one["name"] == "TaskDuration")

    box = page.locator("#map").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.evaluate(COUNT_FRAMES)
    before, first = busy(), page.evaluate("() => window.frames_")
    for step in range(120):
        page.mouse.move(x + (step % 40 - 20) * 6, y + (step % 30 - 15) * 5)
    frames, after = page.evaluate("() => window.frames_") - first, busy()
    page.evaluate("() => cancelAnimationFrame(window.on_)")
    page.mouse.up()
    return 1000 * (after - before) / frames
