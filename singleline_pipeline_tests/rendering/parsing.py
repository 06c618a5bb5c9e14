"""Reading the pictures back, apart from the code that wrote them."""

from __future__ import annotations

import re
from xml.etree.ElementTree import Element

import numpy as np
from defusedxml.ElementTree import fromstring

SVG = "{http://www.w3.org/2000/svg}"
NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


def parse(svg: str) -> Element:
    """The root element; fails where the text is not well-formed XML."""
    return fromstring(svg.encode())


def points_of(d: str) -> np.ndarray:
    """The points (n, 2) of a path written as `M x y l dx dy ...`."""
    start, steps = d.removeprefix("M").split("l")
    first = np.array(NUMBER.findall(start), dtype=float)
    deltas = np.array(NUMBER.findall(steps), dtype=float).reshape(-1, 2)
    return first + np.concatenate([np.zeros((1, 2)), np.cumsum(deltas, axis=0)])


def paths(svg: str) -> list[np.ndarray]:
    """The points of all paths, in the order in which they are drawn."""
    return [points_of(path.attrib["d"]) for path in parse(svg).iter(f"{SVG}path")]


def length(points: np.ndarray) -> float:
    return float(np.linalg.norm(np.diff(points, axis=0), axis=1).sum())


def all_numbers_are_finite(svg: str) -> bool:
    """No attribute spells a number that is none."""
    return not any(
        re.search(r"(?i)(?<![a-z])(nan|inf)(?![a-z])", value)
        for element in parse(svg).iter()
        for name, value in element.attrib.items()
        if name not in ("id", "href")
    )
