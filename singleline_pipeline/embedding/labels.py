"""labels.csv: what people said, one line each, only ever added to. The last line about a key wins; an empty label
takes back what was said.

The file is a person's too. It may come back from a spreadsheet with a byte order mark, semicolons, other line ends,
empty lines or columns in another order, and it is then read and added to in that form. A wrong line is reported with
its number, and left where it is.
"""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path

from singleline_pipeline.embedding.errors import LabelError
from singleline_pipeline.embedding.label_keys import ALLOWED_LABELS, Box, split_drawing_key


@dataclass(frozen=True)
class Label:
    """One line: somebody said this about that."""

    scope: str
    """page, page_cluster, drawing or drawing_cluster."""
    key: str
    """What it is about; see `label_keys`."""
    label: str
    """What was said, one of `ALLOWED_LABELS[scope]`; empty takes it back."""
    who: str = ""
    when: str = ""
    """ISO 8601, with the zone."""
    request_id: str = ""
    """Given by the program that asked: the same request sent twice is written once."""
    readable_id: str = ""
    """sb48p005: for the person who reads the file. Not used."""


COLUMNS: tuple[str, ...] = tuple(f.name for f in fields(Label))
NEEDED = ("scope", "key", "label")

Check = Callable[[Label], str | None]
"""Says what is wrong with a line, as half a sentence; None where nothing is. Corrections of traced pages have a file
of the same form with another check."""


@dataclass(frozen=True)
class Labels:
    """The labels of a file, in the order in which they were written."""

    rows: list[Label] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    """Sentences about lines that were ignored, with their numbers."""
    numbers: list[int] = field(default_factory=list)
    """The line of the file that each row stands in, from 1."""

    def resolve(self, scope: str) -> dict[str, str]:
        """Return key -> label of what holds now. Ordered by when it was last said, the latest at the end."""
        held: dict[str, str] = {}
        for row in self.rows:
            if row.scope == scope:
                held.pop(row.key, None)
                if row.label:
                    held[row.key] = row.label
        return held

    def drawings(self) -> dict[str, list[tuple[Box, str]]]:
        """Return page sha256 -> (box, label) of labelled drawings, in the order in which they were written, for
        `match_drawing`. Labels taken back are among them, empty: they also hold for a drawing traced anew."""
        held: dict[str, list[tuple[Box, str]]] = {}
        for row in self.rows:
            if row.scope == "drawing":
                sha256, box = split_drawing_key(row.key)
                held.setdefault(sha256, []).append((box, row.label))
        return held


@dataclass(frozen=True)
class Form:
    """How a file is laid out: its separator, and which column stands where."""

    separator: str
    columns: tuple[str, ...]
    has_header: bool

    def line(self, row: Label) -> str:
        """Return the row as a line of such a file."""
        text = io.StringIO()
        values = [getattr(row, name, "") for name in self.columns]
        csv.writer(text, delimiter=self.separator, lineterminator="\n").writerow(values)
        return text.getvalue()


CANONICAL = Form(",", COLUMNS, True)


def read_labels(file: Path, check: Check | None = None) -> Labels:
    """Read a labels file. One that is not there has no labels; wrong lines become `problems`, never an exception.
    `check` says which are wrong, `problem_with` if it is not given.

    Raises LabelError only where the file is there and cannot be read at all.
    """
    try:
        data = file.read_bytes()
    except FileNotFoundError:
        return Labels()
    except OSError as error:
        raise LabelError(f"{file} cannot be read ({error.strerror}). Check its permissions.") from error
    return parse_labels(data, file.name, check)


def parse_labels(data: bytes, name: str, check: Check | None = None) -> Labels:
    """Read the bytes of a labels file; `name` is what the problems call it."""
    rows: list[Label] = []
    problems: list[str] = []
    numbers: list[int] = []
    if is_utf16(data):
        return Labels(rows, [utf16_problem(name)])
    form = form_of(data)
    if not form.has_header and data.strip():
        problems.append(
            f"{name} line 1: the header ({','.join(COLUMNS)}) is missing; its columns were taken to be in that order."
        )
    for number, values in records(data, form):
        row = _label(values, form)
        wrong = (check or problem_with)(row)
        if wrong is None and len(values) < len(form.columns) and not row.label:
            wrong = "the line is cut short, before its label"
        if wrong is None:
            rows.append(row)
            numbers.append(number)
        else:
            problems.append(f"{name} line {number}: {wrong}. The line is ignored.")
    return Labels(rows, problems, numbers)


def problem_with(row: Label) -> str | None:
    """Return what is wrong with a label, as half a sentence; None where nothing is."""
    if row.scope not in ALLOWED_LABELS:
        return f"the scope {row.scope[:40]!r} is not one of {', '.join(ALLOWED_LABELS)}"
    if not row.key:
        return "the key is empty"
    if row.label and row.label not in ALLOWED_LABELS[row.scope]:
        return f"the label {row.label[:40]!r} is not one of {', '.join(ALLOWED_LABELS[row.scope])} (or empty)"
    if row.scope == "drawing":
        try:
            split_drawing_key(row.key)
        except LabelError as error:
            return str(error).rstrip(".")
    if any("\n" in getattr(row, name) or "\r" in getattr(row, name) for name in COLUMNS):
        return "a value spans several lines"
    return None


def unknown_keys(labels: Labels, known: Mapping[str, Iterable[str]]) -> list[str]:
    """Return a sentence for each key that is labelled but not among the `known` keys of its scope.

    Scopes that `known` leaves out are not looked at. Such labels do no harm: the page may come back.
    """
    problems = []
    for scope, keys in known.items():
        there = set(keys)
        readable = {row.key: row.readable_id for row in labels.rows if row.scope == scope}
        for key, label in labels.resolve(scope).items():
            if key not in there:
                called = f" ({readable[key]})" if readable[key] else ""
                problems.append(
                    f"A {scope.replace('_', ' ')} is labelled {label} that is not there: {key}{called}."
                )
    return problems


def form_of(data: bytes) -> Form:
    """Find out the separator and the columns of a labels file from its first line."""
    first = next((line for line in _lines(data) if line.strip(" ,;\t")), "")
    separator = max(",;\t", key=first.count) if first else ","
    columns = tuple(cell.strip().lower() for cell in _cells(first, separator))
    if set(NEEDED) <= set(columns):
        return Form(separator, columns, True)
    return Form(separator, COLUMNS, False)


def is_utf16(data: bytes) -> bool:
    """Whether a spreadsheet saved the file as "Unicode text"."""
    return data[:2] in (b"\xff\xfe", b"\xfe\xff")


def utf16_problem(name: str) -> str:
    """Say what to do about a file saved as "Unicode text"."""
    return (
        f"{name} is saved as UTF-16 text and was not read. Save it as CSV UTF-8 in your spreadsheet program."
    )


def _lines(data: bytes) -> list[str]:
    text = data.decode("utf-8-sig", errors="replace")
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _cells(line: str, separator: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=separator), [])
    except csv.Error:  # a cell of more than 128 kB
        return [line]


def records(data: bytes, form: Form) -> Iterator[tuple[int, list[str]]]:
    """Yield the number (from 1) and the cells of each line but the header and empty ones.

    Each line is read by itself: a quote that a torn line leaves open must not swallow those after it.
    """
    header_seen = not form.has_header
    for number, line in enumerate(_lines(data), start=1):
        if not line.strip(" ,;\t"):
            continue
        if not header_seen:
            header_seen = True
            continue
        yield number, _cells(line, form.separator)


def _label(values: list[str], form: Form) -> Label:
    cells = {name: value.strip() for name, value in zip(form.columns, values, strict=False)}
    known = {name: cells.get(name, "") for name in COLUMNS}
    return Label(**(known | {"scope": known["scope"].lower(), "label": known["label"].lower()}))
