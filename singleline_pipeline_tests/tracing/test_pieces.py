"""Pieces of ink and their boxes, against OpenCV's own slower count."""

import cv2
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from singleline_pipeline.tracing.pieces import pieces_of

masks = arrays(np.uint8, array_shapes(min_dims=2, max_dims=2, max_side=25), elements=st.integers(0, 1))


@settings(deadline=None)
@given(masks)
def test_boxes_and_areas_are_those_of_opencv(mask: np.ndarray) -> None:
    """They are read off the order of the ink's pixels, which is easily wrong at the rim of the page."""
    pieces = pieces_of(mask)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    assert pieces.count == count
    assert np.array_equal(pieces.labels, labels)
    assert np.array_equal(pieces.area[1:], stats[1:, cv2.CC_STAT_AREA])
    corner = stats[1:, [cv2.CC_STAT_LEFT, cv2.CC_STAT_TOP]]
    size = stats[1:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]]
    assert np.array_equal(pieces.boxes[1:], np.hstack([corner, corner + size]))
    assert not pieces.boxes[0].any()


@settings(deadline=None)
@given(masks, st.data())
def test_erased_pieces_are_gone_whole_and_the_others_stay_whole(
    mask: np.ndarray, data: st.DataObject
) -> None:
    pieces = pieces_of(mask)
    gone = data.draw(arrays(bool, pieces.count))
    before, labels = mask.copy(), pieces.labels.copy()
    pieces.erase(mask, gone)
    assert np.array_equal(mask > 0, (before > 0) & ~gone[labels])
    assert np.array_equal(pieces.labels, np.where(mask > 0, labels, 0))
