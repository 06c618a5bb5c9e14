"""Thumbnails by the hash of their bytes, one by one for the strips and a thousand to a sheet for the map."""

import io
import threading
from collections import OrderedDict
from typing import TypeVar

from PIL import Image

from singleline_pipeline.lake import Lake, LakeError
from singleline_pipeline.studio.collection import Collection, thumbnail_hash
from singleline_pipeline.studio.kinds import PAGES, Kind

Key = TypeVar("Key")
Value = TypeVar("Value")

TILE = 64
"""Side of a thumbnail on a sheet, px."""

ACROSS = 32
"""Thumbnails a row of a sheet, and rows: 2048 px is a size of picture that every browser takes."""

A_SHEET = ACROSS * ACROSS
_SHEETS = 48
_BOOKS = 6
"""Kept in memory: sheets, under 1 MB each, and the thumbnails of the sketchbooks that were looked at last."""


class Thumbnails:
    """Reads thumbnails from the lake when they are asked for, and keeps what was read last."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._sheets: OrderedDict[tuple[str, int], bytes] = OrderedDict()
        self._books: OrderedDict[tuple[str, str], dict[str, bytes]] = OrderedDict()
        # The browser asks for many at once: each is read or made by one thread, and the others then find it.
        self._reading, self._making = threading.Lock(), threading.Lock()

    def one(self, collection: Collection, row: int) -> tuple[bytes, str] | None:
        """A thumbnail as (bytes, media type); None where the lake does not have this one any more."""
        data = self._of_book(collection, row).get(collection.ids[row])
        if data is None or thumbnail_hash(data) != collection.thumbnails[row]:
            return None
        return data, "image/png" if data.startswith(b"\x89PNG") else "image/jpeg"

    def sheet(self, collection: Collection, number: int) -> bytes:
        """A sheet, a JPEG: row r is at place r % A_SHEET of sheet r // A_SHEET. Places of thumbnails that cannot be
        had are left white."""
        key = (collection.thumbnails_version, number)
        with self._making:
            if key not in self._sheets:
                _keep(self._sheets, key, self._make(collection, number), _SHEETS)
            return self._sheets[key]

    def forget(self) -> None:
        """Keep nothing of what was read: a page is gone, and its picture is to go with it."""
        with self._making, self._reading:
            self._sheets.clear()
            self._books.clear()

    def _make(self, collection: Collection, number: int) -> bytes:
        rows = range(number * A_SHEET, min((number + 1) * A_SHEET, len(collection.ids)))
        height = -(-len(rows) // ACROSS) * TILE
        sheet = Image.new("RGB", (ACROSS * TILE, height), "white")
        for place, row in enumerate(rows):
            data = self._of_book(collection, row).get(collection.ids[row])
            if data is None:
                continue
            with Image.open(io.BytesIO(data)) as picture:
                picture.draft(
                    "RGB", (TILE, TILE)
                )  # a JPEG at a quarter of its size, in a quarter of the time
                picture.thumbnail((TILE, TILE), Image.Resampling.BOX, reducing_gap=2.0)
                left = place % ACROSS * TILE + (TILE - picture.width) // 2
                top = place // ACROSS * TILE + (TILE - picture.height) // 2
                sheet.paste(picture, (left, top))
        buffer = io.BytesIO()
        sheet.save(buffer, "JPEG", quality=82)
        return buffer.getvalue()

    def _of_book(self, collection: Collection, row: int) -> dict[str, bytes]:
        """The thumbnails of a row's sketchbook by id: those of drawings lie in one table for all sketchbooks."""
        book = collection.books[collection.book[row]] if collection.kind is PAGES else ""
        key = (collection.thumbnails_version, book)
        with self._reading:
            if key not in self._books:
                _keep(self._books, key, self._read(collection.kind, book), _BOOKS)
            return self._books[key]

    def _read(self, kind: Kind, book: str) -> dict[str, bytes]:
        asset, partition = ("raw_pages", book) if kind is PAGES else ("drawing_map", None)
        column = f"{kind.scope}_id"
        try:
            table = self._lake.read(asset, partition, [column, "thumbnail"])
        except LakeError:
            return {}
        return dict(zip(table[column].to_pylist(), table["thumbnail"].to_pylist(), strict=True))


def _keep(kept: OrderedDict[Key, Value], key: Key, value: Value, most: int) -> None:
    """Keep a value, and of the others those that came last."""
    kept[key] = value
    while len(kept) > most:
        kept.popitem(last=False)
