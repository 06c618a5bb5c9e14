"""Files of drawings: what others wrote is read, what could run code is not, and what is broken is named."""

import json
import os
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from singleline_pipeline.geometry import (
    StrokeError,
    load_drawings,
    load_ndjson,
    load_npz,
    save_ndjson,
    save_npz,
    stroke3_column,
    to_stroke3,
)
from singleline_pipeline_tests.geometry.strategies import wandering

LINE = np.array([[1, 2, 0], [3, 4, 1]])
FLOATS = [to_stroke3(wandering(3, 4, seed)) for seed in range(5)]
STROKE3 = pa.list_(pa.list_(pa.float32(), 3))


def objects(drawings: list) -> np.ndarray:
    array = np.empty(len(drawings), object)
    for index, drawing in enumerate(drawings):
        array[index] = drawing
    return array


def npz_of(file: Path, payload: bytes, shape: str = "(1,)") -> Path:
    """A .npz whose train split is this pickle, as an attacker or an old Python would have written it."""
    header = f"{{'descr': '|O', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(
            "train.npy", b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode() + payload
        )
    return file


@pytest.mark.parametrize(
    ("drawings", "dtype"),
    [([LINE, LINE[:1], -LINE * [1, 1, -1]], np.int16), (FLOATS, np.float32), ([], np.int16)],
)
def test_npz_comes_back_as_it_was_and_numpy_reads_it_too(tmp_path: Path, drawings, dtype) -> None:
    file = tmp_path / "drawings.npz"
    save_npz(file, {"train": drawings, "valid": [LINE.astype(dtype)]}, ids=["a", "b"], scale=2.5)
    back = load_npz(file)
    assert list(back) == ["train", "valid"]
    assert all(np.array_equal(a, np.asarray(b, dtype)) for a, b in zip(back["train"], drawings, strict=True))
    theirs = np.load(file, allow_pickle=True, encoding="latin1")
    assert all(drawing.dtype == dtype for drawing in theirs["train"])
    assert theirs["ids"].tolist() == ["a", "b"]
    assert theirs["scale"] == 2.5


def test_what_does_not_fit_into_int16_is_written_as_float32(tmp_path: Path) -> None:
    save_npz(tmp_path / "far.npz", {"train": [[[40000, 0, 1]]]})
    assert load_npz(tmp_path / "far.npz")["train"][0].dtype == np.float32


def test_the_same_drawings_give_the_same_bytes(tmp_path: Path) -> None:
    """A snapshot is known by its bytes, so no clock and no address may be in them."""
    for name in ("a.npz", "b.npz"):
        save_npz(tmp_path / name, {"train": [LINE + 0, LINE + 0], "test": FLOATS}, ids=["x"])
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_pickles_name_no_module_that_numpy_1_lacks(tmp_path: Path) -> None:
    save_npz(tmp_path / "drawings.npz", {"train": [LINE]})
    with zipfile.ZipFile(tmp_path / "drawings.npz") as archive:
        assert b"numpy._core" not in archive.read("train.npy")


def test_drawings_of_one_length_that_numpy_made_a_block_of_are_read(tmp_path: Path) -> None:
    np.savez(tmp_path / "block.npz", train=np.stack([LINE, LINE]))
    assert [d.tolist() for d in load_npz(tmp_path / "block.npz")["train"]] == [LINE.tolist()] * 2


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4])
def test_every_pickle_protocol_that_numpy_has_used_is_read(tmp_path: Path, protocol: int) -> None:
    drawings = [LINE.astype(np.int16), FLOATS[0].astype(np.float16).round(), LINE[:1].astype(np.float64)]
    file = npz_of(tmp_path / "old.npz", pickle.dumps(objects(drawings), protocol=protocol), "(3,)")
    assert all(np.array_equal(a, b) for a, b in zip(load_npz(file)["train"], drawings, strict=True))


def test_python_2_pickles_are_read(tmp_path: Path) -> None:
    """The published QuickDraw files: byte strings where Python 3 has text, for the dtype and for the data."""

    def array(shape: bytes, code: bytes, size: bytes, order: bytes, data: bytes) -> bytes:
        dtype = (
            b"cnumpy\ndtype\n(U" + bytes([len(code)]) + code + b"K\x00K\x01tR"
            b"(K\x03U\x01"
            + order
            + b"NNNJ"
            + size
            + b"J"
            + size
            + b"K"
            + (b"\x3f" if code == b"O8" else b"\x00")
            + b"tb"
        )
        return (
            b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\x00tU\x01btR"
            b"(K\x01(" + shape + b"t" + dtype + b"\x89" + data + b"tb"
        )

    minus_one = b"\xff\xff\xff\xff"
    values = LINE.astype("<i2").tobytes()
    row = array(b"K\x02K\x03", b"i2", minus_one, b"<", b"U" + bytes([len(values)]) + values)
    payload = b"\x80\x02" + array(b"K\x01", b"O8", minus_one, b"|", b"(" + row + b"l") + b"."
    (drawing,) = load_npz(npz_of(tmp_path / "quickdraw.npz", payload))["train"]
    assert drawing.tolist() == LINE.tolist()


class Malicious:
    def __init__(self, call, *args) -> None:
        self.call, self.args = call, args

    def __reduce__(self):
        return self.call, self.args


@pytest.mark.parametrize("protocol", [0, 2, 4, 5])
@pytest.mark.parametrize(
    "make",
    [
        lambda file: objects([Malicious(os.system, f"touch {file}")]),
        lambda file: objects([LINE, Malicious(eval, f"open({str(file)!r}, 'w')")]),
        lambda file: Malicious(open, str(file), "w"),
        lambda file: Malicious(np.fromfile, str(file)),
        lambda file: Malicious(np.ndarray, (10**6,)),
        lambda file: Malicious(np.dtype, [("a", "O")]),
        lambda file: Malicious(np.dtype, "V1000000000"),
    ],
    ids=[
        "system",
        "eval in a row",
        "open",
        "numpy function",
        "array called",
        "dtype of a list",
        "huge dtype",
    ],
)
def test_a_pickle_that_does_more_than_build_arrays_is_refused(tmp_path: Path, make, protocol: int) -> None:
    """Opening somebody's dataset must never run what they put into it."""
    canary = tmp_path / "canary"
    file = npz_of(tmp_path / "evil.npz", pickle.dumps(make(canary), protocol=protocol), "(2,)")
    with pytest.raises(StrokeError, match=r"evil\.npz"):
        load_npz(file)
    assert not canary.exists()


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([LINE, np.array([[0, np.nan, 1.0]])], "train row 1"),
        ([LINE, LINE, np.zeros((0, 3), np.int16)], "train row 2 is an empty drawing"),
        ([np.zeros((4, 5), np.int16)], "train row 0 .* stroke-5"),
        (["words"], "train row 0"),
        ([LINE * [1, 1, 3]], "train row 0 has lift_pen 3"),
        ([None], "train row 0"),
    ],
)
def test_a_row_that_is_no_drawing_is_named(tmp_path: Path, rows, message) -> None:
    file = npz_of(tmp_path / "bad.npz", pickle.dumps(objects(rows)), f"({len(rows)},)")
    with pytest.raises(StrokeError, match=rf"bad\.npz: {message}"):
        load_npz(file)


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: b"no zip",
        lambda data: data[: len(data) // 2],
        lambda data: data.replace(b"train", b"trian"),
    ],
    ids=["empty", "text", "half", "no split"],
)
def test_a_damaged_npz_is_named(tmp_path: Path, damage) -> None:
    file = tmp_path / "damaged.npz"
    save_npz(file, {"train": FLOATS})
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(StrokeError, match=r"damaged\.npz"):
        load_npz(file)


def test_a_pickle_cut_short_is_named(tmp_path: Path) -> None:
    file = npz_of(tmp_path / "short.npz", pickle.dumps(objects([LINE]))[:-20])
    with pytest.raises(StrokeError, match=r"short\.npz"):
        load_npz(file)


@pytest.mark.parametrize(
    "arguments",
    [
        {"splits": {"training": [LINE]}},
        {"splits": {"train": [LINE]}, "valid": [1]},
        {"splits": {"train": [LINE]}, "names": objects([LINE])},
        {"splits": {"train": [LINE, np.zeros((2, 2))]}},
    ],
    ids=["unknown split", "extra named as a split", "extra of objects", "no drawing"],
)
def test_what_cannot_be_written_leaves_the_old_file(tmp_path: Path, arguments) -> None:
    file = tmp_path / "kept.npz"
    save_npz(file, {"train": [LINE]})
    before = file.read_bytes()
    with pytest.raises(StrokeError):
        save_npz(file, **arguments)
    assert file.read_bytes() == before
    assert os.listdir(tmp_path) == ["kept.npz"]


def test_a_disk_that_is_full_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "kept.npz"
    save_npz(file, {"train": [LINE]})
    before = file.read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        save_npz(file, {"train": FLOATS})
    assert file.read_bytes() == before
    assert os.listdir(tmp_path) == ["kept.npz"]


def test_ndjson_comes_back_and_is_what_quickdraw_has(tmp_path: Path) -> None:
    file = tmp_path / "drawings.ndjson"
    drawings = [[np.array([[0, 1], [2, 3]]), np.array([[5.5, 6.25]])], wandering(2, 3)]
    save_ndjson(file, drawings, ["sb48p005d01", "sb48p005d02"])
    first = json.loads(file.read_text().splitlines()[0])
    assert first["drawing"] == [[[0, 2], [1, 3]], [[5.5], [6.25]]]
    assert first["key_id"] == "sb48p005d01"
    for back, drawing in zip(load_ndjson(file), drawings, strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(back, drawing, strict=True))


def test_raw_quickdraw_with_times_is_read(tmp_path: Path) -> None:
    file = tmp_path / "raw.ndjson"
    file.write_text('{"word":"face","drawing":[[[0,1],[2,3],[0,16]]]}\n\n')
    assert load_ndjson(file)[0][0].tolist() == [[0, 2], [1, 3]]


@pytest.mark.parametrize(
    "line", ["{}", "[", '{"drawing": [[[1, 2], [3]]]}', '{"drawing": [[[1], [null]]]}', '{"drawing": []}']
)
def test_a_line_of_ndjson_that_is_no_drawing_is_named(tmp_path: Path, line: str) -> None:
    file = tmp_path / "bad.ndjson"
    file.write_text('{"drawing":[[[0,1],[2,3]]]}\n' + line + "\n")
    with pytest.raises(StrokeError, match=r"bad\.ndjson: line 2"):
        load_ndjson(file)


def parquet_of(file: Path, drawings: list, splits: list[str | None] | None = None) -> Path:
    table = pa.table(
        {"drawing_id": [str(i) for i in range(len(drawings))], "stroke3": pa.array(drawings, STROKE3)}
    )
    if splits is not None:
        table = table.append_column("split", pa.array(splits, pa.string()))
    pq.write_table(table, file, row_group_size=2)
    return file


def test_parquet_is_read_by_split_in_the_order_of_the_file(tmp_path: Path) -> None:
    rows = [drawing.tolist() for drawing in FLOATS]
    file = parquet_of(tmp_path / "dataset.parquet", rows, ["train", "valid", "train", "test", "train"])
    splits = load_drawings(file)
    assert {split: len(drawings) for split, drawings in splits.items()} == {"train": 3, "valid": 1, "test": 1}
    assert np.array_equal(splits["train"][1], FLOATS[2].astype(np.float32))
    assert len(load_drawings(parquet_of(file, rows))["train"]) == 5


def test_a_sliced_column_gives_the_slice() -> None:
    """A sliced chunk keeps the offsets of the whole, and so does its inner list."""
    whole = pa.array([drawing.tolist() for drawing in FLOATS], STROKE3)
    for column in (
        whole.slice(1, 3),
        pa.chunked_array([whole.slice(1, 1), whole.slice(2, 2)]),
        whole.take([1, 2, 3]),
    ):
        drawings = stroke3_column(column)
        assert all(
            np.array_equal(a, b.astype(np.float32)) for a, b in zip(drawings, FLOATS[1:4], strict=True)
        )
    assert stroke3_column(whole.slice(2, 0)) == []


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ([], "row 1 is an empty drawing"),
        (None, "row 1 holds an empty field"),
        ([None], "row 1 holds an empty field"),
        ([[0.0, None, 1.0]], "row 1 holds an empty field"),
        ([[0.0, float("nan"), 1.0]], "row 1 has an offset"),
        ([[0.0, 1.0, 0.5]], "row 1 has lift_pen 0.5"),
    ],
)
def test_a_row_of_parquet_that_is_no_drawing_is_named(tmp_path: Path, row, message) -> None:
    file = parquet_of(tmp_path / "bad.parquet", [LINE.tolist(), row])
    with pytest.raises(StrokeError, match=rf"bad\.parquet: {message}"):
        load_drawings(file)


def test_files_that_hold_no_drawings_say_so(tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": [1]}), tmp_path / "other.parquet")
    pq.write_table(pa.table({"stroke3": [1.0]}), tmp_path / "flat.parquet")
    (tmp_path / "text.parquet").write_text("no parquet")
    (tmp_path / "drawings.csv").write_text("1,2")
    parquet_of(tmp_path / "unsplit.parquet", [LINE.tolist()], [None])
    for name, message in {
        "other.parquet": "no column stroke3",
        "flat.parquet": "the column is double",
        "text.parquet": "no Parquet file",
        "drawings.csv": "npz or .parquet",
        "unsplit.parquet": "row 0 has no split",
        "missing.npz": "does not exist",
    }.items():
        with pytest.raises(StrokeError, match=message):
            load_drawings(tmp_path / name)
