"""Tables without the rows of a page, whatever asset they belong to."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from singleline_pipeline.lake import Lake, LakeError
from singleline_pipeline.private.naming import PrivatePage
from singleline_pipeline.scans.reading import reason_if_private

_ROW_OF = ("page_id", "drawing_id", "sha256", "source_drawing")
"""Columns that say what a row is of. A row of something else that only names the page keeps its other cells."""
_LAST = ("stroke3_dataset", "raw_pages", "rejected_pages")
"""What is read to find out what else has to go: the killed command finds it again."""


@dataclass
class Rows:
    """What was done to the tables."""

    changed: dict[str, int] = field(default_factory=dict)
    """Rows that are gone or have lost a part, by asset."""
    removed: list[str] = field(default_factory=list)
    """Files of tables that cannot be read (those of another version of the program), and were removed as a whole."""
    alone: dict[str, list[int]] = field(default_factory=dict)
    """Clusters that have no member left, by asset: their centroid is the page's own vector, or a drawing's."""


def forget_rows(lake: Lake, page: PrivatePage) -> Rows:
    """Take a page out of every table of the lake.

    `rejected_pages` gets a row for each of its files instead, without a picture: files that come in are still pages or
    rejected ones.
    """
    done = Rows()
    _reject(lake, page)
    assets = [name for name in lake.schemas if name not in _LAST] + ["stroke3_dataset", "raw_pages"]
    held_out = _held_out(lake, page)
    for asset in assets:
        for partition in [*lake.partitions(asset), None]:
            try:
                table = lake.read_optional(asset, partition)
            except LakeError:
                path = lake.path(asset, partition)
                path.unlink()
                done.removed.append(str(path))
                continue
            if table is None:
                continue
            left, count = without_page(table, page, interpolations=not held_out)
            if count:
                lake.write(asset, left, partition)
                done.changed[asset] = done.changed.get(asset, 0) + count
            if "members" in left.column_names:
                rows = zip(left["cluster"].to_pylist(), left["members"].to_pylist(), strict=True)
                if empty := [number for number, members in rows if not members]:
                    done.alone[asset] = empty
    return done


def without_page(table: pa.Table, page: PrivatePage, *, interpolations: bool = True) -> tuple[pa.Table, int]:
    """A table without a page and without its drawings, and how many rows are gone or have lost a part.

    Args:
        table: Of any asset.
        page: The page.
        interpolations: False also takes out what a model drew between two drawings: the table does not say which the
            second one was.
    """
    gone = np.zeros(table.num_rows, bool)
    for name in table.column_names:
        if name in _ROW_OF:
            gone |= _names_it(table[name], page)
    if not interpolations and "source_drawing" in table.column_names:
        gone |= np.array([kind == "interpolation" for kind in table["kind"].to_pylist()], bool)
    left = table.filter(pa.array(~gone))
    touched = np.zeros(left.num_rows, bool)
    values: list[Any]
    for number, column in enumerate(left.schema):
        if pa.types.is_string(column.type) and column.name not in _ROW_OF:
            there = _names_it(left[column.name], page)
            values = [
                (None if column.nullable else "") if out else value
                for value, out in zip(left[column.name].to_pylist(), there, strict=True)
            ]
        elif pa.types.is_list(column.type) and pa.types.is_string(column.type.value_type):
            lists: list[list[str]] = [keys or [] for keys in left[column.name].to_pylist()]
            kept = [[key for key in keys if not _is_it(key, page)] for keys in lists]
            there = np.array([len(a) != len(b) for a, b in zip(kept, lists, strict=True)], dtype=bool)
            values = kept
            if column.name == "members":
                left = _with_sizes(left, kept)
        else:
            continue
        if there.any():
            left = left.set_column(number, column, pa.array(values, column.type))
            touched |= there
    return left, int(gone.sum() + touched.sum())


def _with_sizes(table: pa.Table, members: list[list[str]]) -> pa.Table:
    """Clusters whose size is that of their members."""
    number = table.column_names.index("size")
    field = table.schema.field(number)
    return table.set_column(number, field, pa.array([len(keys) for keys in members], field.type))


def _names_it(column: pa.ChunkedArray, page: PrivatePage) -> NDArray[np.bool_]:
    return np.array([_is_it(value, page) for value in column.to_pylist()], bool)


def _is_it(value: str | None, page: PrivatePage) -> bool:
    """Whether a cell is the page, one of its drawings, or the key that a label of either goes by."""
    if value is None:
        return False
    key = value.partition(":")[0]
    return key == page.sha256 or value in page.page_ids or page.is_drawing(value)


def _held_out(lake: Lake, page: PrivatePage) -> bool:
    """Whether a model that draws between two held-out drawings may have been given one of this page."""
    try:
        table = lake.read_optional("stroke3_dataset", columns=["drawing_id", "split"])
    except LakeError:
        return True
    rows = table.to_pylist() if table else []
    return any(row["split"] != "train" and page.is_drawing(row["drawing_id"]) for row in rows)


def _reject(lake: Lake, page: PrivatePage) -> None:
    for book in lake.partitions("raw_pages"):
        rows = lake.read("raw_pages", book, ["sketchbook", "path", "sha256"]).to_pylist()
        rows = [
            row | {"reason": reason_if_private(row["path"])} for row in rows if row["sha256"] == page.sha256
        ]
        rejected = lake.read_optional("rejected_pages", book)
        if rows and rejected is not None:
            there = set(rejected["path"].to_pylist())
            more = pa.Table.from_pylist([row for row in rows if row["path"] not in there], rejected.schema)
            lake.write("rejected_pages", pa.concat_tables([rejected, more]), book)
