"""Pictures on their way into an encoder or a measurement: one form, one way of making them small, batches."""

from collections.abc import Iterable, Iterator
from itertools import islice

import cv2
import numpy as np

from singleline_pipeline.embedding.errors import EmbeddingError


def as_bgr(image: np.ndarray) -> np.ndarray:
    """Return the picture as uint8 (h, w, 3) BGR. Raises EmbeddingError for anything but uint8 grey or BGR."""
    shape = image.shape
    if image.dtype != np.uint8 or len(shape) not in (2, 3) or (len(shape) == 3 and shape[2] not in (1, 3)):
        raise EmbeddingError(
            "A picture to embed must be uint8, (height, width) grey or (height, width, 3) BGR; "
            f"this one is {image.dtype} {shape}. Read the file with scans.decode_image."
        )
    if image.size == 0:
        raise EmbeddingError(f"A picture to embed has no pixels: its shape is {shape}.")
    if len(shape) == 2 or shape[2] == 1:
        return cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_GRAY2BGR)
    return image


def halve_towards(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """Halve both sides for as long as neither falls below (height, width).

    Averaging 2 x 2 px is many times faster than averaging by a fraction, and so an odd row or column at the end is left
    out. Two sizes that are reached from one picture go through the same halves, so that a picture halved towards the
    larger gives the smaller the same pixels.
    """
    while image.shape[0] >= 2 * height and image.shape[1] >= 2 * width:
        rows, columns = image.shape[0] // 2, image.shape[1] // 2
        image = cv2.resize(image[: 2 * rows, : 2 * columns], (columns, rows), interpolation=cv2.INTER_AREA)
    return image


def shrink_to(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """Resize to (height, width), averaging the area under each new pixel where it gets smaller."""
    image = halve_towards(image, height, width)
    smaller = image.shape[0] >= height and image.shape[1] >= width
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR)


def shrink_longer_side(image: np.ndarray, side: int) -> np.ndarray:
    """Resize so that the longer side is at most `side` px; a smaller picture stays as it is."""
    if side >= max(image.shape[:2]):
        return image
    height, width = _with_longer_side(image, side)
    # By less than a half, the four pixels around a point are nearly the area under it, for a sixth of the time.
    image = halve_towards(image, height, width)
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR)


def halve_longer_side(image: np.ndarray, side: int) -> np.ndarray:
    """Halve for as long as the longer side does not fall below `side` px."""
    return halve_towards(image, *_with_longer_side(image, side))


def _with_longer_side(image: np.ndarray, side: int) -> tuple[int, int]:
    scale = side / max(image.shape[:2])
    return max(1, round(image.shape[0] * scale)), max(1, round(image.shape[1] * scale))


def in_batches(images: Iterable[np.ndarray], size: int) -> Iterator[list[np.ndarray]]:
    """Yield lists of up to `size` pictures, so that a sketchbook's pages need not be in memory all at once."""
    rest = iter(images)
    while batch := list(islice(rest, size)):
        yield batch
