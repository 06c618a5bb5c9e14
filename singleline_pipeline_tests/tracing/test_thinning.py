"""The skeleton is one pixel wide, as connected as the ink, and in its middle."""

import cv2
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from singleline_pipeline.tracing.thinning import thin


def holes(mask: np.ndarray) -> int:
    """Pieces of paper, which touch by a side."""
    return cv2.connectedComponents(np.pad(1 - mask, 1, constant_values=1), connectivity=4)[0]


def rounded(seeds: np.ndarray) -> np.ndarray:
    """Ink at least three pixels wide everywhere, as a pen leaves it."""
    return cv2.dilate(seeds, np.ones((3, 3), np.uint8))


@settings(deadline=None)
@given(arrays(np.uint8, (18, 22), elements=st.integers(0, 1)))
def test_thinning_only_takes_away_and_breaks_no_line(seeds: np.ndarray) -> None:
    """A line that fell apart here would be two strokes; a hole that closed would be a loop that nobody drew."""
    mask = rounded(seeds)
    skeleton = thin(mask)
    assert np.all(skeleton <= mask)
    assert holes(skeleton) == holes(mask)
    count, labels, boxes, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    for piece in range(1, count):
        left = cv2.connectedComponents(skeleton * (labels == piece).astype(np.uint8), connectivity=8)[0] - 1
        # Both passes see a square of two by two as a border: a round dot, which has no length, may vanish.
        sides = boxes[piece, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]]
        assert left == 1 or (left == 0 and sides.max() <= 2 * sides.min())


@settings(deadline=None)
@given(arrays(np.uint8, (18, 22), elements=st.integers(0, 1)))
def test_a_skeleton_is_its_own_skeleton(seeds: np.ndarray) -> None:
    """What looks only at changed pixels must not stop before everything is settled."""
    once = thin(rounded(seeds))
    assert np.array_equal(thin(once), once)


def test_diagonal_lines_keep_their_ends() -> None:
    """Without the rule for two neighbours a diagonal of two pixels' width vanishes from its ends on."""
    mask = np.zeros((60, 60), np.uint8)
    cv2.line(mask, (10, 10), (49, 49), 1, 3)
    y, x = np.nonzero(thin(mask))
    assert x.min() <= 12
    assert x.max() >= 47
    assert np.abs(x - y).max() <= 1


def test_ink_up_to_the_edge_is_thinned_like_any_other() -> None:
    full = thin(np.ones((9, 40), np.uint8))
    assert 25 <= full.sum() <= 40
    assert full[4].sum() >= 25
    assert thin(np.zeros((5, 7), np.uint8)).sum() == 0
