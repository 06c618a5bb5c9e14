"""Where things are in an SVG: transforms, viewports and lengths, as affine maps (3, 3) of column vectors (x, y, 1)."""

from __future__ import annotations

import math
import re

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]

PX_PER_INCH = 96.0
PX_OF_UNIT = {
    "": 1.0,
    "px": 1.0,
    "in": PX_PER_INCH,
    "cm": PX_PER_INCH / 2.54,
    "mm": PX_PER_INCH / 25.4,
    "q": PX_PER_INCH / 101.6,
    "pt": PX_PER_INCH / 72,
    "pc": PX_PER_INCH / 6,
    # Relative to a font that nothing is drawn with: the usual default of 16 px.
    "em": 16.0,
    "rem": 16.0,
    "ex": 8.0,
    "ch": 8.0,
}
PHYSICAL_UNITS = frozenset({"in", "cm", "mm", "q", "pt", "pc"})
_PX_OR_DEGREES = PX_OF_UNIT | {"deg": 1.0, "rad": 180 / math.pi, "grad": 0.9, "turn": 360.0}

_NUMBER = r"[+-]?(?:[0-9]++\.?[0-9]*+|\.[0-9]++)(?:[eE][+-]?[0-9]++)?"
_LENGTH = re.compile(rf"\s*+({_NUMBER})\s*+(%|[a-zA-Z]*+)\s*+")
_FUNCTION = re.compile(r"[\s,]*+([a-zA-Z]+)\s*+\(([^()]*+)\)")
_ARGUMENT = re.compile(rf"\s*+(,?)\s*+({_NUMBER})([a-zA-Z]*+)")
_SEPARATOR = re.compile(r"\s*+,\s*+|\s++")


def translation(x: float, y: float) -> Matrix:
    """Moves by (x, y)."""
    return np.array([[1.0, 0.0, x], [0.0, 1.0, y], [0.0, 0.0, 1.0]])


def scaling(x: float, y: float) -> Matrix:
    """Scales by x and y from the origin."""
    return np.diag([float(x), float(y), 1.0])


def rotation(degrees: float) -> Matrix:
    """Turns around the origin, clockwise as y points down."""
    sine, cosine = math.sin(math.radians(degrees)), math.cos(math.radians(degrees))
    return np.array([[cosine, -sine, 0.0], [sine, cosine, 0.0], [0.0, 0.0, 1.0]])


def split_length(text: str | None) -> tuple[float, str] | None:
    """A length as (number, unit in small letters), None where it is none. `%` is a unit here."""
    found = _LENGTH.fullmatch(text) if text else None
    if found is None or not math.isfinite(value := float(found[1])):
        return None
    unit = found[2].lower()
    return (value, unit) if unit == "%" or unit in PX_OF_UNIT else None


def length_in_px(text: str | None, whole: float) -> float | None:
    """A length in px, None where the text is none. `whole`, in px, is what percentages are of."""
    parts = split_length(text)
    if parts is None:
        return None
    value, unit = parts
    return value * whole / 100 if unit == "%" else value * PX_OF_UNIT[unit]


def parse_numbers(text: str) -> list[float] | None:
    """Numbers separated by white space or a comma; None where something else is among them, or one is infinite."""
    words = _SEPARATOR.split(text.strip()) if text.strip() else []
    if not all(re.fullmatch(_NUMBER, word) for word in words):
        return None
    values = [float(word) for word in words]
    return values if all(map(math.isfinite, values)) else None


def parse_transform(text: str) -> Matrix | None:
    """The map of a `transform`, attribute or CSS property; None where it cannot be understood."""
    matrix = np.eye(3)
    if text.strip() in ("", "none"):
        return matrix
    position = 0
    while found := _FUNCTION.match(text, position):
        step = _function(found[1], found[2])
        if step is None:
            return None
        matrix = matrix @ step
        position = found.end()
    if text[position:].strip() or not np.isfinite(matrix).all():
        return None
    return matrix


def _function(name: str, inside: str) -> Matrix | None:
    values = _values(inside)
    if values is None:
        return None
    match name.lower(), values:
        case "matrix", [a, b, c, d, e, f]:
            return np.array([[a, c, e], [b, d, f], [0.0, 0.0, 1.0]])
        case "translate", [x, *rest] if len(rest) < 2:
            return translation(x, rest[0] if rest else 0.0)
        case "translatex", [x]:
            return translation(x, 0.0)
        case "translatey", [y]:
            return translation(0.0, y)
        case "scale", [x, *rest] if len(rest) < 2:
            return scaling(x, rest[0] if rest else x)
        case "scalex", [x]:
            return scaling(x, 1.0)
        case "scaley", [y]:
            return scaling(1.0, y)
        case "rotate", [angle]:
            return rotation(angle)
        case "rotate", [angle, x, y]:
            return translation(x, y) @ rotation(angle) @ translation(-x, -y)
        case "skewx", [angle]:
            return np.array([[1.0, math.tan(math.radians(angle)), 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
        case "skewy", [angle]:
            return np.array([[1.0, 0.0, 0.0], [math.tan(math.radians(angle)), 1.0, 0.0], [0.0, 0.0, 1.0]])
    return None


def _values(inside: str) -> list[float] | None:
    """The numbers between a function's brackets, in px or degrees; none needs a separator before its sign."""
    values: list[float] = []
    position, inside = 0, inside.rstrip()
    while position < len(inside):
        found = _ARGUMENT.match(inside, position)
        if found is None or (found[1] and not values) or found[3].lower() not in _PX_OR_DEGREES:
            return None
        values.append(float(found[2]) * _PX_OR_DEGREES[found[3].lower()])
        position = found.end()
    return values if all(map(math.isfinite, values)) else None


def viewport_matrix(
    view_box: tuple[float, float, float, float], width: float, height: float, aspect: str = ""
) -> Matrix:
    """The map that fits a viewBox (x, y, width, height; larger than 0) into a viewport of so many px.

    `aspect` is preserveAspectRatio: without one, scaled alike in x and y, and centred.
    """
    x, y, across, down = view_box
    scale_x, scale_y = width / across, height / down
    words = [word for word in aspect.split() if word != "defer"]
    align = words[0] if words else "xMidYMid"
    if align == "none":
        return scaling(scale_x, scale_y) @ translation(-x, -y)
    scale = max(scale_x, scale_y) if "slice" in words[1:] else min(scale_x, scale_y)
    share = {"Min": 0.0, "Mid": 0.5, "Max": 1.0}
    left = (width - across * scale) * share.get(align[1:4], 0.5)
    above = (height - down * scale) * share.get(align[5:8], 0.5)
    return translation(left, above) @ scaling(scale, scale) @ translation(-x, -y)
