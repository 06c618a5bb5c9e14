"""Every encoding that a scanner may write comes out upright, 8-bit and on white, or with a reason."""

import io
import struct
import time
import zlib
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from singleline_pipeline.scans import PageError, decode_image

Encode = Callable[..., bytes]

# EXIF orientation -> what has to be done to an upright image so that the viewer's turn makes it upright
# again.
TURNED = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def difference(image: np.ndarray, rgb: np.ndarray) -> float:
    """Mean absolute difference of a decoded image and the RGB image that it should show."""
    assert image.dtype == np.uint8
    assert image.shape == rgb.shape
    return float(np.abs(image[..., ::-1].astype(int) - rgb).mean())


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("orientation", TURNED)
def test_exif_rotation_is_undone(picture: np.ndarray, encoded: Encode, kind: str, orientation: int) -> None:
    stored = Image.fromarray(picture)
    if TURNED[orientation] is not None:
        stored = stored.transpose(TURNED[orientation])
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"quality": 95} if kind in ("JPEG", "WEBP") else {}
    assert difference(decode_image(encoded(stored, kind, exif=exif, **options)), picture) < 6


def test_a_rotated_transparent_page_is_turned_too(picture: np.ndarray, encoded: Encode) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    stored = Image.fromarray(picture).transpose(Image.Transpose.ROTATE_90).convert("RGBA")
    assert difference(decode_image(encoded(stored, "PNG", exif=exif)), picture) == 0


@pytest.mark.parametrize(
    ("kind", "mode"),
    [(kind, mode) for kind in ("PNG", "TIFF", "BMP") for mode in ("RGB", "P", "L", "1")]
    + [("JPEG", "RGB"), ("JPEG", "L"), ("JPEG", "CMYK"), ("TIFF", "CMYK")],
)
def test_colour_modes(picture: np.ndarray, encoded: Encode, kind: str, mode: str) -> None:
    stored = Image.fromarray(picture).convert(mode)
    options = {"quality": 95} if kind == "JPEG" else {}
    assert difference(decode_image(encoded(stored, kind, **options)), np.asarray(stored.convert("RGB"))) < 6


def test_an_adobe_cmyk_page_is_not_inverted(encoded: Encode) -> None:
    """White paper must not come out black: Adobe stores CMYK the other way round."""
    assert decode_image(encoded(Image.new("CMYK", (8, 8), (0, 0, 0, 0)))).mean() > 250


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_16_bit_grey_is_scaled_and_not_cut_off(encoded: Encode, kind: str) -> None:
    ramp = np.tile(np.linspace(0, 65535, 64), (8, 1)).astype(np.uint16)
    image = decode_image(encoded(ramp, kind))
    assert np.array_equal(image[..., 0], np.round(ramp / 257).astype(np.uint8))
    assert np.array_equal(image[..., 0], image[..., 2])


def test_16_bit_colour(picture: np.ndarray) -> None:
    """Pillow cannot write it, so the PNG is put together here."""
    rows = b"".join(b"\0" + row.tobytes() for row in (picture.astype(">u2") * 257))

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", 64, 48, 16, 2, 0, 0, 0)
    png = (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )
    assert difference(decode_image(png), picture) == 0


@pytest.mark.parametrize(
    ("mode", "kind"),
    [
        ("RGBA", "PNG"),
        ("RGBA", "TIFF"),
        ("RGBA", "WEBP"),
        ("LA", "PNG"),
        ("LA", "TIFF"),
        ("P", "PNG"),
        ("L", "PNG"),
    ],
)
def test_transparency_is_white_paper(encoded: Encode, mode: str, kind: str) -> None:
    """A line on a transparent ground used to come out black on black."""
    options: dict[str, object] = {"lossless": True} if kind == "WEBP" else {}
    if mode in ("P", "L"):
        pixels = np.zeros((8, 8), np.uint8)
        pixels[4:] = 9
        stored = Image.fromarray(pixels)
        if mode == "P":
            stored.putpalette([0, 0, 0] * 256)
        options["transparency"] = 0
    else:
        stored = Image.new(mode, (8, 8))
        stored.paste((9, 9, 9, 255) if mode == "RGBA" else (9, 255), (0, 4, 8, 8))
    image = decode_image(encoded(stored, kind, **options))
    assert (image[:4] == 255).all()
    assert (image[4:] <= 9).all()


def test_half_transparent_ink_is_blended(encoded: Encode) -> None:
    image = decode_image(encoded(Image.new("RGBA", (4, 4), (0, 0, 0, 128)), "PNG"))
    assert (abs(image.astype(int) - 127) <= 1).all()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", r"p\.jpg is empty \(0 bytes\)"),
        (b"this is a shopping list: eggs, milk", r"p\.jpg is text, not an image"),
        (bytes(5000), r"p\.jpg holds nothing but zeros"),
        (b"%PDF-1.7\n\0", "is a PDF"),
        (b"\0\0\0\x20ftypheic\0\0\0\0", "is a HEIC"),
        (b"\x01\x02\0\x03" * 10, "is not an image"),
        (b"\x89PNG\r\n\x1a\n", r"p\.jpg"),
    ],
)
def test_what_is_no_image_is_named(data: bytes, reason: str) -> None:
    with pytest.raises(PageError, match=reason):
        decode_image(data, name="p.jpg")


def test_braces_in_a_name_do_not_break_the_message(encoded: Encode, picture: np.ndarray) -> None:
    data = encoded(picture)
    with pytest.raises(PageError, match=r"\{1\}\.jpg is damaged"):
        decode_image(data[:-2], name="{1}.jpg")
    with pytest.raises(PageError, match=r"\{1\}\.jpg has 64 x 48 pixels"):
        decode_image(data, name="{1}.jpg", max_pixels=10)


def test_padded_jpeg_markers_and_trailing_bytes_are_no_damage(encoded: Encode, picture: np.ndarray) -> None:
    """Some scanners pad markers with 0xFF and append their own data behind the end of the image."""
    data = encoded(picture)
    assert decode_image(data[:2] + b"\xff\xff" + data[2:] + bytes(1000)).shape == (48, 64, 3)


def test_another_picture_format_is_named(picture: np.ndarray, encoded: Encode) -> None:
    with pytest.raises(PageError, match=r"is a GIF file\. Save it as"):
        decode_image(encoded(picture, "GIF"))


@pytest.mark.parametrize("mode", ["F", "I", "LAB"])
def test_pixels_without_a_known_white_are_refused(encoded: Encode, mode: str) -> None:
    stored = Image.new("LAB", (8, 8)) if mode == "LAB" else Image.new("L", (8, 8)).convert(mode)
    with pytest.raises(PageError, match="8-bit or 16-bit"):
        decode_image(encoded(stored, "TIFF"))


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("kept", [0.1, 0.5, 0.97, -2])
def test_a_truncated_jpeg_is_refused(encoded: Encode, progressive: bool, kept: float) -> None:
    """cv2 fills the missing half with grey and says nothing; traced, that is a page with half of its line."""
    noise = np.random.default_rng(0).integers(0, 255, (120, 90, 3), dtype=np.uint8)
    data = encoded(noise, progressive=progressive)
    assert decode_image(data).shape == (120, 90, 3)
    cut = data[: int(len(data) * kept)] if kept > 0 else data[: int(kept)]
    with pytest.raises(PageError, match=r"damaged|not complete"):
        decode_image(cut)
    if 0 < kept < 0.9:
        with pytest.raises(PageError, match=r"damaged|not complete"):
            decode_image(cut.ljust(len(data), b"\0"))  # some copiers reserve the whole size first


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP", "BMP"])
def test_truncated_files_of_other_kinds_are_refused(encoded: Encode, kind: str) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (120, 90, 3), dtype=np.uint8)
    data = encoded(noise, kind)
    with pytest.raises(PageError):
        decode_image(data[: len(data) // 2])


def huge_png(width: int, height: int) -> bytes:
    """A valid PNG of one black bit a pixel: 200 megapixels in 25 kB."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    squeeze = zlib.compressobj(1)
    row = bytes(1 + (width + 7) // 8)
    body = b"".join(squeeze.compress(row) for _ in range(height)) + squeeze.flush()
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("width", "height", "reason"),
    [
        (20_000, 10_000, "over the limit of 120 megapixels"),
        (13_000, 10_000, "13000 x 10000 pixels, over the limit of 120"),
    ],
)
def test_huge_pages_are_refused_from_their_header(width: int, height: int, reason: str) -> None:
    """Decoded they would cost 19 s and 1.2 GB."""
    data = huge_png(width, height)
    assert len(data) < 500_000
    started = time.process_time()
    with pytest.raises(PageError, match=reason):
        decode_image(data, name="big.png")
    assert time.process_time() - started < 0.5


def test_a_large_page_under_the_limit_is_read_without_a_warning(recwarn: pytest.WarningsRecorder) -> None:
    """Pillow warns from 89 megapixels on."""
    assert decode_image(huge_png(10_000, 9_100)).shape == (9_100, 10_000, 3)
    assert not recwarn.list


def test_damaged_bytes_give_an_image_or_a_page_error(picture: np.ndarray, encoded: Encode) -> None:
    """Whatever a bad disk makes of a file, one page fails and not the sketchbook."""
    rng = np.random.default_rng(7)
    transparent = Image.fromarray(picture).convert("RGBA")
    files = [encoded(picture, kind) for kind in ("JPEG", "PNG", "TIFF", "WEBP", "BMP")]
    files += [encoded(transparent, kind) for kind in ("PNG", "TIFF", "WEBP")]
    files.append(encoded(picture, "TIFF", compression="tiff_lzw"))
    refused = 0
    for data in files:
        for _ in range(60):
            damaged = np.frombuffer(data, np.uint8).copy()
            where = rng.integers(0, min(len(damaged), 400), size=4)
            damaged[where] = rng.integers(0, 256, size=4)
            try:
                image = decode_image(damaged.tobytes(), max_pixels=4_000_000)
            except PageError:
                refused += 1
            else:
                assert image.ndim == 3
    assert 50 < refused < 60 * len(files)


def test_the_picture_is_not_lost_by_the_test_itself(picture: np.ndarray, encoded: Encode) -> None:
    """Guards `difference`: a flipped image is far off."""
    flipped = Image.open(io.BytesIO(encoded(picture, "PNG"))).transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    assert difference(decode_image(encoded(flipped, "PNG")), picture) > 40
