"""What the README and the docs point to is there, and a clone stays small."""

import re

import pytest

from singleline_pipeline.home import project_root

ROOT = project_root()
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
PICTURES = sorted((ROOT / "docs" / "pictures").iterdir())


def links(text: str) -> set[str]:
    """Targets of links and images, in Markdown and in HTML, that are files of the project."""
    found = re.findall(r"\]\(([^)#\s]+)", text) + re.findall(r'(?:src|href)="([^"#]+)"', text)
    return {target for target in found if "://" not in target}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_of_a_page_leads_to_a_file(page) -> None:
    missing = [target for target in sorted(links(page.read_text())) if not (page.parent / target).exists()]
    assert missing == []


def test_every_picture_is_shown_somewhere_and_all_are_small() -> None:
    """They are in every clone for ever, in each of their versions."""
    shown = {(page.parent / target).resolve() for page in PAGES for target in links(page.read_text())}
    assert [picture.name for picture in PICTURES if picture.resolve() not in shown] == []
    assert sum(picture.stat().st_size for picture in PICTURES) < 2_000_000
    assert (ROOT / "docs" / "pictures" / "overview.png").stat().st_size < 400_000
