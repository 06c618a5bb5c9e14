"""corrections.csv: a person's file, like labels.csv beside it."""

from pathlib import Path

import numpy as np
import pytest

from singleline_pipeline.corrections import (
    CORRECTIONS,
    MOST_POINTS,
    append_corrections,
    correction_key,
    read_corrections,
)
from singleline_pipeline.embedding import LabelError

A, B = "a" * 64, "b" * 64
BOXES = [[0, 0, 10, 10], [20, 0, 30, 10.25]]


def said(folder: Path, *rows: tuple[str, str, str], **about) -> int:
    return append_corrections(folder, rows, **about)


def test_what_was_said_is_read_again_in_its_order_with_its_line(tmp_path: Path) -> None:
    said(tmp_path, ("merge", correction_key(A, BOXES), "sb01p001"), who="me")
    said(tmp_path, ("erase", correction_key(B, [[1, 2.04]]), "sb01p002"))
    said(tmp_path, ("erase", correction_key(A, [[5, 5], [6.5, 7]]), "sb01p001"))
    first, second = read_corrections(tmp_path).of_page(A)
    assert (first.action, first.line, first.page_id) == ("merge", 2, "sb01p001")
    np.testing.assert_array_equal(first.shape, [[0, 0, 10, 10], [20, 0, 30, 10.2]])
    assert (second.action, second.line) == ("erase", 4)
    [other] = read_corrections(tmp_path).of_sketchbook("sb01")[2:]
    np.testing.assert_array_equal(other.shape, [[1, 2]])


def test_a_correction_is_taken_back_by_a_line_more_and_said_again_by_another(tmp_path: Path) -> None:
    erase = ("erase", correction_key(A, [[1, 2]]), "")
    merge = ("merge", correction_key(A, BOXES), "")
    said(tmp_path, erase, merge)
    said(tmp_path, erase, holds=False)
    assert [one.action for one in read_corrections(tmp_path).of_page(A)] == ["merge"]
    said(tmp_path, erase)
    assert [one.action for one in read_corrections(tmp_path).of_page(A)] == ["merge", "erase"]
    assert len((tmp_path / CORRECTIONS).read_text().splitlines()) == 5


def test_the_same_request_sent_twice_is_written_once(tmp_path: Path) -> None:
    row = ("erase", correction_key(A, [[1, 2]]), "")
    assert said(tmp_path, row, request_id="tab-1") == 1
    assert said(tmp_path, row, request_id="tab-1") == 0


def test_a_version_changes_with_what_is_said_of_its_own_pages_and_only_then(tmp_path: Path) -> None:
    """A correction in one sketchbook must not have forty others joined again."""
    said(tmp_path, ("erase", correction_key(A, [[1, 2]]), ""))
    before = read_corrections(tmp_path)
    said(tmp_path, ("erase", correction_key(B, [[1, 2]]), ""), ("private", B, "sb02p001"))
    after = read_corrections(tmp_path)
    assert before.version([A, "c" * 64]) == after.version([A])
    assert before.version([A, B]) != after.version([A, B])
    assert before.private_version([A]) == after.private_version([A])
    assert before.private_version([A, B]) != after.private_version([A, B])
    said(tmp_path, ("erase", correction_key(B, [[1, 2]]), ""), holds=False)
    assert read_corrections(tmp_path).version([A, B]) == before.version([A, B])


def test_a_private_page_keeps_every_name_that_it_had(tmp_path: Path) -> None:
    """After its rows are gone, the file alone knows what was called so."""
    said(tmp_path, ("private", A, "sb01p001"), ("private", A, "sb02p009"))
    found = read_corrections(tmp_path)
    assert found.private == {A}
    assert found.names_of_private(A) == {"sb01p001", "sb02p009"}
    said(tmp_path, ("private", A, "sb01p001"), holds=False)
    assert read_corrections(tmp_path).private == frozenset()


LINES = [
    ("smudge,{a}:1,2,yes", "the scope 'smudge' is not one of erase, split, merge, private"),
    ("erase,xyz:1,yes", "does not begin with the SHA-256 of a page"),
    ('erase,"{a}:1,2 3",yes', "the points of erase must be written x,y x,y ..."),
    ('erase,"{a}:1,nan",yes', "the points of erase must be written x,y x,y ..."),
    ('erase,"{a}:1,1e300",yes', "the points of erase must be written x,y x,y ..."),
    ("erase,{a}:,yes", "erase needs 1 to 400 points, and the key has 0"),
    ('split,"{a}:1,2 3,4",yes', "split needs 3 to 400 points, and the key has 2"),
    ('merge,"{a}:0,0,1,1",yes', "merge needs 2 to 400 boxes, and the key has 1"),
    ('merge,"{a}:0,0 1,1",yes', "the boxes of merge must be written x0,y0,x1,y1"),
    ("private,{a}:1,yes", "the key of a private page is its SHA-256 and no more"),
    ('erase,"{a}:1,2",no', "the label 'no' is not yes (or empty)"),
]


@pytest.mark.parametrize(("line", "wrong"), LINES)
def test_a_wrong_line_is_told_with_its_number_and_the_rest_is_read(
    tmp_path: Path, line: str, wrong: str
) -> None:
    good = f'erase,"{A}:1,2 3,4",yes'
    text = "\n".join(["scope,key,label", line.format(a=A), good])
    (tmp_path / CORRECTIONS).write_text(text)
    found = read_corrections(tmp_path)
    [problem] = found.problems
    assert problem.startswith("corrections.csv line 2: ")
    assert wrong in problem
    assert [one.line for one in found.of_page(A)] == [3]


def test_a_spreadsheet_may_save_it_with_semicolons(tmp_path: Path) -> None:
    text = f"\ufeffscope;key;label;who\r\nsplit;{A}:1,2 3,4 5,5;yes;me\r\n"
    (tmp_path / CORRECTIONS).write_text(text)
    assert read_corrections(tmp_path).problems == []
    assert [one.action for one in read_corrections(tmp_path).of_page(A)] == ["split"]
    said(tmp_path, ("erase", correction_key(A, [[1, 2]]), "sb01p001"))
    assert len(read_corrections(tmp_path).of_page(A)) == 2


def test_what_nobody_could_read_again_is_not_written(tmp_path: Path) -> None:
    many = correction_key(A, np.zeros((MOST_POINTS + 1, 2)))
    with pytest.raises(LabelError, match="erase needs 1 to 400 points"):
        said(tmp_path, ("erase", many, ""))
    assert not (tmp_path / CORRECTIONS).exists()
