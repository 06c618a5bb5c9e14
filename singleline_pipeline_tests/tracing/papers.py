"""Pages on every kind of paper, with every kind of pen, and with what else a scanner sees: the line is known.

Lengths are px at 200 dpi times `scale`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from singleline_pipeline.scans.sample_lines import sample_line

Colour = tuple[float, float, float]
"""Blue, green, red, 0 to 255."""

WHITE, CREAM = (244.0, 244.0, 243.0), (226.0, 240.0, 246.0)
BLACK_PAPER, KRAFT = (48.0, 45.0, 44.0), (105.0, 150.0, 185.0)
INK = (42.0, 36.0, 36.0)
OVERSAMPLING = 3
SUBPIXEL_BITS = 4


@dataclass(frozen=True)
class KnownPage:
    """image: uint8 (h, w, 3) BGR. lines: (n, 2) x, y in page px, pixel centres at whole numbers. pen: px."""

    image: np.ndarray
    lines: list[np.ndarray]
    pen: float


class Scan:
    """A page in the making: float32 (h, w, 3) BGR, and the drawings to come."""

    def __init__(
        self,
        seed: int,
        *,
        scale: float = 1.0,
        size: tuple[int, int] = (1100, 1500),
        paper: Colour = WHITE,
        pen: float = 4.0,
        margin: float = 90.0,
    ) -> None:
        self.rng = np.random.default_rng(seed)
        self.scale, self.pen = scale, pen * scale
        self.width, self.height = round(size[0] * scale), round(size[1] * scale)
        self.page = np.empty((self.height, self.width, 3), np.float32)
        self.page[:] = paper
        self.page += 1.5 * self.slow_noise(200)[..., None]
        self.lines = [self.placed(margin * scale)]

    def slow_noise(self, cells: int) -> np.ndarray:
        grid = self.rng.standard_normal((cells, cells), dtype=np.float32)
        return cv2.resize(grid, (self.width, self.height), interpolation=cv2.INTER_CUBIC)

    def placed(self, margin: float) -> np.ndarray:
        """A drawing that fills the page up to a margin in px."""
        line = sample_line(self.rng)
        room = np.array([self.width, self.height]) - 2 * margin
        size = float((room / np.maximum(np.ptp(line, axis=0), 1e-6)).min())
        return line * size + margin + (room - size * np.ptp(line, axis=0)) / 2

    def cover(
        self, lines: Sequence[np.ndarray], widths: np.ndarray | float, tone: np.ndarray | float = 1.0
    ) -> np.ndarray:
        """float32 (h, w): how much of each pixel is under the pen. widths, tone: one, or one a point."""
        large = np.zeros((self.height * OVERSAMPLING, self.width * OVERSAMPLING), np.uint8)
        for line in lines:
            points = (line + 0.5) * OVERSAMPLING - 0.5
            fixed = np.rint(points * 2**SUBPIXEL_BITS).astype(np.int32)[:, None]
            thick = np.maximum(1, np.rint(np.broadcast_to(widths, len(line)) * OVERSAMPLING)).astype(int)
            level = np.rint(np.broadcast_to(tone, len(line)) * 255).astype(int)
            cuts = np.flatnonzero(np.diff(thick) | np.diff(level)) + 1
            for first, last in zip([0, *cuts], [*cuts, len(line)], strict=True):
                run = fixed[first : last + 1]
                cv2.polylines(
                    large, [run], False, int(level[first]), int(thick[first]), cv2.LINE_8, SUBPIXEL_BITS
                )
        return (
            cv2.resize(large, (self.width, self.height), interpolation=cv2.INTER_AREA).astype(np.float32)
            / 255
        )

    def draw(self, cover: np.ndarray, colour: Colour, strength: float = 0.95) -> None:
        self.page += (np.array(colour, np.float32) - self.page) * (strength * cover)[..., None]

    def ink(self, colour: Colour = INK, strength: float = 0.95) -> None:
        self.draw(self.cover(self.lines, self.pen), colour, strength)

    def rule(
        self, colour: Colour, *, spacing: float = 55.0, width: float = 1.6, squared: bool = False
    ) -> None:
        """Print lines, or squares, on the paper; a little aslant, as paper lies on the glass."""
        step, slope = spacing * self.scale, 0.004
        wide, high = self.width, self.height
        lines = [np.array([[0, y], [wide, y + slope * wide]]) for y in np.arange(step, high, step)]
        if squared:
            lines += [np.array([[x, 0], [x - slope * high, high]]) for x in np.arange(step, wide, step)]
        self.draw(self.cover(lines, width * self.scale), colour, 1.0)

    def dot(self, colour: Colour, *, spacing: float = 39.0, radius: float = 2.2) -> None:
        """Print a grid of dots on the paper."""
        y, x = np.meshgrid(
            np.arange(20, self.height / self.scale, spacing), np.arange(20, self.width / self.scale, spacing)
        )
        points = np.column_stack([x.ravel(), y.ravel()]) * self.scale
        self.draw(self.cover([np.array([p, p]) for p in points], 2 * radius * self.scale), colour, 1.0)

    def finished(self, blur: float = 0.8, noise: float = 2.5) -> KnownPage:
        """As the scanner sees it."""
        image = cv2.GaussianBlur(self.page, (0, 0), max(0.5, blur * self.scale))
        image += noise * self.rng.standard_normal(image.shape, dtype=np.float32)
        return KnownPage(np.clip(image, 0, 255).astype(np.uint8), self.lines, self.pen)
