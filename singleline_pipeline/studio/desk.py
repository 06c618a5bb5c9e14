"""The studio's state: what is on the desk, what was said about it, and what may be said next."""

import datetime
import getpass
import threading
from collections.abc import Sequence
from typing import Any

import numpy as np

from singleline_pipeline.embedding.far_off import outliers
from singleline_pipeline.embedding.fits import load_fits
from singleline_pipeline.embedding.label_keys import ALLOWED_LABELS, cluster_key
from singleline_pipeline.embedding.label_writing import append_labels
from singleline_pipeline.embedding.labels import Label, Labels
from singleline_pipeline.home import Home
from singleline_pipeline.lake import Lake
from singleline_pipeline.studio.collection import Collection
from singleline_pipeline.studio.correcting import Corrected, TracedPage
from singleline_pipeline.studio.decisions import Decisions
from singleline_pipeline.studio.doubt import doubt
from singleline_pipeline.studio.effects import Effect, effect_of, sentence
from singleline_pipeline.studio.errors import RequestError
from singleline_pipeline.studio.history import REQUEST_ID, History, correction_id
from singleline_pipeline.studio.kinds import DRAWINGS, HAND, KINDS, NONE, PAGES, Kind
from singleline_pipeline.studio.labels_file import LabelsFile
from singleline_pipeline.studio.lookalikes import Pair, offers, read_pairs
from singleline_pipeline.studio.make_private import make_private
from singleline_pipeline.studio.tables import Tables
from singleline_pipeline.studio.thumbnails import A_SHEET, ACROSS, TILE, Thumbnails
from singleline_pipeline.studio.tuning import Tuning

MOST_IDS = 20_000
"""Pages or drawings that one request may label."""

MOST_OUTLIERS = 60
"""Rows that are like no cluster, and are shown."""

_CHUNK = 1024
"""Vectors that are compared at once."""


class Desk:
    """Reads tables and labels again when they have changed, and writes labels. Safe to use from several threads."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.lake = Lake(home.lake)
        self.thumbnails = Thumbnails(self.lake)
        self.tuning = Tuning(home.settings, self.lake)
        self._labels = LabelsFile(home.labels / "labels.csv")
        self._corrected = Corrected(home, self.lake)
        self._lock = threading.RLock()
        self._tables = Tables(self.lake)
        self._lake_version = ""
        self._decisions: dict[Kind, Decisions] = {}
        self._history = History()
        self._pairs_of: tuple[str, list[Pair]] = ("", [])
        self.who = _user()
        """Stands in each label's row."""

    def refresh(self, *, tables: bool = False) -> dict[str, Any]:
        """Look whether labels, and `tables`, have changed, and read them. Return the versions of both.

        Tables are looked at every other second, when the page asks for it, and not with each label.
        """
        with self._lock:
            known = self._lake_version
            version = self._tables.changed_from(known) if tables or not known else known
            if version != known:
                pages = set(self._tables.collections[PAGES].keys)
                self._tables.read()
                if pages - set(self._tables.collections[PAGES].keys):
                    self.thumbnails.forget()
                self._read_labels(everything=True)
                self._lake_version = version
            elif self._labels.changed():
                self._read_labels(everything=False)
            said = f"{self._labels.version}.{self.tuning.version}"
            return {"lake": self._lake_version, "labels": f"{self._lake_version}.{said}"}

    def make_private(self, page_id: str) -> list[str]:
        """Take a page out of everything, and say what was removed. Raises RequestError where that cannot be done."""
        self.rows(PAGES, [page_id])
        said = make_private(self.home, page_id)
        with self._lock:
            self._lake_version = ""  # read again at once, without waiting for a pause
            self.refresh(tables=True)
        return said

    def traced_page(self, page_id: str) -> TracedPage:
        """A page as corrections by hand know it. Raises RequestError (404) where it is not there."""
        with self._lock:
            row = self.rows(PAGES, [page_id])[0]
            pages = self._tables.collections[PAGES]
            book, key = pages.books[pages.book[row]], pages.keys[row]
            self._corrected.waiting(pages)  # what the tables were made with is what is said by now
            return TracedPage(self.home, self.lake, book, page_id, key, self.tuning.values_of(key, {}))

    def collection(self, kind: Kind) -> Collection:
        """The pages or the drawings, as they were when `refresh` looked."""
        with self._lock:
            if not self._lake_version:
                self.refresh()
            return self._tables.collections[kind]

    def shown(self, kind: Kind, tab: str) -> dict[str, Any]:
        """A collection for the page: one list a column; and what is decided, as `decided` tells it."""
        with self._lock:
            versions = self.refresh(tables=True)
            found = self._tables.collections[kind]
            return {
                "kind": kind.scope,
                "version": versions["lake"],
                "labels": list(kind.labels),
                "unsaid": kind.unsaid,
                "ids": found.ids,
                "books": found.books,
                "book": found.book.tolist(),
                "x": _numbers(found.place[:, 0]),
                "y": _numbers(found.place[:, 1]),
                "aspect": _numbers(found.aspect),
                "cluster": found.cluster.tolist(),
                "doubt": _numbers(self._doubt(kind)[0]),
                "page": found.page.tolist(),
                "thumbs": found.thumbnails,
                "clusters": [
                    cluster_key(found.clusters.fit_id, n) for n in range(len(found.clusters.members))
                ],
                "sheets": {
                    "version": found.thumbnails_version,
                    "count": -(-len(found.ids) // A_SHEET),
                    "tile": TILE,
                    "across": ACROSS,
                    "each": A_SHEET,
                },
                "refit": found.suggestion_to_refit,
                "problems": [*found.problems, *filter(None, [self._tables.problem])],
                "decided": self.decided(kind, tab),
            }

    def decided(self, kind: Kind, tab: str) -> dict[str, Any]:
        """What each row is and who decided it, one character a row; names of clusters; what a tab can undo."""
        with self._lock:
            versions = self.refresh()
            decisions, found = self._decisions[kind], self._tables.collections[kind]
            codes, by = decisions.decide()
            there = found.in_table != NONE
            undo, redo = (self._history.last(what, tab) for what in ("undo", "redo"))
            return {
                "version": versions["labels"],
                "codes": _digits(codes + 1),
                "by": _digits(by),
                "clusters": [
                    {
                        "name": self._label(kind, name.code),
                        "suggested": self._label(kind, suggested),
                        "agreement": name.agreement,
                        "by_hand": name.by_hand,
                    }
                    for name, suggested in zip(decisions.names, found.clusters.suggested, strict=True)
                ],
                "waiting": self.waiting(),
                "new": int((~there).sum()),
                "undo": self._history.size(undo) if undo else 0,
                "redo": self._history.size(redo) if redo else 0,
                "problems": [*self._labels.problems[-20:], *self.tuning.problems],
            }

    def waiting(self) -> dict[str, int]:
        """How many pages and drawings are something else by now than in the lake's tables, how many pages were
        corrected, and of how many sketchbooks the settings are others."""
        with self._lock:
            found = {}
            for kind in KINDS.values():
                table, codes = self._tables.collections[kind].in_table, self._decisions[kind].decide()[0]
                found[kind.plural] = int(((table != codes) & (table != NONE)).sum())
            pages = self._tables.collections[PAGES]
            found |= {"corrected": self._corrected.waiting(pages), "sketchbooks": self.tuning.waiting(pages)}
            return found

    def settings_effects(self, page_id: str, values: dict[str, Any]) -> dict[str, dict[str, Any]]:
        """What it would make stale to use some settings for a page, or everywhere, by action."""
        with self._lock:
            self.rows(PAGES, [page_id])
            pages, drawings = (self._tables.collections[kind] for kind in (PAGES, DRAWINGS))
            return self.tuning.effects(page_id, values, pages, drawings)

    def set_settings(self, action: str, page_id: str, values: dict[str, Any]) -> dict[str, Any]:
        """Write settings of a page, or of all, to settings.toml, and say what that makes stale."""
        with self._lock:
            row = self.rows(PAGES, [page_id])[0]
            pages, drawings = (self._tables.collections[kind] for kind in (PAGES, DRAWINGS))
            said = self.tuning.write(action, page_id, values, pages, drawings)
            return {"said": said, "waiting": self.waiting(), "settings": self.tuning.shown(pages.keys[row])}

    def uncertain(self, kind: Kind, count: int) -> list[dict[str, Any]]:
        """The rows in most doubt that nobody has labelled by hand, the most doubtful first, with the reason."""
        with self._lock:
            self.refresh()
            scores, other = self._doubt(kind)
            _, by = self._decisions[kind].decide()
            order = np.argsort(-scores, kind="stable")
            rows = [int(row) for row in order if by[row] != HAND][:count]
            return [{"row": row, "why": self._why(kind, row, int(other[row]))} for row in rows]

    def twice(self, kind: Kind) -> dict[str, Any]:
        """What to look at twice: pages that were scanned twice, with what one scan could take over from the other, and
        rows that are like no cluster, the farthest first."""
        with self._lock:
            self.refresh()
            found = self._tables.collections[kind]
            pairs = self._pairs() if kind is PAGES else []
            offered = offers(pairs, found, Labels(self._labels.rows)) if pairs else {}
            offered_first = sorted(enumerate(pairs), key=lambda pair: pair[0] not in offered)
            return {
                "pairs": [
                    {
                        "rows": [pair.of, pair.row],
                        "likeness": round(pair.likeness, 3),
                        "to": found.ids[offered[number].given_to] if number in offered else "",
                        "offer": offered[number].sentence(found) if number in offered else "",
                    }
                    for number, pair in offered_first
                ],
                "outliers": [
                    {
                        "row": int(row),
                        "why": f"{found.relative[row]:.1f} times as far off as its cluster is wide",
                    }
                    for row in outliers(found.relative)[:MOST_OUTLIERS]
                ],
                "refit": found.suggestion_to_refit,
            }

    def take_over(self, request_id: str, name: str) -> dict[str, Any]:
        """Give a page, and the drawings on it, the labels of its other scan. One action: undo takes all of it back.

        Raises RequestError (404, 409) where there is no such page, or nothing to take over, and LabelError.
        """
        if not REQUEST_ID.match(request_id):
            raise RequestError("request_id must be <letters and digits>-<letters and digits>.")
        with self._lock:
            self.refresh()
            [row] = self.rows(PAGES, [name])
            tab = request_id.partition("-")[0]
            if self._history.knows(request_id):  # sent again: it is done
                return self._answer("Taken over.", PAGES, tab)
            pages = self._tables.collections[PAGES]
            found = offers(self._pairs(), pages, Labels(self._labels.rows)).values()
            offer = next((offer for offer in found if offer.given_to == row), None)
            if offer is None:
                raise RequestError(f"There is no label that {name[:80]} could take over.", status=409)
            self._write(offer.targets(pages), request_id)
            return self._answer(offer.sentence(pages), PAGES, tab)

    def _pairs(self) -> list[Pair]:
        if self._pairs_of[0] != self._lake_version:
            pairs = read_pairs(self.lake, self._tables.collections[PAGES])
            self._pairs_of = (self._lake_version, pairs)
        return self._pairs_of[1]

    def similar(self, kind: Kind, name: str, count: int) -> list[int]:
        """Rows by the cosine of their vectors to that of a row, itself first. Raises RequestError (404)."""
        with self._lock:
            self.refresh()
            found = self._tables.collections[kind]
        row = self.rows(kind, [name])[0]
        wanted = found.vectors[row].astype(np.float32)
        likeness = np.concatenate(
            [
                found.vectors[start : start + _CHUNK].astype(np.float32) @ wanted
                for start in range(0, len(found.ids), _CHUNK)
            ]
        )
        likeness[row] = np.inf
        return np.argsort(-likeness, kind="stable")[: count + 1].tolist()

    def effects(self, scope: str, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """What each label would change for some pages, drawings or clusters, by label; empty: taking back."""
        with self._lock:
            self.refresh()
            kind, rows, clusters = self._targets(scope, ids)
            decisions = self._decisions[kind]
            return {
                label: {"changed": effect.changed, "sentence": sentence(effect, decisions)}
                for label in (*kind.labels, "")
                for effect in [self._effect(kind, rows, clusters, label)]
            }

    def label(self, request_id: str, scope: str, ids: Sequence[str], label: str) -> dict[str, Any]:
        """Give pages, drawings or clusters a label (empty: take it back), and say what it changed.

        The same request sent again changes nothing. Raises RequestError for unknown ids, labels, scopes, and
        LabelError where the file cannot be written.
        """
        if not REQUEST_ID.match(request_id):
            raise RequestError("request_id must be <letters and digits>-<letters and digits>.")
        with self._lock:
            self.refresh()
            kind, rows, clusters = self._targets(scope, ids)
            if label and label not in kind.labels:
                raise RequestError(f"The label must be one of {', '.join(kind.labels)}, or empty.")
            effect = self._effect(kind, rows, clusters, label)
            keys = self._keys(kind, rows, clusters)
            self._write([(scope, key, label, readable) for key, readable in keys.items()], request_id)
            return self._answer(sentence(effect, self._decisions[kind]), kind, request_id.partition("-")[0])

    def correct(self, what: str, request_id: str, tab: str) -> dict[str, Any]:
        """Undo or redo the last action of a browser tab. Raises RequestError (409) where there is none."""
        if not REQUEST_ID.match(request_id) or request_id.partition("-")[0] != tab:
            raise RequestError("request_id must be <tab>-<letters and digits>.")
        with self._lock:
            self.refresh()
            of = self._history.last(what, tab)
            if of is None:
                raise RequestError(f"There is nothing to {what}.", status=409)
            labels = self._history.undone(of) if what == "undo" else self._history.redone(of)
            rows = [(scope, key, label, "") for (scope, key), label in labels.items()]
            self._write(rows, correction_id(request_id, what, of))
            kept = self._history.size(of) - len(labels)
            noun = "label" if len(labels) == 1 else "labels"
            said = f"{len(labels)} {noun} {'taken back' if what == 'undo' else 'given again'}"
            later = f"; {kept} that {'was' if kept == 1 else 'were'} changed since {'stays' if kept == 1 else 'stay'}"
            scopes = {scope for scope, _ in labels}
            kind = DRAWINGS if any(scope.startswith("drawing") for scope in scopes) else PAGES
            return self._answer(said + (later if kept else "") + ".", kind, tab)

    def rows(self, kind: Kind, ids: Sequence[str]) -> list[int]:
        """Rows of ids. Raises RequestError (404) for one that is not there."""
        row = self.collection(kind).row
        unknown = [name for name in ids if name not in row]
        if unknown:
            raise RequestError(
                f"There is no {kind.scope} {unknown[0][:80]!r}: it may have gone with the last run.",
                status=404,
            )
        return [row[name] for name in ids]

    def _answer(self, said: str, kind: Kind, tab: str) -> dict[str, Any]:
        decided = {one.plural: self.decided(one, tab) for one in KINDS.values()}
        return {"said": said, "kind": kind.plural, "decided": decided}

    def _targets(self, scope: str, ids: Sequence[str]) -> tuple[Kind, list[int], list[int]]:
        if scope not in ALLOWED_LABELS:
            raise RequestError(f"scope must be one of {', '.join(ALLOWED_LABELS)}.")
        if not ids or len(ids) > MOST_IDS:
            raise RequestError(f"ids must be a list of 1 to {MOST_IDS} ids.")
        kind = PAGES if scope.startswith("page") else DRAWINGS
        if scope == kind.scope:
            return kind, self.rows(kind, ids), []
        clusters = self._tables.collections[kind].clusters
        number = {cluster_key(clusters.fit_id, n): n for n in range(len(clusters.members))}
        unknown = [name for name in ids if name not in number]
        if unknown:
            raise RequestError(
                f"There is no cluster {unknown[0][:80]!r} in the fit that is in use: reload the page.",
                status=409,
            )
        return kind, [], [number[name] for name in ids]

    def _keys(self, kind: Kind, rows: Sequence[int], clusters: Sequence[int]) -> dict[str, str]:
        """Key -> readable id."""
        found = self._tables.collections[kind]
        if clusters:
            return {cluster_key(found.clusters.fit_id, n): f"cluster {n}" for n in clusters}
        return {found.keys[row]: found.ids[row] for row in reversed(rows)}

    def _effect(self, kind: Kind, rows: Sequence[int], clusters: Sequence[int], label: str) -> Effect:
        decisions = self._decisions[kind]
        if rows:  # the same page in another sketchbook follows
            found = self._tables.collections[kind]
            keys = {found.keys[row] for row in rows}
            rows = [row for row, key in enumerate(found.keys) if key in keys]
        return effect_of(
            decisions, rows, clusters, label, self._decisions[DRAWINGS] if kind is PAGES else None
        )

    def _write(self, rows: Sequence[tuple[str, str, str, str]], request_id: str) -> None:
        now = datetime.datetime.now().astimezone().isoformat(timespec="seconds")
        append_labels(
            self._labels.path,
            [
                Label(scope, key, label, self.who, now, request_id, readable)
                for scope, key, label, readable in rows
            ],
        )

    def _doubt(self, kind: Kind) -> tuple[np.ndarray, np.ndarray]:
        found, decisions = self._tables.collections[kind], self._decisions[kind]
        names = [
            name.code if name.code != NONE else suggested
            for name, suggested in zip(decisions.names, found.clusters.suggested, strict=True)
        ]
        return doubt(found.distance, names, found.suggestion)

    def _why(self, kind: Kind, row: int, other: int) -> str:
        found, decisions = self._tables.collections[kind], self._decisions[kind]
        if other < 0:
            return ""

        def called(number: int) -> str:
            code = decisions.names[number].code
            name = self._label(kind, code if code != NONE else found.clusters.suggested[number])
            return f"cluster {number} ({name or 'no name'})"

        own = int(found.cluster[row])
        share = found.distance[row, own] / max(float(found.distance[row, other]), 1e-9)
        text = f"{called(other)} is {1 / max(share, 1e-9):.2f} times as far as its own, {called(own)}"
        looks = self._label(kind, int(found.suggestion[row]))
        return f"looks like {looks}; {text}" if looks else text

    def _label(self, kind: Kind, code: int) -> str:
        return kind.labels[code] if code != NONE else ""

    def _read_labels(self, *, everything: bool) -> None:
        rows, grown = self._labels.refresh()
        if everything or not grown:
            rows = self._labels.rows
            self._history = History()
            fits = self.home.labels / "fits"
            self._decisions = {
                kind: Decisions(found, load_fits(fits, kind.cluster_scope))
                for kind, found in self._tables.collections.items()
            }
        self._history.add(rows)
        for decisions in self._decisions.values():
            decisions.add(rows)


def _numbers(values: np.ndarray) -> list[float | None]:
    """Numbers to three places, None for those that are none."""
    known = np.isfinite(values).tolist()
    rounded = np.round(values.astype(np.float64), 3).tolist()
    return [value if there else None for value, there in zip(rounded, known, strict=True)]


def _digits(values: np.ndarray) -> str:
    """Small numbers as one character each."""
    return (values + ord("0")).astype(np.uint8).tobytes().decode("ascii")


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user id without a name, as in some containers
        return ""
