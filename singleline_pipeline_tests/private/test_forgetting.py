"""What a private page is taken out of, table by table and file by file; killed at any point, the rest is done later."""

import json
import re
import shutil
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from singleline_pipeline.corrections import read_corrections
from singleline_pipeline.dataset import DatasetSettings, KeptDrawing, build_dataset, write_snapshot
from singleline_pipeline.geometry import load_npz
from singleline_pipeline.lake import Lake
from singleline_pipeline.private import (
    PrivateError,
    PrivatePage,
    find_page,
    forget_page,
    mark_private,
    other_scans,
)
from singleline_pipeline.private.exports import forget_exports
from singleline_pipeline.private.snapshots import forget_in_snapshots
from singleline_pipeline.private.tables import without_page
from singleline_pipeline_tests.studio.homes import MadeHome, make_home

SHA = "a" * 64
PAGE = PrivatePage(SHA, frozenset({"sb01p001"}), sketchbooks=frozenset({"sb01"}))


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> MadeHome:
    made = make_home(tmp_path_factory.mktemp("private") / "home", pages=16)
    for book in made.lake.partitions("raw_pages"):
        made.lake.write("rejected_pages", made.lake.schemas["rejected_pages"].empty_table(), book)
    return made


@pytest.fixture
def made(template: MadeHome, tmp_path: Path) -> MadeHome:
    return template.copied_to(tmp_path / "home")


def drawn_page(made: MadeHome) -> str:
    return next(name for name, group in made.truth.items() if group == "drawings")


def found(made: MadeHome, page_id: str) -> PrivatePage:
    return find_page(made.lake, read_corrections(made.home.labels), page_id)


def naming(made: MadeHome, page: PrivatePage) -> list[str]:
    """Tables and files that still name the page."""
    names = []
    for file in sorted(made.home.root.rglob("*")):
        if file.is_file() and file.suffix == ".parquet":
            text = json.dumps(pq.read_table(file).to_pylist(), default=lambda value: "")
        elif file.is_file():
            text = file.read_text("utf-8", "replace")
        else:
            continue
        if page.sha256 in text or any(re.search(rf"\b{name}(d\d+)?\b", text) for name in page.page_ids):
            names.append(str(file.relative_to(made.home.root)))
    return names


def test_a_page_is_in_no_table_and_no_fit_any_more_and_others_are_as_they_were(made: MadeHome) -> None:
    page = found(made, drawn_page(made))
    before = {asset: made.lake.dataset(asset).to_table() for asset in ("page_embeddings", "drawings")}
    assert len(naming(made, page)) > 10
    done = forget_page(made.home, page)
    assert naming(made, page) == [f"lake/rejected_pages/{next(iter(page.sketchbooks))}.parquet"]
    assert done.rows["raw_pages"] == done.rows["page_map"] == 1
    assert done.rows["drawings"] == done.rows["drawing_map"] == 2
    assert done.fits == 3
    for asset, table in before.items():
        left = [row for row in table.to_pylist() if row["sha256"] != page.sha256]
        assert made.lake.dataset(asset).to_table().to_pylist() == left
    clusters = made.lake.read("page_clusters")
    assert clusters["size"].to_pylist() == [len(members) for members in clusters["members"].to_pylist()]
    assert done.sentences()[0].endswith("row") or done.sentences()[0].endswith("rows")


@pytest.mark.parametrize("after", [0, 1, 4, 9, 13])
def test_killed_in_the_middle_and_run_again_it_finishes(
    made: MadeHome, after: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the power failed the command is typed again; the page may by then be in some tables and not in others."""
    name = drawn_page(made)
    mark_private(made.home, found(made, name))
    written, write = [], Lake.write

    def dying(self: Lake, asset: str, *arguments: object) -> object:
        if len(written) >= after:
            raise KeyboardInterrupt
        written.append(asset)
        return write(self, asset, *arguments)

    monkeypatch.setattr(Lake, "write", dying)
    with pytest.raises(KeyboardInterrupt):
        forget_page(made.home, found(made, name))
    monkeypatch.undo()
    page = found(made, name)
    assert name in page.page_ids
    forget_page(made.home, page)
    left = {"labels/corrections.csv", f"lake/rejected_pages/{next(iter(page.sketchbooks))}.parquet"}
    assert set(naming(made, page)) == left
    assert made.lake.dataset("rejected_pages").to_table().num_rows == 1


def test_a_table_that_cannot_be_read_goes_as_a_whole(made: MadeHome) -> None:
    """A table of an earlier version may hold the page, too; the next run makes it anew."""
    page = found(made, drawn_page(made))
    file = Path(str(made.lake.path("page_map")))
    pq.write_table(pa.table({"page_id": sorted(page.page_ids)}), file)
    done = forget_page(made.home, page)
    assert done.tables.removed == [str(file)]
    assert not file.exists()
    assert f"{file}: removed, for it cannot be read; the next run makes it again" in done.sentences()


def test_a_name_that_no_page_has_is_answered_with_those_that_are_near(made: MadeHome) -> None:
    with pytest.raises(PrivateError, match=r"There is no page 'sb01p0O03'\. Did you mean sb01p0003"):
        found(made, "sb01p0O03")
    with pytest.raises(PrivateError, match="singleline studio"):
        found(made, "?")


def test_the_same_file_in_two_sketchbooks_is_private_in_both(made: MadeHome) -> None:
    name = drawn_page(made)
    table = made.lake.read("raw_pages", "sb02")
    twin = table.to_pylist()[0]["page_id"]
    key = found(made, name).sha256
    rows = [row | ({"sha256": key} if row["page_id"] == twin else {}) for row in table.to_pylist()]
    made.lake.write("raw_pages", pa.Table.from_pylist(rows, table.schema), "sb02")
    page = found(made, name)
    assert (page.page_ids, page.sketchbooks) == ({name, twin}, {name[:4], "sb02"})
    mark_private(made.home, page)
    assert read_corrections(made.home.labels).names_of_private(key) == {name, twin}
    assert forget_page(made.home, page).rows["raw_pages"] == 2


def test_another_file_that_has_the_name_by_now_is_left_alone(made: MadeHome) -> None:
    """Page 5 was made private and taken off the shelf; the page that is called so today is another one."""
    name = drawn_page(made)
    page = found(made, name)
    mark_private(made.home, page)
    table = made.lake.read("raw_pages", name[:4])
    rows = [row | ({"sha256": SHA} if row["page_id"] == name else {}) for row in table.to_pylist()]
    made.lake.write("raw_pages", pa.Table.from_pylist(rows, table.schema), name[:4])
    assert found(made, name).sha256 == SHA


def test_samples_that_start_from_its_drawings_go_and_a_cell_that_names_it_is_emptied() -> None:
    table = pa.table(
        {
            "sample_id": ["a", "b", "c", "d"],
            "kind": ["free", "reconstruction", "interpolation", "completion"],
            "source_drawing": [None, "sb01p001d02", "sb01p002d01", "sb01p0011d01"],
        }
    )
    left, count = without_page(table, PAGE)
    assert (left["sample_id"].to_pylist(), count) == (["a", "c", "d"], 1)
    left, _ = without_page(table, PAGE, interpolations=False)
    assert left["sample_id"].to_pylist() == ["a", "d"]
    rescans = pa.table({"page_id": ["sb01p009", "sb01p001"], "replaces": ["sb01p001", None]})
    left, count = without_page(rescans, PAGE)
    assert (left.to_pylist(), count) == ([{"page_id": "sb01p009", "replaces": None}], 2)


def kept(number: int, page_id: str) -> KeptDrawing:
    angle = np.linspace(0, 5 + number, 40 + 5 * number)
    stroke = 100 + 90 * np.column_stack([np.cos(angle), np.sin(angle) * (1 + angle / 9)])
    return KeptDrawing(f"{page_id}d{number:02d}", page_id, page_id[:4], f"{number:064x}", [stroke])


def snapshot_with(folder: Path, *drawings: KeptDrawing) -> Path:
    settings = DatasetSettings(cut_ends=0.0)
    now = datetime(2026, 1, 2, tzinfo=UTC)
    return write_snapshot(build_dataset(drawings, settings), settings, folder, now)


def trained_on(models: Path, name: str, fingerprint: str) -> None:
    (models / "sketch_rnn" / name).mkdir(parents=True)
    (models / "sketch_rnn" / name / "config.json").write_text(
        json.dumps({"dataset_fingerprint": fingerprint})
    )


def test_a_snapshot_loses_the_drawings_of_the_page_and_no_others(tmp_path: Path) -> None:
    mine, others = [kept(1, "sb01p001"), kept(2, "sb01p001")], [kept(3, "sb01p002"), kept(4, "sb02p001")]
    before = snapshot_with(tmp_path / "datasets", *mine, *others)
    seen = json.loads((before / "manifest.json").read_text())["fingerprint"]
    without = snapshot_with(tmp_path / "other", *others)
    trained_on(tmp_path / "models", "then", seen)
    trained_on(tmp_path / "models", "nobody-knows", "0" * 64)
    (tmp_path / "models" / "sketch_rnn" / "current").symlink_to("then")
    (tmp_path / "models" / "encoder-pages-1").mkdir()
    (tmp_path / "models" / "encoder-pages-1" / "config.json").write_text("{}")
    done = forget_in_snapshots(tmp_path / "datasets", tmp_path / "models", PAGE)
    [after] = (tmp_path / "datasets").iterdir()
    assert done.rewritten == {after.name: 2}
    assert list(done.learned) == ["sketch_rnn then"]
    assert list(done.may_have) == ["sketch_rnn nobody-knows"]
    assert done.encoders == [tmp_path / "models" / "encoder-pages-1"]
    manifest, wanted = (json.loads((folder / "manifest.json").read_text()) for folder in (after, without))
    assert manifest.pop("taken_out_of") == [seen]
    assert manifest == wanted
    for split, drawings in load_npz(without / "dataset.npz").items():
        for one, other in zip(drawings, load_npz(after / "dataset.npz")[split], strict=True):
            np.testing.assert_array_equal(one, other)
    # Another page, later: the model of the first snapshot has seen that as well.
    second = PrivatePage("b" * 64, frozenset({"sb02p001"}), sketchbooks=frozenset({"sb02"}))
    assert list(forget_in_snapshots(tmp_path / "datasets", tmp_path / "models", second).learned) == [
        "sketch_rnn then"
    ]


def test_a_snapshot_of_before_drawings_had_names_goes_where_it_may_hold_the_page(tmp_path: Path) -> None:
    for folder, drawing in (("mine", kept(1, "sb01p001")), ("others", kept(2, "sb02p001"))):
        snapshot = snapshot_with(tmp_path / folder, drawing)
        manifest = json.loads((snapshot / "manifest.json").read_text())
        del manifest["ids"]
        (snapshot / "manifest.json").write_text(json.dumps(manifest))
        shutil.move(snapshot, tmp_path / "datasets" / folder)
    done = forget_in_snapshots(tmp_path / "datasets", tmp_path / "models", PAGE)
    assert done.removed == ["mine"]
    assert [folder.name for folder in (tmp_path / "datasets").iterdir()] == ["others"]


def test_a_comparison_of_models_that_shows_a_drawing_of_the_page_is_removed(made: MadeHome) -> None:
    """Its pictures of held-out and of copied drawings would outlive every table."""
    page = found(made, drawn_page(made))
    reports = made.home.models / "comparison"
    reports.mkdir(parents=True)
    shows = f"<svg><title>{min(page.page_ids)}d01</title></svg>"
    (reports / "report.html").write_text(shows, "utf-8")
    (reports / "other.html").write_text("<svg><title>sb99p001d01</title></svg>", "utf-8")
    done = forget_page(made.home, page)
    assert done.reports == ["report.html"]
    assert [file.name for file in reports.iterdir()] == ["other.html"]
    assert any("models/comparison/report.html: removed" in line for line in done.sentences())


def test_exports_that_name_the_page_or_say_no_names_are_removed(tmp_path: Path) -> None:
    files = {
        "svg/sb01p001d01.svg": "<svg/>",
        "svg/sb01p002d01.svg": "<svg/>",
        "other/sb01p0011d01.svg": "<svg/>",
        "all.ndjson": '{"key_id": "sb01p001d03"}\n',
        "none.ndjson": '{"key_id": "sb01p0010d03"}\n',
        "dataset.npz": "PK",
        "map.html": "<script>packed</script>",
        "samples/sketch_rnn/reconstruction-1.plotter.svg": "<svg/>",
        "notes.txt": "my own",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    for name, page_id in (("huggingface", "sb01p001"), ("later", "sb02p001")):
        (tmp_path / name).mkdir()
        pq.write_table(pa.table({"page_id": [page_id]}), tmp_path / name / "train.parquet")
    gone = forget_exports(tmp_path, PAGE, {"reconstruction-1"})
    assert gone == ["all.ndjson", "dataset.npz", "huggingface", "map.html", "samples", "svg"]
    assert {place.name for place in tmp_path.iterdir()} == {"other", "none.ndjson", "notes.txt", "later"}


def test_a_cluster_of_the_page_alone_is_told(made: MadeHome) -> None:
    """Its centroid is the page's own vector: nothing but another fit is without it."""
    page = found(made, drawn_page(made))
    table = made.lake.read("page_clusters")
    rows = [row | {"members": [page.sha256], "size": 1} for row in table.to_pylist()[:1]]
    made.lake.write("page_clusters", pa.Table.from_pylist(rows, table.schema))
    done = forget_page(made.home, page)
    assert done.tables.alone["page_clusters"] == [0]
    assert any(said.startswith("page_clusters: 1 cluster without a member (0)") for said in done.sentences())


def test_another_scan_of_the_same_page_is_named(made: MadeHome) -> None:
    """It shows the same drawing, and is another file."""
    name, other = sorted(made.truth)[:2]
    table = made.lake.read("page_map")
    rows = [row | ({"same_page": name} if row["page_id"] == other else {}) for row in table.to_pylist()]
    made.lake.write("page_map", pa.Table.from_pylist(rows, table.schema))
    assert other_scans(made.lake, found(made, name)) == [other]
    assert other_scans(made.lake, found(made, other)) == [name]
