"""The lake's tables as the studio follows them: read when they have changed, and a run has paused."""

import hashlib
import time

from singleline_pipeline.lake import Lake, LakeError
from singleline_pipeline.studio.collection import Collection, empty, read_drawings, read_pages
from singleline_pipeline.studio.kinds import DRAWINGS, KINDS, PAGES, Kind

CALM = 0.5
"""Seconds without a change after which tables that were written are read."""

_PARTITIONED = (
    "raw_pages",
    "page_embeddings",
    "page_groups",
    "drawings",
    "drawing_embeddings",
    "filtered_drawings",
)
_STAMPS = ("size", "mtime", "ino", "ETag", "LastModified")
"""What local files and object stores say of a file's state."""


class Tables:
    """Pages and drawings as they were when they were last read."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self.collections: dict[Kind, Collection] = {kind: empty(kind) for kind in KINDS.values()}
        self.problem = ""
        """Why the tables that are there now could not be read; those that were read before stay."""
        self._seen = ("", 0.0)

    def changed_from(self, known: str) -> str:
        """The version that is to be read, or `known` where that is still right or a run is just writing.

        A run writes several tables one after the other: what it has written is read when it pauses.
        """
        version, now = self._version(), time.monotonic()
        if version != self._seen[0]:
            self._seen = (version, now)
        calm = now - self._seen[1] >= CALM
        return version if calm or not known else known

    def read(self) -> None:
        """Read all that the studio shows."""
        self.problem = ""
        try:
            pages = read_pages(self._lake)
            self.collections = {PAGES: pages, DRAWINGS: read_drawings(self._lake, pages)}
        except LakeError as error:
            self.problem = str(error)

    def _version(self) -> str:
        """A hash of names, sizes and times of the files: some hundred of them in 10 ms."""
        root, found = self._lake.root, []
        for folder in (root, *(root / asset for asset in _PARTITIONED)):
            folder.fs.invalidate_cache()
            try:
                entries = folder.fs.ls(folder.path, detail=True)
            except (FileNotFoundError, NotADirectoryError):
                continue
            for entry in entries:
                name = str(entry["name"])
                if name.endswith(".parquet") and not name.rpartition("/")[2].startswith("."):
                    found.append([name, *(str(entry.get(stamp)) for stamp in _STAMPS)])
        return hashlib.blake2b(repr(sorted(found)).encode(), digest_size=8).hexdigest()
