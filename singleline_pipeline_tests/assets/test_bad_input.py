"""Whatever lies on the shelf, the pipeline says in words what is wrong with it, and goes on with the rest."""

import hashlib
import resource
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import dagster as dg
import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from singleline_pipeline.dataset import split_of
from singleline_pipeline.definitions import defs
from singleline_pipeline.embedding import Label, append_labels
from singleline_pipeline.orchestration.partitions import sketchbooks
from singleline_pipeline.orchestration.runs import Outcome, materialize_stale
from singleline_pipeline.scans import problems_of
from singleline_pipeline.scans.sample_pages import sample_page
from singleline_pipeline.scans.sample_paper import Sheet, bind, blank, scanned
from singleline_pipeline.schemas import SCHEMAS

from .conftest import MODELS, TRAINED, Shelf, new_shelf

READING = {"raw_pages", "rejected_pages"}
MAPS = {"page_map", "drawing_map"}


def drawn(seed: int, drawings: int = 2) -> np.ndarray:
    """A small page of drawings, uint8 (h, w, 3)."""
    return sample_page("drawing", seed=seed, scale=0.35, drawings=drawings).image


def put(shelf: Shelf, path: str, page: np.ndarray | bytes) -> Path:
    """Save a page, or some bytes, below the sketchbooks folder."""
    file = shelf.home.sketchbooks / path
    file.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(page, bytes):
        file.write_bytes(page)
    else:
        file.write_bytes(cv2.imencode(file.suffix.lower(), page)[1].tobytes())
    return file


def sha256_of(page: np.ndarray) -> str:
    """That of the file that `put` makes of a page under a name that ends in .png."""
    return hashlib.sha256(cv2.imencode(".png", page)[1].tobytes()).hexdigest()


def metadata(shelf: Shelf, asset: str, partition: str | None = None) -> dict[str, object]:
    """What the latest materialization of an asset says."""
    wanted = dg.AssetRecordsFilter(dg.AssetKey(asset), asset_partitions=[partition] if partition else None)
    [record] = shelf.instance.fetch_materializations(wanted, limit=1).records
    return {name: value.value for name, value in record.asset_materialization.metadata.items()}


# A shelf on which every sketchbook is odd in its own way


@dataclass
class Mixed:
    """The shelf after one run over all of it, and what that run told."""

    shelf: Shelf
    outcome: Outcome

    def ids(self, asset: str, book: str) -> list[str]:
        return self.shelf.lake.read(asset, book)["page_id"].to_pylist()


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mixed]:
    with (
        pytest.MonkeyPatch.context() as patch,
        new_shelf(tmp_path_factory.mktemp("mixed"), patch) as shelf,
    ):
        put(shelf, "good/art/001.png", drawn(1))
        (shelf.home.sketchbooks / "empty" / "art").mkdir(parents=True)
        put_damaged_files(shelf)
        put_odd_files(shelf)
        put_bare_pages(shelf)
        put(shelf, "holiday/letter.txt", b"Dear all")
        yield Mixed(shelf, shelf.run(set(SCHEMAS) - TRAINED))


def put_damaged_files(shelf: Shelf) -> None:
    """A sketchbook without a single file that can be read."""
    whole = cv2.imencode(".jpg", drawn(3))[1].tobytes()
    put(shelf, "damaged/art/001.jpg", b"")
    put(shelf, "damaged/art/002.jpg", whole[: len(whole) // 2])
    put(shelf, "damaged/art/003.jpg", b"This is a shopping list: milk, ink, paper.\n")


def put_odd_files(shelf: Shelf) -> None:
    """One page of drawings, saved in every way that a program may choose, and two names that differ in case."""
    page = drawn(4)
    upright, grey = Image.fromarray(page[..., ::-1]), cv2.cvtColor(page, cv2.COLOR_BGR2GRAY)
    art = put(shelf, "odd/art/plain.png", page).parent
    upright.convert("CMYK").save(art / "cmyk.jpg", quality=92)
    cv2.imwrite(str(art / "sixteen.png"), grey.astype(np.uint16) * 257)
    ink = np.zeros((*grey.shape, 4), np.uint8)
    ink[..., 3] = 255 - grey
    cv2.imwrite(str(art / "transparent.png"), ink)
    turned = Image.Exif()
    turned[0x0112] = 6  # the camera was held upright: show it turned by 90 degrees clockwise
    upright.rotate(90, expand=True).save(art / "turned.jpg", quality=92, exif=turned)
    put(shelf, "odd/art/Page.png", drawn(5))
    put(shelf, "odd/art/page.JPG", drawn(6))


def put_bare_pages(shelf: Shelf) -> None:
    """Pages without a line on them, which somebody took for drawings all the same."""
    rng = np.random.default_rng(7)
    sheet = Sheet(520, 770, 0.35, "left", (240.0, 244.0, 246.0))
    bound = blank(sheet, rng)
    bind(bound, sheet, rng)
    pages = {
        "blank": np.full((770, 520, 3), 250, np.uint8),
        "binder": scanned(bound, sheet, rng),
        "black": (drawn(8) * 0.02).astype(np.uint8),
    }
    labels = []
    for name, page in pages.items():
        put(shelf, f"bare/art/{name}.png", page)
        labels.append(Label("page", sha256_of(page), "drawings", readable_id=f"barep{name}"))
    append_labels(shelf.home.labels / "labels.csv", labels)


def test_no_sketchbook_stops_another(mixed: Mixed) -> None:
    """Five sketchbooks, four of them trouble: every table of each is there in the end."""
    assert mixed.outcome.failed == {}
    for name in SCHEMAS:
        if partitions := mixed.shelf.lake.partitions(name):
            assert partitions == ["bare", "damaged", "empty", "good", "odd"], name
    assert mixed.shelf.lake.read("filtered_drawings", "good").num_rows == 2
    assert mixed.shelf.run(set(SCHEMAS) - TRAINED).materialized == []


def test_an_empty_sketchbook_has_empty_tables_and_says_so(mixed: Mixed) -> None:
    for name in SCHEMAS:
        if mixed.shelf.lake.partitions(name):
            assert mixed.shelf.lake.read(name, "empty").num_rows == 0, name
    assert "Sketchbook empty holds no page images." in mixed.outcome.warnings


def test_a_folder_that_is_no_sketchbook_is_left_alone_and_named(mixed: Mixed) -> None:
    assert "holiday" not in mixed.shelf.lake.partitions("raw_pages")
    [problem] = problems_of(mixed.shelf.home.sketchbooks)
    assert problem.startswith(
        "Folder holiday is not a sketchbook: it holds no folder named art, notes or cover"
    )


def test_damaged_files_are_rejected_with_a_reason_and_something_to_do(mixed: Mixed) -> None:
    assert mixed.shelf.lake.read("raw_pages", "damaged").num_rows == 0
    rejected = mixed.shelf.lake.read("rejected_pages", "damaged").to_pylist()
    said = {row["path"]: row["reason"] for row in rejected}
    assert said["damaged/art/001.jpg"] == ("damaged/art/001.jpg is empty (0 bytes). Copy or scan it again.")
    assert "damaged/art/002.jpg is damaged or not complete" in said["damaged/art/002.jpg"]
    assert "Copy or scan it again" in said["damaged/art/002.jpg"]
    assert said["damaged/art/003.jpg"] == (
        "damaged/art/003.jpg is text, not an image. Save it as JPEG, PNG or TIFF."
    )
    assert [row["sha256"] is not None for row in rejected] == [True, True, True]
    assert set(said.values()) <= set(mixed.outcome.warnings)
    shown = str(metadata(mixed.shelf, "rejected_pages", "damaged")["rejected"])
    assert all(reason in shown for reason in said.values())


def test_however_a_page_was_saved_the_same_drawings_are_found_on_it(mixed: Mixed) -> None:
    """CMYK, 16 bits, transparent paper, turned by EXIF: the artist sees one and the same page."""
    pages = mixed.shelf.lake.read("raw_pages", "odd").to_pylist()
    sizes = {row["page_id"]: (row["width"], row["height"]) for row in pages}
    names = ["oddpplain", "oddpcmyk", "oddpsixteen", "oddptransparent", "oddpturned"]
    assert {sizes[name] for name in names} == {sizes["oddpplain"]}
    found = mixed.shelf.lake.read("drawings", "odd").to_pylist()
    boxes = {name: sorted(tuple(row["box"]) for row in found if row["page_id"] == name) for name in names}
    assert len(boxes["oddpplain"]) == 2
    for name in names:
        np.testing.assert_allclose(boxes[name], boxes["oddpplain"], atol=3, err_msg=name)


def test_two_names_that_differ_in_case_are_two_pages(mixed: Mixed) -> None:
    """On the disk of a Mac they would be one file: the ids must not depend on where the lake is read."""
    assert {"oddpPage", "oddppage~2"} <= set(mixed.ids("raw_pages", "odd"))
    assert "odd/art/page.JPG has the same name as an earlier page of odd: its id is oddppage~2." in (
        mixed.outcome.warnings
    )


def test_a_page_without_a_line_is_traced_to_nothing_and_said_to_be_so(mixed: Mixed) -> None:
    """A blank page, one with only a binder, and one so dark that nothing is found, all labelled as drawings."""
    assert set(mixed.shelf.lake.read("page_groups", "bare")["decided_by"].to_pylist()) == {"hand"}
    assert mixed.ids("strokes", "bare") == ["barepbinder", "barepblack", "barepblank"]
    assert mixed.shelf.lake.read("drawings", "bare").num_rows == 0
    assert (
        "No line was found on barepbinder, barepblack, barepblank. Look at the scan, or label it badscans."
        in mixed.outcome.warnings
    )
    assert metadata(mixed.shelf, "strokes", "bare")["pages_without_a_line"] == 3


def test_with_fewer_drawings_than_clusters_there_are_fewer_clusters(mixed: Mixed) -> None:
    drawings = sum(mixed.shelf.lake.read("drawings", book).num_rows for book in ("good", "odd"))
    clusters = mixed.shelf.lake.read("drawing_clusters").num_rows
    assert 1 <= clusters <= drawings // 4 < 16
    assert str(metadata(mixed.shelf, "drawing_clusters")["note"]).startswith(
        f"16 clusters were asked for, {clusters} made: there are {drawings} rows"
    )


# One thing wrong at a time


def test_a_dataset_too_small_to_split_is_said_to_be_so_and_can_be_learned_from(empty_shelf: Shelf) -> None:
    """Which split a page is in hangs on its file's hash: here all are in train."""
    in_train = [page for page in map(drawn, range(4)) if split_of(sha256_of(page)) == "train"]
    for number, page in enumerate(in_train):
        put(empty_shelf, f"sb01/art/{number:03d}.png", page)
    outcome = empty_shelf.run(set(SCHEMAS) - TRAINED - MAPS | {"sketch_rnn"})
    assert outcome.failed == {}
    drawings = empty_shelf.lake.read("stroke3_dataset").num_rows
    assert metadata(empty_shelf, "stroke3_dataset")["drawings_train"] == drawings >= 2
    assert outcome.warnings == [
        f"No drawing is in the valid and the test split: there are too few pages (drawings in all: {drawings}). "
        "Training takes a tenth of train where valid is empty; scan more pages for scores that mean something.",
        "There is no valid split: learning from the drawings themselves, not from their variants.",
    ]
    assert "valid" in empty_shelf.lake.read("sketch_rnn")["split"].to_pylist()


def test_one_empty_sketchbook_alone_goes_all_the_way_and_training_on_nothing_says_what_to_do(
    empty_shelf: Shelf,
) -> None:
    (empty_shelf.home.sketchbooks / "sb01" / "art").mkdir(parents=True)
    outcome = empty_shelf.run()
    for name in set(SCHEMAS) - TRAINED:
        partitions = empty_shelf.lake.partitions(name)
        assert empty_shelf.lake.read(name, *partitions).num_rows == 0, name
    assert outcome.failed == dict.fromkeys(
        MODELS,
        "The train split has 0 drawings; at least 2 are needed to learn anything. Scan more pages, or include more "
        "drawings.",
    )
    assert any("The dataset is empty: of 0 drawings none is in it." in text for text in outcome.warnings)


def test_without_any_sketchbook_the_message_says_where_to_put_one(empty_shelf: Shelf) -> None:
    outcome = empty_shelf.run({*READING, "page_embeddings", "page_clusters"})
    assert outcome.materialized == []
    assert list(outcome.failed) == ["page_clusters"]
    assert "put a sketchbook into the sketchbooks folder" in outcome.failed["page_clusters"]


def test_a_sketchbook_taken_away_during_the_run_fails_alone(empty_shelf: Shelf) -> None:
    put(empty_shelf, "sb02/art/001.png", drawn(1))
    empty_shelf.instance.add_dynamic_partitions(sketchbooks.name, ["sb01", "sb02"])
    outcome = materialize_stale(defs, empty_shelf.instance, empty_shelf.home, ["sb01", "sb02"], READING)
    assert sorted(outcome.materialized) == ["raw_pages [sb02]", "rejected_pages [sb02]"]
    assert outcome.failed == {
        "sb01": f"Folder {empty_shelf.home.sketchbooks / 'sb01'} cannot be listed: No such file or directory."
    }


def test_a_sketchbook_that_fails_leaves_the_others_to_go_on(empty_shelf: Shelf) -> None:
    """Something that nobody can write over is in the place of one table."""
    for book in ("sb01", "sb02"):
        put(empty_shelf, f"{book}/art/001.png", drawn(1))
    Path(empty_shelf.lake.path("raw_pages", "sb01")).mkdir(parents=True)
    outcome = empty_shelf.run({*READING, "page_embeddings", "page_clusters", "page_groups"})
    assert "page_groups [sb02]" in outcome.materialized
    assert "raw_pages/sb01.parquet cannot be written" in outcome.failed["read_sketchbook [sb01]"]
    assert "of sketchbook sb01 has not been materialized" in outcome.failed["page_clusters"]
    assert set(outcome.failed) == {"read_sketchbook [sb01]", "page_clusters"}


def test_an_old_file_under_another_schema_is_named_with_what_to_do_and_that_helps(empty_shelf: Shelf) -> None:
    """After an update a column may be missing that the next step needs: nothing may be guessed into it."""
    put(empty_shelf, "sb01/art/001.png", drawn(1))
    names = {*READING, "page_embeddings"}
    assert empty_shelf.run(names).failed == {}
    old = Path(empty_shelf.lake.path("raw_pages", "sb01"))
    pq.write_table(pq.read_table(old).drop_columns(["width"]), old)
    Path(empty_shelf.lake.path("page_embeddings", "sb01")).unlink()

    [said] = empty_shelf.run(names).failed.values()
    assert said.startswith(f"{old} was written under another schema: column width is missing")
    assert said.endswith(
        "Rematerialize raw_pages of sketchbook sb01 in the Dagster UI, or delete the file and run `singleline run`."
    )
    old.unlink()
    assert empty_shelf.run(names).failed == {}
    assert empty_shelf.lake.read("page_embeddings", "sb01").num_rows == 1


def test_a_full_disk_leaves_the_old_table_and_the_next_sketchbook_still_gets_its_own(
    empty_shelf: Shelf,
) -> None:
    """A limit on the size of files makes the kernel refuse the write in the middle, as a full disk does."""
    put(empty_shelf, "sb01/art/001.png", drawn(1))
    assert empty_shelf.run(READING).failed == {}
    table = Path(empty_shelf.lake.path("raw_pages", "sb01"))
    before = table.read_bytes()
    put(empty_shelf, "sb01/art/002.png", drawn(2))
    put(empty_shelf, "sb02/art/001.jpg", cv2.resize(drawn(3), (200, 300)))

    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, limit[1]))
    try:
        outcome = empty_shelf.run(READING)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert outcome.failed == {
        "read_sketchbook [sb01]": f"{table} cannot be written: the disk is full. The table that was there is "
        "untouched. Make room and materialize again."
    }
    assert outcome.materialized == ["raw_pages [sb02]", "rejected_pages [sb02]"]
    assert table.read_bytes() == before
    assert [file.name for file in table.parent.iterdir() if file.suffix == ".tmp"] == []

    assert empty_shelf.run(READING).failed == {}
    assert empty_shelf.lake.read("raw_pages", "sb01").num_rows == 2


@pytest.mark.parametrize(
    ("place", "failed", "message"),
    [
        ("lake", "read_sketchbook [sb01]", "cannot be written: there is a file where its folder should be."),
        ("lake/rejected_pages", "read_sketchbook [sb01]", "there is a file where its folder should be."),
        ("labels/fits", "page_clusters", "The clusters' members cannot be kept in"),
    ],
)
def test_a_place_that_cannot_be_written_to_is_named(
    empty_shelf: Shelf, place: str, failed: str, message: str
) -> None:
    """Root may write everywhere, a container runs as root: a file in the place of a folder stops that one too."""
    put(empty_shelf, "sb01/art/001.png", drawn(1))
    in_the_way = empty_shelf.home.root / place
    in_the_way.parent.mkdir(parents=True, exist_ok=True)
    in_the_way.write_text("in the way")
    outcome = empty_shelf.run({*READING, "page_embeddings", "page_clusters"})
    assert message in outcome.failed[failed]
    assert str(in_the_way) in outcome.failed[failed]
    assert in_the_way.read_text() == "in the way"


def test_a_dataset_that_cannot_be_kept_fails_and_leaves_nothing_half_written(empty_shelf: Shelf) -> None:
    (empty_shelf.home.sketchbooks / "sb01" / "art").mkdir(parents=True)
    empty_shelf.home.datasets.write_text("in the way")
    outcome = empty_shelf.run(set(SCHEMAS) - TRAINED)
    assert list(outcome.failed) == ["stroke3_dataset"]
    assert outcome.failed["stroke3_dataset"].startswith(
        f"The dataset cannot be kept in {empty_shelf.home.datasets}/"
    )
    assert not empty_shelf.lake.exists("stroke3_dataset")
    empty_shelf.home.datasets.unlink()
    assert empty_shelf.run(set(SCHEMAS) - TRAINED).failed == {}


# What people write into labels.csv


def test_labels_that_say_nothing_are_told_with_their_line_and_the_others_hold(empty_shelf: Shelf) -> None:
    """A slip in a spreadsheet must not stop anything, and must not be swallowed either."""
    page = sample_page("drawing", seed=1, scale=0.35, drawings=2)
    put(empty_shelf, "sb01/art/001.png", page.image)
    sha256, gone = sha256_of(page.image), "0" * 64
    (x0, y0), (x1, y1) = page.lines[0].min(axis=0), page.lines[0].max(axis=0)
    empty_shelf.home.labels.mkdir()
    (empty_shelf.home.labels / "labels.csv").write_text(
        "scope,key,label\n"
        f"page,{sha256},drawings\n"
        f"page,{sha256},drawigns\n"
        f"page,{gone},notes\n"
        "page_cluster,abc:0,notes\n"
        f'drawing,"{sha256}:{x0:.1f},{y0:.1f},{x1:.1f},{y1:.1f}",exclude\n'
        f'drawing,"{gone}:0,0,9,9",exclude\n'
    )
    datasets = {"stroke3_dataset", "augmented_dataset", "stroke_codebook"}
    outcome = empty_shelf.run(set(SCHEMAS) - TRAINED - MAPS - datasets)
    assert outcome.failed == {}
    told = [
        "labels.csv line 3: the label 'drawigns' is not one of drawings, watercolors, notes, badscans, covers (or "
        "empty). The line is ignored.",
        "A page cluster is labelled notes that is not there: abc:0.",
        f"A page is labelled notes that is not there: {gone}.",
        f"A drawing is labelled exclude that is not there: {gone}:0,0,9,9.",
    ]
    assert sorted(outcome.warnings) == sorted(told)
    assert metadata(empty_shelf, "page_clusters")["label_problems"] == "\n".join(told[:3])
    assert metadata(empty_shelf, "drawing_clusters")["label_problems"] == "\n".join([told[0], told[3]])
    assert empty_shelf.lake.read("page_groups", "sb01")["decided_by"].to_pylist() == ["hand"]
    reasons = empty_shelf.lake.read("filtered_drawings", "sb01")["reason"].to_pylist()
    assert sorted(reasons, key=str) == [None, "excluded by hand"]


def test_a_wrong_line_added_later_is_told_by_the_next_run(empty_shelf: Shelf) -> None:
    (empty_shelf.home.sketchbooks / "sb01" / "art").mkdir(parents=True)
    names = {*READING, "page_embeddings", "page_clusters"}
    assert empty_shelf.run(names).failed == {}
    empty_shelf.home.labels.mkdir(exist_ok=True)
    (empty_shelf.home.labels / "labels.csv").write_text("scope,key,label\npages,x,notes\n")
    outcome = empty_shelf.run(names)
    assert outcome.materialized == ["page_clusters"]
    [warning] = outcome.warnings
    assert warning.startswith("labels.csv line 2: the scope 'pages' is not one of page, page_cluster")
    assert empty_shelf.run(names).materialized == []


def test_labels_that_cannot_be_read_stop_what_needs_them_and_are_named(empty_shelf: Shelf) -> None:
    """Going on without would undo everything that people said."""
    (empty_shelf.home.sketchbooks / "sb01" / "art").mkdir(parents=True)
    file = empty_shelf.home.labels / "labels.csv"
    file.mkdir(parents=True)
    outcome = empty_shelf.run({*READING, "page_embeddings", "page_clusters", "page_groups"})
    assert outcome.failed == dict.fromkeys(
        ("labels", "sb01"), f"{file} cannot be read (Is a directory). Check its permissions."
    )
    assert "page_embeddings [sb01]" in outcome.materialized
    shutil.rmtree(file)
    assert empty_shelf.run({*READING, "page_embeddings", "page_clusters", "page_groups"}).failed == {}
