"""Heads in one line, from the front and in profile.

Coordinates are those of a head about 1 wide and 1.45 high around the origin, y down. A front view is a flat
drawing of a head that may be turned: features sit at a depth and move sideways with it.
"""

from dataclasses import dataclass

import numpy as np

from singleline_pipeline.scans.sample_pen import Path, bent, moved, path, ring, sharpened, visit


@dataclass(frozen=True)
class _Person:
    """Proportions, in head widths; each is drawn anew for every face."""

    eye_gap: float
    eye_y: float
    eye_width: float
    eye_open: float
    brow_lift: float
    nose_length: float
    nose_width: float
    mouth_y: float
    mouth_width: float
    lips: float
    jaw: float
    chin: float
    turn: float


def _somebody(rng: np.random.Generator) -> _Person:
    return _Person(
        eye_gap=rng.uniform(0.17, 0.22),
        eye_y=rng.uniform(-0.16, -0.04),
        eye_width=rng.uniform(0.17, 0.25),
        eye_open=rng.uniform(0.25, 0.5),
        brow_lift=rng.uniform(0.09, 0.16),
        nose_length=rng.uniform(0.26, 0.40),
        nose_width=rng.uniform(0.07, 0.11),
        mouth_y=rng.uniform(0.38, 0.46),
        mouth_width=rng.uniform(0.14, 0.22),
        lips=rng.uniform(0.05, 0.10),
        jaw=rng.uniform(0.26, 0.40),
        chin=rng.uniform(0.64, 0.78),
        turn=rng.choice([-1.0, 1.0]) * rng.uniform(0.05, 0.75),
    )


def front_face(rng: np.random.Generator, with_neck: bool = True) -> Path:
    """A face that looks at us, or nearly: two eyes, nose, mouth, contour, mostly an ear, hair and a neck."""
    who = _somebody(rng)
    near = 1.0 if who.turn < 0 else -1.0  # the side of the head that is turned to us
    away = -near
    eyes = {side: _eye(who, side, rng) for side in (near, away)}
    brows = {side: _brow(who, side, rng) for side in (near, away)}
    nose, mouth, hair = _nose(who, near, rng), _mouth(who, rng), _hair(who, near, rng)
    cheek, jaw = _cheek(who, near), _jaw(who, near, rng)
    ear = [_ear(who, near, rng)] if rng.random() < 0.65 else []
    far_brow = [brows[away]] if rng.random() < 0.8 else []
    near_brow = [brows[near]] if rng.random() < 0.9 else []
    order = rng.integers(4)
    if order == 0:  # all around the head, then into the face
        neck = [_neck(who, near, rng)] if with_neck else []
        parts = [*neck, jaw, *ear, hair, cheek, *far_brow, eyes[away], *near_brow, eyes[near], nose, mouth]
    elif order == 1:  # out of the face, around the head, down the neck
        neck = [_neck(who, near, rng)[::-1]] if with_neck else []
        around = [cheek[::-1], hair[::-1], *ear, jaw[::-1]]
        parts = [mouth, nose, eyes[near], *near_brow, *far_brow, eyes[away], *around, *neck]
    elif order == 2:  # one brow runs into the nose and on into the chin
        parts = [*near_brow, nose, mouth, jaw, *ear, hair, cheek, eyes[away], *far_brow, eyes[near]]
    else:  # from eye to eye, and down the far cheek
        parts = [
            eyes[near],
            *near_brow,
            *far_brow,
            eyes[away],
            nose,
            mouth,
            cheek[::-1],
            hair[::-1],
            *ear,
            jaw[::-1],
        ]
    return sharpened(bent(visit(parts, rng), rng, 0.045), rng, rng.choice([0.0, 0.0, 0.12, 0.25]))


def _sideways(who: _Person, x: float, y: float, out: float = 0.0) -> float:
    """Where a feature lies once the head is turned: it moves by its depth, `out` in front of the skull."""
    depth = 0.42 * np.sqrt(max(0.0, 1.0 - (x / 0.55) ** 2 - 0.5 * (y / 0.75) ** 2)) + out
    return float(x * np.cos(0.6 * who.turn) + depth * np.sin(0.6 * who.turn))


def _eye(who: _Person, side: float, rng: np.random.Generator) -> Path:
    """From the inner corner around the lids, then a curl for the iris; sometimes a closed lid."""
    centre = (_sideways(who, side * who.eye_gap, who.eye_y), who.eye_y + rng.normal(0.0, 0.012))
    foreshortened = 1.0 - 0.35 * max(0.0, side * who.turn)
    half, height = 0.5 * who.eye_width * foreshortened, who.eye_width * who.eye_open
    style = rng.random()
    if style < 0.2:  # closed, with a crease
        shape = path(
            (-half, 0.0, 1), (-0.3 * half, 0.45 * height), (0.5 * half, 0.4 * height), (1.1 * half, -0.1 *
            height, 1), (0.3 * half, -0.5 * height), (-0.7 * half, -0.4 * height),
        )  # fmt: skip
    else:
        lids = path(
            (-half, 0.1 * height, 1), (-0.35 * half, -0.5 * height), (0.35 * half, -0.55 * height),
            (1.05 * half, 0.0, 1), (0.3 * half, 0.38 * height), (-0.4 * half, 0.36 * height),
        )  # fmt: skip
        gaze = rng.uniform(-0.2, 0.2) * half
        iris = ring((gaze, -0.06 * height), 0.36 * height, np.pi * 0.9, rng.choice([1.1, 1.6]))
        shape = np.vstack([lids, iris])
        if style < 0.45:  # the upper lid and the iris only
            shape = np.vstack([lids[:4], iris])
    return moved(shape, centre, angle=side * rng.normal(0.0, 0.08), flip=side < 0)


def _brow(who: _Person, side: float, rng: np.random.Generator) -> Path:
    y = who.eye_y - who.brow_lift - 0.25 * who.eye_width
    half = 0.62 * who.eye_width * (1.0 - 0.35 * max(0.0, side * who.turn))
    lift = rng.uniform(0.02, 0.07)
    shape = path(
        (-half, 0.03), (-0.2 * half, -lift), (0.45 * half, -lift), (1.15 * half, 0.03 + rng.uniform(0, 0.03))
    )
    return moved(shape, (_sideways(who, side * who.eye_gap, y), y), flip=side < 0)


def _nose(who: _Person, near: float, rng: np.random.Generator) -> Path:
    """From between the brows down the ridge, around the tip, to the wing."""
    top, tip = who.eye_y - 0.04, who.eye_y + who.nose_length
    root = _sideways(who, -near * 0.05, top, 0.02)
    ridge = _sideways(who, 0.0, 0.5 * (top + tip), 0.12)
    end = _sideways(who, 0.0, tip, 0.20)
    base = _sideways(who, 0.0, tip, 0.05)
    width = who.nose_width
    style = rng.integers(3)
    if style == 0:  # ridge, tip, one wing
        return path(
            (root, top), (ridge - near * 0.02, 0.5 * (top + tip)), (end - near * 0.03, tip - 0.02),
            (end - near * 0.01, tip + 0.035), (base + near * 0.02, tip + 0.03, 1),
            (base + near * width, tip + 0.02), (base + near * 1.1 * width, tip - 0.05), (base + near * 0.6 *
            width, tip - 0.07),
        )  # fmt: skip
    if style == 1:  # both wings, the tip between them
        return path(
            (root, top), (ridge - near * 0.02, 0.5 * (top + tip)), (base - near * width, tip - 0.05),
            (base - near * 1.15 * width, tip + 0.01), (base - near * 0.5 * width, tip + 0.025, 1),
            (end, tip + 0.06), (base + near * 0.6 * width, tip + 0.02, 1), (base + near * 1.2 * width, tip),
            (base + near * width, tip - 0.06),
        )  # fmt: skip
    return path(  # an angular nose
        (root, top), (ridge, 0.5 * (top + tip)), (end - near * 0.05, tip, 1), (base + near * 0.3 * width, tip
        + 0.05), (base + near * width, tip + 0.01),
    )  # fmt: skip


def _mouth(who: _Person, rng: np.random.Generator) -> Path:
    middle = _sideways(who, 0.0, who.mouth_y, 0.06)
    half, lips, y = who.mouth_width * (1 - 0.25 * abs(who.turn)), who.lips, who.mouth_y
    left, right = middle - half * (1 + 0.25 * who.turn), middle + half * (1 - 0.25 * who.turn)
    smile = rng.uniform(-0.02, 0.035)
    upper = path(
        (left, y - smile, 1), (middle - 0.35 * half, y - 0.85 * lips), (middle, y - 0.5 * lips),
        (middle + 0.35 * half, y - 0.85 * lips), (right, y - smile, 1),
    )  # fmt: skip
    between = path((middle + 0.4 * half, y + 0.02), (middle, y - 0.005), (middle - 0.4 * half, y + 0.02))
    lower = path((left, y - smile, 1), (middle - 0.4 * half, y + lips), (middle + 0.35 * half, y + lips))
    if rng.random() < 0.3:  # the line between the lips is left out
        return np.vstack([upper, path((middle, y + 1.2 * lips)), path((left + 0.3 * half, y + 0.5 * lips))])
    return np.vstack([upper, between, lower])


def _cheek(who: _Person, near: float) -> Path:
    """The side of the face that is turned away, from the temple over the cheek bone to the jaw."""
    slim, shift = 1.0 - 0.22 * abs(who.turn), 0.10 * who.turn
    return path(
        (-near * 0.44 * slim + shift, who.eye_y - 0.22), (-near * 0.41 * slim + shift, who.eye_y - 0.02),
        (-near * 0.45 * slim + shift, who.eye_y + 0.14), (-near * (who.jaw + 0.04) * slim + shift,
        who.mouth_y - 0.04),
    )  # fmt: skip


def _jaw(who: _Person, near: float, rng: np.random.Generator) -> Path:
    """From the jaw on the far side under the chin to the near ear."""
    slim, shift = 1.0 - 0.22 * abs(who.turn), 0.10 * who.turn
    chin_x = 0.8 * _sideways(who, 0.0, who.chin)
    return path(
        (-near * who.jaw * slim + shift, who.mouth_y + 0.05), (chin_x - near * 0.11, who.chin - 0.03),
        (chin_x + near * 0.08, who.chin), (near * (who.jaw + 0.02) + 0.5 * shift, who.mouth_y + 0.06),
        (near * 0.47 + 0.5 * shift, 0.12 + rng.normal(0, 0.02)), (near * 0.49 + 0.5 * shift, -0.12),
    )  # fmt: skip


def _ear(who: _Person, near: float, rng: np.random.Generator) -> Path:
    x = near * 0.50 + 0.05 * who.turn
    wide, top, low = rng.uniform(0.10, 0.16), who.eye_y - 0.06, who.eye_y + 0.26
    return path(
        (x, top + 0.06), (x + near * 0.6 * wide, top), (x + near * wide, top + 0.08), (x + near * 0.6 * wide,
        low - 0.06), (x + near * 0.2 * wide, low), (x, low - 0.06), (x + near * 0.35 * wide, 0.5 * (top +
        low)), (x + near * 0.5 * wide, top + 0.08), (x + near * 0.2 * wide, top + 0.07),
    )  # fmt: skip


def _hair(who: _Person, near: float, rng: np.random.Generator) -> Path:
    """From the near ear over the crown to the other temple."""
    shift = 0.08 * who.turn
    top = -0.72 + rng.normal(0.0, 0.03)
    style = rng.integers(6)
    crown = [
        (near * 0.52 + shift, -0.22), (near * 0.46 + shift, -0.52), (near * 0.2 + shift, top),
        (-near * 0.2 + shift, top + 0.02), (-near * 0.42 + shift, -0.5), (-near * 0.44 + shift, who.eye_y -
        0.2),
    ]  # fmt: skip
    if style == 0:  # a bare skull
        return path(*crown)
    if style == 1:  # a parting: back across the forehead
        line = (near * 0.1 + shift, -0.46)
        return path(*crown, (-near * 0.30 + shift, -0.40), line, (near * 0.12 + shift, top + 0.03, 1),
                    (near * 0.30 + shift, -0.42), (near * 0.46 + shift, -0.2))  # fmt: skip
    if style == 2:  # a bun
        bun = ring((shift + near * 0.05, top - 0.13), 0.15, np.pi / 2, -near * 1.25)
        return np.vstack([path(*crown[:3]), bun, path(*crown[3:])])
    if style == 3:  # curls around the skull
        angles = np.linspace(0.05, np.pi - 0.05, 60)
        swell = 0.085
        x = 0.50 * np.cos(angles) + swell * np.cos(15 * angles) + shift
        y = -0.20 - 0.52 * np.sin(angles) + swell * np.sin(15 * angles)
        curls = np.column_stack([near * x, y, np.zeros(60)])
        return np.vstack([curls, path((-near * 0.44 + shift, who.eye_y - 0.2))])
    if style == 4:  # long, down on both sides
        length = rng.uniform(0.5, 1.0)
        return path(
            (near * 0.62 + shift, length, 1), (near * 0.70 + shift, 0.4), (near * 0.60 + shift, -0.1),
            (near * 0.52 + shift, -0.5), (near * 0.2 + shift, top - 0.05), (-near * 0.25 + shift, top - 0.03),
            (-near * 0.52 + shift, -0.4), (-near * 0.54 + shift, 0.1), (-near * 0.62 + shift, 0.8 * length,
            1), (-near * 0.46 + shift, 0.2), (-near * 0.40 + shift, -0.3), (-near * 0.05 + shift, -0.55),
        )  # fmt: skip
    return path(  # a quiff
        *crown[:2], (near * 0.25 + shift, top), (-near * 0.3 + shift, top - 0.06), (-near * 0.52 + shift,
        -0.55), (-near * 0.2 + shift, -0.48), (near * 0.15 + shift, -0.56), (near * 0.32 + shift, -0.42, 1),
        (-near * 0.1 + shift, -0.42), (-near * 0.42 + shift, who.eye_y - 0.22),
    )  # fmt: skip


def _neck(who: _Person, near: float, rng: np.random.Generator) -> Path:
    """From the near shoulder over a collar to the far shoulder, and up the far side of the neck to the jaw."""
    wide, low, slope = rng.uniform(0.2, 0.28), rng.uniform(1.0, 1.2), rng.uniform(0.1, 0.22)
    near_side = [(near * 0.85, low + slope + 0.05), (near * 0.55, low + 0.05), (near * (wide + 0.03), low - 0.12),
                 (near * wide, who.chin - 0.06, 1)]  # fmt: skip
    collar = [(near * wide * 0.8, low - 0.02), (0.0, low + slope), (-near * wide * 1.1, low - 0.02, 1)]
    far_shoulder = [(-near * 0.85, low + slope + 0.1, 1), (-near * 0.5, low + 0.04)]
    up = [(-near * wide, low - 0.16), (-near * wide * 0.9, who.chin - 0.06)]
    style = rng.integers(4)
    if style == 0:
        return path(*near_side, *collar, *up)
    if style == 1:
        return path(*near_side, *collar, *far_shoulder, *up)
    if style == 2:
        return path((-near * 0.85, low + slope + 0.1), *far_shoulder[1:], *up)
    return path((-near * wide * 0.6, low + 0.25), *up)


def profile_face(rng: np.random.Generator, with_neck: bool = True) -> Path:
    """A head from the side, looking left: one walk along forehead, nose, lips and chin, and into eye and ear."""
    nose, bump = rng.uniform(0.13, 0.24), rng.uniform(-0.02, 0.05)
    tip_y = rng.uniform(0.12, 0.22)
    lips, chin = rng.uniform(0.03, 0.07), rng.uniform(-0.05, 0.05)
    slope, brow = rng.uniform(-0.02, 0.10), rng.uniform(0.01, 0.05)
    face = rng.uniform(-0.02, 0.05) - 0.40  # the x of the flat of the face
    forehead = path(
        (face + 0.16 + slope, -0.60), (face + 0.04 + slope, -0.45), (face - brow, -0.26), (face - brow, -0.2)
    )
    ridge = path(
        (face + 0.04, -0.11), (face - 0.4 * nose - bump, 0.02), (face - nose, tip_y - 0.03), (face - nose +
        0.01, tip_y + 0.035), (face - 0.25 * nose, tip_y + 0.07, 1),
    )  # fmt: skip
    wing = path(
        (face + 0.05, tip_y + 0.04),
        (face + 0.07, tip_y - 0.03),
        (face + 0.01, tip_y - 0.03),
        (face, tip_y + 0.06),
    )
    mouth = tip_y + 0.22
    inside = rng.uniform(0.12, 0.2)
    lip_line = path(
        (face - 0.01, mouth - 0.10), (face - lips - 0.02, mouth - 0.035), (face - 0.2 * lips, mouth, 1),
        (face + inside, mouth + rng.uniform(-0.03, 0.03), 1), (face + 0.01, mouth + 0.012),
        (face - lips, mouth + 0.05), (face + 0.02, mouth + 0.11),
    )  # fmt: skip
    jaw = path(
        (face - 0.03 + chin, mouth + 0.19), (face + 0.02 + chin, mouth + 0.28), (face + 0.13, mouth + 0.30),
        (-0.05, mouth + 0.20), (0.10, mouth + 0.04), (0.14, 0.10),
    )  # fmt: skip
    ear = path(
        (0.12, 0.02), (0.16, -0.12), (0.25, -0.12), (0.26, 0.02), (0.17, 0.14), (0.13, 0.08), (0.18, -0.02),
        (0.21, -0.06), (0.17, -0.08),
    )  # fmt: skip
    eye = _profile_eye(face, rng)
    neck = path(
        (face + 0.20, mouth + 0.32), (face + 0.22, mouth + 0.5), (face + 0.12, mouth + 0.68), (face - 0.15,
        mouth + 0.8),
    )  # fmt: skip
    back = _profile_hair(face, slope, rng)
    shoulder = path((0.30, 0.45), (0.33, 0.75), (0.5, 0.98), (0.85, 1.12))
    with_neck = with_neck and bool(rng.random() < 0.8)
    front = [forehead, eye, ridge] if rng.random() < 0.6 else [forehead, ridge]
    wings = [wing] if rng.random() < 0.6 else []
    ears = [ear] if rng.random() < 0.7 else []
    eyes_later = [] if len(front) == 3 else [eye]
    if with_neck:
        if rng.random() < 0.5:
            parts = [shoulder[::-1], back, *front, *wings, lip_line, jaw, *ears, *eyes_later, neck]
        else:
            upwards = [part[::-1] for part in (*front, *wings, lip_line)][::-1]
            parts = [neck[::-1], jaw[:3][::-1], *upwards, back[::-1], *ears, *eyes_later, shoulder]
    else:
        parts = [back, *front, *wings, lip_line, jaw, *ears, *eyes_later]
    return sharpened(bent(np.vstack(parts), rng, 0.04), rng, rng.choice([0.0, 0.0, 0.1]))


def _profile_eye(face: float, rng: np.random.Generator) -> Path:
    """Brow, then the wedge of the eye with its iris at the front."""
    y, wide = -0.06 + rng.normal(0.0, 0.015), rng.uniform(0.14, 0.19)
    x = face + 0.07
    parts = path(
        (x - 0.03, y - 0.14), (x + 0.06, y - 0.19), (x + 0.22, y - 0.13, 1), (x + wide, y + 0.01, 1),
        (x + 0.08, y - 0.075), (x, y - 0.05, 1), (x + 0.015, y + 0.01), (x + 0.03, y + 0.04, 1),
    )  # fmt: skip
    iris = ring((x + 0.035, y - 0.012), 0.032, 0.2, 1.2, squash=1.2)
    lower = path((x + 0.09, y + 0.05), (x + wide * 0.95, y + 0.02))
    return np.vstack([parts, iris, lower] if rng.random() < 0.7 else [parts, lower])


def _profile_hair(face: float, slope: float, rng: np.random.Generator) -> Path:
    """From the nape over the back of the head and the crown to the hairline."""
    style = rng.integers(4)
    skull = path(
        (0.30, 0.38), (0.46, 0.12), (0.53, -0.2), (0.42, -0.56), (0.12, -0.75), (face + 0.28 + slope, -0.70),
        (face + 0.18 + slope, -0.62),
    )  # fmt: skip
    if style == 0:
        return skull
    if style == 1:  # a knot at the back
        knot = ring((0.60, -0.05), 0.17, np.pi * 0.8, rng.choice([-1.2, 1.2]))
        return np.vstack([skull[:2], knot, skull[2:]])
    if style == 2:  # a fringe that hangs over the forehead, and back to the ear
        return np.vstack([
            skull[:6], path((face - 0.02, -0.66), (face - 0.06, -0.48, 1), (face + 0.2, -0.42), (0.10, -0.30,
            1),
                            (-0.05, -0.55), (face + 0.18 + slope, -0.62)),
        ])  # fmt: skip
    return path(  # long hair down the back, and its inner edge up again
        (0.25, 0.2), (0.2, -0.15), (0.3, 0.4), (0.36, 0.85, 1), (0.62, 0.6), (0.60, 0.0), (0.55, -0.35),
        (0.35, -0.68), (0.05, -0.82), (face + 0.22 + slope, -0.72), (face + 0.17 + slope, -0.62),
    )  # fmt: skip
