"""The Run button: what was labelled comes true, and Dagster's own instance knows of it."""

import hashlib
import re
import shutil
from pathlib import Path

import cv2
import pytest

from singleline_pipeline.embedding import Label, append_labels
from singleline_pipeline.home import Home, project_root
from singleline_pipeline.lake import Lake
from singleline_pipeline.scans.sample_pages import sample_page

from .conftest import served
from .homes import MadeHome


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MadeHome:
    """A sketchbook of two pages in a project folder of its own, and nothing run yet."""
    for name in ("dagster.yaml", "workspace.yaml"):
        shutil.copy(project_root() / name, tmp_path)
    for name in ("SINGLELINE_HOME", "SINGLELINE_SKETCHBOOKS", "SINGLELINE_LAKE", "DAGSTER_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SINGLELINE_DAGSTER_URL", "")
    monkeypatch.chdir(tmp_path)
    home = Home.from_environment(tmp_path / "home")
    folder = home.sketchbooks / "sb01" / "art"
    folder.mkdir(parents=True)
    for seed in range(2):
        picture = sample_page("drawing", seed=seed, scale=0.3, drawings=1).image
        cv2.imwrite(str(folder / f"{seed:03d}.jpg"), picture)
    return MadeHome(home, {}, [])


def test_the_button_makes_labels_true_and_the_page_shows_what_came_of_it(browser, desk: MadeHome) -> None:
    """One of the two pages is labelled before anything was run: only the other one is traced."""
    scan = (desk.home.sketchbooks / "sb01" / "art" / "000.jpg").read_bytes()
    append_labels(desk.labels, [Label("page", hashlib.sha256(scan).hexdigest(), "notes")])
    with served(desk) as studio:
        page = browser.new_page()
        page.goto(studio.url)
        page.locator("#empty").wait_for()
        said = run(page, "tables materialized")
        assert "sb01: drawing_embeddings, drawings" in said
        page.wait_for_selector(".thumb", timeout=20_000)
        assert page.locator(".thumb[aria-label*='notes, by hand']").count() == 1
        page.locator("#run", has_text=re.compile("^Run$")).wait_for(timeout=60_000)
        page.keyboard.press("Escape")
        page.locator(".thumb[title^='sb01p001']").click()
        page.keyboard.press("5")
        page.locator("#run", has_text="Run (1)").wait_for()
        page.close()
    lake = Lake(desk.home.lake)
    assert lake.read("page_groups", "sb01")["decided_by"].to_pylist() == ["hand", "suggestion"]
    assert lake.read("strokes", "sb01")["page_id"].to_pylist() == ["sb01p001"]
    assert (Path.cwd() / ".dagster").is_dir(), "the instance that the Dagster UI shows"


def run(page, ends_with: str) -> str:
    """Press the button, wait for the end, and return what the run said."""
    page.locator("#run").click()
    page.locator("#run-dialog .main").click()
    page.locator("#run-dialog progress").wait_for()
    page.locator("#run-messages", has_text=ends_with).wait_for(timeout=120_000)
    said = page.locator("#run-messages").inner_text()
    page.locator("#run-dialog button", has_text="Close").click()
    return said


def test_a_run_that_fails_says_why(browser, desk: MadeHome) -> None:
    shutil.rmtree(desk.home.sketchbooks)
    with served(desk) as studio:
        page = browser.new_page()
        page.goto(studio.url)
        said = run(page, "no sketchbooks folder")
        assert str(desk.home.sketchbooks) in said
        page.close()
