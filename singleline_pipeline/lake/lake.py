"""`<lake>/<asset>/<partition>.parquet`, and `<lake>/<asset>.parquet` for what has no partitions."""

import errno
import os
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from upath import UPath

from singleline_pipeline.home import lake_path
from singleline_pipeline.lake.contract import conform, first_difference, vector_sizes, with_sizes_of
from singleline_pipeline.lake.errors import LakeError, MissingTableError
from singleline_pipeline.lake.parquet import read_parquet, write_parquet
from singleline_pipeline.schemas import SCHEMAS

# Dagster refuses partition keys with these.
_NOT_IN_PARTITION_KEYS = ("...", "\a", "\b", "\f", "\n", "\r", "\t", "\v", "\0")


class Lake:
    """The tables of all assets under one root, a folder or an URL that fsspec knows.

    Readers see the old file or the new one, never a half: a local file is written beside its place and
    renamed, an object store gets the whole object at once.
    """

    def __init__(
        self,
        root: str | os.PathLike[str] | UPath,
        schemas: Mapping[str, pa.Schema] = SCHEMAS,
        **storage_options: Any,
    ) -> None:
        self.root = UPath(root, **storage_options) if storage_options else lake_path(root)
        self.schemas = schemas

    def path(self, asset: str, partition: str | None = None) -> UPath:
        """Where a table lies or would lie. Raises LakeError for a partition that is no safe file name."""
        if partition is None:
            return self.root / f"{asset}.parquet"
        check_partition_name(partition)
        return self.root / asset / f"{partition}.parquet"

    def exists(self, asset: str, partition: str | None = None) -> bool:
        """Whether the table has been written."""
        path = self.path(asset, partition)
        path.fs.invalidate_cache()  # object stores' listings are cached, and another process may have written
        return bool(path.fs.isfile(path.path))

    def partitions(self, asset: str) -> list[str]:
        """The partitions that have been written, sorted. Leftovers of killed writers are not among them."""
        folder = self.root / asset
        folder.fs.invalidate_cache()
        try:
            entries = folder.fs.ls(folder.path, detail=False)
        except (FileNotFoundError, NotADirectoryError):
            return []
        names = (str(entry).rstrip("/").rsplit("/", 1)[-1] for entry in entries)
        return sorted(
            name.removesuffix(".parquet")
            for name in names
            if name.endswith(".parquet") and not name.startswith(".")
        )

    def read(
        self, asset: str, partition: str | None = None, columns: Sequence[str] | None = None
    ) -> pa.Table:
        """One table, or the named columns of it.

        Raises MissingTableError where it has not been materialized, LakeError where its file is damaged or
        was written under another schema.
        """
        path = self.path(asset, partition)
        with self._opened(asset, partition) as file:
            schema = self._checked(asset, partition, file)
            names = list(schema.names if columns is None else columns)
            unknown = [name for name in names if name not in schema.names]
            if unknown:
                raise LakeError(f"{asset} has no column {unknown[0]}; it has {', '.join(schema.names)}.")
            try:
                table = read_parquet(file, names)
            except (pa.ArrowInvalid, OSError) as error:  # Arrow uses either for what it cannot decode
                raise LakeError(f"{path} is damaged ({error}). {_again(asset, partition)}") from error
            return table.select(names).cast(pa.schema([schema.field(name) for name in names]))

    def read_optional(
        self, asset: str, partition: str | None = None, columns: Sequence[str] | None = None
    ) -> pa.Table | None:
        """As `read`, but None where the table has not been materialized."""
        try:
            return self.read(asset, partition, columns)
        except MissingTableError:
            return None

    def read_partitions(
        self, asset: str, partitions: Iterable[str] | None = None, columns: Sequence[str] | None = None
    ) -> dict[str, pa.Table]:
        """A table a partition: the named ones, each of which must be there, or all that are in the lake."""
        return {name: self.read(asset, name, columns) for name in self._present(asset, partitions)}

    def dataset(
        self, asset: str, columns: Sequence[str] | None = None, partitions: Iterable[str] | None = None
    ) -> ds.Dataset:
        """The partitions as one lazy dataset, in the order of their names: only what is asked of it is read.

        `columns` limits what the dataset knows of. Raises as `read`, and where vectors of one column have
        several lengths, which happens when the encoder was changed and only some partitions were materialized
        again.
        """
        lengths: dict[str, tuple[int, str]] = {}
        files = []
        schema = self._schema(asset)
        for partition in self._present(asset, partitions):
            with self._opened(asset, partition) as file:
                found = self._checked(asset, partition, file)
                rows = file.metadata.num_rows
            if rows == 0:
                continue  # the vectors of no rows have any length
            for column, length in vector_sizes(found).items():
                first, where = lengths.setdefault(column, (length, partition))
                if first != length:
                    raise LakeError(
                        f"{asset}: column {column} holds vectors of {first} values for {where}, of {length} "
                        "for "
                        f"{partition}: they come from two encoders. Materialize {asset} again for all "
                        "sketchbooks."
                    )
            schema = with_sizes_of(schema, found)
            files.append(self.path(asset, partition).path)
        if columns is not None:
            schema = pa.schema([schema.field(name) for name in columns])
        if not files:
            return ds.dataset(schema.empty_table())
        return ds.dataset(
            files,
            schema=schema,
            format="parquet",
            filesystem=None if self._is_local else self.root.fs,
            partitioning=None,
        )

    def write(self, asset: str, table: pa.Table, partition: str | None = None) -> UPath:
        """Put a table in its place, all of it or nothing: after any failure the old file is still there.

        Raises LakeError where the table does not fit its schema, or cannot be written (disk full, no
        permission).
        """
        table = conform(asset, table, self._schema(asset))
        path = self.path(asset, partition)
        with _write_errors_explained(path):
            if self._is_local:
                _write_local(table, Path(path.path))
            else:
                sink = pa.BufferOutputStream()
                write_parquet(table, sink)
                path.fs.pipe_file(path.path, sink.getvalue().to_pybytes())
                path.fs.invalidate_cache()
        return path

    @property
    def _is_local(self) -> bool:
        return isinstance(self.root, Path)

    def _schema(self, asset: str) -> pa.Schema:
        if asset not in self.schemas:
            raise LakeError(f"No schema is declared for asset {asset}: add it to schemas.py.")
        return self.schemas[asset]

    def _present(self, asset: str, partitions: Iterable[str] | None) -> list[str]:
        names = self.partitions(asset) if partitions is None else list(partitions)
        if not names:
            raise MissingTableError(
                f"{asset} has no partitions yet: put a sketchbook into the sketchbooks folder and run "
                "`singleline run`, "
                "or materialize its assets in the Dagster UI."
            )
        return names

    @contextmanager
    def _opened(self, asset: str, partition: str | None) -> Iterator[pq.ParquetFile]:
        path = self.path(asset, partition)
        try:
            if self._is_local:
                source: Any = pa.OSFile(str(path), "rb")
            else:
                path.fs.invalidate_cache()
                source = path.fs.open(path.path, "rb")
        except FileNotFoundError:
            raise MissingTableError(
                f"{asset}{_of(partition)} has not been materialized: there is no {path}. "
                f"{_first(asset, partition)}"
            ) from None
        except OSError as error:
            raise LakeError(f"{path} cannot be read: {error.strerror or error}.") from error
        with source:
            try:
                file = pq.ParquetFile(source)
            except pa.ArrowInvalid as error:
                raise LakeError(
                    f"{path} is not a whole Parquet file ({error}). {_again(asset, partition)}"
                ) from error
            yield file

    def _checked(self, asset: str, partition: str | None, file: pq.ParquetFile) -> pa.Schema:
        found = file.schema_arrow
        schema = self._schema(asset)
        problem = first_difference(found, schema)
        if problem is not None:
            raise LakeError(
                f"{self.path(asset, partition)} was written under another schema: {problem}. "
                f"{_again(asset, partition)}"
            )
        return with_sizes_of(schema, found)


def check_partition_name(name: str) -> None:
    """Raise LakeError unless a sketchbook's name can be a file's name and a partition key."""
    if not name or name.startswith(".") or "/" in name or "\\" in name or len(os.fsencode(name)) > 200:
        raise LakeError(
            f"{name!r} cannot be the name of a sketchbook: it must be the name of a file, without / and \\, "
            "must not begin "
            "with a dot, and may have 200 bytes. Rename its folder."
        )
    if any(part in name for part in _NOT_IN_PARTITION_KEYS):
        raise LakeError(
            f"{name!r} cannot be the name of a sketchbook: Dagster's partitions allow no control characters "
            "and no '...'. "
            "Rename its folder."
        )


def _write_local(table: pa.Table, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # The name depends on the process: two that write one table must not write into each other's file.
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}.tmp")
    try:
        with open(temporary, "xb") as file:
            write_parquet(table, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # else the new name itself may be lost with the power
    finally:
        os.close(folder)


@contextmanager
def _write_errors_explained(path: UPath) -> Iterator[None]:
    try:
        yield
    except (FileExistsError, NotADirectoryError) as error:
        raise LakeError(f"{path} cannot be written: there is a file where its folder should be.") from error
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            reason = (
                "the disk is full. The table that was there is untouched. Make room and materialize again"
            )
        elif isinstance(error, PermissionError) or error.errno == errno.EROFS:
            reason = "no permission. Allow writing to its folder, or choose another home (SINGLELINE_HOME)"
        else:
            reason = str(error.strerror or error)
        raise LakeError(f"{path} cannot be written: {reason}.") from error


def _of(partition: str | None) -> str:
    return "" if partition is None else f" of sketchbook {partition}"


def _first(asset: str, partition: str | None) -> str:
    command = "singleline run" if partition is None else f"singleline run --sketchbook {partition}"
    return f"Materialize {asset}{_of(partition)} first: `{command}`, or Materialize in the Dagster UI."


def _again(asset: str, partition: str | None) -> str:
    again = f"Rematerialize {asset}{_of(partition)} in the Dagster UI"
    return f"{again}, or delete the file and run `singleline run`."
