"""Adding to labels.csv: several programs at once, and none of them sure to live to the end of its line."""

import os
from collections.abc import Iterable
from pathlib import Path

from filelock import FileLock, Timeout

from singleline_pipeline.embedding.errors import LabelError
from singleline_pipeline.embedding.labels import (
    CANONICAL,
    COLUMNS,
    Check,
    Form,
    Label,
    form_of,
    is_utf16,
    parse_labels,
    problem_with,
    records,
    utf16_problem,
)

LOCK_SECONDS = 30.0


def append_labels(file: Path, rows: Iterable[Label], check: Check = problem_with) -> int:
    """Add labels to a file, making it and its folder where they are not there. Return how many were written.

    A row whose request id is in the file already, for the same scope and key, is not written again. The rows are on
    the disk when this returns, all or none. Raises LabelError for a wrong row, and where the file cannot be written.
    """
    wanted = list(rows)
    for row in wanted:
        if wrong := check(row):
            raise LabelError(f"A line cannot be written to {file.name}: {wrong}.")
    if not wanted:
        return 0
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{file}.lock", timeout=LOCK_SECONDS):
            return _append_locked(file, wanted, check)
    except Timeout as error:
        raise LabelError(
            f"{file} has been locked by another program for {LOCK_SECONDS:.0f} s. Close it, and try again."
        ) from error
    except OSError as error:
        raise LabelError(
            f"Labels cannot be written to {file} ({error.strerror}). Nothing was changed. Check the disk and the "
            "permissions of the folder."
        ) from error


def _append_locked(file: Path, wanted: list[Label], check: Check) -> int:
    data = file.read_bytes() if file.exists() else b""
    if is_utf16(data):
        raise LabelError(utf16_problem(file.name))
    rows = _not_yet_written(wanted, data, file.name, check)
    if not rows:
        return 0
    form = form_of(data) if data.strip() else CANONICAL
    if not set(COLUMNS) <= set(form.columns):
        data, form = _with_all_columns(data, form), CANONICAL
        _replace(file, data)
    text = "".join(form.line(row) for row in rows)
    if not data.strip():
        text = ",".join(COLUMNS) + "\n" + text
    elif not data.endswith(b"\n"):
        # The last writer was killed in the middle of its line, or an editor left off the end of it.
        text = "\n" + text
    _add(file, text.encode())
    return len(rows)


def _not_yet_written(wanted: list[Label], data: bytes, name: str, check: Check) -> list[Label]:
    # A search through the bytes costs a millisecond, reading every line a hundred: only where an id is found.
    repeated = any(row.request_id and row.request_id.encode() in data for row in wanted)
    written = {_request(row) for row in parse_labels(data, name, check).rows} if repeated else set()
    rows = []
    for row in wanted:
        if not row.request_id or _request(row) not in written:
            rows.append(row)
            written.add(_request(row))
    return rows


def _request(row: Label) -> tuple[str, str, str]:
    return row.request_id, row.scope, row.key


def _with_all_columns(data: bytes, form: Form) -> bytes:
    """Write the file anew with the columns that somebody removed, keeping every line, the wrong ones too."""
    lines = [",".join(COLUMNS) + "\n"]
    for _, values in records(data, form):
        cells = dict(zip(form.columns, values, strict=False))
        lines.append(CANONICAL.line(Label(**{name: cells.get(name, "") for name in COLUMNS})))
    return "".join(lines).encode()


def _replace(file: Path, data: bytes) -> None:
    new = file.with_name(f".{file.name}.new")
    try:
        with new.open("wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(new, file)
    finally:
        new.unlink(missing_ok=True)


def _add(file: Path, data: bytes) -> None:
    """Write at the end of the file, and through to the disk; where that fails, leave the file as it was."""
    is_new = not file.exists()
    with file.open("ab", buffering=0) as stream:
        before = stream.seek(0, os.SEEK_END)
        try:
            written = 0
            while written < len(data):
                written += stream.write(data[written:])
            os.fsync(stream.fileno())
        except OSError:
            stream.truncate(before)
            raise
    if is_new:
        folder = os.open(file.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
