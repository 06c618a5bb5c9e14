"""The `.npz` files of the SketchRNN family: one object array of stroke-3 drawings a split.

They hold pickles, and a pickle is a program. Here only one that builds numpy arrays runs.
"""

from __future__ import annotations

import io
import pickle
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy_format
from numpy.typing import ArrayLike, NDArray

from singleline_pipeline.geometry._atomic import atomic_writer
from singleline_pipeline.geometry.stroke3 import validate_stroke3
from singleline_pipeline.geometry.strokes import StrokeError

SPLITS = ("train", "valid", "test")
# Unpacked; the largest QuickDraw category is 0.1 GB. Keeps a crafted file from filling the memory.
MAX_BYTES = 4 << 30


def load_npz(file: str | Path) -> dict[str, list[NDArray[Any]]]:
    """The drawings of each split (train, valid, test) in a SketchRNN `.npz`: stroke-3 arrays (n, 3).

    Integers come as they are stored, floats as float32. Files written by Python 2 are read too. Other
    entries of the file are left alone. StrokeError names the file, the split and the row of a drawing that
    is none, and refuses a pickle that would do anything but build arrays.
    """
    path = Path(file)
    splits: dict[str, list[NDArray[Any]]] = {}
    try:
        with zipfile.ZipFile(path) as archive:
            members = {member.filename.removesuffix(".npy"): member for member in archive.infolist()}
            found = [split for split in SPLITS if split in members]
            if not found:
                held = ", ".join(sorted(members)) or "nothing"
                raise StrokeError(f"{path} has none of the splits train, valid, test; it holds {held}")
            if sum(members[split].file_size for split in found) > MAX_BYTES:
                raise StrokeError(f"{path} unpacks to more than {MAX_BYTES >> 30} GB: refused")
            for split in found:
                with archive.open(members[split]) as member:
                    drawings = _read_array(member, f"{path}: {split}")
                splits[split] = [_drawing(row, f"{path}: {split} row {i}") for i, row in enumerate(drawings)]
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise StrokeError(f"{path} is damaged, or no .npz file: {error}") from error
    return splits


def save_npz(file: str | Path, splits: Mapping[str, Sequence[ArrayLike]], **extras: ArrayLike) -> None:
    """Write stroke-3 drawings as a `.npz` that programs of the SketchRNN family read, and `extras`.

    int16 where every value of every split is a whole number that fits, else float32. The file takes its
    place at once or not at all, and the same drawings give the same bytes. Extras are plain arrays (numbers
    or strings).
    """
    path = Path(file)
    if clash := sorted(set(extras) & set(SPLITS)):
        raise StrokeError(f"{path}: {', '.join(clash)} is the name of a split, not of an extra")
    if unknown := sorted(set(splits) - set(SPLITS)):
        raise StrokeError(f"{path}: splits are train, valid and test, not {', '.join(unknown)}")
    checked = {
        split: [validate_stroke3(drawing, f"{split} row {i}") for i, drawing in enumerate(drawings)]
        for split, drawings in splits.items()
    }
    whole = all(_fits_int16(drawing) for drawings in checked.values() for drawing in drawings)
    dtype = np.dtype("<i2" if whole else "<f4")
    with (
        atomic_writer(path) as out,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive,
    ):
        for split in SPLITS:
            if split in checked:
                _write_member(archive, split, _object_array_bytes(checked[split], dtype))
        for name, value in sorted(extras.items()):
            array = np.asarray(value)
            if array.dtype.hasobject:
                raise StrokeError(f"{path}: the extra {name} is no plain array of numbers or strings")
            plain = io.BytesIO()
            npy_format.write_array(plain, array, allow_pickle=False)
            _write_member(archive, name, plain.getvalue())


def _drawing(row: Any, name: str) -> NDArray[Any]:
    rows = validate_stroke3(row, name)
    if len(rows) == 0:
        raise StrokeError(f"{name} is an empty drawing")
    return rows.astype(np.float32) if rows.dtype.kind == "f" else rows


def _fits_int16(drawing: NDArray[Any]) -> bool:
    limits = np.iinfo(np.int16)
    within = bool(((drawing >= limits.min) & (drawing <= limits.max)).all())
    return within and (drawing.dtype.kind in "iu" or bool((drawing == np.rint(drawing)).all()))


def _write_member(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    # The oldest time that a zip file can state: the clock must not be in the bytes.
    member = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
    member.compress_type = zipfile.ZIP_DEFLATED
    member.create_system = 3
    member.external_attr = 0o644 << 16
    archive.writestr(member, data)


def _object_array_bytes(drawings: list[NDArray[Any]], dtype: np.dtype[Any]) -> bytes:
    """An object array in numpy's `.npy` format, its pickle readable by every numpy since 1.0 on Python 3."""
    array = np.empty(len(drawings), dtype=object)
    for i, drawing in enumerate(drawings):
        array[i] = np.array(drawing, dtype=dtype, order="C")
    out = io.BytesIO()
    npy_format.write_array_header_1_0(out, npy_format.header_data_from_array_1_0(array))
    # numpy 2 names a module that numpy 1 does not have. Protocol 3 names it once, as text, ahead of all data.
    data = pickle.dumps(array, protocol=3).replace(
        b"cnumpy._core.multiarray\n", b"cnumpy.core.multiarray\n", 1
    )
    return out.getvalue() + data


def _read_array(member: IO[bytes], name: str) -> NDArray[Any]:
    """One `.npy` member: a list-like of drawings. Object arrays go through the restricted unpickler."""
    try:
        version = npy_format.read_magic(member)
        read_header = {
            (1, 0): npy_format.read_array_header_1_0,
            (2, 0): npy_format.read_array_header_2_0,
        }.get(version)
        if read_header is None:
            raise StrokeError(f"{name} is in version {version} of numpy's format; 1.0 and 2.0 are known")
        shape, _, dtype = read_header(member)
        if dtype.hasobject:
            array = _ArrayUnpickler(member, name).load()
            if not isinstance(array, np.ndarray) or array.shape != shape:
                raise StrokeError(f"{name} does not hold the array that its header promises")
        else:
            count = int(np.prod(shape, dtype=np.int64))
            array = np.frombuffer(member.read(count * dtype.itemsize), dtype=dtype, count=count).reshape(
                shape
            )
    except StrokeError:
        raise
    except (
        pickle.UnpicklingError,
        ValueError,
        TypeError,
        KeyError,
        IndexError,
        AttributeError,
        UnicodeError,
    ) as error:
        raise StrokeError(f"{name} cannot be read as an array of drawings: {error}") from error
    if array.ndim not in (1, 3):
        raise StrokeError(f"{name} has the shape {array.shape}; a split is a list of drawings")
    return array


class _NdarrayMark:
    """Stands for numpy.ndarray in a pickle: it can be named there, as it must be, but not called."""


def _empty_array(kind: object, shape: object, typecode: object) -> NDArray[Any]:
    """What pickles of arrays begin with; numpy's setstate then fills it and checks the sizes."""
    if kind is not _NdarrayMark or shape != (0,):
        raise pickle.UnpicklingError("an array that does not start empty")
    return np.empty(0, dtype=np.uint8)


def _plain_dtype(code: object, *flags: object) -> np.dtype[Any]:
    """numpy.dtype for the types a drawing can have: numbers, and the object array around them."""
    text = code.decode("latin1") if isinstance(code, bytes) else code
    if not isinstance(text, str) or text not in _DTYPES:
        raise pickle.UnpicklingError(f"a dtype {text!r}")
    return np.dtype(text)


def _latin1_bytes(text: object, encoding: object) -> bytes:
    """How Python 3 writes bytes into pickles that Python 2 can read."""
    if not isinstance(text, str) or encoding != "latin1":
        raise pickle.UnpicklingError("text that is not latin1")
    return text.encode("latin1")


_DTYPES = {
    f"{kind}{size}" for kind, sizes in {"i": "1248", "u": "1248", "f": "248"}.items() for size in sizes
} | {"O8", "O"}
_ALLOWED = {
    ("numpy.core.multiarray", "_reconstruct"): _empty_array,
    ("numpy._core.multiarray", "_reconstruct"): _empty_array,
    ("numpy", "ndarray"): _NdarrayMark,
    ("numpy", "dtype"): _plain_dtype,
    ("_codecs", "encode"): _latin1_bytes,
}


class _ArrayUnpickler(pickle.Unpickler):
    """Admits what a pickle of numeric arrays needs and nothing else."""

    def __init__(self, member: IO[bytes], name: str) -> None:
        # latin1 is how numpy's bytes come out of Python 2's strings.
        super().__init__(member, encoding="latin1")
        self._name = name

    def find_class(self, module: str, name: str) -> Any:
        try:
            return _ALLOWED[module, name]
        except KeyError:
            raise StrokeError(
                f"{self._name} would run {module}.{name} when opened: refused. Drawings are plain arrays"
            ) from None
