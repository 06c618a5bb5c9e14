"""`singleline import`: drawings from a tablet into a sketchbook of their own, below the home.

The files are copied, so that the home stays whole without the tablet: the pipeline reads them from there as it
reads scans from theirs, and can read them again at any time.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from singleline_pipeline.geometry._atomic import atomic_writer
from singleline_pipeline.geometry.svg import MAX_BYTES
from singleline_pipeline.home import Home
from singleline_pipeline.lake import Lake, LakeError, check_partition_name
from singleline_pipeline.scans import PageError, read_vector_page
from singleline_pipeline.scans.finding import NEVER_READ, VECTOR_SUFFIXES


class ImportingError(ValueError):
    """Drawings cannot go into this sketchbook; the message says why, and what to do."""


@dataclass
class Imported:
    """What became of the files, by name: new ones, ones that were there already, ones that took the place of another
    of their name; and in sentences, what was there under another name, and why the others were refused."""

    added: list[str] = field(default_factory=list)
    known: list[str] = field(default_factory=list)
    copies: list[str] = field(default_factory=list)
    replaced: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


def import_drawings(
    files: Sequence[Path],
    sketchbook: str,
    home: Home,
    *,
    replace: bool = False,
    progress: Callable[[str], None] = lambda message: None,
) -> Imported:
    """Copy SVG files, and those of folders, into an imported sketchbook, which is made where there is none.

    Each file is read first: one that is no drawing is refused, and the rest goes on. A drawing that is there
    already, under whatever name, is left alone; another one of the same name is refused, or with `replace` takes
    its place. A file is copied whole or not at all. `progress` is told of every hundredth.

    Raises:
        ImportingError: A scanned sketchbook has this name, or it cannot be one.
    """
    _check_name(sketchbook, home)
    folder = home.imported / sketchbook
    there = _drawings_in(folder) if folder.is_dir() else []
    by_content = {_sha256(file.read_bytes()): file for file in there}
    # A page is called after its file without the suffix, whatever the case of its letters.
    by_page = {file.stem.casefold(): file for file in there}
    done = Imported()
    new_pages: set[str] = set()
    for number, file in enumerate(_each(files), 1):
        if number % 100 == 0:
            progress(f"{number} drawings read")
        try:
            data = _read(file)
        except ImportingError as error:
            done.refused.append(str(error))
            continue
        page, content = file.stem.casefold(), _sha256(data)
        old = by_page.get(page)
        if content in by_content:
            known = by_content[content].name
            if known == file.name:
                done.known.append(known)
            else:
                done.copies.append(f"{file.name} is a copy of {known}, which is there already.")
            continue
        if old is not None and (page in new_pages or not replace):
            done.refused.append(
                f"{file} is another drawing than {old.name}, which is there already. Rename it"
                + ("." if page in new_pages else ", or take --replace.")
            )
            continue
        # Names that differ in the case of letters are one file on some disks.
        same_file = old is not None and old.name.casefold() == file.name.casefold()
        place = old if old is not None and same_file else folder / file.name
        with atomic_writer(place) as out:
            out.write(data)
        if old is None:
            done.added.append(place.name)
        else:
            done.replaced.append(place.name)
            by_content = {key: other for key, other in by_content.items() if other != old}
            if not same_file:
                old.unlink()
        by_page[page] = by_content[content] = place
        new_pages.add(page)
    if by_page and home.sketchbooks == home.root / "sketchbooks":
        # Tablets alone fill a shelf too: what looks for scans shall find none, not miss their folder.
        home.sketchbooks.mkdir(exist_ok=True)
    return done


def _check_name(sketchbook: str, home: Home) -> None:
    if sketchbook.casefold() in NEVER_READ:
        raise ImportingError(f"Folders named {sketchbook} are never read. Import under another name.")
    try:
        check_partition_name(sketchbook)
    except LakeError as error:
        raise ImportingError(str(error)) from error
    if (home.sketchbooks / sketchbook).exists():
        raise ImportingError(
            f"{sketchbook} is a folder of scans in {home.sketchbooks}. Import under another name."
        )
    if not (home.imported / sketchbook).is_dir() and Lake(home.lake).exists("raw_pages", sketchbook):
        raise ImportingError(
            f"{sketchbook} has been the name of a sketchbook, whose tables are in {home.lake}. Import under another "
            "name."
        )


def _each(files: Iterable[Path]) -> Iterable[Path]:
    for file in files:
        if file.is_dir():
            yield from _drawings_in(file)
        else:
            yield file


def _drawings_in(folder: Path) -> list[Path]:
    return sorted(
        file
        for file in folder.iterdir()
        if file.suffix.casefold() in VECTOR_SUFFIXES and not file.name.startswith(".") and file.is_file()
    )


def _read(file: Path) -> bytes:
    """The bytes of a file that holds a drawing."""
    if (readable := str(file).encode("utf-8", "backslashreplace").decode()) != str(file):
        raise ImportingError(f"The name of {readable} is not valid text. Rename it.")
    if file.suffix.casefold() not in VECTOR_SUFFIXES or file.name.startswith("."):
        raise ImportingError(f"{file} is not named as an SVG ({' or '.join(VECTOR_SUFFIXES)}).")
    try:
        with open(file, "rb") as opened:
            data = opened.read(MAX_BYTES + 1)  # enough to be told that it is too much
        read_vector_page(data, name=str(file))
    except OSError as error:
        raise ImportingError(f"{file} cannot be read: {error.strerror}.") from error
    except PageError as error:
        raise ImportingError(str(error)) from error
    return data


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
