"""SVG documents: what in them is a pen's line, and where on the page it is; files that are broken or mean harm."""

import gzip
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from singleline_pipeline.geometry import StrokeError, SvgError, read_svg, read_svg_drawing, svg
from singleline_pipeline.rendering import plotter_svg
from singleline_pipeline_tests.geometry.strategies import wandering
from singleline_pipeline_tests.geometry.test_svg_path import distance_to

PAGE = 'width="100" height="100"'
LINE = '<path d="M10 20L30 40"/>'


def document(body: str, attributes: str = PAGE, paint: str = 'stroke="black" fill="none"') -> bytes:
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f"{attributes} {paint}>{body}</svg>"
    ).encode()


def ends(body: str, attributes: str = PAGE, paint: str = 'stroke="black" fill="none"') -> list:
    """The first and the last point of each stroke."""
    strokes = read_svg(document(body, attributes, paint))
    return [np.round(stroke[[0, -1]], 6).ravel().tolist() for stroke in strokes]


def test_strokes_come_in_the_order_of_drawing_with_their_widths() -> None:
    """A subpath is a stroke; the width is that of the line on the page, whatever scaled it."""
    drawing = read_svg_drawing(
        document('<path d="M1 1H5M7 7V9"/><g transform="scale(2)" stroke-width="3"><path d="M9 9L8 8"/></g>')
    )
    assert [stroke.tolist() for stroke in drawing.strokes] == [
        [[1, 1], [5, 1]],
        [[7, 7], [7, 9]],
        [[18, 18], [16, 16]],
    ]
    assert drawing.widths.tolist() == [1, 1, 6]
    assert (drawing.width, drawing.height, drawing.mm_per_px) == (100, 100, None)
    assert (drawing.left_out, drawing.warnings) == ({}, [])


@pytest.mark.parametrize(
    ("attributes", "size", "line"),
    [
        ('width="200" height="100" viewBox="0 0 100 50"', (200, 100), [20, 40, 60, 80]),
        ('width="100" height="100" viewBox="0 0 100 50"', (100, 100), [10, 45, 30, 65]),
        (
            'width="100" height="100" viewBox="0 0 100 50" preserveAspectRatio="none"',
            (100, 100),
            [10, 40, 30, 80],
        ),
        (
            'width="100" height="100" viewBox="0 0 100 50" preserveAspectRatio="xMinYMax"',
            (100, 100),
            [10, 70, 30, 90],
        ),
        ('viewBox="-10,-20,200,100"', (200, 100), [20, 40, 40, 60]),
        ('width="100%" height="100%" viewBox="0 0 80 60"', (80, 60), [10, 20, 30, 40]),
        ('width="50" viewBox="0 0 100 60"', (50, 30), [5, 10, 15, 20]),
        ('height="30" viewBox="0 0 100 60"', (50, 30), [5, 10, 15, 20]),
    ],
)
def test_the_page_is_what_width_height_and_view_box_make_it(attributes: str, size, line) -> None:
    """The most common difference between two programs' files of the same drawing."""
    drawing = read_svg_drawing(document(LINE, attributes))
    assert (drawing.width, drawing.height) == pytest.approx(size)
    assert ends(LINE, attributes) == [line]


@pytest.mark.parametrize(
    ("unit", "px"), [("mm", 96 / 25.4), ("cm", 96 / 2.54), ("in", 96), ("pt", 4 / 3), ("pc", 16)]
)
def test_sizes_in_units_of_length_are_kept(unit: str, px: float) -> None:
    """A plotter's user wants to know how large it was."""
    drawing = read_svg_drawing(
        document(LINE, f'width="40{unit}" height="50{unit}" viewBox="0 0 40 50"'), longer_side=500
    )
    assert (drawing.width, drawing.height) == pytest.approx((400, 500))
    assert drawing.mm_per_px == pytest.approx(50 * px / 96 * 25.4 / 500)
    np.testing.assert_allclose(drawing.strokes[0], [[100, 200], [300, 400]])


def test_a_page_without_a_size_is_as_large_as_its_lines() -> None:
    """Small scripts write files without one; their line must not fall off the page."""
    drawing = read_svg_drawing(document('<path d="M1e9 1e9h100v50"/>', ""))
    (stroke,) = drawing.strokes
    assert (stroke.min(axis=0) > 0).all()
    assert (stroke.max(axis=0) < (drawing.width, drawing.height)).all()
    assert np.ptp(stroke, axis=0) == pytest.approx([100, 50])


@pytest.mark.parametrize(
    ("transform", "line"),
    [
        ("translate(5)", [15, 20, 35, 40]),
        ("translate(5,-6)", [15, 14, 35, 34]),
        ("scale(2 , 0.5)", [20, 10, 60, 20]),
        ("rotate(90)", [-20, 10, -40, 30]),
        ("rotate(180 20 30)", [30, 40, 10, 20]),
        ("skewX(45)", [30, 20, 70, 40]),
        ("skewY(45)", [10, 30, 30, 70]),
        ("matrix(1 0 0 1 3 4)", [13, 24, 33, 44]),
        ("matrix(2,0-1.5.5-3e0+4)", None),
        ("translate(10) scale(2),translate(1,1)", [32, 42, 72, 82]),
        ("", [10, 20, 30, 40]),
    ],
)
def test_transforms(transform: str, line) -> None:
    """Each kind alone, and several, which act from right to left."""
    body = f'<g transform="translate(50 50)"><path transform="{transform}" d="M10 20L30 40"/></g>'
    if line is None:
        line = [2 * 10 - 1.5 * 20 - 3, 0.5 * 20 + 4, 2 * 30 - 1.5 * 40 - 3, 0.5 * 40 + 4]
    wide = 'width="200" height="200"'
    assert ends(body, wide) == [[value + 50 for value in line]]
    as_css = body.replace(f'transform="{transform}"', f'style="transform: {transform}"')
    assert ends(as_css, wide) == ends(body, wide)


def test_css_transforms_have_units() -> None:
    assert ends('<path style="transform:translate(1px, 2px) rotate(0.25turn)" d="M0 0L9 0"/>') == [
        [1, 2, 1, 11]
    ]


def test_a_transform_that_is_not_understood_is_said_and_left_out() -> None:
    """Browsers do the same; without a word the line would just be in the wrong place."""
    drawing = read_svg_drawing(document('<path id="a" transform="turn(9)" d="M10 20L30 40"/>'))
    assert drawing.strokes[0].tolist() == [[10, 20], [30, 40]]
    assert drawing.warnings == ["<path id=\"a\"> in line 1: its transform 'turn(9)' is not understood"]


@pytest.mark.parametrize(
    ("body", "line"),
    [
        (f'<defs><g id="a">{LINE}</g></defs><use href="#a" x="1" y="2"/>', [[11, 22, 31, 42]]),
        (f'<defs><g id="a">{LINE}</g></defs><use xlink:href="#a" transform="scale(2)"/>', [[20, 40, 60, 80]]),
        (f'<defs><g id="a">{LINE}</g><use id="b" href="#a" x="1"/></defs><use href="#b" y="2"/>', [[11, 22, 31, 42]]),
        (f'<symbol id="a">{LINE}</symbol>{LINE}', [[10, 20, 30, 40]]),
        (f'<symbol id="a" viewBox="0 0 50 50">{LINE}</symbol><use href="#a" x="5"/>', [[25, 40, 65, 80]]),
        (
            f'<symbol id="a" viewBox="0 0 50 50">{LINE}</symbol><use href="#a" width="25" height="25"/>',
            [[5, 10, 15, 20]],
        ),
        (f'<svg x="10" y="5" width="50%" height="25" viewBox="0 0 100 50">{LINE}</svg>', [[15, 15, 25, 25]]),
        (f'<svg x="10">{LINE}</svg><svg width="0">{LINE}</svg>', [[20, 20, 40, 40]]),
        (f'<switch><g systemLanguage="de">{LINE}</g><foreignObject requiredExtensions="x"/>'
         f'<a>{LINE}</a>{LINE}</switch>', [[10, 20, 30, 40]]),
        (f'<clipPath>{LINE}</clipPath><mask>{LINE}</mask><pattern>{LINE}</pattern><marker>{LINE}</marker>{LINE}',
         [[10, 20, 30, 40]]),
        (f'<metadata>{LINE}</metadata><title>x</title><i xmlns="http://other">{LINE}</i>{LINE}', [[10, 20, 30, 40]]),
    ],
)  # fmt: skip
def test_structure(body: str, line: list) -> None:
    """Groups, references, symbols and nested pages; and definitions, which show nothing themselves."""
    assert ends(body) == line


@pytest.mark.parametrize(
    ("shape", "vertices"),
    [
        ('<line x1="1" y1="2" x2="50%" y2="1in"/>', [[1, 2], [50, 96]]),
        ('<polyline points="1,2 3,4-5,6"/>', [[1, 2], [3, 4], [-5, 6]]),
        ('<polygon points="1 2 3 4 5,2"/>', [[1, 2], [3, 4], [5, 2], [1, 2]]),
        ('<rect x="1" y="2" width="30" height="4"/>', [[1, 2], [31, 2], [31, 6], [1, 6], [1, 2]]),
        ('<circle cx="9" cy="8" r="0"/><path d="M1 2h3"/>', [[1, 2], [4, 2]]),
        ('<rect width="0" height="4"/><ellipse rx="4"/><ellipse/><path d="M1 2h3"/>', None),
    ],
)
def test_basic_shapes(shape: str, vertices) -> None:
    """Straight ones vertex by vertex; those without size show nothing."""
    strokes = read_svg(document(shape))
    if vertices is None:
        # An ellipse whose other radius is not given is a circle.
        assert [len(stroke) > 9 for stroke in strokes] == [True, False]
    else:
        assert [stroke.tolist() for stroke in strokes] == [vertices]


@pytest.mark.parametrize(
    ("shape", "centre", "radii"),
    [
        ('<circle cx="50" cy="40" r="30"/>', (50, 40), (30, 30)),
        ('<ellipse cx="50" cy="40" rx="30" ry="10"/>', (50, 40), (30, 10)),
        ('<rect x="20" y="30" width="60" height="20" rx="30" ry="10"/>', (50, 40), (30, 10)),
        ('<rect x="20" y="30" width="60" height="20" rx="99" ry="99"/>', (50, 40), (30, 10)),
        ('<circle cx="25" cy="40" r="30" transform="translate(25 20) scale(1 .5)"/>', (50, 40), (30, 15)),
    ],
)
def test_round_shapes_are_round(shape: str, centre, radii) -> None:
    """Closed, on their ellipse, and within the tolerance of it on the page, however they were scaled."""
    (stroke,) = read_svg(document(shape), tolerance=0.01)
    assert stroke[0].tolist() == pytest.approx(stroke[-1].tolist())
    circle = (stroke - centre) / radii
    np.testing.assert_allclose(np.hypot(*circle.T), 1, atol=1e-6)
    t = np.linspace(0, 2 * np.pi, 5000)
    ellipse = np.column_stack([np.cos(t), np.sin(t)]) * radii + centre
    assert distance_to(stroke, ellipse).max() <= 0.01 + 1e-5


@pytest.mark.parametrize(
    ("body", "lines", "left_out"),
    [
        ('<path fill="red" d="M0 0H9V9z"/>', 0, {"filled shape without a stroke": 1}),
        ('<rect style="fill:#fff;stroke:none" width="100%" height="100%"/>', 0, {"filled shape without a stroke": 1}),
        ('<path fill="url(#rainbow)" d="M0 0H9V9z"/>', 0, {"filled shape without a stroke": 1}),
        ('<path fill="red" stroke="blue" d="M0 0H9V9z"/>', 1, {}),
        ('<path stroke="url(#rainbow)" d="M0 0H9"/>', 1, {}),
        ('<path d="M0 0H9"/>', 1, {}),
        ('<path fill="none" d="M0 0H9"/>', 1, {}),
        ('<path fill="none" stroke="none" d="M0 0H9"/>', 0, {"hidden element": 1}),
        ('<path stroke="#0000" fill="none" d="M0 0H9"/>', 0, {"hidden element": 1}),
        ('<path stroke="rgba(1,2,3,0.0)" fill="none" d="M0 0H9"/>', 0, {"hidden element": 1}),
        ('<path stroke="red" stroke-width="0" fill="none" d="M0 0H9"/>', 0, {"hidden element": 1}),
        ('<path stroke="red" style="stroke-opacity:0" fill="none" d="M0 0H9"/>', 0, {"hidden element": 1}),
        ('<g display="none"><path stroke="red" d="M0 0H9"/></g>', 0, {"hidden element": 1}),
        ('<g style="display: none !important"><path stroke="red" d="M0 0H9"/></g>', 0, {"hidden element": 1}),
        ('<g opacity="0%"><path stroke="red" d="M0 0H9"/></g>', 0, {"hidden element": 1}),
        ('<g visibility="hidden"><path d="M0 0H9"/><path visibility="visible" d="M1 1H9"/></g>', 1,
         {"hidden element": 1}),
        ('<g stroke="red"><path stroke="inherit" fill="blue" d="M0 0H9"/></g>', 1, {}),
        ('<style>.cls-1{fill:none;stroke:#000}.cls-2{display:none}</style><path class="cls-1" d="M0 0H9"/>'
         '<path class="cls-1 cls-2" d="M0 0H9"/>', 1, {"hidden element": 1}),
        ('<style>/* #a{} */ path{stroke:none} #a , #b{stroke:red} @font-face{src:x}</style><path id="a" fill="blue" '
         'd="M0 0H9"/><path fill="blue" d="M0 0H9"/>', 1, {"filled shape without a stroke": 1}),
        ('<style>@media all { .x{stroke:red} } @import "y"; .y{fill:none</style>'
         '<path class="x" fill="blue" d="M0 0H9"/>', 1, {}),
        ('<style>path.x{stroke:red}</style><path class="x y" fill="blue" stroke="none" d="M0 0H9"/>', 1, {}),
        ('<text x="5" y="5">words</text><image href="x.png"/><foreignObject/><path d="M0 0H9"/>', 1,
         {"text": 1, "image": 1, "embedded document (foreignObject)": 1}),
        ('<use href="other.svg#a"/><use href="http://localhost/x.svg#a"/><path d="M0 0H9"/>', 1,
         {"reference to another file": 2}),
        ('<path stroke="red" d="M900 900H999"/><path stroke="red" d="M0 0H1e9"/><path d="M0 0H150"/>', 1,
         {"line off the page": 2}),
        ('<path d="M50 50C300 50 -200 60 50 60"/><path d="M50 50C5e9 50 50 5e9 50 60"/>', 1, {"line off the page": 1}),
        ('<path d="M0 0L1 1" transform="scale(1e300)"/><path d="M0 0L1 1" transform="scale(0)"/><path d="M0 0H9"/>', 1,
         {"line off the page": 1, "hidden element": 1}),
        ('<path d="M5 5"/><path/><circle/><path d="M5 5z"/>', 1, {"shape without a line": 3}),
    ],
)  # fmt: skip
def test_what_is_a_line_and_what_is_not(body: str, lines: int, left_out: dict) -> None:
    """Nothing is left out in silence: each kind is counted, and a file without any line says what it has."""
    data = document(body, paint="")
    if lines:
        drawing = read_svg_drawing(data)
        assert len(drawing.strokes) == lines
        assert drawing.left_out == left_out
    else:
        with pytest.raises(SvgError, match=f"holds no line .*only 1 x {next(iter(left_out))}"):
            read_svg(data)


def test_a_file_of_areas_says_what_to_do() -> None:
    """Some programs write a pen of changing width as the outline of its ink."""
    with pytest.raises(SvgError, match=r"only 2 x filled shape .*export a PNG into a folder of scans"):
        read_svg(document('<path fill="#000" stroke="none" d="M0 0H9V9z"/>' * 2, paint=""))


def test_a_transform_origin_is_said_not_to_be_read() -> None:
    drawing = read_svg_drawing(
        document('<g style="transform-origin:50% 50%;transform:scale(2)"><path d="M1 1h9"/></g>')
    )
    assert drawing.strokes[0].tolist() == [[2, 2], [20, 2]]
    assert drawing.warnings == ["<g> in line 1: its transform-origin is not read, only its transform"]


def test_style_rules_that_are_not_understood_are_named() -> None:
    drawing = read_svg_drawing(document(f"<style>g > path, a:hover {{display:none}}</style>{LINE}"))
    assert len(drawing.strokes) == 1
    assert drawing.warnings == ["has style rules that are not understood: a:hover, g > path"]


def test_errors_in_a_path_are_named_with_their_element_and_line() -> None:
    """The line is drawn up to there; whoever drew it wants to know where it broke."""
    drawing = read_svg_drawing(
        document('\n\n<path id="nose" d="M0 0L9 9L7 x"/><polyline points="1 1 2 2 3"/>')
    )
    assert [stroke.tolist() for stroke in drawing.strokes] == [[[0, 0], [9, 9]], [[1, 1], [2, 2]]]
    assert drawing.warnings[0].startswith(
        '<path id="nose"> in line 3 is drawn up to its error: a number is missing'
    )
    assert drawing.warnings[1].startswith("<polyline> in line 3 is drawn up to its error")


LAUGHS = '<!DOCTYPE svg [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>'
BAD = {
    "nothing": (b"", "is empty"),
    "white space": (b" \n ", "is empty"),
    "text": (b"not XML at all", "damaged, or not XML"),
    "another document": (b"<html><body/></html>", "outermost element is <html>"),
    "another namespace": (b'<svg xmlns="http://other"/>', "outermost element is <svg>"),
    "no paths": (document(""), "holds no line"),
    "cut off": (document(LINE)[:-20], "damaged, or not XML"),
    "a billion laughs": (LAUGHS.encode() + document("<text>&b;</text>" + LINE), "declares the entity 'a'"),
    "an external entity": (
        b'<!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + document("<text>&x;</text>"),
        "declares the entity 'x'",
    ),
    "an unknown encoding": (
        b"<?xml version='1.0' encoding='klingon'?>" + document(LINE),
        "damaged, or not XML",
    ),
    "NaN": (document('<path d="M NaN 1L2 2"/>'), "holds no line.*a number is missing at character 2"),
    "infinity": (document('<path d="M1e999 1L2 2"/>'), "holds no line.*a number is missing"),
    "a viewBox without area": (
        document(LINE, 'viewBox="0 0 0 10"'),
        "viewBox of <svg> in line 1 is '0 0 0 10'",
    ),
    "a viewBox of words": (document(LINE, 'viewBox="0 0 ten 10"'), "needs four numbers"),
    "an endless viewBox": (document(LINE, 'viewBox="0 0 1e999 10"'), "needs four numbers"),
    "a page without area": (document(LINE, 'width="0" height="10"'), "a page without area"),
    "only lines off the page": (document('<path d="M500 500h1"/>'), "holds no line on its page of 100 x 100"),
    "a cut off svgz": (gzip.compress(document(LINE))[:-20], "compressed, and (cut off|damaged)"),
    "a damaged svgz": (b"\x1f\x8b" + b"x" * 50, "compressed, and damaged"),
    "a circle of references": (
        document('<g id="a"><use href="#b"/></g><g id="b"><use href="#a"/></g>'),
        "holds no line.*in a circle",
    ),
    "a reference to itself": (document('<g id="a"><use href="#a"/></g>'), "in a circle"),
    "a reference to nothing": (document('<use href="#a"/>'), "refers to #a, which is not there"),
    "a bomb of references": (
        document(
            '<g id="a0"><path d="M0 0"/></g>'
            + "".join(f'<g id="a{n}">{f"""<use href="#a{n - 1}"/>""" * 10}</g>' for n in range(1, 9))
        ),
        "more than 5,000 elements with those that it repeats",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_files_are_refused_with_their_name_and_the_reason(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files come from strangers, and from programs in the middle of writing them."""
    monkeypatch.setattr(svg, "MAX_ELEMENTS", 5_000)
    data, message = BAD[name]
    with pytest.raises(SvgError, match=f"(?s)a.svg.*{message}|{message}") as caught:
        read_svg_drawing(data, name="a.svg")
    assert "a.svg" in str(caught.value)
    assert isinstance(caught.value, StrokeError)


def test_limits_are_held_before_the_memory_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of bytes, also packed ones, of elements, and of points that curves turn into."""
    monkeypatch.setattr(svg, "MAX_BYTES", 10_000)
    for data in (document(LINE + " " * 10_000), gzip.compress(document(LINE + " " * 1_000_000))):
        with pytest.raises(SvgError, match="over the limit"):
            read_svg(data)
    monkeypatch.setattr(svg, "MAX_ELEMENTS", 100)
    with pytest.raises(SvgError, match="more than 100 elements"):
        read_svg(document(LINE * 100))
    monkeypatch.setattr(svg, "MAX_POINTS", 1000)
    curve = '<path id="long" d="M0 0C100 0 0 100 100 100"/>'
    with pytest.raises(SvgError, match='more than 1,000 points at <path id="long">'):
        read_svg(document(curve), tolerance=1e-6)
    for many in ('<path d="M0 0' + "h1" * 1002 + '"/>', '<path d="M0 0h1h1"/>' * 501):
        monkeypatch.setattr(svg, "MAX_ELEMENTS", 600)
        monkeypatch.setattr(svg, "MAX_BYTES", 100_000)
        with pytest.raises(SvgError, match="more than 1,000 points"):
            read_svg(document(many))


def test_deep_nesting_needs_no_stack() -> None:
    """Twenty thousand groups are 140 kB; a recursive reader would take the interpreter with it."""
    deep = document("<g>" * 20_000 + LINE + "</g>" * 20_000)
    assert read_svg(deep)[0].tolist() == [[10, 20], [30, 40]]


@pytest.mark.parametrize(
    "body",
    [
        '<path stroke-width="1{long}x" d="M0 0H9"/>',
        '<path d="M0 0H9{long}x"/>',
        '<path d="M0 0H9" transform="rotate({long}x"/>',
        '<polyline points="0 0 9 0{long}x"/>',
        '<path d="M0 0H9" style="stroke:rgba({long}x"/>',
        "<style>a{long}x</style><path d='M0 0H9'/>",
        "<style>{stars}</style><path d='M0 0H9'/>",
        '<svg viewBox="0 0 9 9{long}"><path d="M0 0H9"/></svg>',
    ],
)
def test_long_nonsense_takes_no_longer_than_it_is_long(body: str) -> None:
    """A pattern that tries every way to split a million blanks would be at it for days: the test would time out."""
    nonsense = body.format(long=" " * 1_000_000, stars="/*" * 500_000)
    assert len(read_svg(document(nonsense))) == 1


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_files_as_programs_write_them(encoding: str, pack, tmp_path: Path) -> None:
    """Any encoding that XML declares, a doctype, packed or not, with or without the namespace."""
    body = (
        '<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/x.dtd"><svg width="9" height="9">'
    )
    text = (
        f'<?xml version="1.0" encoding="{encoding}"?>{body}<path id="Über" stroke="red" d="M1 2L3 4"/></svg>'
    )
    file = tmp_path / "ü.svg"
    file.write_bytes(pack(text.encode(encoding)))
    assert read_svg(file)[0].tolist() == [[1, 2], [3, 4]]
    assert read_svg(str(file))[0].tolist() == [[1, 2], [3, 4]]


def test_a_tolerance_must_be_one() -> None:
    with pytest.raises(SvgError, match="tolerance"):
        read_svg(document(LINE), tolerance=0)


@given(st.data())
def test_damaged_files_never_raise_anything_else(data: st.DataObject) -> None:
    """Bytes changed, cut out and doubled: a drawing, or an SvgError."""
    good = document(
        '<style>.a{stroke:red}</style><g transform="rotate(5 5 5)"><path class="a" d="M1 1A5 5 0 1 0 9 9S1 2 3 4"/>'
        '<rect rx="2" width="9" height="5mm"/></g><use href="#x"/><polyline id="x" points="1 1 2 2 3 3"/>',
        'width="90" height="90" viewBox="0 0 9 9"',
    )
    broken = bytearray(good)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(90, len(good)))
        broken[at : at + data.draw(st.integers(0, 3))] = data.draw(
            st.sampled_from([b"", b"9", b"-", b"e", b".", b'"', b"<", b"9e99", b"\0", b"%", b"(", b"Z", b"A"])
        )
    try:
        drawing = read_svg_drawing(bytes(broken))
    except SvgError:
        return
    assert len(drawing.strokes) == len(drawing.widths) > 0
    assert all(np.isfinite(stroke).all() for stroke in drawing.strokes)


@given(st.integers(0, 10_000), st.integers(1, 8), st.integers(1, 200))
def test_a_plotters_svg_comes_back_as_it_was(seed: int, strokes: int, points: int) -> None:
    """Out and in again: the same strokes in the same order, to the hundredth of a millimetre that is written."""
    rng = np.random.default_rng(seed)
    drawn = [np.cumsum(rng.normal(0, 5, (points, 2)), axis=0) for _ in range(strokes)]
    back = read_svg_drawing(plotter_svg(drawn, width_mm=210, margin_mm=15).encode())
    assert back.mm_per_px == pytest.approx(25.4 / 96)
    assert back.width * back.mm_per_px == pytest.approx(210)
    assert back.widths * back.mm_per_px == pytest.approx(0.3)
    assert len(back.strokes) == len(drawn)
    in_mm = [stroke * back.mm_per_px for stroke in back.strokes]
    both = np.concatenate(drawn)
    across, down = np.ptp(both, axis=0)
    if max(across, down) < 1e-9:
        return
    low = np.concatenate(in_mm).min(axis=0)
    scale = max(np.ptp(np.concatenate(in_mm), axis=0)) / max(across, down)
    for before, after in zip(drawn, in_mm, strict=True):
        placed = (before - both.min(axis=0)) * scale + low
        if len(placed) > 1 and len(after) > 1:
            assert distance_to(after, placed).max() < 0.03


def test_wandering_lines_survive_the_way_out_and_in() -> None:
    """Many long strokes, with all of their vertices: rounding must not add up along a line."""
    drawn = wandering(5, 1000)
    back = read_svg_drawing(plotter_svg(drawn).encode())
    for before, after in zip(drawn, back.strokes, strict=True):
        assert len(after) > 0.9 * len(before)
