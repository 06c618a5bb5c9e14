"""Sheets of paper as a scanner sees them: tint, grain, light, the wire binder, ink, washes, and the
scanner's own noise.

Images are float32 (h, w, 3), blue-green-red, 0 to 255, until `scanned` makes them uint8.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from scipy.ndimage import gaussian_filter1d

Side = Literal["left", "right"]
_SUBPIXEL_BITS = 4
_OVERSAMPLING = 3


@dataclass(frozen=True)
class Sheet:
    """A page before anything is on it. `scale` is 1 for scans about 1500 px wide; all sizes in pixels follow it."""

    width: int
    height: int
    scale: float
    side: Side
    tint: tuple[float, float, float]

    @property
    def size(self) -> tuple[int, int]:
        return self.width, self.height

    @property
    def band(self) -> tuple[int, int, int, int]:
        """Box (x0, y0, x1, y1) that the binder keeps within."""
        reach = round(112 * self.scale)
        return (
            (0, 0, reach, self.height)
            if self.side == "left"
            else (self.width - reach, 0, self.width, self.height)
        )

    @property
    def inside(self) -> tuple[float, float, float, float]:
        """Box (x0, y0, x1, y1) that the artist draws in: away from rings, number and rims."""
        near, far = 150 * self.scale, 70 * self.scale
        x0, x1 = (near, self.width - far) if self.side == "left" else (far, self.width - near)
        return x0, 90 * self.scale, x1, self.height - 165 * self.scale


def slow_noise(rng: np.random.Generator, size: tuple[int, int], cells: int) -> np.ndarray:
    """Smooth noise of unit variance, (h, w) for a size (w, h), with about `cells` bumps along the height."""
    grid = rng.standard_normal((cells, max(2, round(cells * size[0] / size[1]))), dtype=np.float32)
    return cv2.resize(grid, size, interpolation=cv2.INTER_CUBIC)


def blank(sheet: Sheet, rng: np.random.Generator) -> np.ndarray:
    """Paper with fibres, soft light and the shadow of the gutter; no binder yet."""
    y = np.linspace(-1.0, 1.0, sheet.height, dtype=np.float32)[:, None]
    x = np.linspace(-1.0, 1.0, sheet.width, dtype=np.float32)[None, :]
    direction = rng.uniform(0.0, 2 * np.pi)
    light = (
        1.0 + 0.025 * (np.cos(direction) * x + np.sin(direction) * y) + 0.006 * slow_noise(rng, sheet.size, 5)
    )
    from_gutter = (
        (1.0 + x if sheet.side == "left" else 1.0 - x)
        * 0.5
        * sheet.width
        / (rng.uniform(50, 110) * sheet.scale)
    )
    light *= 1.0 - rng.uniform(0.04, 0.14) * np.exp(-from_gutter)
    fibre = cv2.GaussianBlur(rng.standard_normal((sheet.height, sheet.width), dtype=np.float32), (0, 0), 1.1)
    grain = 3.0 * fibre + 0.9 * slow_noise(rng, sheet.size, 260)
    paper = cv2.merge([light * tone + grain for tone in np.asarray(sheet.tint, np.float32)])
    if rng.random() < 0.5:
        _far_rim(paper, sheet, rng)
    return paper


def _far_rim(paper: np.ndarray, sheet: Sheet, rng: np.random.Generator) -> None:
    """The scanner's lid beyond the edge of the paper, a little aslant, and the paper's thin shadow on it."""
    width = rng.uniform(4, 20) * sheet.scale + np.linspace(
        0.0, rng.uniform(-4, 4) * sheet.scale, sheet.height
    )
    beyond = np.maximum(width, 0.0)[:, None] - np.arange(round(40 * sheet.scale))[None, :]
    lid = np.clip(beyond, 0.0, 1.0)[..., None].astype(np.float32)
    shadow = np.exp(-np.abs(beyond) / (1.6 * sheet.scale))[..., None].astype(np.float32)
    strip = paper[:, -beyond.shape[1] :][:, ::-1] if sheet.side == "left" else paper[:, : beyond.shape[1]]
    strip[:] = (strip * (1 - lid) + rng.uniform(236, 250) * lid) * (1 - 0.16 * shadow)


def bind(paper: np.ndarray, sheet: Sheet, rng: np.random.Generator) -> None:
    """A black wire binder along the sheet's side: for every ring a hole in the paper and a pair of wires into it."""
    s = sheet.scale
    reach = sheet.band[2] - sheet.band[0]
    strip = paper[:, :reach] if sheet.side == "left" else paper[:, ::-1][:, :reach]
    rings = int(rng.integers(16, 23))
    pitch = sheet.height / rings
    hole_x, apart = rng.uniform(64, 86) * s, rng.uniform(13, 19) * s
    thick, bow = rng.uniform(6.0, 8.5) * s, rng.uniform(-5, 5) * s
    holes, wires, shines = (np.zeros(strip.shape[:2], np.uint8) for _ in range(3))
    along = np.linspace(0.0, 1.0, 12)
    for ring in range(rings):
        y = (ring + 0.5) * pitch + rng.normal(0.0, 1.0) * s
        x = hole_x + rng.normal(0.0, 1.0) * s
        half = np.array([rng.uniform(11, 13), apart / s * 0.5 + 9]) * s
        box = np.array(
            [[-1, -0.6], [-0.6, -1], [0.6, -1], [1, -0.6], [1, 0.6], [0.6, 1], [-0.6, 1], [-1, 0.6]]
        )
        cv2.fillPoly(holes, [_fixed(box * half + (x, y))], 255, cv2.LINE_AA, _SUBPIXEL_BITS)
        for wire in (-0.5, 0.5):
            bar = np.column_stack(
                [x * (1.02 * along - 0.06), y + wire * apart + bow * (along - along**2) * 3 - 4 * s * along]
            )
            cv2.polylines(wires, [_fixed(bar)], False, 255, max(1, round(thick)), cv2.LINE_AA, _SUBPIXEL_BITS)
            shine = bar[2:-2] - (0.0, 0.22 * thick)
            cv2.polylines(
                shines, [_fixed(shine)], False, 255, max(1, round(0.22 * thick)), cv2.LINE_AA, _SUBPIXEL_BITS
            )
    shadow = cv2.GaussianBlur(np.roll(wires, round(4 * s), axis=0), (0, 0), 4 * s)
    strip *= 1.0 - 0.35 * _share(shadow)
    for mask, tone in (
        (holes, rng.uniform(62, 105)),
        (wires, rng.uniform(18, 42)),
        (shines, rng.uniform(70, 115)),
    ):
        strip += (tone - strip) * _share(mask)


def _share(mask: np.ndarray) -> np.ndarray:
    return (mask.astype(np.float32) / 255)[..., None]


def _fixed(points: np.ndarray) -> np.ndarray:
    """Points in cv2's fixed-point form; pixel centres are integers."""
    return np.round(points * 2**_SUBPIXEL_BITS).astype(np.int32).reshape(-1, 1, 2)


def ink_coverage(
    strokes: Sequence[np.ndarray], sheet: Sheet, pen: float, rng: np.random.Generator, pressure: float = 0.10
) -> np.ndarray:
    """How much of every pixel the pen has covered, float32 (h, w); `pen` is its mean width in pixels.

    The width follows a slowly changing pressure, and the ink thins out a little where the pen is fast.
    """
    cover = np.zeros((sheet.height, sheet.width), np.float32)
    for stroke in strokes:
        margin = 2 * pen + 2
        x0, y0 = np.maximum(np.floor(stroke.min(axis=0) - margin), 0).astype(int)
        x1 = min(sheet.width, int(np.ceil(stroke[:, 0].max() + margin)))
        y1 = min(sheet.height, int(np.ceil(stroke[:, 1].max() + margin)))
        if x1 <= x0 or y1 <= y0:
            continue
        large = np.zeros(((y1 - y0) * _OVERSAMPLING, (x1 - x0) * _OVERSAMPLING), np.uint8)
        points = (stroke - (x0, y0)) * _OVERSAMPLING + (_OVERSAMPLING - 1) / 2
        force = gaussian_filter1d(
            rng.standard_normal(len(stroke)), max(1.0, 0.02 * len(stroke)), mode="nearest"
        )
        force = 1.0 + pressure * np.clip(force / max(force.std(), 1e-9), -2.0, 2.0)
        widths = np.maximum(1, np.round(force * pen * _OVERSAMPLING)).astype(int)
        changes = np.flatnonzero(np.diff(widths)) + 1
        for a, b in zip([0, *changes], [*changes, len(stroke)], strict=True):
            tone = int(np.clip(205 + 50 * force[a], 0, 255))
            run = _fixed(points[a : b + 1])
            cv2.polylines(large, [run], False, tone, int(widths[a]), cv2.LINE_8, _SUBPIXEL_BITS)
        small = cv2.resize(large, (x1 - x0, y1 - y0), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
        np.maximum(cover[y0:y1, x0:x1], small, out=cover[y0:y1, x0:x1])
    return cover


def inked(paper: np.ndarray, cover: np.ndarray, colour: Sequence[float], strength: float = 0.95) -> None:
    """Put ink on paper where it is covered."""
    share = strength * cover
    for channel, tone in enumerate(np.asarray(colour, np.float32)):
        plane = paper[..., channel]
        plane += (tone - plane) * share


def scanned(page: np.ndarray, sheet: Sheet, rng: np.random.Generator) -> np.ndarray:
    """The scanner's slight softness and noise; uint8 (h, w, 3)."""
    soft = cv2.GaussianBlur(cv2.convertScaleAbs(page), (0, 0), max(0.45, 0.75 * sheet.scale))
    noise = rng.integers(
        0, 256, page.shape, dtype=np.uint8
    )  # even noise: 20 times cheaper, and nobody can tell
    return cv2.addWeighted(soft, 1.0, noise, 0.024, -0.024 * 127.5)


def wash(
    page: np.ndarray,
    mask: np.ndarray,
    pigment: Sequence[float],
    strength: float,
    sheet: Sheet,
    rng: np.random.Generator,
) -> None:
    """A watercolor wash, multiplied onto the page.

    `mask` is the wetted area, float32 (h, w), 0 to 1; `pigment` the colour that full strength gives
    (blue-green-red). Pigment wanders to the rim as the wash dries (the wet edge), lies in the paper's
    hollows (granulation), and is thinner where a second drop of water has pushed it away.
    """
    half = (sheet.width // 2, sheet.height // 2)
    area = cv2.resize(mask, half, interpolation=cv2.INTER_AREA)
    ragged = slow_noise(rng, half, 40) + 0.6 * slow_noise(rng, half, 130)
    soft = cv2.GaussianBlur(area, (0, 0), 14 * sheet.scale) + 0.055 * ragged
    wet = np.clip((soft - 0.5) * 9 / max(sheet.scale, 0.3) + 0.5, 0.0, 1.0)
    rim = np.clip(wet - cv2.GaussianBlur(wet, (0, 0), 4.5 * sheet.scale), 0.0, 1.0)
    flow = slow_noise(rng, half, 7) + 0.5 * slow_noise(rng, half, 16)
    grain = cv2.GaussianBlur(rng.standard_normal(wet.shape, dtype=np.float32), (0, 0), 1.0)
    density: np.ndarray = wet * (0.55 + 0.16 * np.tanh(flow) + 0.28 * grain) + 1.5 * rim
    density = cv2.resize(
        np.maximum(density, 0.0) * strength, (sheet.width, sheet.height), interpolation=cv2.INTER_LINEAR
    )
    for channel, tone in enumerate(np.clip(np.asarray(pigment, np.float32), 6, 254) / np.float32(255)):
        page[..., channel] *= np.power(tone, density)
