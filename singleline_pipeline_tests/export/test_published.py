"""What is published of a lake: kept drawings that are there now, and clear words where that is nothing."""

import base64
import json
import re
from pathlib import Path

import numpy as np
import pytest

from singleline_pipeline.export import ExportError, MapWords, export_map
from singleline_pipeline.lake import Lake, MissingTableError

from .rows import drawn_rows, new_lake, page_rows, write_drawings, write_pages


def shown(file: Path) -> dict:
    found = re.search(r'id="data">(.*?)</script>', file.read_text("utf-8"), re.DOTALL)
    assert found is not None
    return json.loads(found[1])


def names_of(data: dict, group: int) -> list[str]:
    of = np.frombuffer(base64.b64decode(data["groups"][group]["of"]), "<u2")
    return [data["groups"][group]["names"][index] for index in of]


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """Six drawings in three sketchbooks, the second and the last not kept, and five pages."""
    lake = new_lake(tmp_path)
    write_drawings(lake, drawn_rows(6), kept=[True, False, True, True, True, False])
    write_pages(lake, page_rows(5))
    return lake


def test_only_kept_drawings_are_published_unless_all_are_asked_for(lake: Lake, tmp_path: Path) -> None:
    """What the artist left out was left out for a reason."""
    file, holds = export_map(lake, tmp_path / "out", words=MapWords("Lines"))
    assert file == tmp_path / "out" / "drawing_map.html"
    rows = drawn_rows(6)
    kept = [0, 2, 3, 4]
    assert holds.startswith("4 drawings, 0.0")
    assert holds.endswith("; 2 that are not kept stay out: --all shows them")
    data = shown(file)
    assert data["ids"] == [rows.ids[row] for row in kept]
    assert names_of(data, 0) == [rows.groups["sketchbook"][row] for row in kept]
    assert names_of(data, 1) == [rows.groups["cluster"][row] for row in kept]

    file, holds = export_map(lake, tmp_path / "every.html", everything=True)
    data = shown(file)
    assert data["ids"] == list(rows.ids)
    assert names_of(data, 2) == ["kept", "left out", "kept", "kept", "kept", "left out"]


def test_pages_come_with_pictures_and_kinds(lake: Lake, tmp_path: Path) -> None:
    """Publishing pages is asked for by name: drawings are what is shown otherwise."""
    file, holds = export_map(lake, tmp_path, scope="pages")
    data = shown(file)
    assert file.name == "page_map.html"
    assert holds.startswith("5 pages")
    assert data["kind"] == "page"
    assert names_of(data, 1) == ["drawings", "notes", "notes", "drawings", "notes"]
    assert all(base64.b64decode(one)[8:12] == b"WEBP" for one in data["pictures"])


def test_what_has_gone_since_the_map_was_made_is_not_published(lake: Lake, tmp_path: Path) -> None:
    """A page that was made private vanishes from the tables first; its drawing must not be on an older map."""
    for asset, row_id in (("filtered_drawings", "drawing_id"), ("page_groups", "page_id")):
        table = lake.read(asset, "sb01")
        gone = table[row_id][0].as_py()
        lake.write(asset, table.slice(1), "sb01")
        scope = "pages" if asset == "page_groups" else "drawings"
        file, _ = export_map(lake, tmp_path / "out", scope=scope, everything=scope == "drawings")
        assert gone not in file.read_text("utf-8")
        assert len(shown(file)["ids"]) == (4 if scope == "pages" else 5)


def test_what_is_not_on_the_map_yet_is_counted(lake: Lake, tmp_path: Path) -> None:
    """A sketchbook that came after the map would be missing without a word."""
    lake.write("drawing_map", lake.read("drawing_map").slice(1))
    assert export_map(lake, tmp_path)[1].endswith("; 1 are not on the map yet: materialize drawing_map")


@pytest.mark.parametrize("count", [1, 2, 3])
def test_one_or_two_drawings_are_a_map(tmp_path: Path, count: int) -> None:
    """The first page of the first sketchbook."""
    lake = new_lake(tmp_path)
    write_drawings(lake, drawn_rows(count, books=1))
    assert len(shown(export_map(lake, tmp_path)[0])["ids"]) == count


def test_nothing_to_publish_says_what_to_do_first(lake: Lake, tmp_path: Path) -> None:
    """Each of the ways to have nothing has another remedy."""
    empty = new_lake(tmp_path / "none")
    for scope in ("drawings", "pages"):
        with pytest.raises(MissingTableError, match=f"Materialize {scope[:-1]}_map first"):
            export_map(empty, tmp_path, scope=scope)
    for book in ("sb01", "sb02", "sb03"):
        table = lake.read("filtered_drawings", book)
        index = table.column_names.index("kept")
        lake.write("filtered_drawings", table.set_column(index, "kept", [[False] * len(table)]), book)
    with pytest.raises(ExportError, match=r"None of the 6 drawings is kept.*--all"):
        export_map(lake, tmp_path)
    lake.write("drawing_map", lake.read("drawing_map").slice(0, 0))
    with pytest.raises(ExportError, match="Materialize drawing_map first"):
        export_map(lake, tmp_path, everything=True)
    lake.write("page_groups", lake.read("page_groups", "sb01").slice(0, 0), "sb01")
    with pytest.raises(ExportError, match="There are no pages yet"):
        export_map(lake, tmp_path, scope="pages")


def test_out_is_a_file_or_a_folder_and_is_never_half_written(lake: Lake, tmp_path: Path) -> None:
    """A folder with its parents is made; what is in the way is named; no temporary file is left."""
    file, _ = export_map(lake, tmp_path / "é" / "画.html")
    assert sorted(one.name for one in file.parent.iterdir()) == ["画.html"]
    (tmp_path / "taken.html").mkdir()
    with pytest.raises(ExportError, match=r"taken\.html is a folder"):
        export_map(lake, tmp_path / "taken.html")
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ExportError, match=r"notes\.txt is a file, and no \.html"):
        export_map(lake, tmp_path / "notes.txt")
    assert (tmp_path / "notes.txt").read_text() == "mine"
