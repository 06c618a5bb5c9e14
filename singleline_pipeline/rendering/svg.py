"""Drawings as SVG: for the screen, and for a pen plotter."""

from __future__ import annotations

import re
from typing import Literal
from xml.sax.saxutils import escape

import numpy as np

from .canvas import RenderError, Strokes, bounds, canvas_for, check_strokes, place
from .palette import INK, PAPER, stroke_colour

DOT_MM = 0.1  # a plotter sets its pen down for a line, not for a point

# What XML 1.0 does not admit in any spelling: control characters, halves of surrogate pairs, non-characters.
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def escape_text(text: str) -> str:
    """Text that may stand in an element or a quoted attribute; what XML cannot hold becomes U+FFFD."""
    return escape(_NOT_XML.sub("\ufffd", text), {'"': "&quot;"})


def number(value: float, decimals: int = 2) -> str:
    """The shortest spelling of the value rounded to so many decimals: 3, 2.5, -0.25."""
    text = f"{value:.{decimals}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def path_data(stroke: np.ndarray, decimals: int = 2) -> str | None:
    """The `d` of a stroke (n, 2): absolute start, relative steps. None where it rounds to a single point.

    Steps are differences of rounded positions, so that rounding errors do not add up along the line.
    """
    grid = np.rint(stroke * 10**decimals).astype(np.int64)
    moved = np.ones(len(grid), dtype=bool)
    moved[1:] = (grid[1:] != grid[:-1]).any(axis=1)
    grid = grid[moved]
    if len(grid) == 1:
        return None
    unit = 10.0**-decimals
    start = " ".join(number(value * unit, decimals) for value in grid[0])
    steps = (number(value * unit, decimals) for value in np.diff(grid, axis=0).ravel())
    joined = "".join(step if step[0] == "-" else " " + step for step in steps)
    return f"M{start}l{joined.lstrip()}"


def dot(stroke: np.ndarray, diameter: float, colour: str, decimals: int = 2) -> str:
    """A stroke that is a single point, as a filled circle (left open: the caller closes the element)."""
    x, y = (number(value, decimals) for value in stroke[0])
    return f'<circle cx="{x}" cy="{y}" r="{number(diameter / 2)}" fill="{colour}" stroke="none"'


def text_line(x: float, y: float, text: str, colour: str, size: int, room: float) -> str:
    """One line of text from its baseline's left end, cut to about `room` pixels: fonts differ from viewer to viewer."""
    line = " ".join(text.split())
    if not line:
        return ""
    letters = max(1, int(room / (0.56 * size)))
    if len(line) > letters:
        line = line[: letters - 1] + "…"
    return (
        f'<text x="{number(x)}" y="{number(y)}" font-family="system-ui,sans-serif" font-size="{size}" '
        f'fill="{colour}">{escape_text(line)}</text>'
    )


def document(width: float, height: float, body: str, *, title: str = "") -> str:
    """A self-contained SVG of so many pixels on its own paper."""
    w, h = number(width), number(height)
    named = f"<title>{escape_text(title)}</title>" if title else ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{w}" height="{h}" viewBox="0 0 {w} {h}">'
        f'{named}<rect width="{w}" height="{h}" fill="{PAPER}"/>{body}</svg>'
    )


def check_size(name: str, value: float, smallest: float) -> None:
    """RenderError unless the value is a finite number of at least `smallest`."""
    if not (np.isfinite(value) and value >= smallest):
        raise RenderError(f"{name} is {value:g}: it must be a number of at least {smallest:g}.")


def drawing_svg(
    strokes: Strokes,
    *,
    size: float = 400.0,
    pen: float = 2.0,
    colours: Literal["ink", "strokes"] = "ink",
    title: str = "",
) -> str:
    """A drawing as a still SVG, `size` pixels on its longer side, with a pen `pen` pixels wide.

    `colours`: all lines in ink, or one colour a stroke, which shows where the pen was lifted.
    A stroke of one point is a dot; a drawing without strokes is blank paper.
    """
    drawn = check_strokes(strokes)
    check_size("The size of the picture", size, 16)
    check_size("The width of the pen", pen, 0.01)
    margin = size * 0.04 + pen / 2
    width, height = canvas_for(drawn, size, margin)
    lines = []
    for index, stroke in enumerate(place(drawn, width, height, margin)):
        colour = INK if colours == "ink" else stroke_colour(index)
        data = path_data(stroke)
        if data is None:
            lines.append(dot(stroke, pen, colour) + "/>")
        elif colours == "ink":
            lines.append(f'<path d="{data}"/>')
        else:
            lines.append(f'<path stroke="{colour}" d="{data}"/>')
    body = (
        f'<g fill="none" stroke="{INK}" stroke-width="{number(pen)}" stroke-linecap="round" '
        f'stroke-linejoin="round">{"".join(lines)}</g>'
    )
    return document(width, height, body, title=title)


def plotter_svg(
    strokes: Strokes, *, width_mm: float = 210.0, margin_mm: float = 15.0, pen_mm: float = 0.3
) -> str:
    """A drawing for vpype, AxiDraw and their like: one group of open lines without fill, in drawing order.

    The document is a sheet of paper in millimetres, and a user unit is a millimetre. It is as high as the
    drawing needs, but not higher than an upright A format of this width (297 mm for 210 mm), which a narrow
    drawing fills with its height. Nothing but the line is in it: a background would be plotted. A stroke of one
    point becomes a line of 0.1 mm.
    """
    drawn = check_strokes(strokes)
    check_size("The width of the sheet in mm", width_mm, 1)
    check_size("The width of the pen in mm", pen_mm, 0.01)
    check_size("The margin in mm", margin_mm, 0)
    if 2 * margin_mm >= width_mm:
        raise RenderError(f"A margin of {margin_mm:g} mm leaves no room on a sheet {width_mm:g} mm wide.")
    _, (across, down) = bounds(drawn)
    room = width_mm - 2 * margin_mm
    highest = float(np.ceil(width_mm * 2**0.5))
    needed = down * (room / across) if across * highest > down * room else np.inf
    height_mm = min(highest, float(np.ceil(needed + 2 * margin_mm)))
    lines = []
    for stroke in place(drawn, width_mm, height_mm, margin_mm):
        data = path_data(stroke) or path_data(stroke[0] + np.array([[0.0, 0.0], [DOT_MM, 0.0]]))
        lines.append(f'<path d="{data}"/>\n')
    w, h = number(width_mm), number(height_mm)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{w}mm" height="{h}mm" viewBox="0 0 {w} {h}">\n'
        f'<g id="drawing" fill="none" stroke="black" stroke-width="{number(pen_mm)}" stroke-linecap="round" '
        f'stroke-linejoin="round">\n{"".join(lines)}</g>\n</svg>\n'
    )
