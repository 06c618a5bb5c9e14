"""Path data of SVG (the attribute `d`) as curves, and curves as strokes.

A curve is a float64 array (3n + 1, 2): n cubic Bézier segments end to end, as start, two control points, end,
two control points, end, ... Everything that a path can hold becomes one: lines and quadratics exactly, elliptic
arcs to 4e-7 of their radius. An affine map of a curve is the map of its points.

Grammar and meaning are those of SVG 2, chapter 9 (Paths) and appendix "Elliptical arc parameter conversions".
"""

from __future__ import annotations

import cmath
import math
import re

import numpy as np
from numpy.typing import NDArray

from singleline_pipeline.geometry.strokes import Stroke

Curve = NDArray[np.float64]

MAX_SEGMENTS = 2_000_000
"""Segments of one path, after which the rest is not read: about 10 MB of path data."""

_ARGUMENTS = {"M": 2, "L": 2, "H": 1, "V": 1, "C": 6, "S": 4, "Q": 4, "T": 2, "A": 7, "Z": 0}
_ARC_FLAGS = (3, 4)
_SPACE = re.compile(r"[ \t\n\r\f]*+")
_COMMA = re.compile(r"[ \t\n\r\f]*+(?:,[ \t\n\r\f]*+)?")
_NUMBER = re.compile(r"[+-]?(?:[0-9]++\.?[0-9]*+|\.[0-9]++)(?:[eE][+-]?[0-9]++)?")
_FLAG = re.compile("[01]")
# Arcs are cut into pieces of at most this angle: a cubic is then within 4e-7 of the radius.
_ARC_PIECE = math.pi / 6


class CurvePen:
    """Draws curves as path commands do. Points are complex numbers, x + iy, all of them absolute."""

    def __init__(self) -> None:
        self.at = 0j
        self.segments = 0
        self._start = 0j
        self._moved = False
        self._points: list[complex] = []
        self._drawn: list[list[complex]] = []
        self._cubic_control: complex | None = None
        self._quadratic_control: complex | None = None

    def curves(self) -> list[Curve]:
        """What has been drawn, a curve a subpath; one of a single point is a dot. Moves draw nothing."""
        self._lift()
        return [np.array(points).view(np.float64).reshape(-1, 2) for points in self._drawn]

    def move(self, to: complex) -> None:
        """Lift the pen and set it down elsewhere."""
        self._lift()
        self._forget()
        self.at = self._start = to
        self._moved = True

    def line(self, to: complex) -> None:
        """Draw a straight line."""
        third = (to - self.at) / 3
        self._append(self.at + third, to - third, to)
        self._forget()

    def cubic(self, first: complex, second: complex, to: complex) -> None:
        """Draw a cubic Bézier curve."""
        self._append(first, second, to)
        self._forget()
        self._cubic_control = second

    def smooth_cubic(self, second: complex, to: complex) -> None:
        """Draw a cubic that goes on in the direction in which the last one ended."""
        self.cubic(self._mirrored(self._cubic_control), second, to)

    def quadratic(self, control: complex, to: complex) -> None:
        """Draw a quadratic Bézier curve."""
        self._append(self.at + (control - self.at) * 2 / 3, to + (control - to) * 2 / 3, to)
        self._forget()
        self._quadratic_control = control

    def smooth_quadratic(self, to: complex) -> None:
        """Draw a quadratic that goes on in the direction in which the last one ended."""
        self.quadratic(self._mirrored(self._quadratic_control), to)

    def arc(self, radii: complex, degrees: float, large: bool, sweep: bool, to: complex) -> None:
        """Draw an elliptic arc: radii rx + i ry, turned by so many degrees; too small ones are enlarged."""
        rx, ry = abs(radii.real), abs(radii.imag)
        if to == self.at:
            return
        turn = cmath.rect(1.0, math.radians(degrees))
        # Half the chord, in the frame where the ellipse is the unit circle around its centre.
        half = (self.at - to) / 2 / turn
        half = complex(half.real / rx, half.imag / ry) if rx and ry else 0j
        reach = abs(half) ** 2
        if reach < 1e-24:  # a radius of 0, or one so large that the arc is straight to the last digit
            self.line(to)
            return
        grown = max(1.0, math.sqrt(reach))
        rx, ry, half = rx * grown, ry * grown, half / grown
        centre = -1j * half * math.sqrt(max(0.0, 1 / abs(half) ** 2 - 1)) * (1 if large != sweep else -1)
        begin = cmath.phase(half - centre)
        angle = (cmath.phase(-half - centre) - begin) % math.tau
        angle = angle if sweep else angle - math.tau
        middle = (self.at + to) / 2

        def placed(point: complex) -> complex:
            from_middle = point + centre
            return middle + complex(from_middle.real * rx, from_middle.imag * ry) * turn

        pieces = max(1, math.ceil(abs(angle) / _ARC_PIECE - 1e-9))
        lever = 4 / 3 * math.tan(angle / pieces / 4)
        for piece in range(pieces):
            here = cmath.rect(1.0, begin + angle * piece / pieces)
            there = cmath.rect(1.0, begin + angle * (piece + 1) / pieces)
            end = to if piece == pieces - 1 else placed(there)
            self._append(placed(here * (1 + 1j * lever)), placed(there * (1 - 1j * lever)), end)
        self._forget()

    def close(self) -> None:
        """Draw back to where the subpath began. What follows without a move begins there too."""
        if self.at != self._start:
            self.line(self._start)
        elif self._moved and not self._points:
            self._points = [self._start]  # closed where it began: a dot
        self.move(self._start)
        self._moved = False

    def _append(self, first: complex, second: complex, to: complex) -> None:
        if not self._points:
            self._points = [self.at]
        self._points += (first, second, to)
        self.segments += 1
        self.at = to

    def _lift(self) -> None:
        if self._points:
            self._drawn.append(self._points)
        self._points = []

    def _forget(self) -> None:
        self._cubic_control = self._quadratic_control = None

    def _mirrored(self, control: complex | None) -> complex:
        return self.at if control is None else 2 * self.at - control


def parse_path(data: str) -> tuple[list[Curve], str | None]:
    """The curves of path data, one a subpath, and what is wrong with it (None where nothing is).

    As SVG asks for, a path with an error is drawn up to the last command before it.
    """
    pen = CurvePen()
    position = _end(_SPACE, data, 0)
    begun = False
    while position < len(data):
        letter = data[position]
        command = letter.upper()
        if command not in _ARGUMENTS or letter == "\u017f":  # the long s, whose capital is S
            return pen.curves(), _problem(data, position, "a command")
        if not begun and command != "M":
            return pen.curves(), _problem(data, position, "M")
        begun = True
        first, position = True, position + 1
        while command != "Z" or first:
            numbers, after = _numbers(data, position, command, first)
            if len(numbers) < _ARGUMENTS[command]:
                if numbers or first:
                    return pen.curves(), _problem(data, after, "a number")
                break
            _draw(pen, "L" if command == "M" and not first else command, numbers, letter.islower())
            first, position = False, after
            if pen.segments > MAX_SEGMENTS:
                return pen.curves(), f"it has more than {MAX_SEGMENTS:,} segments"
        position = _end(_SPACE, data, position)
    return pen.curves(), None


def parse_points(text: str) -> tuple[list[complex], str | None]:
    """The points x + iy of a polyline, as far as they can be read, and what is wrong with the rest."""
    points: list[complex] = []
    position = 0
    while True:
        numbers, after = _numbers(text, position, "L", first=not points)
        if len(numbers) < 2:
            break
        points.append(complex(*numbers))
        position = after
    rest = _end(_SPACE, text, position)
    return points, None if rest == len(text) else _problem(text, after if numbers else rest, "a number")


def _numbers(data: str, position: int, command: str, first: bool) -> tuple[list[float], int]:
    """One set of a command's arguments, as far as it can be read, and where it ends."""
    numbers: list[float] = []
    for index in range(_ARGUMENTS[command]):
        begin = _end(_SPACE if first and not numbers else _COMMA, data, position)
        found = (_FLAG if command == "A" and index in _ARC_FLAGS else _NUMBER).match(data, begin)
        if found is None or math.isinf(value := float(found[0])):
            return numbers, begin if numbers or first else position
        numbers.append(value)
        position = found.end()
    return numbers, position


def _draw(pen: CurvePen, command: str, numbers: list[float], relative: bool) -> None:
    from_here = pen.at if relative else 0j
    if command == "A":
        rx, ry, degrees, large, sweep, x, y = numbers
        pen.arc(complex(rx, ry), degrees, large == 1, sweep == 1, from_here + complex(x, y))
        return
    if command == "H":
        pen.line(complex(numbers[0] + from_here.real, pen.at.imag))
        return
    if command == "V":
        pen.line(complex(pen.at.real, numbers[0] + from_here.imag))
        return
    points = [from_here + complex(x, y) for x, y in zip(numbers[::2], numbers[1::2], strict=True)]
    match command:
        case "M":
            pen.move(*points)
        case "L":
            pen.line(*points)
        case "C":
            pen.cubic(*points)
        case "S":
            pen.smooth_cubic(*points)
        case "Q":
            pen.quadratic(*points)
        case "T":
            pen.smooth_quadratic(*points)
        case "Z":
            pen.close()


def _end(pattern: re.Pattern[str], data: str, position: int) -> int:
    found = pattern.match(data, position)
    return found.end() if found else position


def _problem(data: str, position: int, wanted: str) -> str:
    there = repr(data[position : position + 12]) if position < len(data) else "the end"
    return f"{wanted} is missing at character {position}, before {there}"


def flatten(curve: Curve, tolerance: float) -> Stroke:
    """The curve as a stroke (m, 2) no point of which is further than `tolerance` from it, nor it from the stroke.

    Each segment gets as many even steps as its largest second difference asks for (Wang's bound: the chord of
    a cubic with second differences up to M leaves it by at most 3/4 M a step squared). Ends are exact. A curve
    without length is one point.
    """
    if (curve == curve[0]).all():
        return curve[:1].copy()
    p0, p1, p2, p3 = curve[:-1:3], curve[1::3], curve[2::3], curve[3::3]
    second = np.stack([p0 - 2 * p1 + p2, p1 - 2 * p2 + p3])
    bend = np.hypot(second[..., 0], second[..., 1]).max(axis=0)
    steps = np.ceil(np.sqrt(0.75 * bend / tolerance)).clip(1, None).astype(np.int64)
    segment = np.repeat(np.arange(len(steps)), steps)
    step = np.arange(1, len(segment) + 1) - np.repeat(np.cumsum(steps) - steps, steps)
    t = (step / steps[segment])[:, None]
    s = 1 - t
    along = s**3 * p0[segment] + 3 * s**2 * t * p1[segment] + 3 * s * t**2 * p2[segment] + t**3 * p3[segment]
    return np.concatenate([curve[:1], along])


def points_when_flat(curve: Curve, tolerance: float) -> float:
    """About how many points `flatten` gives, for those who want to know before they ask for the memory."""
    second = np.abs(curve[:-2] - 2 * curve[1:-1] + curve[2:]).sum(axis=1)
    return float(len(curve) / 3 + np.sqrt(0.75 * second / tolerance).sum())
