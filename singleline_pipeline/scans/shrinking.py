"""Small copies of pages, for what does not need every pixel."""

from __future__ import annotations

import cv2
import numpy as np


def shrunk(image: np.ndarray, side: int) -> tuple[np.ndarray, int]:
    """A copy whose longer side is about `side` px, and the whole number of px that are one of it.

    image: uint8 (h, w[, 3]). By a whole number cv2 averages five times as fast; what is left over at the right
    and the bottom is less than a pixel of the copy and is not in it.
    """
    height, width = image.shape[:2]
    factor = max(1, round(max(height, width) / side))
    size = (width // factor, height // factor)
    if factor == 1 or min(size) == 0:
        return image, 1
    whole = image[: size[1] * factor, : size[0] * factor]
    return cv2.resize(whole, size, interpolation=cv2.INTER_AREA), factor
