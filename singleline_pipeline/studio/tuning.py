"""Settings that stay: what the sliders write to settings.toml, and what that makes stale, said before."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from singleline_pipeline.lake import Lake
from singleline_pipeline.settings_file import (
    SETTINGS,
    Settings,
    SettingsError,
    Value,
    read_settings,
    write_settings,
)
from singleline_pipeline.studio.collection import Collection
from singleline_pipeline.studio.errors import RequestError
from singleline_pipeline.studio.kinds import PAGES

SLIDERS = {
    "join_gap": ("joined_strokes", "max_gap"),
    "method": ("spliced_strokes", "method"),
    "line_gap": ("spliced_strokes", "max_gap"),
    "overlap": ("drawings", "min_overlap"),
    "epsilon": ("stroke3_dataset", "min_epsilon"),
}
"""Section and name in settings.toml of what the page has a slider for."""

ACTIONS = ("page", "as everywhere", "everywhere", "built in")
"""Use it for this page; take that back; use it everywhere; take that back."""

_BY_BOOK = ("joined_strokes", "spliced_strokes", "drawings")
_DATASET = "stroke3_dataset"

Change = dict[str, dict[str, Value | None]]
Part = tuple[str, str]
"""An asset and a sketchbook, or the dataset and no sketchbook."""


class Tuning:
    """The settings file of a home as the studio follows it, and what of the tables was made with other settings.

    What the tables were made with is not looked up: it is taken for what the file said when the studio was started,
    or when a table was written last.
    """

    def __init__(self, file: Path, lake: Lake) -> None:
        self._file = file
        self._lake = lake
        self._stamp: tuple[int, int] | None = None
        self._said = Settings()
        self._error = ""
        self._made_with: dict[Part, str] = {}
        self._waiting: dict[Part, str] = {}
        """State of the file of each table that is to be made again: with another one, it has been."""
        self._versions: dict[Part, str] = {}
        self._seen: Settings | None = None
        self._pages: Collection | None = None

    @property
    def version(self) -> str:
        """Another one whenever somebody has written to the file."""
        self._read()
        return "" if self._stamp is None else f"{self._stamp[0]:x}{self._stamp[1]:x}"

    @property
    def problems(self) -> list[str]:
        """What is wrong with the file, a sentence each."""
        self._read()
        return [*filter(None, [self._error]), *self._said.problems]

    def shown(self, page: str) -> dict[str, Any]:
        """Where the sliders of a page stand, by slider: its own or everywhere's, everywhere's, and what is built in.

        `page` is the SHA-256 of its file.
        """
        self._read()
        return {
            "values": _values(self._said, page),
            "everywhere": _values(self._said),
            "built_in": _values(Settings()),
            "problems": self.problems,
        }

    def values_of(self, page: str, query: Mapping[str, Value]) -> dict[str, dict[str, Any]]:
        """Every setting of a page by section, with those of the sliders as they stand now. Raises RequestError for one
        that is out of its range."""
        self._read()
        given = _checked(query)
        return {
            section: self._said.of(
                section,
                page,
                {SLIDERS[name][1]: value for name, value in given.items() if SLIDERS[name][0] == section},
            )
            for section in (*_BY_BOOK, _DATASET)
        }

    def effects(
        self, page_id: str, query: Mapping[str, Value], pages: Collection, drawings: Collection
    ) -> dict[str, dict[str, Any]]:
        """What each action would change, as `changes` and a sentence. Raises RequestError for wrong values."""
        self._read()
        page = pages.keys[pages.row[page_id]]
        found = {}
        for action in ACTIONS:
            after = self._after(action, page, _checked(query))
            found[action] = _effect(self._said, after, action, page_id, page, pages, drawings)
        return found

    def write(
        self, action: str, page_id: str, query: Mapping[str, Value], pages: Collection, drawings: Collection
    ) -> str:
        """Do one of the actions, and say what it changed. Raises RequestError for wrong values, and SettingsError where
        the file cannot be written."""
        if action not in ACTIONS:
            raise RequestError(f"action must be one of {', '.join(ACTIONS)}.")
        self._read()
        if self._error:
            raise SettingsError(self._error)
        self.waiting(pages)  # what was made with what is now
        page, before, given = pages.keys[pages.row[page_id]], self._said, _checked(query)
        for change, of_page in self._changes(action, page, given):
            write_settings(self._file, change, page if of_page else None, page_id)
        self._read()
        return str(_effect(before, self._said, action, page_id, page, pages, drawings)["sentence"])

    def waiting(self, pages: Collection) -> int:
        """How many sketchbooks have settings by now that their tables were not made with; the dataset alone is one."""
        self._read()
        if self._said is not self._seen or pages is not self._pages:
            others = pages is not self._pages  # a run has written: what did not wait then is as it should be
            self._seen, self._pages, self._versions = self._said, pages, _versions(self._said, pages)
            for part, version in self._versions.items():
                if version == self._made_with.get(part, version) or (others and part not in self._waiting):
                    self._made_with[part] = version
                    self._waiting.pop(part, None)
                else:
                    self._waiting.setdefault(part, self._stamp_of(part))
        for part in [part for part, stamp in self._waiting.items() if stamp != self._stamp_of(part)]:
            del self._waiting[part]
            self._made_with[part] = self._versions.get(part, "")
        books = {book for _, book in self._waiting}
        return len(books - {""}) or len(books)

    def _after(self, action: str, page: str, given: Mapping[str, Value]) -> Settings:
        after = self._said
        for change, of_page in self._changes(action, page, given):
            after = after.with_values(change, page if of_page else None)
        return after

    def _changes(self, action: str, page: str, given: Mapping[str, Value]) -> list[tuple[Change, bool]]:
        """What an action writes: values, and whether they are the page's own."""
        nothing: Change = {}
        for section, name in SLIDERS.values():
            nothing.setdefault(section, {})[name] = None
        if action == "page":
            return [(_differing(given, self._said), True)]
        if action == "as everywhere":
            return [(nothing, True)]
        if action == "everywhere":
            return [(_differing(given, Settings()), False), (nothing, True)]
        return [(nothing, False)]

    def _read(self) -> None:
        try:
            stat = os.stat(self._file)
            stamp: tuple[int, int] | None = (stat.st_ino, stat.st_mtime_ns)
        except OSError:
            stamp = None
        if stamp == self._stamp and (stamp or not self._error):
            return
        self._stamp = stamp
        try:
            self._said, self._error = read_settings(self._file), ""
        except SettingsError as error:
            self._error = str(error)  # what it said before stays until it is mended

    def _stamp_of(self, part: Part) -> str:
        asset, book = part
        path = self._lake.path(asset, book or None)
        try:
            stat = path.stat()
        except OSError:
            return ""
        return f"{stat.st_size} {stat.st_mtime}"


def _checked(query: Mapping[str, Value]) -> dict[str, Value]:
    found: dict[str, Value] = {}
    for name, value in query.items():
        if name not in SLIDERS:
            raise RequestError(f"There is no setting {name[:40]!r}, only {', '.join(SLIDERS)}.")
        section, key = SLIDERS[name]
        if wrong := SETTINGS[section][key].problem(value):
            raise RequestError(f"{name} {wrong}.")
        found[name] = value
    return found


def _values(said: Settings, page: str | None = None) -> dict[str, Value]:
    return {name: said.of(section, page)[key] for name, (section, key) in SLIDERS.items()}


def _differing(given: Mapping[str, Value], base: Settings) -> Change:
    """Values that are not what holds anyway, and None for those that are. The gap and its method go together."""
    usual = _values(base)
    wanted = usual | dict(given)
    differs = {name for name, value in wanted.items() if value != usual[name]}
    if differs & {"method", "line_gap"}:
        differs |= {"method", "line_gap"}
    change: Change = {}
    for name, (section, key) in SLIDERS.items():
        change.setdefault(section, {})[key] = wanted[name] if name in differs else None
    return change


def _versions(said: Settings, pages: Collection) -> dict[Part, str]:
    """The version of the settings of each part of the lake that reads them."""
    traced: dict[str, list[str]] = {}
    for row in (pages.in_table == PAGES.code("drawings")).nonzero()[0]:
        traced.setdefault(pages.books[pages.book[row]], []).append(pages.keys[row])
    found = {(asset, book): said.version(asset, keys) for book, keys in traced.items() for asset in _BY_BOOK}
    return found | {(_DATASET, ""): said.version(_DATASET)}


def _effect(
    before: Settings,
    after: Settings,
    action: str,
    page_id: str,
    page: str,
    pages: Collection,
    drawings: Collection,
) -> dict[str, Any]:
    """What going from some settings to others makes stale, as `changes` and a sentence."""
    now, then = _versions(before, pages), _versions(after, pages)
    stale = {part for part in now if now[part] != then[part]}
    books = sorted({book for _, book in stale} - {""})
    if not stale:
        return {"changes": False, "sentence": "This changes nothing: it is so already."}
    if not books:
        of_page = f" of {page_id}" if action in ("page", "as everywhere") else ""
        return {
            "changes": True,
            "sentence": f"This makes the dataset stale: drawings{of_page} are simplified again.",
        }
    number = sum(drawings.books[book] in books for book in drawings.book)
    named = f"{len(books)} sketchbooks stale" if len(books) > 1 else f"{books[0]} stale"
    many = "its drawing is" if number == 1 else f"{number} drawings are"
    parts = [f"This makes {named}: {many} made again"]
    if action in ("page", "as everywhere"):
        parts[0] += f", and only those of {page_id} can be others"
    else:
        own = len([other for other in after.pages if other != page])
        if own:
            parts.append(
                f"{own} {'page has' if own == 1 else 'pages have'} settings of their own, which stay"
            )
    return {"changes": True, "sentence": "; ".join(parts) + "."}
