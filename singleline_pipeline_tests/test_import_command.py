"""`singleline import` as it is typed, and what the other commands make of its sketchbook."""

import shutil
from pathlib import Path

import pytest

from singleline_pipeline.lake import Lake
from singleline_pipeline_tests.test_cli import Said, here, singleline  # noqa: F401

LINE = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 90 90" stroke="red" fill="none">'
    '<path d="M9 9q{0} {0} 50 9"/></svg>'
)


@pytest.fixture
def tablet(here: Path) -> Path:  # noqa: F811
    """A folder `drawings` with two drawings, below the folder to work in."""
    folder = here / "drawings"
    folder.mkdir()
    for number in (1, 2):
        (folder / f"{number:03d}.svg").write_text(LINE.format(20 * number))
    return folder


def take_in(*arguments: object) -> Said:
    return singleline("import", *arguments, "--sketchbook", "tablet01", "--home", "mine")


def test_import_says_what_it_did_and_what_is_next(tablet: Path) -> None:
    said = take_in(*sorted(tablet.glob("*.svg")))
    place = tablet.parent / "mine" / "imported" / "tablet01"
    assert said == Said(
        0,
        f"tablet01: 2 drawings added, 0 replaced, 0 there already, in {place}. Next: singleline run, or Materialize in "
        "the UI.\n",
        "",
    )
    assert [file.name for file in sorted(place.iterdir())] == ["001.svg", "002.svg"]
    shutil.copy(tablet / "001.svg", tablet / "again.svg")
    said = take_in(tablet / "001.svg", tablet / "again.svg")
    assert said.code == 0
    assert said.out.startswith(
        "again.svg is a copy of 001.svg, which is there already.\n"
        "tablet01: 0 drawings added, 0 replaced, 2 there already"
    )


def test_a_file_that_is_no_drawing_is_one_line_and_the_rest_goes_on(tablet: Path) -> None:
    (tablet / "003.svg").write_text("words")
    said = take_in(tablet)
    assert said.complaint == (
        f"singleline: {tablet / '003.svg'} is damaged, or not XML (syntax error: line 1, column 0). Copy or export it "
        "again."
    )
    assert said.out.startswith("tablet01: 2 drawings added")


def test_replace_is_asked_for_and_heeded(tablet: Path) -> None:
    take_in(tablet)
    (tablet / "001.svg").write_text(LINE.format(70))
    assert take_in(tablet / "001.svg").complaint.endswith("Rename it, or take --replace.")
    assert "1 replaced" in take_in(tablet / "001.svg", "--replace").out


def test_import_into_a_scanned_sketchbook_is_refused(tablet: Path) -> None:
    (tablet.parent / "mine" / "sketchbooks" / "tablet01").mkdir(parents=True)
    assert "is a folder of scans" in take_in(tablet).complaint


def test_run_and_doctor_know_imported_sketchbooks(tablet: Path) -> None:
    """Also where nothing was ever scanned."""
    take_in(tablet)
    said = singleline("run", "--home", "mine", "--sketchbook", "tablet01")
    assert said.code == 0
    assert "tablet01: page_embeddings, raw_pages, rejected_pages\n" in said.err
    assert Lake(tablet.parent / "mine" / "lake").read("strokes", "tablet01").num_rows == 2
    said = singleline("doctor", "--home", "mine")
    assert said.code == 0
    assert "0 scanned, 1 imported" in said.out
    (tablet.parent / "mine" / "sketchbooks" / "tablet01").mkdir()
    said = singleline("doctor", "--home", "mine")
    assert said.code == 1
    assert "tablet01 is not read: there are imported drawings of that name. Rename it." in said.out
