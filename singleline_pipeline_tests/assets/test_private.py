"""A page that is made private is nowhere any more: no table, no picture, no file; and it does not come back."""

import base64
import json
import re
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import cv2
import dagster as dg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from singleline_pipeline.embedding import Label, append_labels
from singleline_pipeline.export import export_from_lake
from singleline_pipeline.geometry import load_npz
from singleline_pipeline.nested import stroke3_from_arrow
from singleline_pipeline.orchestration.privacy import end_private, make_private
from singleline_pipeline.scans.sample_pages import sample_page
from singleline_pipeline.schemas import SCHEMAS

from .conftest import TRAINED, Shelf, new_shelf

NAMES = set(SCHEMAS) - TRAINED
PAGE = "sb01p001"
PICTURE = re.compile(r"data:image[^)\"]{200,}")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shelf]:
    """Two sketchbooks with all that is made of them but models: a folder stands for one that was trained on them."""
    root = tmp_path_factory.mktemp("private")
    with pytest.MonkeyPatch.context() as patch, new_shelf(root, patch, on_disk=True) as shelf:
        for book, seeds in (("sb01", range(2)), ("sb02", range(2, 3))):
            (shelf.home.sketchbooks / book / "art").mkdir(parents=True)
            for seed in seeds:
                page = sample_page("drawing", seed=seed, scale=0.3, drawings=2)
                cv2.imwrite(str(shelf.home.sketchbooks / book / "art" / f"{seed:03d}.jpg"), page.image)
        assert shelf.run(NAMES).failed == {}
        for what in ("npz", "ndjson", "svg", "huggingface"):
            export_from_lake(shelf.lake, what, shelf.home.exports)
        [snapshot] = shelf.home.datasets.iterdir()
        seen = json.loads((snapshot / "manifest.json").read_text())["fingerprint"]
        for name, fingerprint in (("trained", seen), ("elsewhere", "0" * 64)):
            (shelf.home.models / "sketch_rnn" / name).mkdir(parents=True)
            config = shelf.home.models / "sketch_rnn" / name / "config.json"
            config.write_text(json.dumps({"dataset_fingerprint": fingerprint}))
        yield shelf


def sha_of(shelf: Shelf, page_id: str) -> str:
    rows = shelf.lake.read("raw_pages", page_id[:4], ["page_id", "sha256"]).to_pylist()
    return next(row["sha256"] for row in rows if row["page_id"] == page_id)


def cells(value: object) -> Iterator[str]:
    """Every text in a table, however deep."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from cells(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from cells(one)


def traces(shelf: Shelf, names: re.Pattern[str], pictures: list[bytes]) -> list[str]:
    """Files of the home, and of Dagster's instance, that name a page or hold one of its pictures."""
    found = []
    scans = shelf.home.sketchbooks
    for root in (shelf.home.root, Path(shelf.instance.root_directory)):
        for file in sorted(root.rglob("*")):
            if not file.is_file() or scans in file.parents:
                continue
            data = file.read_bytes()
            text = data.decode("utf-8", "replace")
            if file.suffix == ".parquet":
                table = pq.read_table(file)
                text = "\n".join(cells(table.drop_columns(_without_text(table)).to_pylist()))
                data = b"".join(_bytes(table))
            held = any(picture in data or base64.b64encode(picture) in data for picture in pictures)
            if held or names.search(text) or names.search(file.name):
                found.append(str(file.relative_to(root.parent)))
    return found


def _without_text(table: pa.Table) -> list[str]:
    return [
        field.name
        for field in table.schema
        if field.name in ("image", "thumbnail", "strokes", "stroke3", "embedding")
    ]


def _bytes(table: pa.Table) -> Iterator[bytes]:
    for name in table.column_names:
        if pa.types.is_binary(table.schema.field(name).type):
            yield from table[name].to_pylist()
        elif name == "image":
            yield from (row["bytes"] for row in table[name].to_pylist())


def pictures_in_events(shelf: Shelf) -> set[str]:
    """Every picture in the databases of the instance, whatever table it stands in."""
    found = set()
    for file in Path(shelf.instance.root_directory).rglob("*.db"):
        with sqlite3.connect(file) as connection:
            names = connection.execute("select name from sqlite_master where type = 'table'").fetchall()
            for (name,) in names:
                for row in connection.execute(f'select * from "{name}"').fetchall():
                    found.update(PICTURE.findall(" ".join(str(cell) for cell in row)))
    return found


def pictures_of(shelf: Shelf, book: str) -> set[str]:
    """Every picture that the materializations of a sketchbook show."""
    found = set()
    for name in NAMES:
        condition = dg.AssetRecordsFilter(dg.AssetKey(name), asset_partitions=[book])
        for record in shelf.instance.fetch_materializations(condition, limit=9).records:
            for value in record.asset_materialization.metadata.values():
                found.update(PICTURE.findall(str(value.value)))
    return found


def test_a_private_page_is_nowhere_and_stays_away_until_that_is_taken_back(whole: Shelf) -> None:
    """What was drawn for nobody's eyes must not look out of a contact sheet a year later."""
    shelf, sha256 = whole, sha_of(whole, PAGE)
    names = re.compile(rf"{sha256}|(?<![a-z0-9]){PAGE}(d\d\d)?(?![a-z0-9])")
    rows = shelf.lake.read("raw_pages", "sb01").to_pylist()
    [row] = [row for row in rows if row["sha256"] == sha256]
    pictures = [row["image"]["bytes"], row["thumbnail"]]
    scan = shelf.home.sketchbooks / row["path"]
    append_labels(shelf.home.labels / "labels.csv", [Label("page", sha256, "drawings", readable_id=PAGE)])
    before = shelf.lake.read("stroke3_dataset")
    mine = [name for name in before["drawing_id"].to_pylist() if name.startswith(PAGE)]
    arrays = [
        one.tobytes()
        for name, one in zip(
            before["drawing_id"].to_pylist(), stroke3_from_arrow(before["stroke3"]), strict=True
        )
        if name in mine
    ]
    assert arrays
    assert len(traces(shelf, names, pictures)) > 20
    others = pictures_of(shelf, "sb02")
    assert pictures_in_events(shelf) > others

    done = make_private(shelf.home, shelf.instance, PAGE)
    left = {"labels.csv", "corrections.csv", "rejected_pages/sb01.parquet"}
    assert {name for name in traces(shelf, names, pictures) if not name.endswith(tuple(left))} == set()
    assert pictures_in_events(shelf) == others, "none of the sketchbook, none of all sketchbooks together"
    assert scan.read_bytes() == pictures[0], "the scan is the artist's"
    said = "\n".join(done.sentences(shelf.home))
    assert "raw_pages: 1 row\n" in said
    assert f"stroke3_dataset: {len(mine)} row" in said
    assert f"{len(mine)} drawings taken out" in said
    assert "sketch_rnn trained was trained on a page that is private now" in said
    assert "sketch_rnn elsewhere may have been trained on it" in said
    assert str(scan) in said
    for name in ("stroke3_dataset.npz", "stroke3_dataset.ndjson", "svg", "huggingface"):
        assert f"exports/{name}: removed" in said
    [snapshot] = shelf.home.datasets.iterdir()
    kept = [one.tobytes() for split in load_npz(snapshot / "dataset.npz").values() for one in split]
    assert len(kept) == before.num_rows - len(mine)
    assert not set(arrays) & set(kept)

    again = make_private(shelf.home, shelf.instance, PAGE)
    assert (again.forgotten.rows, again.forgotten.exports, again.runs) == ({}, [], 0)

    # A run makes everything whole; and the file comes back under another name, in another sketchbook.
    shutil.copy(scan, shelf.home.sketchbooks / "sb02" / "art" / "900.jpg")
    outcome = shelf.run(NAMES)
    assert outcome.failed == {}
    assert outcome.warnings == [warning for warning in outcome.warnings if "private" not in warning]
    found = {name for name in traces(shelf, names, pictures) if not name.endswith(tuple(left))}
    assert {name.rpartition("/lake/")[2] for name in found} == {"rejected_pages/sb02.parquet"}
    for book in ("sb01", "sb02"):
        [rejected] = [
            one for one in shelf.lake.read("rejected_pages", book).to_pylist() if one["sha256"] == sha256
        ]
        assert "is private" in rejected["reason"]
    late = make_private(shelf.home, shelf.instance, PAGE)
    assert (late.forgotten.rows, late.runs) == ({}, 0), "runs of after it was private stay"
    assert shelf.run(NAMES).materialized == []

    end_private(shelf.home, PAGE)
    assert shelf.run({"raw_pages", "rejected_pages"}).failed == {}
    assert sha_of(shelf, PAGE) == sha256
    assert shelf.lake.read("rejected_pages", "sb02").num_rows == 0
