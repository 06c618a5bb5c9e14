"""Pictures inside text: data URIs, and images in the Markdown that the Dagster UI shows."""

from __future__ import annotations

import base64
import re

from .canvas import RenderError

# As base64 in a data URI this is just under 100 kB, what a preview in the Dagster instance may weigh.
PREVIEW_BYTES = 74_000

_SIGNATURES = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"<svg", "image/svg+xml"),
    (b"<?xml", "image/svg+xml"),
)


def data_uri(data: bytes, mime: str) -> str:
    """The bytes as a base64 data URI of this media type."""
    return f"data:{mime};base64,{base64.b64encode(data).decode('ascii')}"


def markdown_image(picture: bytes | str, alt: str = "") -> str:
    """A Markdown image with the picture in it: a JPEG or PNG as bytes, an SVG as text or bytes."""
    data = picture.encode() if isinstance(picture, str) else picture
    mime = next((mime for start, mime in _SIGNATURES if data.startswith(start)), None)
    if mime is None:
        raise RenderError(f"The picture is no JPEG, PNG or SVG: it begins with {data[:12]!r}.")
    text = re.sub(r"([\\\[\]!`*_<>])", r"\\\1", " ".join(alt.split()))
    return f"![{text}]({data_uri(data, mime)})"
