"""Pages that were scanned twice, and the labels that one scan can take over from the other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from singleline_pipeline.embedding.label_keys import Box, drawing_key, split_drawing_key
from singleline_pipeline.embedding.labels import Labels
from singleline_pipeline.lake import Lake, LakeError
from singleline_pipeline.studio.collection import Collection

Target = tuple[str, str, str, str]
"""Scope, key, label, readable id: a line of labels.csv that is to be written."""


@dataclass(frozen=True)
class Pair:
    """Two rows of pages that show the same page."""

    row: int
    of: int
    likeness: float
    onto: np.ndarray
    """(2, 3) affine map from page px of `row` to page px of `of`."""


@dataclass(frozen=True)
class Offer:
    """Labels that a scan has, given by hand, for another scan of the page that has none."""

    taken_from: int
    given_to: int
    page: str
    """Label of the page; empty where it has none of its own."""
    drawings: list[tuple[Box, str]]
    """Box, in px of the page that it is given to, and label of each drawing that was labelled."""

    def targets(self, pages: Collection) -> list[Target]:
        """The lines of labels.csv that take it over."""
        key, name = pages.keys[self.given_to], pages.ids[self.given_to]
        found: list[Target] = [("page", key, self.page, name)] if self.page else []
        return found + [("drawing", drawing_key(key, box), label, name) for box, label in self.drawings]

    def sentence(self, pages: Collection) -> str:
        """What would be taken over."""
        said = [self.page] if self.page else []
        for label in ("include", "exclude"):
            count = sum(given == label for _, given in self.drawings)
            if count:
                said.append(f"{count} {'drawing' if count == 1 else 'drawings'} {label}d")
        return f"{pages.ids[self.given_to]} takes over from {pages.ids[self.taken_from]}: {', '.join(said)}."


def read_pairs(lake: Lake, pages: Collection) -> list[Pair]:
    """The pairs that the last map of pages found, the most alike first, as far as both pages are still there.

    The same file in two sketchbooks is one page to every label, and no pair. Without a map, or with one of an earlier
    version, there are none yet.
    """
    columns = ["page_id", "same_page", "same_page_likeness", "onto_same_page"]
    try:
        rows = lake.read("page_map", columns=columns).to_pylist()
    except LakeError:
        return []
    pairs = []
    for row in rows:
        here, there = pages.row.get(row["page_id"]), pages.row.get(row["same_page"])
        if here is not None and there is not None and pages.keys[here] != pages.keys[there]:
            onto = np.reshape(row["onto_same_page"], (2, 3)).astype(np.float64)
            pairs.append(Pair(here, there, row["same_page_likeness"], onto))
    return sorted(pairs, key=lambda pair: -pair.likeness)


def offers(pairs: Sequence[Pair], pages: Collection, labels: Labels) -> dict[int, Offer]:
    """The offer of each pair that has one, by its place among the pairs.

    It has one where a person said something of one scan, or of drawings on it, and nothing of the other.
    """
    said = labels.resolve("page")
    drawings: dict[str, list[tuple[Box, str]]] = {}
    for key, label in labels.resolve("drawing").items():
        sha256, box = split_drawing_key(key)
        drawings.setdefault(sha256, []).append((box, label))
    found = {}
    for number, pair in enumerate(pairs):
        labelled = [_is_labelled(pages.keys[row], said, drawings) for row in (pair.row, pair.of)]
        if labelled == [True, False]:
            found[number] = _offer(pair.row, pair.of, pair.onto, pages, said, drawings)
        elif labelled == [False, True]:
            back = np.linalg.inv(np.vstack([pair.onto, [0, 0, 1]]))[:2]
            found[number] = _offer(pair.of, pair.row, back, pages, said, drawings)
    return found


def _is_labelled(key: str, said: Mapping[str, str], drawings: Mapping[str, object]) -> bool:
    return key in said or key in drawings


def _offer(
    taken_from: int,
    given_to: int,
    onto: np.ndarray,
    pages: Collection,
    said: Mapping[str, str],
    drawings: Mapping[str, Sequence[tuple[Box, str]]],
) -> Offer:
    key = pages.keys[taken_from]
    moved = [(moved_box(box, onto), label) for box, label in drawings.get(key, ())]
    return Offer(taken_from, given_to, said.get(key, ""), moved)


def moved_box(box: Box, onto: np.ndarray) -> Box:
    """The box of a box under a (2, 3) affine map. A drawing goes by its box, and half of it is enough to know it by."""
    x0, y0, x1, y1 = box
    corners = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]]) @ onto[:, :2].T + onto[:, 2]
    (left, top), (right, bottom) = corners.min(axis=0), corners.max(axis=0)
    return float(left), float(top), float(right), float(bottom)
