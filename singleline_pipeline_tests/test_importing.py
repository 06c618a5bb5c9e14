"""Drawings from a tablet come in whole or not at all, and never in the place of something else."""

import gzip
import os
from pathlib import Path

import pytest

from singleline_pipeline import importing
from singleline_pipeline.home import Home
from singleline_pipeline.importing import ImportingError, import_drawings
from singleline_pipeline.shelf import all_sketchbooks, shelf_problems


def svg(number: int) -> bytes:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 99 99" stroke="red"><path d="M{number} 1L50 50"/></svg>'
    ).encode()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    for name in ("SINGLELINE_SKETCHBOOKS", "SINGLELINE_LAKE"):
        monkeypatch.delenv(name, raising=False)
    return Home.from_environment(tmp_path / "home")


@pytest.fixture
def tablet(tmp_path: Path):
    """(name, number) -> an SVG file on the tablet; each number is another drawing."""

    def put(name: str, number: int = 1) -> Path:
        file = tmp_path / "tablet" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(svg(number))
        return file

    return put


def files_of(home: Home, sketchbook: str = "tablet01") -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in sorted((home.imported / sketchbook).iterdir())}


def test_files_are_copied_as_they_are_and_make_a_sketchbook(home: Home, tablet) -> None:
    first, second = tablet("a.svg", 1), tablet("more/b.SVG", 2)
    packed = first.with_name("c.svgz")
    packed.write_bytes(gzip.compress(svg(3)))
    done = import_drawings([first, second, packed], "tablet01", home)
    assert (done.added, done.known, done.replaced, done.refused) == (["a.svg", "b.SVG", "c.svgz"], [], [], [])
    assert files_of(home) == {"a.svg": svg(1), "b.SVG": svg(2), "c.svgz": packed.read_bytes()}
    assert [book.name for book in all_sketchbooks(home)] == ["tablet01"]
    assert home.folder_of("tablet01") == home.imported / "tablet01"
    assert shelf_problems(home) == []


def test_a_folder_stands_for_the_drawings_in_it(home: Home, tablet) -> None:
    for name in ("b.svg", "a.svg", "notes.txt", ".hidden.svg", "deeper/c.svg"):
        tablet(name, len(name))
    done = import_drawings([tablet("b.svg", 2).parent], "tablet01", home)
    assert done.added == ["a.svg", "b.svg"]


def test_long_imports_tell_of_themselves(home: Home, tablet) -> None:
    """Ten thousand drawings take a minute."""
    said: list[str] = []
    files = [tablet(f"{number}.svg", number) for number in range(201)]
    import_drawings(files, "tablet01", home, progress=said.append)
    assert said == ["100 drawings read", "200 drawings read"]


def test_a_second_import_adds_what_is_new(home: Home, tablet) -> None:
    """The command is typed again with the same `*.svg` whenever there are new drawings."""
    import_drawings([tablet("a.svg", 1)], "tablet01", home)
    done = import_drawings([tablet("a.svg", 1), tablet("copy.svg", 1), tablet("b.svg", 2)], "tablet01", home)
    assert done.added == ["b.svg"]
    assert done.known == ["a.svg"]
    assert done.copies == ["copy.svg is a copy of a.svg, which is there already."]
    assert set(files_of(home)) == {"a.svg", "b.svg"}


def test_another_drawing_of_the_same_name_needs_a_word(home: Home, tablet) -> None:
    """Pages are called after their files: it would silently change what a page is."""
    import_drawings([tablet("a.svg", 1)], "tablet01", home)
    for other in (tablet("a.svg", 2), tablet("other/A.SVG", 3)):
        done = import_drawings([other], "tablet01", home)
        assert done.refused == [
            f"{other} is another drawing than a.svg, which is there already. Rename it, or take --replace."
        ]
    assert files_of(home) == {"a.svg": svg(1)}
    done = import_drawings([tablet("other/A.SVG", 3)], "tablet01", home, replace=True)
    assert (done.replaced, done.refused) == (["a.svg"], [])
    assert files_of(home) == {"a.svg": svg(3)}
    packed = tablet("a.svgz", 4)
    done = import_drawings([packed], "tablet01", home, replace=True)
    assert files_of(home) == {"a.svgz": svg(4)}
    # What was replaced is no longer there, and may come again.
    assert import_drawings([tablet("z.svg", 3)], "tablet01", home).added == ["z.svg"]


def test_two_files_of_one_name_in_one_import_are_not_replaced_by_each_other(home: Home, tablet) -> None:
    files = [tablet("one/a.svg", 1), tablet("two/a.svg", 2)]
    done = import_drawings(files, "tablet01", home, replace=True)
    assert done.added == ["a.svg"]
    assert done.refused == [f"{files[1]} is another drawing than a.svg, which is there already. Rename it."]
    assert files_of(home) == {"a.svg": svg(1)}


def test_bad_files_are_refused_and_the_rest_goes_on(
    home: Home, tablet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "MAX_BYTES", 1000)
    broken = tablet("broken.svg")
    broken.write_bytes(svg(1)[:-5])
    large = tablet("large.svg")
    large.write_bytes(svg(1) + b" " * 2000)
    files = [
        broken,
        large,
        tablet("a.png"),
        tablet(".b.svg"),
        broken.with_name("gone.svg"),
        tablet("good.svg", 2),
    ]
    monkeypatch.setattr("singleline_pipeline.geometry.svg.MAX_BYTES", 1000)
    done = import_drawings(files, "tablet01", home)
    assert done.added == ["good.svg"]
    reasons = ("is damaged", "over the limit", "not named as an SVG", "not named as an SVG", "No such file")
    for file, message, reason in zip(files, done.refused, reasons, strict=False):
        assert message.startswith(str(file))
        assert reason in message
    assert set(files_of(home)) == {"good.svg"}


def test_nothing_is_made_where_nothing_came_in(home: Home, tablet) -> None:
    done = import_drawings([tablet("a.png")], "tablet01", home)
    assert len(done.refused) == 1
    assert not home.root.exists()


@pytest.mark.parametrize("name", ["", "a/b", ".hidden", "a...b"])
def test_a_name_that_cannot_be_a_partition_is_refused(name: str, home: Home, tablet) -> None:
    with pytest.raises(ImportingError, match="cannot be the name of a sketchbook"):
        import_drawings([tablet("a.svg")], name, home)


def test_names_that_are_never_read_or_no_text_are_refused(home: Home, tablet) -> None:
    """They would come in and never be seen again, or end the program where it wants to print them."""
    with pytest.raises(ImportingError, match="Folders named Priv are never read"):
        import_drawings([tablet("a.svg")], "Priv", home)
    [refused] = import_drawings([tablet("a.svg").with_name("\udcff.svg")], "tablet01", home).refused
    assert refused.isprintable()
    assert "not valid text" in refused


def test_a_scanned_sketchbook_is_not_imported_into(home: Home, tablet) -> None:
    """Its scans, and the labels of their pages, would be gone from the tables."""
    (home.sketchbooks / "sb48" / "art").mkdir(parents=True)
    with pytest.raises(ImportingError, match="sb48 is a folder of scans"):
        import_drawings([tablet("a.svg")], "sb48", home)
    # Nor into one whose disk is not mounted just now.
    (home.root / "lake" / "raw_pages").mkdir(parents=True)
    (home.root / "lake" / "raw_pages" / "sb49.parquet").write_bytes(b"")
    with pytest.raises(ImportingError, match="sb49 has been the name of a sketchbook"):
        import_drawings([tablet("a.svg")], "sb49", home)


def test_scans_that_come_later_under_the_same_name_are_not_read(home: Home, tablet) -> None:
    """And a person is told, for they wait for their pages."""
    import_drawings([tablet("a.svg")], "tablet01", home)
    (home.sketchbooks / "tablet01" / "art").mkdir(parents=True)
    (home.sketchbooks / "sb01" / "art").mkdir(parents=True)
    assert [book.path for book in all_sketchbooks(home)] == [
        home.sketchbooks / "sb01",
        home.imported / "tablet01",
    ]
    [problem] = shelf_problems(home)
    assert problem.startswith(f"Folder {home.sketchbooks / 'tablet01'} is not read")


def test_a_copy_that_fails_leaves_the_old_drawing(
    home: Home, tablet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk, or a tablet that is unplugged."""
    import_drawings([tablet("a.svg", 1)], "tablet01", home)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        import_drawings([tablet("a.svg", 2)], "tablet01", home, replace=True)
    assert files_of(home) == {"a.svg": svg(1)}
