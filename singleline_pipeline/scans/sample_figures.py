"""Whole figures, busts and couples in one line.

A figure is a pose: joints with a thickness. The pen walks around it: over one shoulder, around the arm and
the hand, down the side, around both legs, up the other side, and ends in the face. Lengths are in head
heights, y down.
"""

from collections.abc import Callable

import numpy as np

from singleline_pipeline.scans.sample_faces import front_face, profile_face
from singleline_pipeline.scans.sample_pen import Path, bent, moved, path, sharpened, visit

_UPPER_ARM, _FOREARM, _THIGH, _SHIN = 1.05, 0.95, 1.35, 1.35

# Angles of upper arm and forearm against straight down, outwards positive.
_ARMS = {
    "hanging": (0.18, 0.05),
    "on the hip": (0.75, -0.85),
    "across the belly": (0.30, -1.25),
    "at the chin": (0.35, -2.75),
    "raised": (2.5, 2.9),
    "waving": (1.3, 2.8),
    "stretched out": (1.2, 1.35),
}
# Angles of thigh and shin against straight down, outwards positive.
_STANCES = {
    "standing": ((0.08, 0.02), (0.08, 0.02)),
    "weight on one leg": ((0.05, 0.0), (0.38, -0.12)),
    "striding": ((0.45, 0.25), (0.10, -0.45)),
    "legs crossed": ((-0.14, -0.18), (-0.02, 0.06)),
    "dancing": ((0.05, 0.0), (0.95, -0.9)),
}


def figure(rng: np.random.Generator) -> Path:
    """A whole figure: standing, in a dress, seated or lying."""
    kind = rng.choice(["standing", "dress", "seated", "lying"], p=[0.42, 0.23, 0.25, 0.10])
    hip_y = rng.uniform(1.75, 2.15)
    legs = _seated_legs(hip_y, rng) if kind == "seated" else _legs(hip_y, rng)
    body = _dress(hip_y, legs, rng) if kind == "dress" else _trunk_and_legs(hip_y, legs, rng)
    walk = _around(body, rng)
    if kind == "lying":
        walk = moved(walk, (0.0, 0.0), angle=rng.choice([-1.0, 1.0]) * rng.uniform(1.1, 1.4))
    return sharpened(bent(walk, rng, 0.05), rng, rng.choice([0.0, 0.0, 0.1]))


def bust(rng: np.random.Generator) -> Path:
    """Head, shoulders and arms, cut off at the waist."""
    waist = rng.uniform(1.5, 1.9)
    edge = path((0.55, waist), (0.1, waist + 0.08), (-0.3, waist - 0.02), (-0.55, waist + 0.03))
    return sharpened(bent(_around(edge, rng), rng, 0.05), rng, rng.choice([0.0, 0.0, 0.12]))


def couple(rng: np.random.Generator) -> Path:
    """Two people, drawn one after the other without lifting the pen."""
    kind = rng.choice(["kiss", "cheek to cheek", "side by side"])
    if kind == "kiss":
        one = profile_face(rng, with_neck=True)
        two = moved(
            profile_face(rng, with_neck=True), (rng.uniform(-1.25, -1.05), rng.normal(0, 0.06)), flip=True
        )
        return _joined(one, two)
    if kind == "cheek to cheek":
        one = front_face(rng, with_neck=False)
        other: Callable[..., Path] = front_face if rng.random() < 0.5 else profile_face
        two = moved(
            other(rng, with_neck=False),
            (rng.uniform(0.62, 0.85), rng.uniform(-0.3, 0.4)),
            rng.uniform(0.8, 1.05),
        )
        return _joined(one, two)
    make: Callable[..., Path] = figure if rng.random() < 0.5 else bust
    one, two = make(rng), make(rng)
    apart = 0.5 * (np.ptp(one[:, 0]) + np.ptp(two[:, 0])) * rng.uniform(0.5, 0.75)
    middle_one, middle_two = (0.5 * (part[:, 0].min() + part[:, 0].max()) for part in (one, two))
    return visit([one, moved(two, (middle_one + apart - middle_two, rng.normal(0.0, 0.15)))], rng)


def _joined(one: Path, two: Path) -> Path:
    """Two paths by the shortest of the four ways between their ends."""
    ways = [(one, two), (one, two[::-1]), (one[::-1], two), (one[::-1], two[::-1])]
    best = min(ways, key=lambda way: np.hypot(*(way[0][-1, :2] - way[1][0, :2])))
    return np.vstack(best)


def _around(lower: Path, rng: np.random.Generator) -> Path:
    """The walk around a body whose part below the waist is given, from right to left; it ends in the face."""
    wide, tilt = rng.uniform(0.60, 0.82), rng.normal(0.0, 0.06)
    waist = rng.uniform(0.32, 0.42)
    right, left = (_arm(side, wide, tilt, rng) for side in (1.0, -1.0))
    neck = 0.15
    head_size = rng.uniform(0.85, 1.5)
    centre = (rng.normal(0.0, 0.08), -0.30 - 0.70 * head_size)
    make = front_face if rng.random() < 0.7 else profile_face
    head = moved(
        make(rng, with_neck=False), centre, head_size, rng.normal(0.0, 0.12), flip=bool(rng.random() < 0.5)
    )
    collar = path(
        (-neck, -0.25), (-neck * 1.1, -0.05, 1), (0.02, rng.uniform(0.12, 0.4)), (neck * 1.1, -0.06, 1)
    )
    walk = [
        path((neck, -0.28), (neck * 1.1, -0.05), (0.55 * wide, 0.06 + tilt)),
        right,
        path((waist + 0.10, 0.75), (waist, 1.15)),
        lower,
        path((-waist, 1.15), (-waist - 0.10, 0.75)),
        left[::-1],
        path((-0.55 * wide, 0.06 - tilt)),
        collar if rng.random() < 0.6 else path((-neck * 1.1, -0.05), (-neck, -0.28)),
    ]
    return (
        _joined(np.vstack(walk)[::-1], head)
        if rng.random() < 0.3
        else np.vstack([*walk, _entered(walk[-1], head)])
    )


def _entered(before: Path, part: Path) -> Path:
    here = before[-1, :2]
    return part[::-1] if np.hypot(*(part[-1, :2] - here)) < np.hypot(*(part[0, :2] - here)) else part


def _arm(side: float, wide: float, tilt: float, rng: np.random.Generator) -> Path:
    """From the shoulder along the outside, around the hand, back to the armpit."""
    upper, lower = _ARMS[str(rng.choice(list(_ARMS), p=[0.26, 0.17, 0.2, 0.12, 0.08, 0.08, 0.09]))]
    upper, lower = upper + rng.normal(0.0, 0.12), lower + rng.normal(0.0, 0.15)
    shoulder = np.array([wide - 0.12, 0.22 + side * tilt])
    elbow = shoulder + _UPPER_ARM * np.array([np.sin(upper), np.cos(upper)])
    wrist = elbow + _FOREARM * np.array([np.sin(lower), np.cos(lower)])
    outside, inside = _sides(np.array([shoulder, elbow, wrist]), np.array([0.15, 0.11, 0.07]))
    hand = _hand(wrist, np.array([np.sin(lower), np.cos(lower)]), rng)
    limb = np.vstack([outside, hand, inside[::-1]])
    return limb * (side, 1.0, 1.0)


def _sides(joints: np.ndarray, thickness: np.ndarray) -> tuple[Path, Path]:
    """Both outlines of a limb: a point at every joint and a swelling between each two."""
    middles = 0.5 * (joints[:-1] + joints[1:])
    spine = np.empty((2 * len(joints) - 1, 2))
    spine[::2], spine[1::2] = joints, middles
    thick = np.interp(np.arange(len(spine)) / 2, np.arange(len(joints)), thickness)
    thick[1::2] *= 1.15
    along = np.asarray(np.gradient(spine, axis=0))
    along /= np.maximum(np.hypot(along[:, 0], along[:, 1]), 1e-9)[:, None]
    across = np.column_stack([along[:, 1], -along[:, 0]]) * thick[:, None]
    zeros = np.zeros(len(spine))
    return np.column_stack([spine + across, zeros]), np.column_stack([spine - across, zeros])


def _hand(wrist: np.ndarray, along: np.ndarray, rng: np.random.Generator) -> Path:
    """A mitten, or fingers: out to each tip and back."""
    across = np.array([along[1], -along[0]])
    if rng.random() < 0.4:
        outline = [
            (0.10, 0.09),
            (0.28, 0.08),
            (0.36, 0.0),
            (0.26, -0.09),
            (0.10, -0.10),
            (0.14, -0.16),
            (0.04, -0.09),
        ]
        corners = [0] * len(outline)
    else:
        outline, corners = [(0.10, 0.09)], [0]
        for finger, reach in enumerate(rng.uniform(0.30, 0.42, size=rng.integers(3, 5))):
            at = 0.09 - 0.06 * finger
            outline += [(reach, at + 0.005), (reach, at - 0.035), (0.17, at - 0.04)]
            corners += [0, 0, 1]
        outline += [(0.10, -0.14), (0.22, -0.19), (0.06, -0.10)]
        corners += [0, 0, 0]
    reach, at = np.array(outline).T
    return np.column_stack([wrist + reach[:, None] * along + at[:, None] * across, corners])


def _legs(hip_y: float, rng: np.random.Generator) -> list[np.ndarray]:
    """Hip, knee and ankle of the right leg and of the left, (3, 2) each."""
    stance = _STANCES[str(rng.choice(list(_STANCES)))]
    if rng.random() < 0.5:
        stance = (stance[1], stance[0])
    legs = []
    for side, (thigh, shin) in zip((1.0, -1.0), stance, strict=True):
        thigh, shin = thigh + rng.normal(0.0, 0.05), shin + rng.normal(0.0, 0.05)
        hip = np.array([0.22, hip_y])
        knee = hip + _THIGH * np.array([np.sin(thigh), np.cos(thigh)])
        ankle = knee + _SHIN * np.array([np.sin(shin), np.cos(shin)])
        legs.append(np.array([hip, knee, ankle]) * (side, 1.0))
    return legs


def _seated_legs(hip_y: float, rng: np.random.Generator) -> list[np.ndarray]:
    """Both thighs to one side, one knee over the other."""
    towards = rng.choice([-1.0, 1.0])
    legs = []
    for side in (1.0, -1.0):
        hip = np.array([0.2 * side, hip_y])
        thigh = towards * rng.uniform(1.25, 1.6)
        shin = towards * rng.uniform(-0.35, 0.35)
        knee = hip + _THIGH * np.array([np.sin(thigh), np.cos(thigh)])
        legs.append(np.array([hip, knee, knee + _SHIN * np.array([np.sin(shin), np.cos(shin)])]))
    return legs


def _trunk_and_legs(hip_y: float, legs: list[np.ndarray], rng: np.random.Generator) -> Path:
    """From the right hip around both legs to the left hip."""
    right, left = (_leg(leg, side, rng) for leg, side in zip(legs, (1.0, -1.0), strict=True))
    crotch = path((rng.normal(0.0, 0.03), hip_y + 0.30, 1))
    return np.vstack([path((0.42, hip_y - 0.15)), right, crotch, left[::-1], path((-0.42, hip_y - 0.15))])


def _leg(joints: np.ndarray, side: float, rng: np.random.Generator) -> Path:
    """From the outside of the hip around the foot to the inside of the thigh."""
    mirror = np.array([side, 1.0])
    outside, inside = _sides(joints * mirror, np.array([0.22, 0.14, 0.085]))
    ankle = joints[-1] * mirror
    long = rng.uniform(0.32, 0.5)
    foot = path(
        (0.10, 0.10), (0.55 * long, 0.16), (long, 0.22), (0.9 * long, 0.27), (0.1, 0.27), (-0.12, 0.24),
        (-0.10, 0.10),
    )  # fmt: skip
    foot[:, :2] += ankle
    return np.vstack([outside, foot, inside[::-1][:-1]]) * (side, 1.0, 1.0)


def _dress(hip_y: float, legs: list[np.ndarray], rng: np.random.Generator) -> Path:
    """A skirt to below the knees with a wavy hem, two shins under it."""
    hem = hip_y + rng.uniform(0.9, 1.7)
    wide = rng.uniform(0.55, 1.05)
    ankles = [leg[-1] for leg in legs]
    right, left = (
        path((0.12, hem), (0.10, 0.5 * (hem + ankle[1])), (0.05, ankle[1]), (0.30, ankle[1] + 0.16), (0.02,
        ankle[1] + 0.2),
             (-0.06, ankle[1] + 0.05), (-0.04, hem))
        for ankle in ankles
    )  # fmt: skip
    if ankles[0][1] < hem + 0.4:
        ankles[0][1] = hem + 0.6
    right[:, 0] += 0.22
    left = left[::-1] * (-1.0, 1.0, 1.0) - (0.22, 0.0, 0.0)
    folds = np.linspace(wide, -wide, rng.integers(5, 9))
    hem_line = np.column_stack([folds, hem + 0.07 * (-1.0) ** np.arange(len(folds)), np.zeros(len(folds))])
    half = len(hem_line) // 2
    return np.vstack([
        path((0.45, hip_y - 0.1), (0.75 * wide, 0.5 * (hip_y + hem)), (wide, hem - 0.1, 1)),
        hem_line[1:half], right, left, hem_line[half:-1],
        path((-wide, hem - 0.08, 1), (-0.72 * wide, 0.5 * (hip_y + hem)), (-0.45, hip_y - 0.1)),
    ])  # fmt: skip
