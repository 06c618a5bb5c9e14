"""Bytes of an image file to pixels, or a reason why not.

Pillow verifies and cv2 decodes. Each alone falls into a trap: cv2 takes a truncated JPEG without a word and
drops transparency onto black; Pillow turns 16-bit pages white and leaves EXIF rotation to its caller.
"""

import io
import struct
import warnings
import zlib

import cv2
import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from singleline_pipeline.scans.errors import PageError
from singleline_pipeline.scans.vector import has_vector_name, is_vector, read_vector_page

MAX_PIXELS = 120_000_000
"""10 times an A4 page at 300 dpi; 200 megapixels cost cv2 19 s and 1.2 GB."""

_FORMATS = ("JPEG", "MPO", "PNG", "TIFF", "WEBP", "BMP")
_ALPHA_MODES = ("RGBA", "RGBa", "LA", "La", "PA")
# cv2 hands these over as if they were colours, and what is white in them is not known.
_ODD_MODES = {"F": "floating-point", "I": "32-bit", "LAB": "CIELAB", "HSV": "HSV"}
# What Pillow's decoders raise on damaged files, from its own fuzzing.
_DAMAGE = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    EOFError,
    LookupError,
    OverflowError,
    AttributeError,
    struct.error,
    zlib.error,
)


def decode_image(data: bytes, *, name: str = "image", max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """Decode an image file: uint8 (h, w, 3), blue-green-red, upright, on white where it is transparent.

    Reads JPEG, PNG, TIFF (first page), WebP and BMP of 1 to 16 bits a channel, grey, palette, RGB or CMYK, and
    gives the picture of an SVG. The size is taken from the header before anything is decoded. Raises PageError,
    with `name` in it, for everything else.
    """
    if is_vector(data) or has_vector_name(name):
        return read_vector_page(data, name=name).picture()
    with warnings.catch_warnings():
        # Pillow warns about large images and about odd metadata; the size is judged here, the
        # metadata is not needed.
        warnings.simplefilter("ignore")
        picture = _open(data, name, max_pixels)
        mode = picture.mode
        transparent = mode in _ALPHA_MODES or "transparency" in picture.info
        try:
            if transparent:
                return _on_white(picture)
            # A JPEG at an eighth of its size runs through all of its data all the same, in a third
            # of the time.
            picture.draft("L", (picture.width // 8, picture.height // 8))
            picture.load()
        except _DAMAGE as error:
            raise _incomplete(name, str(error)) from error
    if picture.format in ("JPEG", "MPO") and not _reaches_its_end(data):
        raise _incomplete(name, "the JPEG has no end")
    if mode in _ODD_MODES:
        raise PageError(f"{name} holds {_ODD_MODES[mode]} pixels. Save it as 8-bit or 16-bit RGB or grey.")
    return _decode_opaque(data, name)


def _incomplete(name: str, why: str) -> PageError:
    return PageError(
        f"{name} is damaged or not complete ({why}). Copy or scan it again; if it is still being copied, "
        "it will be read when it has arrived."
    )


def _too_large(name: str, size: str, max_pixels: int) -> PageError:
    return PageError(
        f"{name} has {size} pixels, over the limit of {max_pixels / 1e6:g} megapixels. "
        "Save it at a lower resolution: 300 dpi is plenty."
    )


def _open(data: bytes, name: str, max_pixels: int) -> Image.Image:
    """The image with its header read, and nothing decoded."""
    if not data:
        raise PageError(f"{name} is empty (0 bytes). Copy or scan it again.")
    try:
        picture = Image.open(io.BytesIO(data))
    except Image.DecompressionBombError as error:
        raise _too_large(
            name, f"over {2 * (Image.MAX_IMAGE_PIXELS or 0) / 1e6:.0f} million", max_pixels
        ) from error
    except UnidentifiedImageError:
        raise PageError(f"{name} {_what_it_is(data)}. Save it as JPEG, PNG or TIFF.") from None
    except _DAMAGE as error:
        raise PageError(f"{name} has a damaged header ({error}). Copy or scan it again.") from error
    if picture.format not in _FORMATS:
        raise PageError(f"{name} is a {picture.format} file. Save it as JPEG, PNG or TIFF.")
    if picture.width * picture.height > max_pixels:
        raise _too_large(name, f"{picture.width} x {picture.height}", max_pixels)
    return picture


def _reaches_its_end(jpeg: bytes) -> bool:
    """Whether the end marker follows the compressed data, in which it cannot occur.

    Pillow misses it in small files, and where the copier has reserved the file's whole size: zeros decode
    as grey.
    """
    position = 2
    while jpeg[position : position + 1] == b"\xff" and jpeg[position + 1 : position + 2] != b"\xda":
        if jpeg[position + 1 : position + 2] == b"\xff":
            position += 1  # markers may be padded
        else:
            position += 2 + int.from_bytes(jpeg[position + 2 : position + 4], "big")
    return jpeg.find(b"\xff\xd9", position) >= 0


def _what_it_is(data: bytes) -> str:
    if data[4:8] == b"ftyp":
        return "is a HEIC, AVIF or video file"
    if data.startswith(b"%PDF"):
        return "is a PDF file"
    if not data.strip(b"\0"):
        return "holds nothing but zeros: its copy was cut off"
    if b"\0" not in data[:4096]:
        return "is text, not an image"
    return "is not an image that can be read"


def _on_white(picture: Image.Image) -> np.ndarray:
    """cv2 loses the alpha of some (grey with alpha in TIFF, transparent grey in PNG), Pillow of none."""
    rgba = ImageOps.exif_transpose(picture).convert("RGBA")
    paper = Image.new("RGBA", rgba.size, "white")
    paper.alpha_composite(rgba)
    return cv2.cvtColor(np.asarray(paper), cv2.COLOR_RGBA2BGR)


def _decode_opaque(data: bytes, name: str) -> np.ndarray:
    try:
        # IMREAD_COLOR turns by the EXIF orientation (IMREAD_UNCHANGED does not), ANYDEPTH keeps 16 bits to
        # be scaled.
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH)
    except cv2.error as error:
        raise PageError(f"{name} cannot be decoded ({error.err}). Save it as JPEG, PNG or TIFF.") from error
    if image is None:
        raise PageError(f"{name} cannot be decoded. Save it as JPEG, PNG or TIFF.")
    if image.dtype == np.uint16:
        return cv2.convertScaleAbs(image, alpha=1 / 257)
    if image.dtype != np.uint8:
        raise PageError(f"{name} holds {image.dtype} pixels. Save it as 8-bit or 16-bit RGB or grey.")
    return image
