"""A hash of what a table says, whatever way its memory is laid out."""

import hashlib
from collections import defaultdict
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


def content_version(table: pa.Table) -> str:
    """SHA-256 (hex) of a table's column names, types and values: the data version of a materialization.

    The same for any chunking, slicing, child field naming or validity bitmap of equal tables, so that a table
    keeps its version on its way through Parquet. Descriptions of columns are no content.
    """
    digest = hashlib.sha256(f"{table.num_rows} rows\n".encode())
    for field, column in zip(table.schema, table.columns, strict=True):
        # A hash for each role (validity, lengths, values) is fed chunk by chunk, so that where chunks end
        # leaves no trace.
        parts: defaultdict[str, Any] = defaultdict(hashlib.sha256)
        for chunk in (pa.array([], field.type), *column.chunks):
            _feed(chunk, parts, "")
        digest.update(f"{field.name}\n".encode())
        for role, part in sorted(parts.items()):
            digest.update(f"{role} {part.hexdigest()}\n".encode())
    return digest.hexdigest()


def _feed(array: pa.Array, parts: "defaultdict[str, Any]", path: str) -> None:
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    kind = array.type
    parts[f"{path}/valid"].update(_bytes_of(array.is_valid()))
    if pa.types.is_struct(kind):
        for index, child in enumerate(array.flatten()):
            _feed(child, parts, f"{path}/{kind.field(index).name}")
    elif pa.types.is_fixed_size_list(kind):
        _feed(array.flatten(), parts, f"{path}/[{kind.list_size}]")
    elif pa.types.is_map(kind):
        entry = pa.struct([pa.field("key", kind.key_type, nullable=False), pa.field("value", kind.item_type)])
        _feed(array.cast(pa.list_(entry)), parts, f"{path}/map")
    elif pa.types.is_list(kind) or pa.types.is_large_list(kind):
        parts[f"{path}/lengths"].update(_bytes_of(pc.list_value_length(array).drop_null().cast(pa.int64())))
        _feed(array.flatten(), parts, f"{path}/[]")
    else:
        parts[f"{path}/{kind}"].update(_values(array.drop_null(), parts, path))


def _values(array: pa.Array, parts: "defaultdict[str, Any]", path: str) -> Any:
    kind = array.type
    if pa.types.is_null(kind):
        return b""
    if (
        pa.types.is_binary(kind)
        or pa.types.is_string(kind)
        or pa.types.is_large_binary(kind)
        or pa.types.is_large_string(kind)
    ):
        parts[f"{path}/lengths"].update(_bytes_of(pc.binary_length(array).cast(pa.int64())))
        if len(array) == 0:
            return b""
        wide = pa.types.is_large_binary(kind) or pa.types.is_large_string(kind)
        offsets = np.frombuffer(array.buffers()[1], np.int64 if wide else np.int32)
        first, last = int(offsets[array.offset]), int(offsets[array.offset + len(array)])
        return memoryview(array.buffers()[2] or b"")[first:last]
    return _bytes_of(array)


def _bytes_of(array: pa.Array) -> Any:
    if pa.types.is_boolean(array.type):
        array = array.cast(pa.uint8())
    return np.ascontiguousarray(array.to_numpy(zero_copy_only=False)).view(np.uint8)
