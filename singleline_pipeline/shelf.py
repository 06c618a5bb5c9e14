"""All sketchbooks of a home: those that were scanned, and those that `singleline import` made."""

from singleline_pipeline.home import Home
from singleline_pipeline.scans import Sketchbook, find_sketchbooks, problems_of


def imported_sketchbooks(home: Home) -> list[Sketchbook]:
    """The imported sketchbooks, by name. Raises PageError where their folder cannot be listed."""
    return find_sketchbooks(home.imported) if home.imported.exists() else []


def all_sketchbooks(home: Home) -> list[Sketchbook]:
    """Every sketchbook, by name. Where a scanned and an imported one have the same, the imported one counts.

    Raises PageError where a folder cannot be listed: an unmounted disk must not look like an empty shelf.
    """
    books = {book.name: book for book in find_sketchbooks(home.sketchbooks)}
    books |= {book.name: book for book in imported_sketchbooks(home)}
    return [books[name] for name in sorted(books)]


def shelf_counts(home: Home) -> dict[str, str]:
    """How many sketchbooks there are of each kind, for `singleline doctor`."""
    scanned = find_sketchbooks(home.sketchbooks) if home.sketchbooks.is_dir() else []
    imported = imported_sketchbooks(home)
    return {"sketchbooks": f"{len(scanned)} scanned, {len(imported)} imported"}


def shelf_problems(home: Home) -> list[str]:
    """What is wrong with the folders of sketchbooks, a sentence each."""
    imported = {book.name for book in imported_sketchbooks(home)}
    problems = problems_of(home.sketchbooks, may_be_empty=bool(imported))
    if home.imported.exists():
        problems += problems_of(home.imported, may_be_empty=True)
    return problems + [
        f"Folder {home.sketchbooks / name} is not read: there are imported drawings of that name. Rename it."
        for name in sorted(imported)
        if (home.sketchbooks / name).exists()
    ]
