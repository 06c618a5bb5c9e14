"""Sample sketchbooks: the same every time, in the artist's folder scheme, and true to what is said about them."""

import hashlib
import itertools
import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from singleline_pipeline.scans import (
    PageError,
    decode_image,
    find_sketchbooks,
    read_sketchbook,
    write_sample_sketchbooks,
)
from singleline_pipeline.scans.sample_lines import SUBJECTS, sample_line
from singleline_pipeline.scans.sample_pages import SamplePage, sample_page
from singleline_pipeline.scans.sample_truth import read_truth


def hashes(folder: Path) -> dict[str, str]:
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    return {str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two small books with their truth: books/ and truth/."""
    folder = tmp_path_factory.mktemp("shelf")
    write_sample_sketchbooks(folder / "books", seed=3, books=2, pages=10, truth=folder / "truth", scale=0.25)
    return folder


@pytest.fixture(scope="module")
def drawing_page() -> SamplePage:
    return sample_page(seed=1, drawings=3, scale=0.6)


def crossings(line: np.ndarray) -> int:
    """How often a polyline crosses itself."""
    points = line[:: max(1, len(line) // 300)]
    a, b = points[:-1], points[1:]

    def side(p: np.ndarray, q: np.ndarray, r: np.ndarray) -> np.ndarray:
        first, second = q - p, r - p
        return np.sign(first[..., 0] * second[..., 1] - first[..., 1] * second[..., 0])

    one, two = np.triu_indices(len(a), k=2)
    apart = (side(a[one], b[one], a[two]) != side(a[one], b[one], b[two])) & (
        side(a[two], b[two], a[one]) != side(a[two], b[two], b[one])
    )
    return int(apart.sum())


@pytest.mark.parametrize("subject", SUBJECTS)
def test_a_drawing_is_one_smooth_line_that_crosses_itself(subject: str) -> None:
    found = []
    for seed in range(12):
        line = sample_line(np.random.default_rng(seed), subject)
        assert line.shape == (2400, 2)
        assert np.isfinite(line).all()
        assert line.min() == pytest.approx(0.0)
        assert line.max() == pytest.approx(1.0)
        steps = np.hypot(*np.diff(line, axis=0).T)
        assert steps.max() < 0.02, "the pen is never lifted: no step is a jump"
        assert np.ptp(line, axis=0).min() > 0.12, "not squashed flat"
        found.append(crossings(line))
    assert np.median(found) >= 2


def test_no_two_drawings_look_alike() -> None:
    """A model trained on copies would show nothing."""
    pictures = []
    for seed in range(40):
        picture = np.zeros((48, 48), np.float32)
        points = np.round(sample_line(np.random.default_rng(seed)) * 44 + 2).astype(np.int32)
        cv2.polylines(picture, [points], False, 1.0, 1)
        pictures.append(cv2.GaussianBlur(picture, (0, 0), 1.0).ravel())
    alike = np.corrcoef(pictures)
    assert alike[np.triu_indices(40, 1)].max() < 0.85


def test_the_ink_lies_on_the_line(drawing_page: SamplePage) -> None:
    """Along the true line the page is dark, and nowhere else but at the binder and the number."""
    grey = drawing_page.image.min(axis=2).astype(float)
    ink = np.zeros(grey.shape, np.uint8)
    for line in drawing_page.lines:
        along = map_coordinates(grey, line[:, ::-1].T, order=1)
        assert np.quantile(along, 0.99) < 150
        cv2.polylines(ink, [np.round(line).astype(np.int32)], False, 255, 9)
    for box in (drawing_page.binder, drawing_page.number):
        assert box is not None
        x0, y0, x1, y1 = box
        assert (grey[y0:y1, x0:x1] < 150).any()
        ink[y0:y1, x0:x1] = 255
    assert (grey[ink == 0] < 150).sum() == 0


def test_the_line_is_centred_in_its_ink(drawing_page: SamplePage) -> None:
    """A tracer is measured against it to a tenth of a pen width, so half a pixel of offset would count."""
    grey = 255.0 - drawing_page.image.mean(axis=2)
    offsets = np.linspace(-4.0, 4.0, 33)
    means = []
    for line in drawing_page.lines:
        along = np.gradient(line, axis=0)
        normal = np.column_stack([-along[:, 1], along[:, 0]]) / np.hypot(*along.T)[:, None]
        for axis in (0, 1):
            straight = np.abs(normal[:, axis]) > 0.9
            sign = np.sign(normal[straight, axis])[:, None]
            at = (
                line[straight][:, None]
                + (offsets[None, :, None] * sign[..., None]) * normal[straight][:, None]
            )
            profile = map_coordinates(grey, [at[..., 1], at[..., 0]], order=1).mean(axis=0)
            profile -= profile.min()
            means.append(float((profile * offsets).sum() / profile.sum()))
    assert np.abs(np.mean(means)) < 0.1


def test_drawings_keep_apart_and_away_from_rings_and_number() -> None:
    for count, side in itertools.product((1, 2, 3, 4, 5), (5, 6)):
        page = sample_page(seed=[9, count], drawings=count, number=side, scale=0.2)
        assert page.side == ("left" if side == 5 else "right")
        assert page.drawing.tolist() == list(range(count))
        boxes = [(*line.min(axis=0), *line.max(axis=0)) for line in page.lines]
        assert page.binder is not None
        assert page.number is not None
        boxes += [page.binder, page.number]
        for one, two in itertools.combinations(boxes[:-1], 2):
            assert one[2] < two[0] or two[2] < one[0] or one[3] < two[1] or two[3] < one[1]
        height, width = page.image.shape[:2]
        assert all(box[0] >= 0 and box[1] >= 0 and box[2] <= width and box[3] <= height for box in boxes)


@pytest.mark.parametrize("number", [5, 6])
def test_the_binder_is_black_rings_within_its_band(number: int) -> None:
    page = sample_page("notes", seed=4, number=number, scale=0.5)
    assert page.binder is not None
    x0, y0, x1, y1 = page.binder
    height, width = page.image.shape[:2]
    assert (x0, x1 - x0) == ((0, 56) if number == 5 else (width - 56, 56))
    assert (y0, y1) == (0, height)
    dark = (page.image[y0:y1, x0:x1].max(axis=2) < 90).any(axis=1)
    wires = int((np.diff(dark.astype(int)) == 1).sum())
    assert 16 <= wires <= 46, "one or two dark runs a ring, 16 to 22 rings"
    assert 0.1 < dark.mean() < 0.6


def saturation(image: np.ndarray) -> float:
    return float(np.quantile(cv2.cvtColor(image, cv2.COLOR_BGR2HSV)[..., 1], 0.9))


def test_every_kind_of_page_is_what_it_claims() -> None:
    pages = {
        kind: sample_page(kind, seed=2, scale=0.3) for kind in ("drawing", "watercolor", "notes", "cover")
    }
    assert pages["drawing"].image.mean() > 215
    assert saturation(pages["drawing"].image) < 40
    assert saturation(pages["watercolor"].image) > 60
    assert saturation(pages["cover"].image) > 60
    ink = {kind: float((page.image.max(axis=2) < 140).mean()) for kind, page in pages.items()}
    assert ink["notes"] > 1.2 * ink["drawing"]
    assert pages["cover"].number is None
    assert sample_page("dark", seed=2, scale=0.3).image.mean() < 60
    skewed = sample_page("skewed", seed=2, scale=0.3)
    assert skewed.binder is None
    corners = [skewed.image[y, x].mean() for y in (2, -3) for x in (2, -3)]
    assert min(corners) < 60


def test_scale_halves_the_pen_too() -> None:
    large, small = (sample_page(seed=6, drawings=1, scale=scale) for scale in (1.0, 0.5))
    assert large.pen is not None
    assert small.pen == pytest.approx(large.pen / 2)
    assert small.image.shape[1] == pytest.approx(large.image.shape[1] / 2, abs=1)
    assert 1400 < large.image.shape[1] < 1600
    assert 2050 < large.image.shape[0] < 2300


def test_the_books_have_the_artists_folders_and_names(shelf: Path) -> None:
    files = sorted(hashes(shelf / "books"))
    folders = {tuple(file.split("/")[:2]) for file in files}
    assert folders == set(itertools.product(("sb01", "sb02"), ("art", "notes", "cover", "xtra", "priv")))
    assert sum(file.endswith("cover/cover-v1-light.jpg") for file in files) == 2
    assert any(file.endswith("-color.jpg") for file in files)
    assert len(files) == 24


def test_the_books_can_be_read_and_the_truth_names_every_page(shelf: Path) -> None:
    truth = {page.page_id: page for page in read_truth(shelf / "truth")}
    seen = set()
    for book in find_sketchbooks(shelf / "books"):
        read = read_sketchbook(book.path)
        assert (read.rejected, read.warnings) == ([], [])
        for page in read.pages:
            row = truth[page.page_id]
            assert (row.path, row.width, row.height) == (page.path, page.width, page.height)
            seen.add(page.page_id)
    assert {page_id for page_id, row in truth.items() if row.kind in ("extra", "private")} == set(
        truth
    ) - seen
    assert {row.kind for row in truth.values()} == {
        "drawing", "watercolor", "notes", "cover", "bad", "extra", "private",
    }  # fmt: skip


def test_the_truth_on_disk_lies_on_the_ink_of_the_jpeg(shelf: Path) -> None:
    rows = [row for row in read_truth(shelf / "truth") if row.kind == "drawing"]
    assert all(len(row.lines) == row.drawings == len(set(row.drawing.tolist())) >= 1 for row in rows)
    row = rows[0]
    grey = decode_image((shelf / "books" / row.path).read_bytes()).mean(axis=2)
    for line in row.lines:
        assert np.quantile(map_coordinates(grey, line[:, ::-1].T, order=1), 0.95) < 190
    assert row.pen == pytest.approx(0.25 * 3.9, rel=0.25)


def test_the_demo_has_drawings_enough_to_train_on(tmp_path: Path) -> None:
    """Three books of twelve pages hold more than 60, a dark scan and a skewed one."""
    write_sample_sketchbooks(tmp_path / "books", truth=tmp_path / "truth", scale=0.1)
    rows = read_truth(tmp_path / "truth")
    assert sum(row.drawings for row in rows) >= 60
    assert sum(row.kind == "bad" for row in rows) == 2
    assert sum(row.kind not in ("extra", "private") for row in rows) == 36


def test_same_seed_same_bytes_in_another_process(shelf: Path, tmp_path: Path) -> None:
    """Random hash seeds, thread counts and module state must not show."""
    code = (
        "import sys; from pathlib import Path; from singleline_pipeline.scans import write_sample_sketchbooks; "
        "root = Path(sys.argv[1]); "
        "write_sample_sketchbooks(root / 'books', seed=3, books=1, first=2, pages=10, truth=root / 'truth', scale=0.25)"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "77"}
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True, env=environment)
    assert hashes(tmp_path / "books/sb02") == hashes(shelf / "books/sb02"), (
        "nor does a book depend on the others"
    )
    for file in (tmp_path / "truth").glob("*.npz"):
        assert file.read_bytes() == (shelf / "truth" / file.name).read_bytes()


def test_another_seed_gives_other_pages(shelf: Path, tmp_path: Path) -> None:
    write_sample_sketchbooks(tmp_path, seed=4, books=1, pages=2, scale=0.1)
    assert not set(hashes(tmp_path).values()) & set(hashes(shelf / "books").values())


def test_writing_again_leaves_the_files_alone(tmp_path: Path) -> None:
    """Else a second `demo` would look like 36 changed pages, and run everything again."""
    write_sample_sketchbooks(tmp_path, books=1, pages=2, scale=0.1)
    files = sorted(tmp_path.rglob("*.jpg"))
    for file in files:
        os.utime(file, (1000, 1000))
    files[0].write_bytes(b"damaged")
    write_sample_sketchbooks(tmp_path, books=1, pages=2, scale=0.1)
    assert [file.stat().st_mtime == 1000 for file in files] == [False, True, True, True]
    assert decode_image(files[0].read_bytes()).ndim == 3
    assert not list(tmp_path.rglob(".*"))


def test_what_cannot_be_made_is_said(tmp_path: Path) -> None:
    for wrong in ({"books": -1}, {"pages": 0}, {"scale": 0.0}):
        with pytest.raises(PageError, match="Cannot make"):
            write_sample_sketchbooks(tmp_path, **wrong)
    with pytest.raises(PageError, match="outside of the sketchbooks folder"):
        write_sample_sketchbooks(tmp_path, truth=tmp_path / "truth")
    with pytest.raises(PageError, match=r"There is no pages\.csv"):
        read_truth(tmp_path)
