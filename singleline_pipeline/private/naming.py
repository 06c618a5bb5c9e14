"""Which page a name means: the same file may be in two sketchbooks, and has another name in each."""

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass

from singleline_pipeline.corrections import Corrections
from singleline_pipeline.lake import Lake, LakeError
from singleline_pipeline.private.errors import PrivateError


@dataclass(frozen=True)
class PrivatePage:
    """A page by its file's SHA-256, and every name that its rows go by."""

    sha256: str
    page_ids: frozenset[str]
    paths: frozenset[str] = frozenset()
    """Its files, below the folder of sketchbooks."""
    sketchbooks: frozenset[str] = frozenset()
    """Those in which it was ever a page."""

    def is_drawing(self, drawing_id: str) -> bool:
        """Whether a drawing was cut from this page."""
        page, _, number = drawing_id.rpartition("d")
        return page in self.page_ids and number.isdecimal()

    def is_named_in(self, text: str) -> bool:
        """Whether a text names the page or one of its drawings, as a word of its own."""
        if self.sha256 in text:
            return True
        names = "|".join(re.escape(name) for name in sorted(self.page_ids))
        return (
            bool(names) and re.search(rf"(?<![A-Za-z0-9])({names})(d\d+)?(?![A-Za-z0-9])", text) is not None
        )


def find_page(lake: Lake, corrections: Corrections, page_id: str) -> PrivatePage:
    """The page that is called so in the lake; or that was, when it was made private.

    Raises PrivateError for a name that no page has, with those that are near to it.
    """
    rows = _rows(lake)
    keys = {row["sha256"] for row in rows if row["page_id"] == page_id}
    keys |= {key for key in corrections.private if page_id in corrections.names_of_private(key)}
    if not keys:
        raise PrivateError(_unknown(page_id, [row["page_id"] for row in rows]))
    if len(keys) > 1:
        # Another file has the name by now: it is the one that is seen.
        keys = {row["sha256"] for row in rows if row["page_id"] == page_id}
    return _page(lake, keys.pop(), rows, corrections)


def find_private_page(lake: Lake, corrections: Corrections, page_id: str) -> PrivatePage:
    """The private page that was called so. Raises PrivateError where there is none."""
    names = {key: corrections.names_of_private(key) for key in corrections.private}
    for key in sorted(names):
        if page_id in names[key]:
            return _page(lake, key, _rows(lake), corrections)
    raise PrivateError(_unknown(page_id, set().union(*names.values()), "private page"))


def other_scans(lake: Lake, page: PrivatePage) -> list[str]:
    """Pages that the last map takes for another scan of this one; none where there is no such map."""
    try:
        rows = lake.read("page_map", columns=["page_id", "same_page"]).to_pylist()
    except LakeError:
        return []
    pairs = [{row["page_id"], row["same_page"]} for row in rows if row["same_page"]]
    return sorted({name for pair in pairs if pair & page.page_ids for name in pair - page.page_ids})


def _page(lake: Lake, sha256: str, rows: list[dict[str, str]], corrections: Corrections) -> PrivatePage:
    taken = {row["page_id"] for row in rows if row["sha256"] != sha256}
    names = {row["page_id"] for row in rows if row["sha256"] == sha256}
    names |= corrections.names_of_private(sha256) - taken
    paths = {
        row["path"]
        for asset in ("raw_pages", "rejected_pages")
        for book in lake.partitions(asset)
        for row in lake.read(asset, book, ["path", "sha256"]).to_pylist()
        if row["sha256"] == sha256
    }
    books = {
        book for book in lake.partitions("raw_pages") if any(name.startswith(f"{book}p") for name in names)
    }
    return PrivatePage(sha256, frozenset(names), frozenset(paths), frozenset(books))


def _rows(lake: Lake) -> list[dict[str, str]]:
    """page_id and sha256 of every page of the lake."""
    return [
        row
        for book in lake.partitions("raw_pages")
        for row in lake.read("raw_pages", book, ["page_id", "sha256"]).to_pylist()
    ]


def _unknown(page_id: str, known: Iterable[str], kind: str = "page") -> str:
    near = difflib.get_close_matches(page_id, sorted(known), n=3, cutoff=0.6)
    hint = (
        f" Did you mean {' or '.join(near)}?"
        if near
        else " `singleline studio` shows every page with its name."
    )
    return f"There is no {kind} {page_id[:80]!r}.{hint}"
