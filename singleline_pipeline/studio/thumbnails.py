"""Thumbnails by the hash of their bytes, one by one for the strips and a thousand to a sheet for the map."""

import hashlib
import io
import threading
from collections import OrderedDict
from dataclasses import dataclass

import numpy as np
from PIL import Image

from singleline_pipeline.lake import Lake, LakeError
from singleline_pipeline.studio.collection import Collection, thumbnail_hash
from singleline_pipeline.studio.kinds import PAGES

TILE = 64
"""Side of a thumbnail on a sheet, px."""

ACROSS = 32
"""Thumbnails a row of a sheet, and rows: 2048 px is a size of picture that every browser takes."""

A_SHEET = ACROSS * ACROSS
_MOST_BYTES = 48_000_000
"""Of what is kept in memory: sheets of 40,000 thumbnails, and the sketchbooks that were looked at last."""


@dataclass(frozen=True)
class Sheets:
    """Where the map finds its thumbnails: row r is at place r % A_SHEET of sheet r // A_SHEET."""

    version: str
    """Hash of the thumbnails' hashes: as long as it is the same, so are the sheets."""
    count: int


class Thumbnails:
    """Reads thumbnails from the lake when they are asked for, and keeps what was read last."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._kept: OrderedDict[object, tuple[int, object]] = OrderedDict()
        self._lock = threading.Lock()
        self._making = threading.Lock()

    def sheets(self, collection: Collection) -> Sheets:
        """The sheets of a collection."""
        digest = hashlib.blake2b("\n".join(collection.thumbnails).encode(), digest_size=8)
        return Sheets(digest.hexdigest(), -(-len(collection.ids) // A_SHEET))

    def one(self, collection: Collection, row: int) -> tuple[bytes, str] | None:
        """A thumbnail as (bytes, media type); None where the lake does not have this one any more."""
        book = collection.books[collection.book[row]]
        data = self._of_book(collection, book).get(collection.ids[row])
        if data is None or thumbnail_hash(data) != collection.thumbnails[row]:
            return None
        return data, "image/png" if data.startswith(b"\x89PNG") else "image/jpeg"

    def sheet(self, collection: Collection, number: int) -> bytes:
        """One sheet, a JPEG. Places of thumbnails that cannot be had are left white."""
        version = self.sheets(collection).version
        with self._making:  # the browser asks for all at once: each core makes one, and none is made twice
            kept = self._get((version, number))
            if isinstance(kept, bytes):
                return kept
            data = self._make(collection, number)
            self._keep((version, number), data, len(data))
            return data

    def _make(self, collection: Collection, number: int) -> bytes:
        rows = range(number * A_SHEET, min((number + 1) * A_SHEET, len(collection.ids)))
        height = -(-len(rows) // ACROSS) * TILE
        sheet = Image.new("RGB", (ACROSS * TILE, height), "white")
        for place, row in enumerate(rows):
            book = collection.books[collection.book[row]]
            data = self._of_book(collection, book).get(collection.ids[row])
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

    def _of_book(self, collection: Collection, book: str) -> dict[str, bytes]:
        """The thumbnails of a sketchbook by id: those of drawings lie in one table for all sketchbooks."""
        pages = collection.kind is PAGES
        # Of another age than the collection is worse than none: the hashes in the key are those of the collection.
        rows = np.flatnonzero(collection.book == collection.books.index(book)) if pages else slice(None)
        hashes = np.array(collection.thumbnails)[rows]
        key = (collection.kind.scope, book if pages else "", hash(hashes.tobytes()))
        kept = self._get(key)
        if isinstance(kept, dict):
            return kept
        asset, partition = ("raw_pages", book) if pages else ("drawing_map", None)
        column = f"{collection.kind.scope}_id"
        try:
            table = self._lake.read(asset, partition, [column, "thumbnail"])
        except LakeError:
            return {}
        found = dict(zip(table[column].to_pylist(), table["thumbnail"].to_pylist(), strict=True))
        self._keep(key, found, sum(map(len, found.values())))
        return found

    def _get(self, key: object) -> object | None:
        with self._lock:
            if key not in self._kept:
                return None
            self._kept.move_to_end(key)
            return self._kept[key][1]

    def _keep(self, key: object, value: object, size: int) -> None:
        with self._lock:
            self._kept[key] = (size, value)
            while len(self._kept) > 1 and sum(size for size, _ in self._kept.values()) > _MOST_BYTES:
                self._kept.popitem(last=False)
