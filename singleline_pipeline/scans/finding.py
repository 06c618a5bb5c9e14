"""Which folders are sketchbooks, which files in them are pages, and whether a folder has changed.

Only names and `stat` are looked at here: no page is opened, and `xtra` and `priv` are not even listed.
"""

import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from singleline_pipeline.scans.errors import PageError

PAGE_FOLDERS = ("art", "notes", "cover")
NEVER_READ = ("xtra", "priv")
VECTOR_SUFFIXES = (".svg", ".svgz")
IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".webp", ".bmp", *VECTOR_SUFFIXES)


@dataclass(frozen=True)
class Sketchbook:
    """A folder of scans. `name` is its partition key, `path` the folder itself."""

    name: str
    path: Path


@dataclass(frozen=True)
class PageFile:
    """A file that calls itself an image, not opened yet.

    `path` is relative to the sketchbooks folder, with forward slashes; `folder` is art, notes or cover;
    `duplicate_stem` says that an earlier file of the sketchbook has the same stem (`005.jpg`, `005.PNG`), so
    that the page id was numbered.
    """

    page_id: str
    sketchbook: str
    folder: str
    path: str
    file: Path
    duplicate_stem: bool


@dataclass(frozen=True)
class FolderState:
    """What a sketchbook looks like from outside: equal fingerprints mean the same names, sizes and mtimes.

    `newest_mtime` is in seconds since the epoch (0.0 where there is no file).
    """

    fingerprint: str
    newest_mtime: float
    files: int


def find_sketchbooks(root: Path) -> list[Sketchbook]:
    """The sketchbooks directly below `root`, by name. Hidden folders, `xtra` and `priv` are none.

    Raises PageError where `root` cannot be listed: an unmounted disk must not look like an empty shelf.
    """
    root = Path(root)
    return [
        Sketchbook(entry.name, Path(entry.path))
        for entry in _folders_below(root)
        if _why_no_sketchbook(entry, root) is None
    ]


def problems_of(root: Path, *, may_be_empty: bool = False) -> list[str]:
    """What is wrong with a sketchbooks folder, a sentence each, for the person who put it there."""
    root = Path(root)
    try:
        entries = _folders_below(root)
    except PageError as error:
        return [str(error)]
    reasons = [_why_no_sketchbook(entry, root) for entry in entries]
    problems = [reason for reason in reasons if reason is not None]
    if len(problems) == len(entries) and not may_be_empty:
        problems.append(
            f"There is no sketchbook in {root}. A sketchbook is a folder in it, such as {root / 'sb01'}, "
            "that holds folders named art, notes or cover, or the page images themselves."
        )
    return problems


def list_pages(sketchbook: Path) -> list[PageFile]:
    """Every file of a sketchbook with an image's suffix, in the order of its path: nothing is opened,
    nothing left out.

    Images directly in the sketchbook's folder count as art. A folder or a broken link with such a name is
    listed too, so that reading can say why it is no page. Raises PageError where a folder cannot be listed.
    """
    sketchbook = Path(sketchbook)
    found = sorted(
        _image_entries(sketchbook), key=lambda item: Path(item[1].path).relative_to(sketchbook).as_posix()
    )
    pages = []
    taken: set[str] = set()
    for folder, entry in found:
        path = _printable(f"{sketchbook.name}/{Path(entry.path).relative_to(sketchbook).as_posix()}")
        stem = _printable(Path(entry.name).stem)
        unique, repeat = stem, 1
        while unique.casefold() in taken:
            repeat += 1
            unique = f"{stem}~{repeat}"
        taken.add(unique.casefold())
        page_id = f"{_printable(sketchbook.name)}p{unique}"
        pages.append(
            PageFile(
                page_id,
                _printable(sketchbook.name),
                folder,
                path,
                Path(entry.path),
                duplicate_stem=repeat > 1,
            )
        )
    return pages


def folder_fingerprint(sketchbook: Path) -> FolderState:
    """The state of exactly the files that `list_pages` gives, from names, sizes and mtimes.

    A file that is being copied changes its size, so two equal fingerprints some time apart mean that the
    folder has settled; the mtime alone does not (copies often keep the mtime of the original).
    """
    sketchbook = Path(sketchbook)
    rows = []
    for _, entry in _image_entries(sketchbook):
        try:
            state = entry.stat()
        except OSError:
            try:
                state = entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue  # gone since the folder was listed
        rows.append((os.fsencode(os.path.relpath(entry.path, sketchbook)), state.st_size, state.st_mtime_ns))
    digest = hashlib.sha256()
    for name, size, mtime in sorted(rows):
        digest.update(b"%s\0%d\0%d\n" % (name, size, mtime))
    newest = max((mtime for _, _, mtime in rows), default=0)
    return FolderState(digest.hexdigest(), newest / 1e9, len(rows))


def reads_private(path: Path, root: Path) -> bool:
    """Whether a link leads into a folder named xtra or priv, in the sketchbooks folder or beside it."""
    target, base = os.path.realpath(path), os.path.realpath(root)
    parts = os.path.relpath(target, os.path.commonpath([target, base])).split(os.sep)
    return any(part.casefold() in NEVER_READ for part in parts)


def _why_no_sketchbook(entry: "os.DirEntry[str]", root: Path) -> str | None:
    """The reason why a folder below `root` is no sketchbook, or None where it is one."""
    if not _is_text(entry.name):
        return f"The name of folder {_printable(entry.name)!r} is not valid text. Rename it."
    if "..." in entry.name or any(ord(character) < 32 for character in entry.name):
        return f"Folder {entry.name!r} has '...' or a control character in its name. Rename it."
    if entry.is_symlink() and reads_private(Path(entry.path), root):
        return f"Folder {entry.name} is a link into a folder named xtra or priv, which are never read."
    try:
        with os.scandir(entry.path) as inside:
            for item in inside:
                if item.name.startswith("."):
                    continue
                if item.name.casefold() in PAGE_FOLDERS and item.is_dir():
                    return None
                if _has_image_suffix(item.name):
                    return None
    except OSError as error:
        return f"Folder {entry.name} cannot be listed: {error.strerror}."
    return (
        f"Folder {entry.name} is not a sketchbook: it holds no folder named art, notes or cover, and no "
        f"images ({', '.join(suffix[1:] for suffix in IMAGE_SUFFIXES)})."
    )


def _folders_below(root: Path) -> list["os.DirEntry[str]"]:
    try:
        with os.scandir(root) as entries:
            folders = [
                entry
                for entry in entries
                if not entry.name.startswith(".")
                and entry.name.casefold() not in NEVER_READ
                and entry.is_dir()
            ]
    except FileNotFoundError:
        raise PageError(
            f"There is no sketchbooks folder {root}. Make it and put a folder of scans a sketchbook into it, "
            "or name another one (SINGLELINE_SKETCHBOOKS or --sketchbooks)."
        ) from None
    except OSError as error:
        raise PageError(f"The sketchbooks folder {root} cannot be listed: {error.strerror}.") from error
    return sorted(folders, key=lambda entry: entry.name)


def _image_entries(sketchbook: Path) -> Iterator[tuple[str, "os.DirEntry[str]"]]:
    """(art, notes or cover; directory entry) of every file that calls itself an image."""
    for entry in _scan(sketchbook):
        if entry.name.startswith("."):
            continue
        folder = entry.name.casefold()
        if _has_image_suffix(entry.name):
            yield "art", entry
        elif (
            folder in PAGE_FOLDERS
            and entry.is_dir()
            and not (entry.is_symlink() and reads_private(Path(entry.path), sketchbook.parent))
        ):
            for item in _scan(Path(entry.path)):
                if not item.name.startswith(".") and _has_image_suffix(item.name):
                    yield folder, item


def _scan(folder: Path) -> list["os.DirEntry[str]"]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError as error:
        raise PageError(f"Folder {folder} cannot be listed: {error.strerror}.") from error


def _has_image_suffix(name: str) -> bool:
    return name.casefold().endswith(IMAGE_SUFFIXES)


def _is_text(name: str) -> bool:
    """Whether a file name is text; names that are not hold surrogates, which no table can store."""
    return not any(0xD800 <= ord(character) <= 0xDFFF for character in name)


def _printable(name: str) -> str:
    return name.encode("utf-8", "backslashreplace").decode("utf-8")


def is_ordinary_file(mode: int) -> bool:
    """False for folders, and for pipes and devices, which would block whoever opens them."""
    return stat.S_ISREG(mode)
