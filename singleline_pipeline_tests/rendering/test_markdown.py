from __future__ import annotations

import base64

import numpy as np
import pytest

from singleline_pipeline.rendering import (
    PREVIEW_BYTES,
    RenderError,
    animated_svg,
    contact_sheet,
    data_uri,
    encode_preview,
    markdown_image,
)


def test_a_preview_of_the_largest_size_stays_under_100_kb_in_the_instance() -> None:
    """The Dagster instance stores the text of the data URI, a third longer than the picture."""
    assert 98_000 < len(markdown_image(b"\xff\xd8\xff" + bytes(PREVIEW_BYTES - 3), "page")) < 100_000


def test_pictures_arrive_whole_under_their_own_type(face: list[np.ndarray]) -> None:
    image = np.zeros((40, 40), np.uint8)
    for picture, mime in (
        (encode_preview(image), "image/jpeg"),
        (encode_preview(image, format="png"), "image/png"),
        (contact_sheet([image]), "image/png"),
        (animated_svg(face), "image/svg+xml"),
    ):
        text = markdown_image(picture, "a drawing")
        start = f"![a drawing](data:{mime};base64,"
        assert text.startswith(start)
        data = picture if isinstance(picture, bytes) else picture.encode()
        assert base64.b64decode(text[len(start) : -1], validate=True) == data


def test_the_description_cannot_break_out_of_the_image() -> None:
    text = markdown_image("<svg/>", "a ](x) [b]\n<c> `d`")
    assert text.startswith(r"![a \](x) \[b\] \<c\> \`d\`](data:image/svg+xml;base64,")


def test_what_is_no_picture_is_refused() -> None:
    with pytest.raises(RenderError, match="no JPEG, PNG or SVG"):
        markdown_image(b"GARBAGE")


def test_data_uris_are_plain_base64() -> None:
    assert data_uri(b"abc", "text/plain") == "data:text/plain;base64,YWJj"
