"""Where the rows of a new map were on the last one, though pages were renamed and drawings traced anew."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from singleline_pipeline.embedding.label_keys import Box, match_drawing, split_drawing_key


@dataclass(frozen=True)
class LastMap:
    """A map as it was stored."""

    ids: Sequence[str]
    keys: Sequence[str]
    """What labels of the rows go by: the page's sha256, or a drawing's page and box."""
    places: np.ndarray
    """(n, 2)."""


def last_places(last: LastMap, ids: Sequence[str], keys: Sequence[str]) -> np.ndarray:
    """Return the place that each row had on the last map, float64 (n, 2); NaN for rows that were not on it.

    A row is known by its key, of several copies of a page by the id, too; a drawing that was traced anew is the one
    whose box it overlaps most, by half or more. No place is given to two rows.
    """
    rows = {both: row for row, both in enumerate(zip(last.keys, last.ids, strict=True))}
    found = [rows.get(both) for both in zip(keys, ids, strict=True)]
    taken = set(found)

    of_key: dict[str, list[int]] = {}
    for row, key in enumerate(last.keys):
        of_key.setdefault(key, []).append(row)
    for row, key in enumerate(keys):
        if found[row] is None:
            found[row] = next((one for one in of_key.get(key, ()) if one not in taken), None)
            taken.add(found[row])

    new_drawings = [row for row, key in enumerate(keys) if found[row] is None and ":" in key]
    boxes: dict[str, list[tuple[Box, str]]] = {}
    for row, key in enumerate(last.keys if new_drawings else ()):
        sha256, box = split_drawing_key(key)
        boxes.setdefault(sha256, []).append((box, str(row)))
    for row in new_drawings:
        sha256, box = split_drawing_key(keys[row])
        free = [(other, number) for other, number in boxes.get(sha256, ()) if int(number) not in taken]
        match = match_drawing(sha256, box, {sha256: free})
        if match is not None:
            found[row] = int(match)
            taken.add(int(match))

    places = np.full((len(keys), 2), np.nan)
    for row, there in enumerate(found):
        if there is not None:
            places[row] = last.places[there]
    return places
