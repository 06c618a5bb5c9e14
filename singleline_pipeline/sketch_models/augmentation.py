"""Variants of a drawing: from its other end, mirrored, turned, enlarged, stretched, warped, with fewer points."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from singleline_pipeline.sketch_models.drawings import check_drawings
from singleline_pipeline.sketch_models.errors import DatasetError


@dataclass(frozen=True)
class AugmentationSettings:
    """How far a variant may lie from its drawing; the defaults are the story's.

    Attributes:
        max_rotation: Largest turn to either side, in degrees, 0 to 180.
        max_scale: Largest factor of the size, at least min_scale.
        max_drop: Largest probability with which a point inside a stroke is left out, 0 to 0.9.
        reversed_share: Share of the variants that are drawn from the other end, 0 to 1.
        min_scale: Smallest factor of the size, above 0.
        max_stretch: Largest stretch, 0 to 1: at u, the drawing grows by e^u along one axis and shrinks by it along
            the other, u up to this to either side.
        max_warp: Largest amplitude of a smooth warp, as a share of the longer side, 0 to 0.1: points that are close
            together stay so, and no line folds over.
        mirrored_share: Share of the variants in which left and right change places, 0 to 1.
    """

    max_rotation: float = 15.0
    max_scale: float = 1.2
    max_drop: float = 0.5
    reversed_share: float = 0.5
    min_scale: float = 1.0
    max_stretch: float = 0.0
    max_warp: float = 0.0
    mirrored_share: float = 0.0

    def __post_init__(self) -> None:
        bounds = {
            "max_rotation": (self.max_rotation, 0.0, 180.0),
            "min_scale": (self.min_scale, 0.01, 100.0),
            "max_scale": (self.max_scale, self.min_scale, 100.0),
            "max_drop": (self.max_drop, 0.0, 0.9),
            "reversed_share": (self.reversed_share, 0.0, 1.0),
            "max_stretch": (self.max_stretch, 0.0, 1.0),
            "max_warp": (self.max_warp, 0.0, 0.1),
            "mirrored_share": (self.mirrored_share, 0.0, 1.0),
        }
        for name, (value, low, high) in bounds.items():
            if not low <= value <= high:
                raise DatasetError(f"Augmentation: {name} is {value}; it lies between {low:g} and {high:g}.")


@dataclass(frozen=True)
class AugmentationRecord:
    """What was done to a drawing; rotation is clockwise on the page, a stretch above 0 is wider and less high."""

    reversed: bool
    rotation_degrees: float
    scale: float
    drop_probability: float
    stretch: float = 0.0
    warp: float = 0.0
    mirrored: bool = False


def _warped(points: np.ndarray, amplitude: float, rng: np.random.Generator) -> np.ndarray:
    """Shift points (n, 2) in x and in y by one sine each, of the longer side's length, in directions of their own.

    The gradient of the shift stays under 2π·√2·amplitude < 1, so that no two points change places.
    """
    side = max(float(np.ptp(points, axis=0).max()), 1e-6)
    angles = rng.uniform(0, 2 * np.pi, (2, 2))  # direction and phase of each sine
    waves = 2 * np.pi / side * np.array([np.cos(angles[:, 0]), np.sin(angles[:, 0])])
    return points + amplitude * side * np.sin((points - points.min(axis=0)) @ waves + angles[:, 1])


def augment_drawing(
    stroke3: np.ndarray, rng: np.random.Generator, settings: AugmentationSettings
) -> tuple[np.ndarray, AugmentationRecord]:
    """A variant of a drawing.

    stroke3: (n, 3) in file units
    returns: (m, 3) float32, 1 <= m <= n, with its smallest x and y where the drawing had them, and what was done
    """
    rows = check_drawings([stroke3], "augmented")[0]
    record = AugmentationRecord(
        reversed=bool(rng.random() < settings.reversed_share),
        rotation_degrees=float(rng.uniform(-settings.max_rotation, settings.max_rotation)),
        scale=float(rng.uniform(settings.min_scale, settings.max_scale)),
        drop_probability=float(rng.uniform(0, settings.max_drop)),
        # No numbers are drawn for what is off: variants without it stay what they have always been.
        stretch=float(rng.uniform(-settings.max_stretch, settings.max_stretch))
        if settings.max_stretch
        else 0.0,
        warp=float(rng.uniform(0, settings.max_warp)) if settings.max_warp else 0.0,
        mirrored=bool(settings.mirrored_share) and bool(rng.random() < settings.mirrored_share),
    )
    points = rows[:, :2].cumsum(axis=0, dtype=np.float64)
    # The stroke that each point belongs to: one more after every lift.
    stroke = np.concatenate([[0], np.cumsum(rows[:-1, 2] > 0)])
    corner = points.min(axis=0)

    first = np.diff(stroke, prepend=-1) != 0
    last = np.append(first[1:], True)
    kept = (rng.random(len(points)) >= record.drop_probability) | first | last
    points, stroke = points[kept], stroke[kept]
    if record.reversed:
        points, stroke = points[::-1], stroke[-1] - stroke[::-1]
    if record.mirrored:
        points = points * np.array([-1.0, 1.0])
    if record.warp:
        points = _warped(points, record.warp, rng)
    points = points * np.exp([record.stretch, -record.stretch])
    angle = np.deg2rad(record.rotation_degrees)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    points = points @ turn * record.scale
    points += corner - points.min(axis=0)

    variant = np.empty((len(points), 3), np.float32)
    variant[:, :2] = np.diff(points, axis=0, prepend=np.zeros((1, 2)))
    variant[:, 2] = np.append(np.diff(stroke) != 0, True)
    return variant, record
