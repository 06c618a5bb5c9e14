"""The sample artist's handwriting: joined letters and digits, as strokes."""

import itertools
from collections.abc import Sequence

import numpy as np
from scipy.ndimage import gaussian_filter1d

from singleline_pipeline.scans.sample_pen import path, smooth

# Letters in em units, y up from the baseline, x-height 0.5; each enters and leaves on the right.
_LETTERS: dict[str, list[tuple[float, ...]]] = {
    "a": [(0.30, 0.40), (0.12, 0.50), (0.02, 0.20), (0.15, 0.00), (0.30, 0.38), (0.32, 0.05), (0.44, 0.12)],
    "c": [(0.26, 0.42), (0.10, 0.48), (0.03, 0.20), (0.14, 0.00), (0.32, 0.12)],
    "d": [(0.30, 0.40), (0.12, 0.48), (0.02, 0.20), (0.15, 0.00), (0.31, 0.40), (0.35, 1.0), (0.33, 0.1),
    (0.45, 0.1)], "e": [(0.00, 0.10), (0.18, 0.30), (0.12, 0.50), (0.00, 0.28), (0.12, 0.02), (0.30, 0.12)],
    "g": [(0.30, 0.40), (0.12, 0.50), (0.02, 0.25), (0.15, 0.05), (0.30, 0.40), (0.29, -0.30), (0.12, -0.42),
          (0.10, -0.20), (0.42, 0.12)],
    "h": [(0.00, 0.10), (0.18, 0.70), (0.12, 1.00), (0.08, 0.50), (0.07, 0.00, 1), (0.20, 0.48), (0.30, 0.35),
          (0.30, 0.03), (0.42, 0.12)],
    "i": [(0.00, 0.10), (0.07, 0.46), (0.09, 0.05), (0.22, 0.12)],
    "l": [(0.00, 0.10), (0.20, 0.60), (0.16, 1.00), (0.05, 0.70), (0.10, 0.08), (0.28, 0.10)],
    "m": [(0.00, 0.10), (0.05, 0.48), (0.06, 0.00, 1), (0.17, 0.48), (0.23, 0.00, 1), (0.36, 0.50), (0.42,
    0.35),
          (0.42, 0.04), (0.54, 0.12)],
    "n": [(0.00, 0.10), (0.05, 0.48), (0.06, 0.00, 1), (0.20, 0.50), (0.28, 0.38), (0.28, 0.04), (0.40,
    0.12)], "o": [(0.20, 0.50), (0.03, 0.25), (0.18, 0.00), (0.32, 0.25), (0.20, 0.48), (0.42, 0.40)],
    "r": [(0.00, 0.10), (0.06, 0.48), (0.18, 0.42), (0.17, 0.05), (0.30, 0.12)],
    "s": [(0.00, 0.10), (0.14, 0.50), (0.20, 0.18), (0.06, 0.01), (0.30, 0.12)],
    "t": [(0.00, 0.10), (0.11, 0.80), (0.09, 0.10), (0.26, 0.10)],
    "u": [(0.00, 0.10), (0.06, 0.48), (0.08, 0.06), (0.24, 0.08), (0.30, 0.48), (0.31, 0.03), (0.42, 0.12)],
    "y": [(0.00, 0.10), (0.05, 0.48), (0.08, 0.12), (0.22, 0.12), (0.29, 0.48), (0.27, -0.30), (0.12, -0.40),
          (0.10, -0.2), (0.40, 0.12)],
}  # fmt: skip

# Digits in a box of 0.6 x 1, y up.
_DIGITS: dict[str, list[tuple[float, ...]]] = {
    "0": [(0.32, 1.00), (0.06, 0.60), (0.22, 0.02), (0.50, 0.35), (0.42, 0.90), (0.28, 0.98)],
    "1": [(0.12, 0.74), (0.34, 1.00, 1), (0.30, 0.00)],
    "2": [(0.06, 0.78), (0.28, 1.00), (0.48, 0.76), (0.06, 0.02, 1), (0.54, 0.04)],
    "3": [(0.08, 0.90), (0.34, 1.00), (0.44, 0.74), (0.20, 0.55, 1), (0.50, 0.30), (0.28, 0.00), (0.04,
    0.14)], "4": [(0.30, 1.00), (0.04, 0.34, 1), (0.54, 0.36, 1), (0.40, 0.72, 1), (0.38, 0.00)],
    "5": [(0.50, 0.98, 1), (0.14, 0.98, 1), (0.10, 0.56, 1), (0.42, 0.56), (0.46, 0.16), (0.06, 0.06)],
    "6": [(0.42, 0.98), (0.10, 0.48), (0.16, 0.04), (0.46, 0.16), (0.38, 0.46), (0.10, 0.30)],
    "7": [(0.04, 0.96, 1), (0.52, 0.98, 1), (0.22, 0.00)],
    "8": [(0.40, 0.88), (0.14, 0.86), (0.20, 0.58), (0.46, 0.26), (0.24, 0.00), (0.08, 0.26), (0.38, 0.62),
    (0.42, 0.90)], "9": [(0.44, 0.76), (0.20, 0.98), (0.08, 0.70), (0.30, 0.54), (0.46, 0.82), (0.40, 0.00)],
}  # fmt: skip

# Only what can be written with the letters above.
_WORDS = (
    "the", "line", "and", "a", "hand", "learns", "to", "in", "one", "go", "turn", "round", "ear", "then",
    "lose", "it", "again", "more", "mouth", "less", "nose", "at", "an", "old", "hat", "does", "end",
    "her", "there", "is", "no", "time", "should", "close", "on", "its", "around", "noon", "lemon", "tea",
    "tin", "outside", "train", "hair", "mood", "turns", "not", "dots", "do", "eye", "curl", "into",
    "read", "all", "night",
)  # fmt: skip


def written_word(word: str, rng: np.random.Generator, slant: float) -> tuple[list[np.ndarray], float]:
    """A word on the baseline y = 0 (y down) with x-height 0.5: strokes (n, 2), and its width in the same unit."""
    x, joined, extras = 0.0, [], []
    for letter in word:
        shape = path(*_LETTERS[letter])
        shape[:, :2] *= rng.normal(1.0, 0.06, 2)
        shape[:, :2] += rng.normal(0.0, 0.012, (len(shape), 2))
        if letter == "t":
            extras.append(np.array([[x - 0.06, 0.52], [x + 0.28, 0.56]]))
        if letter == "i":
            extras.append(np.array([[x + 0.10, 0.70], [x + 0.13, 0.73]]))
        joined.append(shape + np.array([x, 0.0, 0.0]))
        x += float(shape[-1, 0])
    strokes = [smooth(np.vstack(joined)), *extras]
    return [np.column_stack([s[:, 0] + slant * s[:, 1], -s[:, 1]]) for s in strokes], x


def written_number(number: int, rng: np.random.Generator) -> list[np.ndarray]:
    """A number with digits 1 high, top at y = 0, y down: a stroke (n, 2) a digit."""
    strokes = []
    for place, digit in enumerate(str(number)):
        shape = path(*_DIGITS[digit])
        shape[:, :2] += rng.normal(0.0, 0.02, (len(shape), 2))
        stroke = smooth(shape)
        strokes.append(
            np.column_stack([stroke[:, 0] + 0.68 * place + 0.12 * stroke[:, 1], 1.0 - stroke[:, 1]])
        )
    return strokes


def written_page(
    rng: np.random.Generator, box: Sequence[float], x_height: float
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Lines of writing within a box (x0, y0, x1, y1) in pixels: strokes of the words, and strokes of underlinings."""
    slant = rng.uniform(0.05, 0.35)
    em, x0, y, x1 = 2.0 * x_height, box[0], box[1] + 2.0 * x_height, box[2]
    strokes, lines = [], []
    while y < box[3] - 0.4 * em:
        x = x0 + (em * rng.uniform(0.0, 0.25) if rng.random() < 0.9 else em * 1.5)
        end = x1 if rng.random() < 0.75 else x0 + (x1 - x0) * rng.uniform(0.3, 0.8)
        climb, start = rng.normal(0.0, 0.006), x
        while x < end - 2.5 * em:
            word, width = written_word(str(rng.choice(_WORDS)), rng, slant)
            at = np.array([x, y + climb * (x - x0) + rng.normal(0.0, 0.04) * em])
            strokes += [stroke * em + at for stroke in word]
            x += (width + rng.uniform(0.3, 0.5)) * em
        if rng.random() < 0.08:
            wave = np.linspace(start, x, 60)
            lines.append(np.column_stack([wave, y + 0.22 * em + 0.03 * em * np.sin(wave / em * 3)]))
        y += em * rng.uniform(1.25, 1.5) if rng.random() < 0.88 else em * 2.4
    return strokes, lines


def diagram(rng: np.random.Generator, box: Sequence[float]) -> list[np.ndarray]:
    """Boxes and circles with arrows between them, or a curve over two axes, in a box (x0, y0, x1, y1) in pixels."""
    x0, y0, x1, y1 = box
    wide, high = x1 - x0, y1 - y0
    if rng.random() < 0.35:
        axes = np.array([[x0, y0], [x0, y1], [x1, y1]])
        t = np.linspace(0.0, 1.0, 80)
        falling = y0 + high * (
            0.9 - 0.75 * np.exp(-3.5 * t) + 0.05 * gaussian_filter1d(rng.standard_normal(80), 2)
        )
        return [_shaky(axes, rng, 0.002 * wide), np.column_stack([x0 + wide * t, falling])]
    count = int(rng.integers(3, 5))
    strokes, centres = [], []
    for k in range(count):
        centre = np.array([x0 + wide * (k + 0.5) / count, y0 + high * rng.uniform(0.25, 0.75)])
        half = np.array([0.30 * wide / count, high * rng.uniform(0.12, 0.2)])
        if rng.random() < 0.5:
            angles = np.linspace(0.0, 2.2 * np.pi, 60) + rng.uniform(0, 6)
            strokes.append(centre + half * np.column_stack([np.cos(angles), np.sin(angles)]))
        else:
            corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1], [-1, -1.05]]) * half + centre
            strokes.append(_shaky(corners, rng, 0.004 * wide))
        word, width = written_word(str(rng.choice(_WORDS)), rng, 0.15)
        em = min(1.3 * half[0] / max(width, 0.5), half[1])
        strokes += [stroke * em + centre + (-0.5 * width * em, 0.25 * em) for stroke in word]
        centres.append((centre, half[0]))
    for (one, half), (two, other) in itertools.pairwise(centres):
        tail, head = one + np.array([half * 1.1, 0.0]), two - np.array([other * 1.15, 0.0])
        way = head - tail
        barb = np.array([[-1.0, -0.5], [0.0, 0.0], [-1.0, 0.5]]) * 0.03 * wide
        turn = np.array([[way[0], way[1]], [-way[1], way[0]]]) / max(np.hypot(*way), 1e-9)
        strokes += [_shaky(np.array([tail, head]), rng, 0.003 * wide), barb @ turn + head]
    return strokes


def _shaky(corners: np.ndarray, rng: np.random.Generator, amount: float) -> np.ndarray:
    t = np.linspace(0.0, len(corners) - 1.0, 40 * (len(corners) - 1))
    line = np.column_stack([np.interp(t, np.arange(len(corners)), corners[:, axis]) for axis in (0, 1)])
    shake = gaussian_filter1d(rng.standard_normal(line.shape), 8, axis=0)
    return line + shake * amount / shake.std()
