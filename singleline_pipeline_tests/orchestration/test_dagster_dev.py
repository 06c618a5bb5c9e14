"""The real `dagster dev` at work: a folder that changes, the sensor's runs, and a person's click on Materialize."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from singleline_pipeline.definitions import defs
from singleline_pipeline.home import Home
from singleline_pipeline.lake import Lake
from singleline_pipeline.orchestration.instance import project_instance
from singleline_pipeline.orchestration.jobs import SKETCHBOOK_ASSETS
from singleline_pipeline.orchestration.partitions import sketchbooks
from singleline_pipeline.orchestration.runs import materialize_stale
from singleline_pipeline.scans.samples import write_sample_sketchbooks
from singleline_pipeline_tests.studio.conftest import served
from singleline_pipeline_tests.studio.homes import MadeHome

from .dagster_dev import RUN_SECONDS, DagsterDev, project_folder

if TYPE_CHECKING:
    from playwright.sync_api import Browser

# The first test that asks for it waits for the start as well; the limits inside are tighter.
pytestmark = pytest.mark.timeout(420)


def write_books(folder: Path, first: int, books: int) -> None:
    """Small sample sketchbooks in the folder."""
    write_sample_sketchbooks(folder, seed=5, books=books, pages=3, first=first, scale=0.35)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """Two sample sketchbooks in a home that is empty otherwise."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SINGLELINE_HOME", str(tmp_path_factory.mktemp("home")))
        for name in ("SINGLELINE_SKETCHBOOKS", "SINGLELINE_LAKE", "DAGSTER_HOME"):
            patch.delenv(name, raising=False)
        home = Home.from_environment()
        write_books(home.sketchbooks, first=1, books=2)
        yield home


@pytest.fixture(scope="module")
def dev(home: Home, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DagsterDev]:
    """`dagster dev` on two sketchbooks that `singleline run` has processed before it was started."""
    root = project_folder(tmp_path_factory.mktemp("project") / "root")
    with project_instance(root) as instance:
        instance.add_dynamic_partitions(sketchbooks.name, ["sb01", "sb02"])
        outcome = materialize_stale(defs, instance, home, ["sb01", "sb02"], set(SKETCHBOOK_ASSETS))
        assert outcome.failed == {}
    with DagsterDev(root, home.root) as running:
        yield running
    assert running.processes() == []


def test_a_new_book_and_a_changed_page_run_their_own_partitions_and_nothing_else(
    dev: DagsterDev, home: Home
) -> None:
    """What the artist relies on: scan into the folder, and the rest happens, but not to forty other books."""
    known = set(dev.runs())
    write_books(home.sketchbooks, first=3, books=1)
    [new] = dev.wait_for_success(known)
    assert (new.job_name, new.tags["dagster/sensor_name"]) == ("sketchbook_job", "new_sketchbooks")
    assert new.tags["dagster/partition"] == "sb03"
    assert dev.materialized(new) == {(asset, "sb03") for asset in SKETCHBOOK_ASSETS}

    known = set(dev.runs())
    first, second = sorted((home.sketchbooks / "sb01" / "art").glob("*.jpg"))[:2]
    first.write_bytes(second.read_bytes() + b"\0")  # another page, and no duplicate
    [changed] = dev.wait_for_success(known)
    assert changed.tags["dagster/partition"] == "sb01"
    assert dev.materialized(changed) == {(asset, "sb01") for asset in SKETCHBOOK_ASSETS}


def test_the_studio_s_run_button_starts_its_run_in_the_ui_that_is_there(
    dev: DagsterDev, home: Home, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Queued and seen with all others, and about the home that the studio shows, whatever the UI takes for its own."""
    monkeypatch.chdir(dev.root)
    monkeypatch.setenv("SINGLELINE_DAGSTER_URL", dev.url)
    table = Lake(home.lake).read("page_groups", "sb01")
    page_id = next(row["page_id"] for row in table.to_pylist() if row["group"] == "drawings")
    known = set(dev.runs())
    with served(MadeHome(home, {}, [])) as studio:
        page = browser.new_page()
        page.set_default_timeout(60_000)
        page.goto(studio.url)
        page.locator(f".thumb[title^='{page_id}']").click()
        page.keyboard.press("3")
        page.locator("#run", has_text="Run (1)").click()
        page.locator("#run-dialog .main").click()
        link = page.locator("#run-dialog a")
        link.wait_for()
        run_id = link.get_attribute("href").removeprefix(f"{dev.url}/runs/")
        page.locator("#run-messages", has_text="sb01: page_groups").wait_for()
        page.locator("#run-messages", has_text="tables materialized.").wait_for(timeout=RUN_SECONDS * 1000)
        page.locator("#run", has_text=re.compile("^Run$")).wait_for()
        page.close()
    runs = {run_id: run for run_id, run in dev.runs().items() if run_id not in known}
    assert runs[run_id].job_name == "up_to_date_job"
    assert runs[run_id].tags["singleline/home"] == str(home.root)
    assert all(run.is_success for run in runs.values())
    tables = {table for run in runs.values() for table in dev.materialized(run)}
    assert ("page_groups", "sb01") in tables
    assert not any(asset in ("raw_pages", "page_embeddings") for asset, _ in tables)
    after = Lake(home.lake).read("page_groups", "sb01").to_pylist()
    assert {row["group"] for row in after if row["page_id"] == page_id} == {"notes"}


def test_a_click_on_materialize_runs_one_partition_and_the_page_shows_its_contact_sheet(
    dev: DagsterDev, browser: Browser
) -> None:
    """The way of somebody who does not use the command line."""
    known = set(dev.runs())
    page = browser.new_page(viewport={"width": 1500, "height": 1000})
    page.set_default_timeout(60_000)
    page.goto(f"{dev.url}/assets/raw_pages?view=partitions&partition=sb02")
    page.get_by_role("button", name=re.compile("Materialize")).first.click()
    # What is read together is materialized together: rejected_pages comes along, and Dagster asks.
    page.get_by_role("dialog").get_by_role("button", name="Confirm").click()
    page.get_by_role("dialog").get_by_role("button", name=re.compile("Launch")).click()
    [run] = dev.wait_for_success(known)
    assert run.tags["dagster/partition"] == "sb02"
    assert "dagster/sensor_name" not in run.tags
    assert dev.materialized(run) == {("raw_pages", "sb02"), ("rejected_pages", "sb02")}

    page.goto(f"{dev.url}/assets/raw_pages?view=partitions&partition=sb02")
    page.get_by_text("Show Markdown").first.click()
    sheet = page.get_by_role("dialog").locator('img[src^="data:image"]')
    width, height = sheet.evaluate(
        "image => image.decode().then(() => [image.naturalWidth, image.naturalHeight])"
    )
    assert width > 200, "three pages side by side"
    assert height > 150
    page.close()
