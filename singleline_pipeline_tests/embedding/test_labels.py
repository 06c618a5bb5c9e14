"""labels.csv: hours of somebody's looking at pictures. Nothing that programs, spreadsheets or power cuts do to it may
lose a line, or turn one into another."""

import errno
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from filelock import FileLock
from hypothesis import given, settings
from hypothesis import strategies as st

from singleline_pipeline.embedding import (
    ALLOWED_LABELS,
    Label,
    LabelError,
    append_labels,
    drawing_key,
    match_drawing,
    read_labels,
    split_drawing_key,
    unknown_keys,
)
from singleline_pipeline.embedding.labels import parse_labels

SHA = "ab" * 32
HEADER = "scope,key,label,who,when,request_id,readable_id"


def page(key: str, label: str, request: str = "", who: str = "mara") -> Label:
    return Label("page", key, label, who, "2025-03-01T10:00:00+00:00", request, "sb48p005")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "labels" / "labels.csv"


def test_what_is_appended_is_read(file: Path) -> None:
    """Keys of drawings hold commas, and names hold quotes."""
    rows = [
        page(SHA, "drawings", "r1", 'Ma"ra, the 2nd; ä'),
        Label("drawing", drawing_key(SHA, (1, 2.25, 300.5, 400)), "exclude"),
        Label("page_cluster", "f00:3", "notes"),
        Label("drawing_cluster", "f01:0", "include"),
    ]
    assert append_labels(file, rows) == 4
    labels = read_labels(file)
    assert labels.rows == rows
    assert labels.problems == []
    assert file.read_text().splitlines()[0] == HEADER


def test_the_last_word_holds_and_an_empty_one_takes_back(file: Path) -> None:
    """Undo is a line like any other; the order tells which cluster was named last."""
    append_labels(file, [page("a", "drawings"), page("b", "notes"), page("c", "covers")])
    append_labels(file, [page("a", "watercolors"), page("b", "")])
    assert list(read_labels(file).resolve("page").items()) == [("c", "covers"), ("a", "watercolors")]
    assert read_labels(file).resolve("drawing") == {}


def test_a_request_sent_twice_is_written_once(file: Path) -> None:
    """A browser repeats what it got no answer to. One request may label many pages."""
    rows = [page("a", "drawings", "r1"), page("b", "drawings", "r1")]
    assert append_labels(file, rows) == 2
    assert append_labels(file, rows) == 0
    assert append_labels(file, [*rows, page("c", "drawings", "r1")]) == 1
    assert append_labels(file, [page("a", "notes", "r2"), page("a", "notes", "r2")]) == 1
    assert append_labels(file, [page("a", "drawings"), page("a", "drawings")]) == 2
    assert len(read_labels(file).rows) == 6


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (Label("pages", "a", "drawings"), "scope 'pages' is not one of page, page_cluster"),
        (Label("page", "a", "drawing"), "label 'drawing' is not one of drawings"),
        (Label("drawing_cluster", "f:1", "drawings"), "not one of include, exclude"),
        (Label("page", "", "drawings"), "key is empty"),
        (Label("drawing", SHA, "include"), "not a drawing's"),
        (page("a", "drawings", who="two\nlines"), "several lines"),
    ],
)
def test_a_wrong_label_is_not_written(file: Path, row: Label, message: str) -> None:
    """A program's mistake must not become a line that a person has to mend; the right ones beside it wait too."""
    with pytest.raises(LabelError, match=message):
        append_labels(file, [page("a", "drawings"), row])
    assert not file.exists()


def test_wrong_lines_are_reported_and_ignored(file: Path) -> None:
    """A person edits this file by hand."""
    append_labels(file, [page("a", "drawings")])
    with file.open("a") as stream:
        stream.write("page,b,drawngs,mara,,,\nnonsense\n\npage,c,notes\ndrawing,xyz,include,,,,\n")
    append_labels(file, [page("d", "covers")])
    labels = read_labels(file)
    assert labels.resolve("page") == {"a": "drawings", "c": "notes", "d": "covers"}
    assert [problem.split(":")[0] for problem in labels.problems] == [
        "labels.csv line 3",
        "labels.csv line 4",
        "labels.csv line 7",
    ]
    assert "'drawngs' is not one of drawings" in labels.problems[0]


SPREADSHEETS = {
    "byte order mark": lambda t: b"\xef\xbb\xbf" + t.encode(),
    "line ends of Windows": lambda t: t.replace("\n", "\r\n").encode(),
    "line ends of an old Mac": lambda t: t.replace("\n", "\r").encode(),
    "no line end at the end": lambda t: t.rstrip("\n").encode(),
    "all quoted": lambda t: "\n".join(
        ",".join(f'"{c}"' for c in line.split(",")) for line in t.splitlines()
    ).encode(),
    "semicolons": lambda t: t.replace(",", ";").encode(),
    "tabs": lambda t: t.replace(",", "\t").encode(),
    "empty lines": lambda t: t.replace("\n", "\n,,,,,,\n\n").encode(),
    "other order": lambda t: "\n".join(
        ",".join(reversed(line.split(","))) for line in t.splitlines()
    ).encode(),
    "capitals and spaces": lambda t: t.replace("page,", "Page ,").replace("drawings", " Drawings ").encode(),
    "columns of its own": lambda t: "\n".join(
        line + (",remark" if n == 0 else ",hm") for n, line in enumerate(t.splitlines())
    ).encode(),
    "all at once": lambda t: b"\xef\xbb\xbf" + t.replace(",", ";").replace("\n", "\r\n;;;;;;\r\n").encode(),
}


@pytest.mark.parametrize("spreadsheet", SPREADSHEETS)
def test_a_file_from_a_spreadsheet_is_read_and_added_to_in_its_own_form(file: Path, spreadsheet: str) -> None:
    """Looking at the file in a spreadsheet and saving it must not end in a file of two halves."""
    append_labels(file, [page("a", "drawings", "r1"), page("b", "notes", "r2")])
    file.write_bytes(SPREADSHEETS[spreadsheet](file.read_text()))
    assert read_labels(file).resolve("page") == {"a": "drawings", "b": "notes"}
    append_labels(file, [page("a", "drawings", "r1"), page("c", "covers", "r3"), page("b", "", "r4")])
    labels = read_labels(file)
    assert labels.problems == []
    assert labels.resolve("page") == {"a": "drawings", "c": "covers"}
    assert [(row.who, row.request_id, row.readable_id) for row in labels.rows] == [
        ("mara", f"r{n}", "sb48p005") for n in (1, 2, 3, 4)
    ]


def test_removed_columns_come_back(file: Path) -> None:
    """Without a column for request ids a repeated request would be written twice."""
    file.parent.mkdir()
    file.write_text("key;scope;label\na;page;drawings\nb;page;nonsense\n")
    append_labels(file, [page("c", "notes", "r1")])
    assert append_labels(file, [page("c", "notes", "r1")]) == 0
    labels = read_labels(file)
    assert labels.resolve("page") == {"a": "drawings", "c": "notes"}
    assert len(labels.problems) == 1
    assert file.read_text().splitlines()[0] == HEADER


def test_a_missing_header_is_reported_and_no_line_is_lost(file: Path) -> None:
    """The first line is the likeliest to be deleted by mistake."""
    append_labels(file, [page("a", "drawings")])
    file.write_text("".join(file.read_text().splitlines(keepends=True)[1:]))
    append_labels(file, [page("b", "notes")])
    labels = read_labels(file)
    assert labels.resolve("page") == {"a": "drawings", "b": "notes"}
    assert len(labels.problems) == 1
    assert "header" in labels.problems[0]


def test_a_file_in_utf16_is_left_alone(file: Path) -> None:
    """Adding UTF-8 to it would spoil the whole file."""
    append_labels(file, [page("a", "drawings")])
    data = file.read_text().encode("utf-16")
    file.write_bytes(data)
    assert "CSV UTF-8" in read_labels(file).problems[0]
    with pytest.raises(LabelError, match="CSV UTF-8"):
        append_labels(file, [page("b", "notes")])
    assert file.read_bytes() == data


@given(st.integers(0, 10_000), st.sampled_from(["drawings", ""]))
@settings(max_examples=150, deadline=None)
def test_a_line_torn_anywhere_harms_no_other(
    tmp_path_factory: pytest.TempPathFactory, cut: int, label: str
) -> None:
    """Killed in the middle of a write: what was whole stays, what comes later is whole, and the torn line is either
    ignored or says what its whole would have said. Never does it take a label back, or say another."""
    file = tmp_path_factory.mktemp("torn") / "labels.csv"
    append_labels(file, [page("a", "notes", "r1"), page("victim", "covers", "r2")])
    whole = file.read_bytes()
    append_labels(file, [Label("page", "victim", label, 'x, "y" ä', "now", "r3", "id")])
    torn = file.read_bytes()
    file.write_bytes(torn[: len(whole) + cut % (len(torn) - len(whole))])
    append_labels(file, [page("b", "watercolors", "r4")])
    held = read_labels(file).resolve("page")
    assert held["a"] == "notes"
    assert held["b"] == "watercolors"
    assert held.get("victim", "") in {"covers", label}
    append_labels(file, [Label("page", "victim", label, 'x, "y" ä', "now", "r3", "id")])
    assert read_labels(file).resolve("page").get("victim", "") == label


def test_two_programs_lose_and_double_nothing(file: Path) -> None:
    """The studio and a script, or two tabs: each appends its lines one by one, and both repeat the shared ones."""
    program = """
import sys
import time
from pathlib import Path
from singleline_pipeline.embedding import Label, append_labels
me = sys.argv[2]
for n in range(60):
    append_labels(Path(sys.argv[1]), [Label("page", f"{me}{n}", "drawings", me, "", f"{me}-{n}")])
    append_labels(Path(sys.argv[1]), [Label("page", f"shared{n}", "notes", me, "", f"shared-{n}")])
"""
    running = [subprocess.Popen([sys.executable, "-c", program, str(file), me]) for me in ("one", "two")]
    assert [process.wait(timeout=120) for process in running] == [0, 0]
    labels = read_labels(file)
    assert labels.problems == []
    keys = [row.key for row in labels.rows]
    assert sorted(keys) == sorted({*keys})
    assert len(keys) == 180


def test_a_full_disk_leaves_the_file_as_it_was(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a batch on the disk and an error on the screen is the worst of both."""
    append_labels(file, [page("a", "drawings")])
    before = file.read_bytes()

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(LabelError, match=r"No space left on device.*Nothing was changed"):
        append_labels(file, [page(str(n), "notes") for n in range(50)])
    assert file.read_bytes() == before


def test_what_cannot_be_opened_is_named(tmp_path: Path) -> None:
    """A folder where the file should be, and a file where the folder should be."""
    (tmp_path / "labels.csv").mkdir()
    with pytest.raises(LabelError, match=r"labels\.csv"):
        read_labels(tmp_path / "labels.csv")
    (tmp_path / "occupied").write_text("")
    with pytest.raises(LabelError, match="cannot be written"):
        append_labels(tmp_path / "occupied" / "labels.csv", [page("a", "drawings")])


def test_a_held_lock_is_an_error_that_says_so(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Waiting for ever would look like a frozen page."""
    file.parent.mkdir()
    monkeypatch.setattr("singleline_pipeline.embedding.label_writing.LOCK_SECONDS", 0.1)
    with FileLock(f"{file}.lock"), pytest.raises(LabelError, match="locked by another program"):
        append_labels(file, [page("a", "drawings")])


def test_no_file_and_an_empty_file_have_no_labels(file: Path) -> None:
    """Before anybody has said anything the pipeline runs on suggestions."""
    assert read_labels(file).rows == []
    file.parent.mkdir()
    file.write_text("")
    assert (read_labels(file).rows, read_labels(file).problems) == ([], [])
    append_labels(file, [])
    append_labels(file, [page("a", "drawings")])
    assert read_labels(file).resolve("page") == {"a": "drawings"}


@given(st.binary(max_size=400))
def test_any_bytes_are_read_without_an_exception(data: bytes) -> None:
    """A wrong file is reported, never fatal: the pipeline goes on with what it can read."""
    for text in (data, (HEADER + "\n").encode() + data):
        labels = parse_labels(text, "labels.csv")
        assert all(row.label in ("", *ALLOWED_LABELS[row.scope]) for row in labels.rows)


def test_labels_of_what_is_not_there_are_reported(file: Path) -> None:
    """A page deleted or scanned anew: the label waits, and somebody may want to know."""
    append_labels(file, [page("a", "drawings"), page("b", "notes"), page("c", "notes"), page("c", "")])
    append_labels(file, [Label("page_cluster", "f:1", "notes")])
    labels = read_labels(file)
    assert unknown_keys(labels, {"page": ["a"]}) == [
        "A page is labelled notes that is not there: b (sb48p005)."
    ]
    assert unknown_keys(labels, {"page": ["a", "b"], "page_cluster": []}) == [
        "A page cluster is labelled notes that is not there: f:1."
    ]


class TestDrawings:
    """Labels of drawings, which go by a box that a better tracer draws a little otherwise."""

    def labelled(
        self, file: Path, *rows: tuple[tuple[float, ...], str]
    ) -> dict[str, list[tuple[tuple, str]]]:
        append_labels(file, [Label("drawing", drawing_key(SHA, box), label) for box, label in rows])
        return read_labels(file).drawings()

    def test_a_key_goes_there_and_back(self) -> None:
        """The key is all that is left of the box."""
        key = drawing_key(SHA, (0, 10.26, 200.04, 1e4))
        assert key == f"{SHA}:0,10.3,200,10000"
        assert split_drawing_key(key) == (SHA, (0, 10.3, 200, 10000))

    @pytest.mark.parametrize(
        "key", ["", SHA, f"{SHA}:1,2,3", f"{SHA}:1,2,3,x", f"{SHA}:1,2,3,4,5", ":1,2,3,4"]
    )
    def test_what_is_no_key_is_refused(self, key: str) -> None:
        """It would never match a drawing again."""
        with pytest.raises(LabelError, match="not a drawing's"):
            split_drawing_key(key)

    def test_a_better_tracer_loses_no_label(self, file: Path) -> None:
        """Half of both boxes in common is the same drawing; its neighbour, or half of it, is not."""
        labelled = self.labelled(file, ((100, 100, 300, 500), "exclude"))
        assert match_drawing(SHA, (95, 110, 310, 520), labelled) == "exclude"
        assert match_drawing(SHA, (100, 100, 300, 280), labelled) is None
        assert match_drawing(SHA, (310, 100, 500, 500), labelled) is None
        assert match_drawing("cd" * 32, (100, 100, 300, 500), labelled) is None

    def test_the_nearest_box_counts_and_of_equals_the_latest(self, file: Path) -> None:
        """Two drawings side by side may both overlap the new box."""
        labelled = self.labelled(
            file,
            ((100, 100, 300, 500), "exclude"),
            ((100, 100, 300, 470), "include"),
            ((100, 100, 300, 500), "include"),
            ((120, 100, 300, 400), "exclude"),
        )
        assert match_drawing(SHA, (100, 100, 300, 500), labelled) == "include"

    def test_taking_back_holds_for_a_drawing_traced_anew(self, file: Path) -> None:
        """The label that was taken back stood under the old box, the taking back under the new one."""
        labelled = self.labelled(file, ((100, 100, 300, 500), "exclude"), ((104, 98, 302, 505), ""))
        assert match_drawing(SHA, (104, 98, 302, 505), labelled) is None

    def test_a_straight_line_overlaps_itself(self, file: Path) -> None:
        """Its box has no area."""
        labelled = self.labelled(file, ((100, 50, 100, 900), "exclude"))
        assert match_drawing(SHA, (100, 50, 100, 900), labelled) == "exclude"


def test_a_label_is_written_quickly_beside_ten_thousand(file: Path) -> None:
    """Looking for a repeated request must not parse every line each time: a round trip is under 100 ms."""
    append_labels(file, [page(f"{n:064x}", "drawings", f"request-{n}") for n in range(10_000)])
    started = time.process_time()
    for n in range(20):
        append_labels(file, [page("a", "drawings", f"new-{n}")])
    assert (time.process_time() - started) / 20 < 0.1
    assert len(read_labels(file).rows) == 10_020
