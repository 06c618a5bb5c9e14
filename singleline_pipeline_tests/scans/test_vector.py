"""Pages from a tablet: their strokes and their picture say the same, and they lie in sketchbooks as scans do."""

import gzip

import numpy as np
import pytest

from singleline_pipeline.scans import (
    PageError,
    decode_image,
    is_vector,
    list_pages,
    read_sketchbook,
    read_vector_page,
)


def svg(body: str, attributes: str = 'width="80mm" height="60mm" viewBox="0 0 80 60"') -> bytes:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {attributes} fill="none" stroke="#123">{body}</svg>'
    ).encode()


LINES = svg('<path stroke-width="2" d="M10 10L70 10L70 50"/><path stroke-width=".5" d="M10 50h10"/>')


def test_strokes_lie_in_the_middle_of_their_ink() -> None:
    """In the pixel coordinates of traced pages, so that everything after tracing means the same by them."""
    page = read_vector_page(LINES)
    assert (page.width, page.height) == (1600, 1200)
    np.testing.assert_allclose(page.strokes[0], [[199.5, 199.5], [1399.5, 199.5], [1399.5, 999.5]])
    assert page.widths.tolist() == pytest.approx([40, 10])
    assert page.pen_width == pytest.approx(40)
    dark = page.picture()[:, :, 0] < 128
    assert dark.shape == (1200, 1600)
    across = np.flatnonzero(dark[:, 700])
    assert across.mean() == pytest.approx(199.5, abs=0.6)
    assert len(across) == pytest.approx(40, abs=2)
    down = np.flatnonzero(dark[600])
    assert down.mean() == pytest.approx(1399.5, abs=0.6)
    assert dark[999, 200:400].all()


def test_the_picture_is_what_decoding_gives() -> None:
    """Whatever looks at pages goes through one function, and needs not know where they come from."""
    np.testing.assert_array_equal(decode_image(LINES), read_vector_page(LINES).picture())
    np.testing.assert_array_equal(decode_image(gzip.compress(LINES)), decode_image(LINES))


def test_hairlines_are_seen_and_blots_stay_on_the_page() -> None:
    """A pen of a hundredth of a pixel would leave a blank page to the encoder; one wider than OpenCV draws, no page."""
    thin = read_vector_page(svg('<path stroke-width="0.0005" d="M10 10H70"/>'))
    assert thin.pen_width == pytest.approx(0.01)
    assert (thin.picture().min(axis=0) < 100).any(axis=-1).sum() > 1100
    wide = read_vector_page(svg('<path stroke-width="1e7" d="M10 10H70"/>')).picture()
    assert wide.min() == 0


def test_dots_have_a_width_too() -> None:
    page = read_vector_page(svg('<path d="M10 10z"/>'))
    assert page.pen_width == pytest.approx(20)
    assert page.picture()[199:201, 199:201].max() == 0


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (LINES, True),
        (b"\xef\xbb\xbf  " + LINES, True),
        (LINES.decode().encode("utf-16"), True),
        (gzip.compress(LINES), True),
        (b"<!-- " + b"a word or two " * 9000 + b"-->" + LINES, True),
        (b"<html></html>", False),
        (b"\xff\xd8\xff\xe0 JPEG", False),
        (b"svg", False),
        (b"", False),
    ],
)
def test_vector_files_are_known_by_what_is_in_them(data: bytes, expected: bool) -> None:
    assert is_vector(data) is expected


def test_an_svg_in_a_sketchbook_is_a_page_like_any_other(put, picture, encoded, tmp_path) -> None:
    """Beside scans, in the order of paths, with copies and broken files rejected as for scans."""
    put("sb1/art/001.jpg", encoded(picture))
    put("sb1/art/002.svg", LINES)
    put("sb1/art/003.SVGZ", gzip.compress(LINES, mtime=0))
    put("sb1/art/004.svg", LINES)
    put("sb1/art/005.svg", b"")
    put("sb1/art/006.svg", LINES[:-9])
    put("sb1/art/007.svg", b"words")
    put("sb1/art/008.svg", svg('<rect fill="red" stroke="none" width="9" height="9"/>'))
    book = read_sketchbook(tmp_path / "sb1")
    assert [page.page_id for page in book.pages] == ["sb1p001", "sb1p002", "sb1p003"]
    vector = book.pages[1]
    assert (vector.width, vector.height, vector.folder, vector.data) == (1600, 1200, "art", LINES)
    assert decode_image(vector.thumbnail).shape == (192, 256, 3)
    assert [row.path for row in book.rejected] == [f"sb1/art/00{n}.svg" for n in (4, 5, 6, 7, 8)]
    for row, reason in zip(
        book.rejected,
        ("exact copy of sb1/art/002.svg", "is empty", "damaged, or not XML", "not XML", "holds no line"),
        strict=True,
    ):
        assert reason in row.reason
        assert row.path in row.reason
    assert len(list_pages(tmp_path / "sb1")) == len(book.pages) + len(book.rejected)


def test_what_was_not_taken_is_said_once_for_all_pages(put, tmp_path) -> None:
    """A corpus of ten thousand drawings with numbers on them shall give one line, not ten thousand."""
    for number in range(5):
        put(f"sb1/{number}.svg", svg(f'<text>{number}</text><path d="M{number} 1H9"/>'))
    put("sb1/5.svg", svg('<path id="ear" d="M1 1H9 h"/><image href="x"/>'))
    assert read_sketchbook(tmp_path / "sb1").warnings == [
        "Only lines are taken: not the image in sb1/5.svg.",
        "Only lines are taken: not the text in sb1/0.svg, sb1/1.svg, sb1/2.svg and 2 more.",
        'sb1/5.svg: <path id="ear"> in line 1 is drawn up to its error: a number is missing at character 8, before '
        "the end.",
    ]


def test_a_vector_page_that_cannot_be_read_is_a_page_error() -> None:
    with pytest.raises(PageError, match=r"p\.svg .*damaged"):
        read_vector_page(b"<svg", name="p.svg")
    with pytest.raises(PageError, match=r"p\.svg is empty"):
        decode_image(b"", name="p.svg")
