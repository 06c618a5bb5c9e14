"""The basic shapes of SVG as curves: line, polyline, polygon, rect, circle, ellipse (SVG 2, chapter 10)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

from singleline_pipeline.geometry.svg_path import Curve, CurvePen, parse_path, parse_points

Axis = Literal["x", "y", "diagonal"]
# The length in px of an attribute, percentages being of the viewport along the axis; None where it has none.
Measure = Callable[[str, Axis], float | None]

SHAPES = frozenset({"path", "line", "polyline", "polygon", "rect", "circle", "ellipse"})


def shape_curves(tag: str, attributes: Mapping[str, str], measure: Measure) -> tuple[list[Curve], str | None]:
    """The curves of one of `SHAPES`, and what is wrong with it, None where nothing is.

    Each begins where SVG says that its outline begins. A rect, circle or ellipse without width or height
    draws nothing.
    """
    if tag == "path":
        return parse_path(attributes.get("d", ""))
    if tag in ("polyline", "polygon"):
        return _polygon(attributes.get("points", ""), closed=tag == "polygon")
    pen = CurvePen()
    if tag == "line":
        pen.move(complex(measure("x1", "x") or 0.0, measure("y1", "y") or 0.0))
        pen.line(complex(measure("x2", "x") or 0.0, measure("y2", "y") or 0.0))
    elif tag == "rect":
        _rect(pen, measure)
    else:
        _ellipse(pen, measure, round=tag == "circle")
    return pen.curves(), None


def _polygon(text: str, closed: bool) -> tuple[list[Curve], str | None]:
    points, problem = parse_points(text)
    pen = CurvePen()
    for index, point in enumerate(points):
        (pen.line if index else pen.move)(point)
    if points and closed:
        pen.close()
    return pen.curves(), problem


def _rect(pen: CurvePen, measure: Measure) -> None:
    x, y = measure("x", "x") or 0.0, measure("y", "y") or 0.0
    width, height = measure("width", "x") or 0.0, measure("height", "y") or 0.0
    if width <= 0 or height <= 0:
        return
    rx, ry = _radii(measure)
    rx, ry = min(rx, width / 2), min(ry, height / 2)
    radii, right, below = complex(rx, ry), x + width, y + height
    pen.move(complex(x + rx, y))
    corners = (
        (complex(right - rx, y), complex(right, y + ry)),
        (complex(right, below - ry), complex(right - rx, below)),
        (complex(x + rx, below), complex(x, below - ry)),
        (complex(x, y + ry), complex(x + rx, y)),
    )
    for before, after in corners:
        if before != pen.at:
            pen.line(before)
        pen.arc(radii, 0.0, False, True, after)
    pen.close()


def _radii(measure: Measure) -> tuple[float, float]:
    """rx and ry; one that is not given, or negative, is as the other."""
    rx, ry = measure("rx", "x"), measure("ry", "y")
    rx = None if rx is None or rx < 0 else rx
    ry = None if ry is None or ry < 0 else ry
    return (rx if rx is not None else ry or 0.0), (ry if ry is not None else rx or 0.0)


def _ellipse(pen: CurvePen, measure: Measure, *, round: bool) -> None:
    x, y = measure("cx", "x") or 0.0, measure("cy", "y") or 0.0
    rx, ry = (measure("r", "diagonal") or 0.0,) * 2 if round else _radii(measure)
    if rx <= 0 or ry <= 0:
        return
    quarters = (complex(x, y + ry), complex(x - rx, y), complex(x, y - ry), complex(x + rx, y))
    pen.move(quarters[-1])
    for end in quarters:
        pen.arc(complex(rx, ry), 0.0, False, True, end)
    pen.close()
