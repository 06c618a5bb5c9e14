"""Drawings from SVG files: what a pen would draw of them, as strokes.

A stroke is a subpath of whatever has a stroke in the sense of SVG: its line is the pen's line. Filled shapes
without one are areas, whose outlines nobody drew, and are left out. An element that is neither filled nor stroked
by anything that the file says is taken for a line: plain geometry, as programs for plotters write it.

Files come from strangers. They are parsed by defusedxml, which fetches nothing and refuses entities; references
are followed within the file only, and never in circles; sizes are limited at every step.
"""

from __future__ import annotations

import os
import zlib
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError, TreeBuilder

import numpy as np
from defusedxml.common import DefusedXmlException, EntitiesForbidden
from defusedxml.ElementTree import DefusedXMLParser
from numpy.typing import NDArray

from singleline_pipeline.geometry.strokes import MAX_COORDINATE, Stroke, StrokeError
from singleline_pipeline.geometry.svg_path import Curve, flatten, points_when_flat
from singleline_pipeline.geometry.svg_shapes import SHAPES, Axis, shape_curves
from singleline_pipeline.geometry.svg_style import StyleSheet, float_or, is_painted, style_of
from singleline_pipeline.geometry.svg_transform import (
    PHYSICAL_UNITS,
    PX_PER_INCH,
    Matrix,
    length_in_px,
    parse_numbers,
    parse_transform,
    scaling,
    split_length,
    translation,
    viewport_matrix,
)

TOLERANCE = 0.05
"""Distance in px of the result that a stroke may keep from its curve."""
MAX_BYTES = 32 * 1024 * 1024
"""Bytes of a file, unpacked: ten times what hours of drawing on a tablet take."""
MAX_ELEMENTS = 500_000
"""Elements of a file, those that references repeat included."""
MAX_POINTS = 2_000_000
"""Points of a drawing."""

_SVG = "http://www.w3.org/2000/svg"
_XLINK_HREF = "{http://www.w3.org/1999/xlink}href"
_CONTAINERS = frozenset({"g", "a", "svg", "switch"})
_NOT_LINES = {
    "text": "text",
    "image": "image",
    "foreignObject": "embedded document (foreignObject)",
    "mesh": "mesh of colours",
}
_SHOWN = _CONTAINERS | SHAPES | _NOT_LINES.keys() | {"use"}
_DEEPEST_USE = 50
_WARNINGS_SHOWN = 20
_FILLED, _HIDDEN, _OUTSIDE = "filled shape without a stroke", "hidden element", "line off the page"


class SvgError(StrokeError):
    """A file is no SVG, or no drawing can be read from it; the message says which, why and what to do."""


@dataclass(frozen=True)
class SvgDrawing:
    """What a pen would draw of an SVG file. Coordinates in px, x right, y down, (0, 0) the page's top left corner.

    strokes: (n, 2) each, in the order of drawing. widths: (len(strokes),) px, width of each one's line.
    width, height: px of the page. mm_per_px: where the file gives its size in mm, cm, in, pt or pc.
    left_out: how many of each kind of thing were not taken, by kind. warnings: what could not be understood, a
    sentence each, naming the element.
    """

    strokes: list[Stroke]
    widths: NDArray[np.float64]
    width: float
    height: float
    mm_per_px: float | None
    left_out: dict[str, int] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


def read_svg(source: bytes | str | os.PathLike[str], *, tolerance: float = TOLERANCE) -> list[Stroke]:
    """The strokes (n, 2) of an SVG or SVGZ, its bytes or its path, in px of 1/96 inch.

    No point of a stroke is further than `tolerance` px from its curve, nor the curve from the stroke. Raises
    SvgError where no drawing can be read from it.
    """
    return read_svg_drawing(source, tolerance=tolerance).strokes


def read_svg_drawing(
    source: bytes | str | os.PathLike[str],
    *,
    tolerance: float = TOLERANCE,
    longer_side: float | None = None,
    name: str | None = None,
) -> SvgDrawing:
    """The strokes of an SVG or SVGZ with its page, and what of it was not taken.

    Args:
        source: Its bytes, or its path.
        tolerance: px of the result that a stroke and its curve may be apart.
        longer_side: px of the page's longer side in the result; None: as the file says, 1/96 inch a px.
        name: How messages call it; by default its path.

    Raises:
        SvgError: It is no SVG, or holds no line.
        OSError: The file cannot be read.
    """
    if not tolerance > 0:
        raise SvgError(f"tolerance is {tolerance}; it is a distance longer than 0")
    if isinstance(source, bytes):
        data, called = source, name or "the SVG"
    else:
        called = name or str(source)
        if (size := Path(source).stat().st_size) > MAX_BYTES:
            raise _too_large(called, size)
        data = Path(source).read_bytes()
    tree = _parse(_unpacked(data, called), called)
    with np.errstate(over="ignore", invalid="ignore"):  # what overflows is infinite, and is looked for
        return _Reader(tree, called).drawing(tolerance, longer_side)


def _too_large(name: str, size: int) -> SvgError:
    return SvgError(
        f"{name} has {size / 2**20:.0f} MB or more, over the limit of {MAX_BYTES / 2**20:.0f} MB. "
        "Split it into several drawings."
    )


def _unpacked(data: bytes, name: str) -> bytes:
    if not data.strip():
        raise SvgError(f"{name} is empty. Export it again.")
    if data.startswith(b"\x1f\x8b"):
        unpack = zlib.decompressobj(wbits=31)
        try:
            data = unpack.decompress(data, MAX_BYTES + 1)
        except zlib.error as error:
            raise SvgError(
                f"{name} is compressed, and damaged ({error}). Copy or export it again."
            ) from error
        if len(data) <= MAX_BYTES and not unpack.eof:
            raise SvgError(f"{name} is compressed, and cut off. Copy or export it again.")
    if len(data) > MAX_BYTES:
        raise _too_large(name, len(data))
    return data


class _Tree(TreeBuilder):
    """Builds the tree of elements, remembers the line of each, and stops where there are too many."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.lines: dict[Element, int] = {}
        self.parser: DefusedXMLParser | None = None
        self._name = name

    def start(self, tag: str, attributes: dict[str, str]) -> Element:  # type: ignore[override]
        """An element begins."""
        if len(self.lines) >= MAX_ELEMENTS:
            raise SvgError(f"{self._name} has more than {MAX_ELEMENTS:,} elements. Split it.")
        element = super().start(tag, attributes)
        self.lines[element] = self.parser.parser.CurrentLineNumber if self.parser else 0
        return element


def _parse(data: bytes, name: str) -> tuple[Element, dict[Element, int]]:
    builder = _Tree(name)
    parser = DefusedXMLParser(target=builder, forbid_dtd=False, forbid_entities=True, forbid_external=True)
    builder.parser = parser
    try:
        parser.feed(data)
        root = parser.close()
    except EntitiesForbidden as error:
        raise SvgError(
            f"{name} declares the entity {error.name!r}, and entities are not read: they can be made to fill the "
            "memory. Save it as plain SVG (in Illustrator: without editing capabilities)."
        ) from error
    except DefusedXmlException as error:
        raise SvgError(
            f"{name} refers to something outside of it ({error}). Save it as plain SVG."
        ) from error
    except (ParseError, LookupError, ValueError) as error:
        if isinstance(error, SvgError):
            raise
        raise SvgError(f"{name} is damaged, or not XML ({error}). Copy or export it again.") from error
    if root.tag not in ("svg", f"{{{_SVG}}}svg"):
        raise SvgError(f"{name} is no SVG: its outermost element is <{_local(root.tag)}>.")
    return root, builder.lines


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


@dataclass(frozen=True)
class _Place:
    """What an element inherits: the map to px of the page, the style, the size of the viewport, the referenced
    elements that it is part of; `asked` are the attributes of the <use> that refers to this very element."""

    matrix: Matrix
    style: dict[str, str]
    viewport: tuple[float, float]
    through: tuple[Element, ...] = ()
    asked: dict[str, str] | None = None


class _Reader:
    """Walks through one document."""

    def __init__(self, tree: tuple[Element, dict[Element, int]], name: str) -> None:
        self._root, self._lines = tree
        self._name = name
        self._space = self._root.tag[: -len("svg")]
        self._left_out: Counter[str] = Counter()
        self._warnings: list[str] = []
        self._curves: list[tuple[Curve, float, Element]] = []
        self._segments = 0
        self._by_id: dict[str, Element] = {}
        self._parents: dict[Element, Element] | None = None
        self._sheet = StyleSheet()
        for element in self._root.iter():
            if (key := element.get("id")) is not None:
                self._by_id.setdefault(key, element)
            if element.tag == f"{self._space}style":
                self._sheet.add("".join(element.itertext()))
        if self._sheet.unread:
            self._warn(
                f"has style rules that are not understood: {', '.join(sorted(set(self._sheet.unread))[:5])}"
            )

    def drawing(self, tolerance: float, longer_side: float | None) -> SvgDrawing:
        """The whole document; see `read_svg_drawing`."""
        size, physical = self._size()
        self._walk(_Place(np.eye(3), {}, size or (100.0, 100.0)))
        if not self._curves:
            raise SvgError(f"{self._name} holds no line that a pen could draw{self._instead()}.")
        across, down, to_page = self._page(size)
        scale = longer_side / max(across, down) if longer_side else 1.0
        to_page = scaling(scale, scale) @ to_page
        across, down = across * scale, down * scale

        strokes, widths = self._flattened(to_page, scale, tolerance, (across, down) if size else None)
        if not strokes:
            raise SvgError(
                f"{self._name} holds no line on its page of {across:g} x {down:g} px{self._instead()}."
            )
        mm_per_px = 25.4 / PX_PER_INCH / scale if physical else None
        return SvgDrawing(
            strokes, np.array(widths), across, down, mm_per_px, dict(self._left_out), self._warnings
        )

    def _flattened(
        self, to_page: Matrix, scale: float, tolerance: float, page: tuple[float, float] | None
    ) -> tuple[list[Stroke], list[float]]:
        strokes: list[Stroke] = []
        widths: list[float] = []
        points = 0.0
        for curve, width, element in self._curves:
            placed = _mapped(curve, to_page)
            # Control points may lie far out where the line does not; not without end, for the points' sake.
            if page is not None and _is_off(placed, page, pages_away=100):
                self._left_out[_OUTSIDE] += 1
                continue
            points += points_when_flat(placed, tolerance)
            if not points <= MAX_POINTS:
                raise self._too_many_points(element)
            stroke = flatten(placed, tolerance)
            if page is not None and _is_off(stroke, page, pages_away=1):
                self._left_out[_OUTSIDE] += 1
                continue
            strokes.append(stroke)
            widths.append(width * scale)
        return strokes, widths

    def _size(self) -> tuple[tuple[float, float] | None, bool]:
        """(width, height) of the page in px of 1/96 inch, None where the file says nothing of it; and whether in
        units of length."""
        box = self._view_box(self._root)
        lengths = [split_length(self._root.get(side)) for side in ("width", "height")]
        sides = [
            length_in_px(self._root.get(side), 0.0) if length and length[1] != "%" else None
            for side, length in zip(("width", "height"), lengths, strict=True)
        ]
        if any(side is not None and side <= 0 for side in sides):
            raise SvgError(
                f"{self._name} has a page without area: width {self._root.get('width')}, height "
                f"{self._root.get('height')}. Export it again with the size of its page."
            )
        width, height = sides
        if box is not None:
            if width is None and height is None:
                width, height = box[2], box[3]
            width = width if width is not None else (height or 0.0) * box[2] / box[3]
            height = height if height is not None else width * box[3] / box[2]
        physical = any(length is not None and length[1] in PHYSICAL_UNITS for length in lengths)
        return (None if width is None or height is None else (width, height)), physical

    def _page(self, size: tuple[float, float] | None) -> tuple[float, float, Matrix]:
        """Width, height and the map onto the page; one that says nothing of its size is as large as its lines."""
        if size is not None:
            return *size, np.eye(3)
        # A map of control points holds the curve; nobody sees the difference in a margin.
        points = np.concatenate([curve for curve, _, _ in self._curves])
        low, high = points.min(axis=0), points.max(axis=0)
        margin = max(0.05 * float((high - low).max()), max(width for _, width, _ in self._curves))
        across, down = (high - low + 2 * margin).tolist()
        return across, down, translation(*(margin - low).tolist())

    def _view_box(self, element: Element) -> tuple[float, float, float, float] | None:
        text = element.get("viewBox")
        if text is None:
            return None
        values = parse_numbers(text)
        if values is None or len(values) != 4 or values[2] <= 0 or values[3] <= 0:
            raise SvgError(
                f"{self._name}: the viewBox of {self._where(element)} is {text[:60]!r}; it needs four numbers: x, y, "
                "and a width and height above 0."
            )
        x, y, width, height = values
        return x, y, width, height

    def _walk(self, page: _Place) -> None:
        """Visit what is shown, in the order in which it is drawn, without recursion: files may be nested deep."""
        waiting = [(self._root, page)]
        visited = 0
        while waiting:
            element, place = waiting.pop()
            visited += 1
            if visited > MAX_ELEMENTS:
                raise SvgError(
                    f"{self._name} has more than {MAX_ELEMENTS:,} elements with those that it repeats."
                )
            tag = self._tag(element)
            if tag is None or not (tag in _SHOWN or (tag == "symbol" and place.asked is not None)):
                continue
            inside = self._entered(element, tag, place)
            if inside is None:
                self._left_out[_HIDDEN] += 1
            elif tag in _NOT_LINES:
                self._left_out[_NOT_LINES[tag]] += 1
            elif tag in SHAPES:
                self._draw(element, tag, inside)
            elif tag == "use":
                waiting += self._used(element, inside)
            else:
                waiting += [(child, inside) for child in reversed(_children(element, tag))]

    def _tag(self, element: Element) -> str | None:
        """The element's name, None where it is no SVG (a comment, an editor's own)."""
        tag = element.tag
        return tag[len(self._space) :] if isinstance(tag, str) and tag.startswith(self._space) else None

    def _entered(self, element: Element, tag: str, place: _Place) -> _Place | None:
        """The place inside of an element, None where nothing in it is shown."""
        style = style_of(tag, element.attrib, self._sheet, place.style)
        if style.get("display") == "none" or float_or(style.get("opacity"), 1.0) == 0:
            return None
        matrix = place.matrix
        if "transform" in style:
            step = parse_transform(style["transform"])
            if step is None:
                self._warn(
                    f"{self._where(element)}: its transform {style['transform'][:60]!r} is not understood"
                )
            else:
                matrix = matrix @ step
            if "transform-origin" in style:
                self._warn(f"{self._where(element)}: its transform-origin is not read, only its transform")
        inside = replace(place, matrix=matrix, style=style, asked=None)
        framed = self._viewport(element, place.asked or {}, inside) if tag in ("svg", "symbol") else inside
        return framed if framed is not None and _area_scale(framed.matrix) > 0 else None

    def _viewport(self, element: Element, asked: dict[str, str], place: _Place) -> _Place | None:
        """The place inside of an <svg> or a <symbol>, which has a size of its own; None where that has no area."""
        matrix, (width, height) = place.matrix, place.viewport
        if element is not self._root:
            attributes = element.attrib | asked

            def measured(side: str, whole: float) -> float:
                found = length_in_px(attributes.get(side), whole)
                return whole if found is None else found

            if element.tag.endswith("svg"):
                x = length_in_px(element.get("x"), width) or 0.0
                y = length_in_px(element.get("y"), height) or 0.0
                matrix = matrix @ translation(x, y)
            width, height = measured("width", width), measured("height", height)
            if width <= 0 or height <= 0:
                return None
        box = self._view_box(element)
        if box is not None:
            matrix = matrix @ viewport_matrix(box, width, height, element.get("preserveAspectRatio", ""))
            width, height = box[2], box[3]
        return replace(place, matrix=matrix, viewport=(width, height))

    def _used(self, element: Element, place: _Place) -> list[tuple[Element, _Place]]:
        """What a <use> refers to, and where that is."""
        href = (element.get("href") or element.get(_XLINK_HREF) or "").strip()
        if not href.startswith("#"):
            self._left_out["reference to another file"] += 1
            return []
        target = self._by_id.get(href[1:])
        if target is None:
            self._warn(f"{self._where(element)} refers to {href[:60]}, which is not there")
            return []
        if target in place.through or self._is_within(element, target) or len(place.through) >= _DEEPEST_USE:
            self._warn(f"{self._where(element)} refers to {href[:60]} in a circle, or too deep")
            return []
        width, height = place.viewport
        x = length_in_px(element.get("x"), width) or 0.0
        y = length_in_px(element.get("y"), height) or 0.0
        asked = {name: value for name, value in element.attrib.items() if name in ("width", "height")}
        there = replace(
            place,
            matrix=place.matrix @ translation(x, y),
            through=(*place.through, target),
            asked=asked,
        )
        return [(target, there)]

    def _is_within(self, element: Element, other: Element) -> bool:
        if self._parents is None:
            self._parents = {child: parent for parent in self._root.iter() for child in parent}
        above: Element | None = element
        while above is not None and above is not other:
            above = self._parents.get(above)
        return above is other

    def _draw(self, element: Element, tag: str, place: _Place) -> None:
        style = place.style
        stroke, fill = style.get("stroke"), style.get("fill")
        width = length_in_px(style.get("stroke-width"), float(np.hypot(*place.viewport)) / 2**0.5)
        width = 1.0 if width is None else width
        stroked = is_painted(stroke) and width > 0 and float_or(style.get("stroke-opacity"), 1.0) > 0
        plain = stroke is None and fill in (None, "none")
        if style.get("visibility") in ("hidden", "collapse"):
            self._left_out[_HIDDEN] += 1
            return
        if not (stroked or plain):
            self._left_out[_FILLED if fill is None or is_painted(fill) else _HIDDEN] += 1
            return

        def measure(attribute: str, axis: Axis) -> float | None:
            across, down = place.viewport
            whole = {"x": across, "y": down, "diagonal": float(np.hypot(across, down)) / 2**0.5}
            return length_in_px(element.get(attribute), whole[axis])

        curves, problem = shape_curves(tag, element.attrib, measure)
        if problem is not None:
            self._warn(f"{self._where(element)} is drawn up to its error: {problem}")
        elif not curves:
            self._left_out["shape without a line"] += 1
        for curve in curves:
            placed = _mapped(curve, place.matrix)
            if not (np.abs(placed) <= MAX_COORDINATE).all():
                self._left_out[_OUTSIDE] += 1
                continue
            self._curves.append((placed, max(width, 0.0) * _area_scale(place.matrix), element))
            self._segments += len(placed) // 3
            if self._segments > MAX_POINTS:
                raise self._too_many_points(element)

    def _too_many_points(self, element: Element) -> SvgError:
        return SvgError(
            f"{self._name} takes more than {MAX_POINTS:,} points at {self._where(element)}. Split it, or simplify its "
            "paths."
        )

    def _instead(self) -> str:
        """What was found in the place of lines, for a message."""
        found = [f"{count} x {kind}" for kind, count in self._left_out.items()]
        said = f", only {', '.join(found)}" if found else ""
        if _FILLED in self._left_out:
            said += (
                " (the outline of an area is not a pen's line: draw with strokes, or export a PNG into a folder of "
                "scans, where it is traced)"
            )
        if self._warnings:
            said += f"; {self._warnings[0]}"
        return said

    def _where(self, element: Element) -> str:
        key = f' id="{element.get("id")}"' if element.get("id") else ""
        return f"<{_local(element.tag)}{key}> in line {self._lines[element]}"

    def _warn(self, what: str) -> None:
        if len(self._warnings) == _WARNINGS_SHOWN:
            self._warnings.append("and there is more")
        elif len(self._warnings) < _WARNINGS_SHOWN:
            self._warnings.append(what)


def _children(element: Element, tag: str) -> list[Element]:
    """The elements in a container; of a <switch> the first that any viewer in English would choose."""
    if tag != "switch":
        return list(element)
    for child in element:
        languages = child.get("systemLanguage")
        known = languages is None or any(word.strip().startswith("en") for word in languages.split(","))
        if known and not child.get("requiredExtensions"):
            return [child]
    return []


def _mapped(curve: Curve, matrix: Matrix) -> Curve:
    return curve @ matrix[:2, :2].T + matrix[:2, 2]


def _area_scale(matrix: Matrix) -> float:
    """By how much a map scales lengths, on average over all directions of its area."""
    (a, c), (b, d) = matrix[:2, :2]
    return float(np.sqrt(abs(a * d - b * c)))


def _is_off(points: NDArray[np.float64], page: tuple[float, float], pages_away: float) -> bool:
    """Whether points (n, 2) are nowhere on the page, or leave it by more than so many times its longer side."""
    low, high = points.min(axis=0), points.max(axis=0)
    reach = pages_away * max(page)
    beside = bool((high < 0).any() or (low > page).any())
    return beside or bool((low < -reach).any() or (high > np.add(page, reach)).any())
