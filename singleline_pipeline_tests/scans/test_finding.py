"""Which folders are sketchbooks, which files are pages, and when a folder has changed."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from singleline_pipeline.scans import (
    PageError,
    find_sketchbooks,
    folder_fingerprint,
    list_pages,
    problems_of,
)

Put = Callable[[str, bytes], Path]


def ids(sketchbook: Path) -> list[str]:
    return [page.page_id for page in list_pages(sketchbook)]


def test_sketchbooks_are_folders_with_page_folders_or_images(tmp_path: Path, put: Put) -> None:
    for path in ("sb2/notes/1.jpg", "flat/1.PNG", "sb10/art/1.jpg", "Empty/ART/readme.txt"):
        put(path, b"x")
    for path in (".trash/art/1.jpg", "xtra/art/1.jpg", "Priv/art/1.jpg", "letters/a.txt", "scan.jpg"):
        put(path, b"x")
    assert [book.name for book in find_sketchbooks(tmp_path)] == ["Empty", "flat", "sb10", "sb2"]
    assert find_sketchbooks(tmp_path)[0].path == tmp_path / "Empty"


def test_a_missing_root_is_an_error_and_not_an_empty_shelf(tmp_path: Path) -> None:
    """An unmounted disk once looked like "all sketchbooks deleted"."""
    with pytest.raises(PageError, match="There is no sketchbooks folder"):
        find_sketchbooks(tmp_path / "nowhere")
    assert problems_of(tmp_path / "nowhere")[0].startswith("There is no sketchbooks folder")


def test_a_root_that_is_a_file_says_so(put: Put) -> None:
    with pytest.raises(PageError, match="cannot be listed: Not a directory"):
        find_sketchbooks(put("sketchbooks", b""))


def test_problems_name_the_folder_and_what_is_missing(tmp_path: Path, put: Put) -> None:
    assert "There is no sketchbook in" in problems_of(tmp_path)[0]
    put("letters/a.txt", b"x")
    not_one, none_at_all = problems_of(tmp_path)
    assert "letters is not a sketchbook" in not_one
    assert "There is no sketchbook in" in none_at_all
    put("sb1/art/1.jpg", b"x")
    assert problems_of(tmp_path) == [not_one]
    (tmp_path / "letters" / "a.txt").unlink()
    (tmp_path / "letters").rmdir()
    assert problems_of(tmp_path) == []


@pytest.mark.parametrize("name", ["sb...1", "sb\n1", os.fsdecode(b"sb\xff1")])
def test_names_that_no_partition_can_have_are_reported(tmp_path: Path, put: Put, name: str) -> None:
    put(f"{name}/art/1.jpg", b"x")
    assert find_sketchbooks(tmp_path) == []
    assert "Rename it" in problems_of(tmp_path)[0]


def test_pages_carry_ids_folders_and_paths(tmp_path: Path, put: Put) -> None:
    for path in ("art/005.jpg", "art/046-color.JPG", "cover/cover-v1-light.jpg", "Notes/7.tiff", "002.webp"):
        put(f"sb48/{path}", b"x")
    for path in (
        "art/readme.txt",
        "art/.DS_Store",
        "art/._005.jpg",
        "Thumbs.db",
        "art/old/1.jpg",
        "drafts/1.jpg",
    ):
        put(f"sb48/{path}", b"x")
    rows = [(page.page_id, page.folder, page.path) for page in list_pages(tmp_path / "sb48")]
    assert rows == [
        ("sb48p002", "art", "sb48/002.webp"),
        ("sb48p7", "notes", "sb48/Notes/7.tiff"),
        ("sb48p005", "art", "sb48/art/005.jpg"),
        ("sb48p046-color", "art", "sb48/art/046-color.JPG"),
        ("sb48pcover-v1-light", "cover", "sb48/cover/cover-v1-light.jpg"),
    ]
    assert all(page.file == tmp_path / page.path for page in list_pages(tmp_path / "sb48"))


def test_same_stems_are_numbered_whatever_their_case(tmp_path: Path, put: Put) -> None:
    """Two pages with one id would overwrite each other in every later table."""
    for name in ("art/A5.jpg", "art/a5.JPG", "art/a5.png", "notes/a5.jpg", "art/b.jpg"):
        put(f"sb1/{name}", b"x")
    assert ids(tmp_path / "sb1") == ["sb1pA5", "sb1pa5~2", "sb1pa5~3", "sb1pb", "sb1pa5~4"]
    assert [page.duplicate_stem for page in list_pages(tmp_path / "sb1")] == [False, True, True, False, True]


def test_a_stem_that_looks_numbered_stays_unique(tmp_path: Path, put: Put) -> None:
    for name in ("5.jpg", "5.png", "5~2.jpg"):
        put(f"sb1/art/{name}", b"x")
    assert len(set(ids(tmp_path / "sb1"))) == 3


def test_a_file_name_that_is_not_text_is_listed_in_a_form_that_tables_can_store(
    tmp_path: Path, put: Put
) -> None:
    put("sb1/art/" + os.fsdecode(b"\xff5.jpg"), b"x")
    (page,) = list_pages(tmp_path / "sb1")
    assert page.page_id.encode("utf-8") == b"sb1p\\udcff5"
    assert page.file.read_bytes() == b"x"


def test_private_folders_are_not_even_listed(tmp_path: Path, put: Put, opened: list[str]) -> None:
    put("sb1/art/1.jpg", b"x")
    for folder in ("priv", "xtra", "PRIV"):
        put(f"sb1/{folder}/secret.jpg", b"x")
    opened.clear()
    find_sketchbooks(tmp_path)
    problems_of(tmp_path)
    assert ids(tmp_path / "sb1") == ["sb1p1"]
    assert folder_fingerprint(tmp_path / "sb1").files == 1
    assert any(path.endswith("art") for path in opened)
    inside = [os.path.relpath(path, tmp_path).lower() for path in opened]
    assert not any("priv" in path or "xtra" in path for path in inside)


def test_links_into_private_folders_are_no_sketchbooks_and_no_page_folders(tmp_path: Path, put: Put) -> None:
    put("books/sb1/priv/art/1.jpg", b"x")
    (tmp_path / "books/sb2").symlink_to(tmp_path / "books/sb1/priv")
    (tmp_path / "books/sb1/notes").symlink_to(tmp_path / "books/sb1/priv/art")
    assert [book.name for book in find_sketchbooks(tmp_path / "books")] == ["sb1"]
    assert any(
        "sb2 is a link into a folder named xtra or priv" in line for line in problems_of(tmp_path / "books")
    )
    assert list_pages(tmp_path / "books/sb1") == []


def test_a_private_folder_above_the_sketchbooks_is_nobodys_business(tmp_path: Path, put: Put) -> None:
    put("priv/elsewhere/1.jpg", b"x")
    (tmp_path / "priv/books/sb1").mkdir(parents=True)
    (tmp_path / "priv/books/sb1/art").symlink_to(tmp_path / "priv/elsewhere")
    assert ids(tmp_path / "priv/books/sb1") == ["sb1p1"]


def test_linked_sketchbooks_are_followed(tmp_path: Path, put: Put) -> None:
    put("disk/sb7/art/1.jpg", b"x")
    (tmp_path / "books").mkdir()
    (tmp_path / "books/sb7").symlink_to(tmp_path / "disk/sb7")
    (book,) = find_sketchbooks(tmp_path / "books")
    assert [page.path for page in list_pages(book.path)] == ["sb7/art/1.jpg"]


def test_the_fingerprint_sees_names_sizes_and_mtimes_of_pages_only(tmp_path: Path, put: Put) -> None:
    page = put("sb1/art/1.jpg", b"abc")
    os.utime(page, (1000, 1000))
    before = folder_fingerprint(tmp_path / "sb1")
    assert (before.newest_mtime, before.files) == (1000.0, 1)

    put("sb1/priv/2.jpg", b"secret")
    put("sb1/art/notes.txt", b"text")
    assert folder_fingerprint(tmp_path / "sb1") == before

    seen = {before.fingerprint}
    os.utime(page, (1001, 1001))
    seen.add(folder_fingerprint(tmp_path / "sb1").fingerprint)
    page.write_bytes(b"abcd")
    os.utime(page, (1000, 1000))
    seen.add(folder_fingerprint(tmp_path / "sb1").fingerprint)
    page.write_bytes(b"abc")
    os.utime(page, (1000, 1000))
    assert folder_fingerprint(tmp_path / "sb1") == before
    page.rename(page.with_name("2.jpg"))
    seen.add(folder_fingerprint(tmp_path / "sb1").fingerprint)
    assert len(seen) == 4


def test_the_fingerprint_survives_broken_links_and_an_empty_folder(tmp_path: Path, put: Put) -> None:
    put("sb1/art/readme.txt", b"x")
    assert folder_fingerprint(tmp_path / "sb1").files == 0
    (tmp_path / "sb1/art/1.jpg").symlink_to(tmp_path / "gone.jpg")
    assert folder_fingerprint(tmp_path / "sb1").files == 1


def test_looking_at_folders_brings_no_image_library() -> None:
    """The sensor does it every half minute, in a process that should start fast."""
    code = (
        "import sys; from singleline_pipeline.scans import find_sketchbooks, folder_fingerprint; "
        "sys.exit(bool({'cv2', 'PIL', 'numpy', 'scipy'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
