"""What every page and drawing is, by the labels as they are now: what the next run will make of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from singleline_pipeline.embedding.fits import StoredFit
from singleline_pipeline.embedding.label_keys import Box, cluster_key, match_drawing, split_drawing_key
from singleline_pipeline.embedding.labels import Label
from singleline_pipeline.embedding.names import name_clusters
from singleline_pipeline.studio.collection import Collection
from singleline_pipeline.studio.kinds import CLUSTER, HAND, MINIMUM, NOBODY, NONE, PAGES, SUGGESTION


@dataclass(frozen=True)
class ClusterName:
    """The name that a cluster has."""

    code: int
    """`NONE` where it has none."""
    agreement: float | None
    """Share of already named members that have the most frequent name."""
    by_hand: bool
    """Given to this very cluster, and not carried over from the last fit."""


class Decisions:
    """Labels applied to a collection. Labels that are added cost only the rows that they touch."""

    def __init__(self, collection: Collection, fits: Sequence[StoredFit]) -> None:
        self.collection = collection
        self._kind = collection.kind
        self._fits = fits
        self._names_said: dict[str, str] = {}
        self._boxes: dict[str, list[tuple[Box, str]]] = {}
        self.hand: NDArray[np.int8] = np.full(len(collection.ids), NONE, np.int8)
        """Code of what was said of each row itself."""
        self._rows_of: dict[str, list[int]] = {}
        for row, key in enumerate(collection.keys):
            name = key if self._kind is PAGES else split_drawing_key(key)[0]
            self._rows_of.setdefault(name, []).append(row)
        self.names: list[ClusterName] = []
        self._cluster = collection.cluster
        self._name_clusters()

    def add(self, rows: Sequence[Label]) -> None:
        """Take in rows of the labels file, in their order."""
        touched: set[str] = set()
        for row in rows:
            if row.scope == self._kind.cluster_scope:
                self._names_said.pop(row.key, None)
                if row.label:
                    self._names_said[row.key] = row.label
                touched.add(row.scope)
            elif row.scope == self._kind.scope == "page":
                self.hand[self._rows_of.get(row.key, [])] = self._kind.code(row.label)
            elif row.scope == self._kind.scope:
                sha256, box = split_drawing_key(row.key)
                self._boxes.setdefault(sha256, []).append((box, row.label))
                touched.add(sha256)
        if self._kind.cluster_scope in touched:
            self._name_clusters()
        for sha256 in touched & self._boxes.keys():
            for index in self._rows_of.get(sha256, []):
                box = split_drawing_key(self.collection.keys[index])[1]
                self.hand[index] = self._kind.code(match_drawing(sha256, box, self._boxes))

    def decide(
        self,
        hand: NDArray[np.int8] | None = None,
        names: Mapping[int, int] | None = None,
    ) -> tuple[NDArray[np.int8], NDArray[np.int8]]:
        """Return the code of what each row is, and that of who decided it.

        Args:
            hand: What was said of the rows, where it is not what was.
            names: Code of the names of some clusters, where it is not the one that they have.
        """
        said = self.hand if hand is None else hand
        codes = np.array([name.code for name in self.names] + [NONE], np.int8)  # the last one for no cluster
        for number, code in (names or {}).items():
            codes[number] = code
        named = codes[self._cluster]
        found, by = self.collection.suggestion.copy(), np.full(len(said), SUGGESTION, np.int8)
        nobody = found == NONE
        found[nobody], by[nobody] = self._kind.code(self._kind.unsaid), NOBODY
        for value, where, who in (
            (named, named != NONE, CLUSTER),
            (np.full(len(said), self._kind.code("exclude"), np.int8), self.collection.under_minimum, MINIMUM),
            (said, said != NONE, HAND),
        ):
            found[where], by[where] = value[where], who
        return found, by

    def _name_clusters(self) -> None:
        clusters = self.collection.clusters
        named = name_clusters(clusters.fit_id, clusters.members, self._fits, self._names_said)
        self.names = [
            ClusterName(
                self._kind.code(name), agreement, cluster_key(clusters.fit_id, number) in self._names_said
            )
            for number, (name, agreement) in enumerate(named)
        ]
