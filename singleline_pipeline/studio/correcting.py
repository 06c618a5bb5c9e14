"""A page corrected by hand: strokes erased, drawings split off and merged, shown as the next run will make them."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from singleline_pipeline.corrections import (
    ACTIONS,
    CORRECTIONS,
    HOLDS,
    MOST_POINTS,
    Correction,
    Corrections,
    append_corrections,
    correct_page,
    correction_key,
    problem_with,
    read_corrections,
)
from singleline_pipeline.embedding.labels import Label
from singleline_pipeline.geometry import StrokeError, simplify_to_budget
from singleline_pipeline.home import Home
from singleline_pipeline.lake import Lake
from singleline_pipeline.nested import strokes_from_arrow
from singleline_pipeline.studio.collection import Collection
from singleline_pipeline.studio.errors import RequestError
from singleline_pipeline.studio.history import REQUEST_ID, History, correction_id
from singleline_pipeline.studio.pages import as_numbers, row_of_page, try_settings

_MOST_DRAWN = 20_000
"""Points of a line that a browser may send."""

_SAID = {
    "erase": ("There is no stroke along that line.", "This erases {}."),
    "split": ("There is no line inside that outline.", "This makes what lies inside a drawing of its own."),
    "merge": ("Two drawings of the page are needed, and they are not there.", "This makes {} one."),
}
"""What is said where an action finds nothing, and of one that was done."""


class Corrected:
    """Which pages were corrected since their strokes were joined last, as far as this studio has seen it.

    What the tables were made with is not looked up: it is taken for what was said when the studio was started, or when
    a table was written last.
    """

    def __init__(self, home: Home, lake: Lake) -> None:
        self._home = home
        self._lake = lake
        self._said: tuple[tuple[int, int], Corrections] | None = None
        self._made_with: dict[str, tuple[str, dict[str, str]]] = {}
        """State of each sketchbook's table, and version of the corrections of its pages."""

    def waiting(self, pages: Collection) -> int:
        """How many pages a run would make others."""
        said = self._read()
        now: dict[str, dict[str, str]] = {book: {} for book in pages.books}
        for row, key in enumerate(pages.keys):
            if said.of_page(key):
                now[pages.books[pages.book[row]]][key] = said.version([key])
        count = 0
        for book, versions in now.items():
            stamp = self._stamp(book)
            if self._made_with.get(book, ("", {}))[0] != stamp:
                self._made_with[book] = (stamp, versions)
            before = self._made_with[book][1]
            count += sum(before.get(key) != versions.get(key) for key in before.keys() | versions.keys())
        return count

    def _read(self) -> Corrections:
        try:
            stat = (self._home.labels / CORRECTIONS).stat()
            stamp = (stat.st_size, stat.st_mtime_ns)
        except OSError:
            stamp = (0, 0)
        if self._said is None or self._said[0] != stamp:
            self._said = stamp, read_corrections(self._home.labels)
        return self._said[1]

    def _stamp(self, book: str) -> str:
        try:
            stat = self._lake.path("joined_strokes", book).stat()
        except OSError:
            return "none"
        return f"{stat.st_size} {stat.st_mtime}"


@dataclass(frozen=True)
class TracedPage:
    """A page that was traced, as the studio knows it."""

    home: Home
    lake: Lake
    book: str
    page_id: str
    key: str
    """SHA-256 of its file."""
    settings: Mapping[str, Mapping[str, Any]]
    """Every setting of it, by section and name of settings.toml."""


def shown(page: TracedPage, tab: str) -> dict[str, Any]:
    """The page's strokes and drawings under all corrections that hold, and what a browser tab can undo.

    Raises RequestError (404) where the page has not been traced.
    """
    said = read_corrections(page.home.labels).of_page(page.key)
    corrected = _correct(page, said)
    history = _history(page)
    return {
        "strokes": as_numbers(corrected.strokes),
        "erased": as_numbers(corrected.erased),
        "drawings": try_settings(page.home, page.lake, page.book, page.page_id, page.settings)["drawings"],
        "corrections": len(said),
        "problems": [one.not_applied() for one in corrected.unmatched],
        **{what: history.last(what, tab) is not None for what in ("undo", "redo")},
    }


def correct(page: TracedPage, request_id: str, action: str, shape: str, who: str) -> dict[str, Any]:
    """Write a correction of the page, and show it. `shape` is written as in corrections.csv, see its keys.

    A request that was sent before changes nothing. Raises RequestError where it is wrong or finds nothing on the page,
    and LabelError where the file cannot be written.
    """
    if not REQUEST_ID.match(request_id):
        raise RequestError("request_id must be <letters and digits>-<letters and digits>.")
    if action not in ACTIONS:
        raise RequestError(f"action must be one of {', '.join(ACTIONS)}.")
    points = _points(action, shape)
    key = correction_key(page.key, points)
    if wrong := problem_with(Label(action, key, HOLDS)):
        raise RequestError(f"This cannot be done: {wrong}.")
    corrections = read_corrections(page.home.labels)
    if not any(row.request_id == request_id for row in corrections.labels.rows):
        said = corrections.of_page(page.key)
        before = _correct(page, said)
        after = _correct(page, [*said, Correction(action, page.key, points)])
        if len(after.unmatched) > len(before.unmatched):
            raise RequestError(_SAID[action][0], status=409)
        erased = len(after.erased) - len(before.erased)
        count = _many(erased, "stroke") if action == "erase" else _many(len(points), "drawing")
        sentence = _SAID[action][1].format(count)
        append_corrections(
            page.home.labels, [(action, key, page.page_id)], who=who, when=_now(), request_id=request_id
        )
    else:
        sentence = "This was done before."
    return {"said": sentence, **shown(page, request_id.partition("-")[0])}


def take_back(page: TracedPage, request_id: str, what: str, who: str) -> dict[str, Any]:
    """Undo or redo the last correction that a browser tab made of the page. Raises RequestError (409) where there is
    none."""
    if not REQUEST_ID.match(request_id) or what not in ("undo", "redo"):
        raise RequestError(
            "request_id must be <letters and digits>-<letters and digits>, and what undo or redo."
        )
    tab, history = request_id.partition("-")[0], _history(page)
    of = history.last(what, tab)
    if of is None:
        raise RequestError(f"There is nothing to {what} on this page.", status=409)
    labels = history.undone(of) if what == "undo" else history.redone(of)
    for holds in (True, False):
        append_corrections(
            page.home.labels,
            [(action, key, page.page_id) for (action, key), label in labels.items() if bool(label) == holds],
            holds=holds,
            who=who,
            when=_now(),
            request_id=correction_id(request_id, what, of),
        )
    return {"said": "Taken back." if what == "undo" else "Done again.", **shown(page, tab)}


def _correct(page: TracedPage, said: list[Correction]) -> Any:
    table = row_of_page(page.lake, "strokes", page.book, page.page_id, ["strokes", "group", "pen_width"])
    if table is None:
        raise RequestError(
            f"{page.page_id} has not been traced: only pages in the group drawings are.", status=404
        )
    strokes = strokes_from_arrow(table["strokes"])[0]
    return correct_page(strokes, table["group"][0].as_py(), said, table["pen_width"][0].as_py())


def _history(page: TracedPage) -> History:
    history = History()
    rows = read_corrections(page.home.labels).labels.rows
    history.add(row for row in rows if row.scope in ACTIONS and row.key.partition(":")[0] == page.key)
    return history


def _points(action: str, shape: str) -> np.ndarray:
    """What was drawn as points or boxes; a line with more points than a file should hold, simplified."""
    rows = [row.split(",") for row in shape.split()]
    try:
        points = np.array(rows, np.float64)
        if len(rows) > _MOST_DRAWN:
            raise RequestError(f"A line may have {_MOST_DRAWN} points.")
        if action != "merge" and len(rows) > MOST_POINTS:
            points = simplify_to_budget([points], MOST_POINTS)[0][0]
    except StrokeError as error:
        raise RequestError(f"This is no line: {error}.") from error
    except ValueError as error:
        if isinstance(error, RequestError):
            raise
        raise RequestError("shape must be points, x,y x,y ..., in pixels of the page.") from None
    return points


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _now() -> str:
    return datetime.datetime.now().astimezone().isoformat(timespec="seconds")
