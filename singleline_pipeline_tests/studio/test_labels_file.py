"""Ten thousand labels are read once, and whatever was added since is what reading all of it again would give."""

from pathlib import Path

import pytest

from singleline_pipeline.embedding import Label, append_labels, read_labels
from singleline_pipeline.studio.labels_file import LabelsFile

ROWS = [Label("page", f"{n:064x}", "notes", request_id=f"tab-{n}") for n in range(6)]


def test_added_lines_are_read_alone(tmp_path: Path) -> None:
    file = tmp_path / "labels.csv"
    followed = LabelsFile(file)
    assert followed.refresh() == ([], True)
    append_labels(file, ROWS[:2])
    assert followed.changed()
    assert followed.refresh() == (ROWS[:2], False)
    append_labels(file, ROWS[2:])
    assert followed.refresh() == (ROWS[2:], True)
    assert followed.rows == ROWS
    assert not followed.changed()
    assert followed.version == 2


@pytest.mark.parametrize("line", ["page,,notes", "nothing,1,notes", "page,1"])
def test_wrong_lines_are_numbered_as_in_the_whole_file(tmp_path: Path, line: str) -> None:
    """Who mends it looks for that line in a spreadsheet."""
    file = tmp_path / "labels.csv"
    followed = LabelsFile(file)
    append_labels(file, ROWS[:3])
    followed.refresh()
    with file.open("a") as stream:
        stream.write(f"\n{line}\n")
    append_labels(file, ROWS[3:])
    followed.refresh()
    assert followed.problems == read_labels(file).problems
    assert "line 6" in followed.problems[0]
    assert followed.rows == ROWS


@pytest.mark.parametrize("end", [2, 3, 40])
def test_a_torn_line_is_read_again_when_it_is_whole(tmp_path: Path, end: int) -> None:
    """A reader may look while a writer is in the middle of its line."""
    file = tmp_path / "labels.csv"
    append_labels(file, ROWS)
    whole = file.read_bytes()
    file.write_bytes(whole[:-end])
    followed = LabelsFile(file)
    followed.refresh()
    assert len(followed.rows) <= len(ROWS)
    file.write_bytes(whole)
    followed.refresh()
    assert followed.rows == ROWS
    assert followed.problems == []


def test_a_file_that_a_spreadsheet_saved_is_read_anew(tmp_path: Path) -> None:
    file = tmp_path / "labels.csv"
    append_labels(file, ROWS)
    followed = LabelsFile(file)
    followed.refresh()
    file.write_text("scope;key;label\r\n" + "".join(f"page;{row.key};covers\r\n" for row in ROWS))
    rows, grown = followed.refresh()
    assert not grown
    assert {row.label for row in rows} == {"covers"}
    file.unlink()
    assert followed.refresh() == ([], False)
    assert followed.rows == []
