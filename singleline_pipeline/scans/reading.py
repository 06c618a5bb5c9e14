"""A sketchbook's files to pages: every file comes out as a page or as a rejected one with its reason."""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from singleline_pipeline.scans.decoding import MAX_PIXELS, decode_image
from singleline_pipeline.scans.errors import PageError
from singleline_pipeline.scans.finding import (
    NEVER_READ,
    PAGE_FOLDERS,
    PageFile,
    is_ordinary_file,
    list_pages,
    reads_private,
)
from singleline_pipeline.scans.vector import VectorPage, has_vector_name, is_vector, read_vector_page

MAX_FILE_BYTES = 256 * 1024 * 1024
THUMBNAIL_SIDE = 256

# Formats that scanners and phones write and that are not read: left lying there, they deserve a word.
_SCANS_NOT_READ = (".heic", ".heif", ".avif", ".gif", ".jp2", ".pdf", ".psd", ".dng")


@dataclass(frozen=True)
class Page:
    """A page that can be read. `width` and `height` in pixels, upright; `data` is the file, untouched;
    `thumbnail` a JPEG whose longer side is at most 256 px."""

    page_id: str
    sketchbook: str
    folder: str
    path: str
    sha256: str
    width: int
    height: int
    data: bytes = field(repr=False)
    thumbnail: bytes = field(repr=False)


@dataclass(frozen=True)
class RejectedPage:
    """A file that is no page, and why. `sha256` is None where the file could not be read at all."""

    sketchbook: str
    path: str
    sha256: str | None
    reason: str


@dataclass(frozen=True)
class SketchbookPages:
    """`len(pages) + len(rejected)` is the number of files that `list_pages` gives."""

    pages: list[Page]
    rejected: list[RejectedPage]
    warnings: list[str]


def read_sketchbook(
    sketchbook: Path, *, max_pixels: int = MAX_PIXELS, private: Collection[str] = ()
) -> SketchbookPages:
    """Read and verify every page of a sketchbook, in the order of its paths.

    Of files with the same bytes the first is kept. Those whose SHA-256 is in `private` are rejected, whatever they are
    called, and nothing of what is in them is looked at. Raises PageError only where the folder itself cannot be
    listed.
    """
    sketchbook = Path(sketchbook)
    files = list_pages(sketchbook)
    pages: list[Page] = []
    rejected: list[RejectedPage] = []
    first_with: dict[str, str] = {}
    not_taken: list[tuple[str, VectorPage]] = []
    for file in files:
        sha256 = None
        try:
            data = _read_bytes(file, root=sketchbook.parent)
            sha256 = hashlib.sha256(data).hexdigest()
            if sha256 in private:
                raise PageError(reason_if_private(file.path))
            if sha256 in first_with:
                raise PageError(f"{file.path} is an exact copy of {first_with[sha256]}, which is kept.")
            if is_vector(data) or has_vector_name(file.path):
                vector = read_vector_page(data, name=file.path)
                image = vector.picture()
                not_taken.append((file.path, vector))
            else:
                image = decode_image(data, name=file.path, max_pixels=max_pixels)
        except PageError as error:
            rejected.append(RejectedPage(file.sketchbook, file.path, sha256, str(error)))
            continue
        first_with[sha256] = file.path
        height, width = image.shape[:2]
        pages.append(
            Page(
                file.page_id,
                file.sketchbook,
                file.folder,
                file.path,
                sha256,
                width,
                height,
                data,
                _thumbnail(image),
            )
        )
    return SketchbookPages(pages, rejected, _warnings(sketchbook, files) + _not_taken(not_taken))


def reason_if_private(path: str) -> str:
    """Why a private file is no page."""
    return f"{path} is private: it is not read. `singleline private --undo` takes that back."


def _read_bytes(file: PageFile, root: Path) -> bytes:
    if file.file.is_symlink() and reads_private(file.file, root):
        raise PageError(
            f"{file.path} is a link into a folder named {' or '.join(NEVER_READ)}, which are never read."
        )
    try:
        state = file.file.stat()
        if not is_ordinary_file(state.st_mode):
            raise PageError(f"{file.path} is a folder or a device, not a file.")
        if state.st_size > MAX_FILE_BYTES:
            raise PageError(
                f"{file.path} has {state.st_size / 2**20:.0f} MB, over the limit of "
                f"{MAX_FILE_BYTES / 2**20:.0f} MB. Save it as JPEG, or at a lower resolution."
            )
        return file.file.read_bytes()
    except FileNotFoundError:
        why = (
            "is a link to a file that is not there"
            if file.file.is_symlink()
            else "was removed while it was read"
        )
        raise PageError(f"{file.path} {why}.") from None
    except PermissionError:
        raise PageError(f"{file.path} may not be read. Change its permissions.") from None
    except OSError as error:
        raise PageError(f"{file.path} could not be read: {error.strerror}.") from error


def _thumbnail(image: np.ndarray) -> bytes:
    """JPEG of an image, uint8 (h, w, 3)."""
    height, width = image.shape[:2]
    scale = min(1.0, THUMBNAIL_SIDE / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    _, encoded = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, 80])
    return encoded.tobytes()


def _warnings(sketchbook: Path, files: list[PageFile]) -> list[str]:
    warnings = [
        f"{file.path} has the same name as an earlier page of {file.sketchbook}: its id is {file.page_id}."
        for file in files
        if file.duplicate_stem
    ]
    if not files:
        warnings.append(f"Sketchbook {sketchbook.name} holds no page images.")
    for folder in (
        sketchbook,
        *(item for item in _subfolders(sketchbook) if item.name.casefold() in PAGE_FOLDERS),
    ):
        if folder.is_symlink() and reads_private(folder, sketchbook.parent):
            if folder != sketchbook:
                warnings.append(f"Folder {folder} is a link into a folder that is never read.")
            continue
        kinds = sorted({item.suffix.lower() for item in folder.iterdir()} & set(_SCANS_NOT_READ))
        if kinds:
            warnings.append(
                f"Folder {folder} holds files that are not read ({', '.join(kinds)}): save them as JPEG."
            )
    listed = {file.file.name for file in files}
    for item in _subfolders(sketchbook):
        name = item.name.casefold()
        if name not in (*PAGE_FOLDERS, *NEVER_READ) and not name.startswith(".") and item.name not in listed:
            warnings.append(
                f"Folder {item} is not read: pages are looked for in {', '.join(PAGE_FOLDERS)} only."
            )
    return warnings


def _not_taken(pages: list[tuple[str, VectorPage]]) -> list[str]:
    """What was not taken of pages from a tablet: a line for each kind of thing, and one for each page with errors."""
    pages_with: dict[str, list[str]] = {}
    for path, page in pages:
        for kind in page.left_out:
            pages_with.setdefault(kind, []).append(path)
    warnings = []
    for kind, paths in sorted(pages_with.items()):
        more = f" and {len(paths) - 3} more" if len(paths) > 3 else ""
        warnings.append(f"Only lines are taken: not the {kind} in {', '.join(paths[:3])}{more}.")
    return warnings + [f"{path}: {'; '.join(page.warnings)}." for path, page in pages if page.warnings]


def _subfolders(sketchbook: Path) -> list[Path]:
    return sorted(item for item in sketchbook.iterdir() if item.is_dir())
