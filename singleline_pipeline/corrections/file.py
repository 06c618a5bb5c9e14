"""corrections.csv: a file of the form of labels.csv, beside it, only ever added to; the last line about a key wins."""

import datetime
import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from singleline_pipeline.corrections.keys import ACTIONS, HOLDS, PRIVATE, Correction, parse_key, problem_with
from singleline_pipeline.embedding.label_writing import append_labels
from singleline_pipeline.embedding.labels import Label, Labels, read_labels

CORRECTIONS = "corrections.csv"


@dataclass(frozen=True)
class Corrections:
    """The corrections of a file, by page."""

    labels: Labels = field(default_factory=Labels)

    @property
    def problems(self) -> list[str]:
        """Sentences about lines that were ignored, with their numbers."""
        return self.labels.problems

    @cached_property
    def private(self) -> frozenset[str]:
        """SHA-256 of every page that is private."""
        return frozenset(self.labels.resolve(PRIVATE))

    def of_page(self, page: str) -> list[Correction]:
        """What holds for a page (its SHA-256), in the order in which it was said."""
        return self._by_page.get(page, [])

    def names_of_private(self, page: str) -> set[str]:
        """Every page id under which a page was ever marked private."""
        rows = self.labels.rows
        return {
            row.readable_id for row in rows if (row.scope, row.key) == (PRIVATE, page) and row.readable_id
        }

    def marked_private(self, page: str) -> datetime.datetime | None:
        """The second after which a page was private; None where its line does not say when, or it is not."""
        rows = [row for row in self.labels.rows if (row.scope, row.key) == (PRIVATE, page)]
        try:
            return datetime.datetime.fromisoformat(rows[-1].when) + datetime.timedelta(seconds=1)
        except (IndexError, ValueError):
            return None

    def of_sketchbook(self, name: str) -> list[Correction]:
        """What holds for the pages that were called as pages of a sketchbook are when it was said; but for private
        pages, which are not there."""
        pages = [page for key, page in self._by_page.items() if key not in self.private]
        return [one for page in pages for one in page if one.page_id.startswith(f"{name}p")]

    def version(self, pages: Iterable[str]) -> str:
        """SHA-256 of what holds for some pages: it changes when that does, whatever is said of others."""
        said = [
            [page, one.action, one.shape.tolist()]
            for page in sorted(self._by_page.keys() & set(pages))
            for one in self._by_page[page]
        ]
        return hashlib.sha256(json.dumps(said).encode()).hexdigest()

    def private_version(self, pages: Iterable[str]) -> str:
        """SHA-256 of which of some pages are private."""
        return hashlib.sha256(json.dumps(sorted(self.private & set(pages))).encode()).hexdigest()

    @cached_property
    def _by_page(self) -> dict[str, list[Correction]]:
        held: dict[tuple[str, str], Correction] = {}
        for row, number in zip(self.labels.rows, self.labels.numbers, strict=True):
            if row.scope not in ACTIONS:
                continue
            held.pop((row.scope, row.key), None)
            if row.label:
                page, shape = parse_key(row.scope, row.key)
                held[row.scope, row.key] = Correction(row.scope, page, shape, number, row.readable_id)
        by_page: dict[str, list[Correction]] = {}
        for one in held.values():
            by_page.setdefault(one.page, []).append(one)
        return by_page


def read_corrections(labels: Path) -> Corrections:
    """Read the corrections in the folder of labels; none where there is no file. Wrong lines become `problems`.

    Raises LabelError only where the file is there and cannot be read at all.
    """
    return Corrections(read_labels(labels / CORRECTIONS, problem_with))


def append_corrections(
    labels: Path, keys: Iterable[tuple[str, str, str]], *, holds: bool = True, **about: str
) -> int:
    """Add corrections to the file in the folder of labels, or take some back; return how many lines were written.

    Args:
        labels: The folder.
        keys: (action, key, page id) of each.
        holds: False takes them back.
        about: who, when, request_id, as of a label.

    Raises LabelError for a wrong key, and where the file cannot be written.
    """
    rows = [
        Label(action, key, HOLDS if holds else "", readable_id=page_id, **about)
        for action, key, page_id in keys
    ]
    return append_labels(labels / CORRECTIONS, rows, problem_with)
