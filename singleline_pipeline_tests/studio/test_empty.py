"""What somebody sees who opens the studio first of all."""

from pathlib import Path

from singleline_pipeline.home import Home

from .conftest import served
from .homes import MadeHome


def test_an_empty_home_says_what_to_do_and_shows_pages_when_they_are_there(
    browser, template: MadeHome, tmp_path: Path
) -> None:
    """The page need not be reloaded: `singleline demo` may run while it is open."""
    root = tmp_path / "home"
    root.mkdir()
    with served(MadeHome(Home.from_environment(root), {}, [])) as studio:
        page = browser.new_page()
        page.goto(studio.url)
        empty = page.locator("#empty")
        empty.wait_for()
        assert "There are no pages yet." in empty.inner_text()
        assert "singleline demo" in empty.inner_text()
        assert not page.locator("#bar").is_visible()
        for part in ("labels", "lake"):
            (template.copied_to(tmp_path / part).home.root / part).rename(root / part)
        page.wait_for_selector(".thumb")
        assert not empty.is_visible()
        page.close()
