"""`singleline export map` and `projector`, and what an installed package brings along for them."""

import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest

from singleline_pipeline.home import project_root
from singleline_pipeline.lake import Lake
from singleline_pipeline_tests.test_cli import desk, singleline

from .rows import drawn_rows, page_rows, write_drawings, write_pages
from .test_published import shown


@pytest.fixture
def home(tmp_path: Path):
    """Six drawings, one of them not kept, and four pages, at `mine` below a folder to work in."""
    with desk(tmp_path) as here:
        lake = Lake(here / "mine" / "lake")
        write_drawings(lake, drawn_rows(6), kept=[False, *[True] * 5])
        write_pages(lake, page_rows(4))
        yield here


def test_a_map_goes_to_the_home_and_says_what_it_holds(home: Path) -> None:
    """With its words, and with none of them."""
    file = home / "mine" / "exports" / "drawing_map.html"
    said = singleline("export", "map", "--home", "mine", "--title", "Lines", "--by", "É", "--about", "All.")
    assert said.out.startswith(f"written: {file} (5 drawings, 0.0")
    assert said.out.endswith(" MB; 1 that are not kept stay out: --all shows them)\n")
    data = shown(file)
    assert [data[word] for word in ("title", "by", "about")] == ["Lines", "É", "All."]
    singleline("export", "map", "--home", "mine", "--out", "out/all.html", "--all")
    data = shown(home / "out" / "all.html")
    assert len(data["ids"]) == 6
    assert [data[word] for word in ("title", "by", "about")] == ["Map of drawings", "", ""]
    singleline("export", "map", "--home", "mine", "--out", "out", "--scope", "pages")
    assert len(shown(home / "out" / "page_map.html")["ids"]) == 4


def test_a_projector_goes_to_a_folder_of_its_own(home: Path) -> None:
    folder = home / "mine" / "exports" / "projector"
    assert singleline("export", "projector", "--home", "mine").out == f"written: {folder}\n"
    assert (folder / "projector_config.pbtxt").is_file()


@pytest.mark.parametrize("what", ["map", "projector"])
def test_before_the_first_run_it_says_what_to_do(home: Path, what: str) -> None:
    said = singleline("export", what, "--home", "another")
    assert said.code == 1
    assert "first: `singleline run`" in said.complaint


def test_options_of_maps_are_refused_elsewhere(home: Path) -> None:
    """A title that is silently dropped would be looked for in the file."""
    said = singleline("export", "npz", "--home", "mine", "--title", "Lines", "--all")
    assert said.code == 2
    assert "--all, --title is for `singleline export map` only" in " ".join(said.err.split())


def test_the_page_is_part_of_the_package() -> None:
    """setuptools leaves out what is not named: an installed `singleline export map` would find no page."""
    root = project_root()
    patterns = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]
    for package in ("singleline_pipeline.export", "singleline_pipeline.studio"):
        folder = root / package.replace(".", "/")
        files = [str(file.relative_to(folder)) for file in (folder / "static").rglob("*") if file.is_file()]
        assert files
        assert [name for name in files if not any(fnmatch(name, one) for one in patterns[package])] == []
