"""Exports that name a page, or that nobody can look into."""

import shutil
from pathlib import Path

import pyarrow.parquet as pq

from singleline_pipeline.private.naming import PrivatePage
from singleline_pipeline.private.tables import without_page

_READABLE = (".svg", ".ndjson", ".json", ".jsonl", ".csv", ".tsv", ".txt", ".md", ".html")


def forget_exports(exports: Path, page: PrivatePage, samples: set[str]) -> list[str]:
    """Remove what was exported of a page: the file or the folder below `exports` as a whole, by name.

    What is left out of a single file of a set would make the others lie about it, and all of it is written again in a
    moment. A file whose content has no names (an .npz, a picture) goes in any case.

    Args:
        exports: Of the home.
        page: The page.
        samples: Names of samples that start from a drawing of the page.
    """
    gone = []
    for place in sorted(exports.iterdir()) if exports.is_dir() else []:
        files = [place] if place.is_file() else [file for file in sorted(place.rglob("*")) if file.is_file()]
        if any(_may_hold(file, page, samples) for file in files):
            shutil.rmtree(place) if place.is_dir() else place.unlink()
            gone.append(place.name)
    return gone


def _may_hold(file: Path, page: PrivatePage, samples: set[str]) -> bool:
    if file.name.partition(".svg")[0].removesuffix(".plotter") in samples or page.is_named_in(file.stem):
        return True
    if file.suffix == ".parquet":
        return without_page(pq.read_table(file), page)[1] > 0
    data = file.read_bytes()
    packed = b"<script" in data or b"base64," in data
    return packed or file.suffix not in _READABLE or page.is_named_in(data.decode("utf-8", "replace"))
