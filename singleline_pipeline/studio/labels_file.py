"""labels.csv as the studio follows it: what was added since is read, and not ten thousand lines for each new one."""

from dataclasses import dataclass, field
from pathlib import Path

from singleline_pipeline.embedding.errors import LabelError
from singleline_pipeline.embedding.labels import Label, Labels, parse_labels


@dataclass
class LabelsFile:
    """The rows of a labels file, and a version that changes whenever the file does."""

    path: Path
    rows: list[Label] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    version: int = 0
    _data: bytes = b""
    _stamp: tuple[int, int, int] = (0, 0, 0)

    def changed(self) -> bool:
        """Whether the file is another one, or another size, or written since it was read."""
        return self._stamp_now() != self._stamp

    def refresh(self) -> tuple[list[Label], bool]:
        """Read what is new. Return the rows that were added, and whether earlier lines are as they were.

        Where they are not (somebody mended the file by hand), the rows returned are all of them.
        Raises LabelError where the file is there and cannot be read.
        """
        stamp = self._stamp_now()
        try:
            data = self.path.read_bytes() if stamp != (0, 0, 0) else b""
        except FileNotFoundError:
            data = b""
        except OSError as error:
            raise LabelError(
                f"{self.path} cannot be read ({error.strerror}). Check its permissions."
            ) from error
        self._stamp = stamp
        if data == self._data:
            return [], True
        # A last line without an end may be one that is still being written, or torn: it is read again as a whole.
        grown = bool(self._data) and self._data.endswith(b"\n") and data.startswith(self._data)
        found = self._tail(data) if grown else parse_labels(data, self.path.name)
        self._data = data
        self.version += 1
        if grown:
            self.rows += found.rows
            self.problems += found.problems
        else:
            self.rows, self.problems = found.rows, found.problems
        return found.rows, grown

    def _tail(self, data: bytes) -> Labels:
        """The lines after those that were read, under the same header, and with the numbers that they have."""
        header, _, body = self._data.partition(b"\n")
        skipped = b"\n" * body.count(b"\n")
        return parse_labels(header + b"\n" + skipped + data[len(self._data) :], self.path.name)

    def _stamp_now(self) -> tuple[int, int, int]:
        try:
            stat = self.path.stat()
        except OSError:
            return (0, 0, 0)
        return stat.st_ino, stat.st_size, stat.st_mtime_ns
