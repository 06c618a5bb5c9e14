"""Every listed file comes out as a page or as a rejected one with its reason, and private ones nowhere."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from singleline_pipeline.scans import PageError, decode_image, list_pages, read_sketchbook, reading
from singleline_pipeline.scans.finding import PageFile

Encode = Callable[..., bytes]
Put = Callable[[str, bytes], Path]


def test_a_page_holds_its_file_untouched(
    tmp_path: Path, put: Put, encoded: Encode, picture: np.ndarray
) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    data = encoded(np.repeat(np.repeat(picture, 20, 0), 20, 1), exif=exif)
    put("sb48/art/046-color.jpg", data)
    (page,) = read_sketchbook(tmp_path / "sb48").pages
    assert (page.page_id, page.sketchbook, page.folder) == ("sb48p046-color", "sb48", "art")
    assert (page.path, page.sha256) == ("sb48/art/046-color.jpg", hashlib.sha256(data).hexdigest())
    assert page.data == data
    assert (page.width, page.height) == (960, 1280), "the size is that of the upright page"
    assert decode_image(page.thumbnail).shape == (256, 192, 3)


def test_every_bad_file_is_rejected_with_its_reason(
    tmp_path: Path, put: Put, encoded: Encode, picture: np.ndarray
) -> None:
    good = encoded(np.random.default_rng(0).integers(0, 255, (200, 150, 3), dtype=np.uint8))
    put("sb1/art/001.jpg", good)
    put("sb1/art/002.jpg", b"")
    put("sb1/art/003.jpg", good[: len(good) // 2])
    put("sb1/art/004.jpg", b"just some text")
    put("sb1/art/005.jpg", good)
    (tmp_path / "sb1/art/006.jpg").mkdir()
    (tmp_path / "sb1/art/007.jpg").symlink_to(tmp_path / "nowhere.jpg")
    put("sb1/notes/008.png", encoded(picture, "PNG"))
    book = read_sketchbook(tmp_path / "sb1", max_pixels=200 * 150)
    assert [page.page_id for page in book.pages] == ["sb1p001", "sb1p008"]
    reasons = {Path(row.path).stem: row.reason for row in book.rejected}
    for stem, reason in {
        "002": "is empty (0 bytes)",
        "003": "is damaged or not complete",
        "004": "is text, not an image",
        "005": "is an exact copy of sb1/art/001.jpg",
        "006": "is a folder",
        "007": "is a link to a file that is not there",
    }.items():
        assert reason in reasons[stem]
        assert f"sb1/art/{stem}.jpg" in reasons[stem]
    assert len(book.pages) + len(book.rejected) == len(list_pages(tmp_path / "sb1"))
    hashes = {Path(row.path).stem: row.sha256 for row in book.rejected}
    assert hashes["006"] is None
    assert hashes["005"] == hashlib.sha256(good).hexdigest()


def test_too_many_pixels_and_too_many_bytes(
    tmp_path: Path, put: Put, encoded: Encode, picture: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    put("sb1/1.jpg", encoded(picture))
    (row,) = read_sketchbook(tmp_path / "sb1", max_pixels=48 * 64 - 1).rejected
    assert "sb1/1.jpg has 64 x 48 pixels, over the limit" in row.reason
    monkeypatch.setattr(reading, "MAX_FILE_BYTES", 10)
    (row,) = read_sketchbook(tmp_path / "sb1").rejected
    assert "over the limit" in row.reason
    assert row.sha256 is None


def test_a_page_that_is_still_being_copied_comes_in_on_the_next_read(
    tmp_path: Path, put: Put, encoded: Encode, picture: np.ndarray
) -> None:
    data = encoded(picture)
    put("sb1/art/1.jpg", data[: len(data) // 2])
    half = read_sketchbook(tmp_path / "sb1")
    assert (len(half.pages), len(half.rejected)) == (0, 1)
    put("sb1/art/1.jpg", data)
    whole = read_sketchbook(tmp_path / "sb1")
    assert (len(whole.pages), len(whole.rejected)) == (1, 0)


def test_a_copy_of_a_damaged_page_is_rejected_for_the_damage(tmp_path: Path, put: Put) -> None:
    """Saying "a copy of 1.jpg, which is kept" would be a lie."""
    put("sb1/1.jpg", b"text")
    put("sb1/2.jpg", b"text")
    assert all("is text" in row.reason for row in read_sketchbook(tmp_path / "sb1").rejected)


def test_names_that_differ_in_case_only_are_two_pages_and_a_warning(
    tmp_path: Path, put: Put, encoded: Encode, picture: np.ndarray
) -> None:
    put("sb1/art/Mia.jpg", encoded(picture))
    put("sb1/art/mia.JPG", encoded(picture[::-1]))
    book = read_sketchbook(tmp_path / "sb1")
    assert [page.page_id for page in book.pages] == ["sb1pMia", "sb1pmia~2"]
    assert any("its id is sb1pmia~2" in line for line in book.warnings)


def test_a_file_that_vanishes_between_listing_and_reading(
    tmp_path: Path, put: Put, encoded: Encode, picture: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    put("sb1/1.jpg", encoded(picture))
    gone = put("sb1/2.jpg", encoded(picture[::-1]))

    def list_then_remove(sketchbook: Path) -> list[PageFile]:
        files = list_pages(sketchbook)
        gone.unlink()
        return files

    monkeypatch.setattr(reading, "list_pages", list_then_remove)
    book = read_sketchbook(tmp_path / "sb1")
    assert [page.page_id for page in book.pages] == ["sb1p1"]
    assert book.rejected[0].reason == "sb1/2.jpg was removed while it was read."


def test_a_file_without_permission(
    tmp_path: Path, put: Put, encoded: Encode, picture: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root may read everything, so the refusal is played."""
    put("sb1/1.jpg", encoded(picture))

    def refuse(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "read_bytes", refuse)
    (row,) = read_sketchbook(tmp_path / "sb1").rejected
    assert row.reason == "sb1/1.jpg may not be read. Change its permissions."


def test_a_pipe_does_not_hang_the_reader(tmp_path: Path) -> None:
    (tmp_path / "sb1").mkdir()
    os.mkfifo(tmp_path / "sb1/1.jpg")
    assert "not a file" in read_sketchbook(tmp_path / "sb1").rejected[0].reason


def test_private_pages_are_never_opened(
    tmp_path: Path, put: Put, encoded: Encode, picture: np.ndarray, opened: list[str]
) -> None:
    put("sb1/art/1.jpg", encoded(picture))
    for folder in ("xtra", "priv", "Priv"):
        put(f"sb1/{folder}/secret.jpg", encoded(picture[::-1]))
    (tmp_path / "sb1/art/2.jpg").symlink_to(tmp_path / "sb1/priv/secret.jpg")
    (tmp_path / "sb1/notes").symlink_to(tmp_path / "sb1/xtra")
    opened.clear()
    book = read_sketchbook(tmp_path / "sb1")
    assert [page.page_id for page in book.pages] == ["sb1p1"]
    assert "is a link into a folder named xtra or priv" in book.rejected[0].reason
    assert any("notes is a link" in line for line in book.warnings)
    assert any(path.endswith("1.jpg") for path in opened)
    inside = [os.path.relpath(path, tmp_path).lower() for path in opened]
    assert not any(word in path for path in inside for word in ("secret", "priv", "xtra", "2.jpg", "notes"))


def test_linked_pages_are_read(tmp_path: Path, put: Put, encoded: Encode, picture: np.ndarray) -> None:
    target = put("disk/scan.jpg", encoded(picture))
    (tmp_path / "sb1").mkdir()
    (tmp_path / "sb1/1.jpg").symlink_to(target)
    assert len(read_sketchbook(tmp_path / "sb1").pages) == 1


def test_an_empty_sketchbook_and_odd_company_are_mentioned(tmp_path: Path, put: Put) -> None:
    put("sb1/art/phone.HEIC", b"x")
    put("sb1/drafts/1.jpg", b"x")
    book = read_sketchbook(tmp_path / "sb1")
    assert (book.pages, book.rejected) == ([], [])
    text = "\n".join(book.warnings)
    assert "Sketchbook sb1 holds no page images." in text
    assert "(.heic)" in text
    assert "drafts is not read" in text


def test_a_missing_sketchbook_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(PageError, match="cannot be listed: No such file"):
        read_sketchbook(tmp_path / "sb1")


def test_two_reads_are_equal(tmp_path: Path, put: Put, encoded: Encode, picture: np.ndarray) -> None:
    """A rerun of a partition has to give the same bytes, thumbnails included."""
    put("sb1/1.jpg", encoded(picture))
    put("sb1/2.jpg", b"no")
    assert read_sketchbook(tmp_path / "sb1") == read_sketchbook(tmp_path / "sb1")


def test_a_private_file_is_rejected_under_every_name_and_not_looked_at(
    tmp_path: Path, put: Put, encoded: Encode, picture: np.ndarray
) -> None:
    """It may come back from another scan of the shelf, renamed: what is in it counts."""
    secret = encoded(picture)
    for path in ("sb48/art/001.jpg", "sb48/notes/again.jpg"):
        put(path, secret)
    put("sb48/art/002.jpg", encoded(picture[::-1]))
    private = {hashlib.sha256(secret).hexdigest()}
    book = read_sketchbook(tmp_path / "sb48", private=private)
    assert [page.path for page in book.pages] == ["sb48/art/002.jpg"]
    assert {page.path for page in book.rejected} == {"sb48/art/001.jpg", "sb48/notes/again.jpg"}
    assert all("is private" in page.reason and page.sha256 in private for page in book.rejected)
