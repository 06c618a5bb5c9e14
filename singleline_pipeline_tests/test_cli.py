"""`singleline ...` as it is typed: what it prints, what it leaves on the disk, how it says no."""

import contextlib
import importlib
import inspect
import io
import json
import os
import pkgutil
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest
import sqlalchemy
import typer.main
from defusedxml import ElementTree

import singleline_pipeline
from singleline_pipeline import cli, geometry
from singleline_pipeline.assets.table_asset import table_of
from singleline_pipeline.lake import Lake
from singleline_pipeline.nested import stroke3_from_arrow, stroke3_to_arrow
from singleline_pipeline.orchestration.jobs import (
    CLUSTER_ASSETS,
    DATASET_ASSETS,
    MAP_ASSETS,
    SKETCHBOOK_ASSETS,
)
from singleline_pipeline.rendering import animated_svg, plotter_svg
from singleline_pipeline.scans.sample_pages import sample_page

PROJECT = Path(singleline_pipeline.__file__).parents[1]


@dataclass(frozen=True)
class Said:
    """How a command ended, and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def complaint(self) -> str:
        """The one line on stderr of a command that failed."""
        assert self.code == 1, self
        [line] = self.err.splitlines()
        return line


def singleline(*arguments: object) -> Said:
    """Run the console script's own entry point, in this process."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    with (
        pytest.MonkeyPatch.context() as patch,
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        patch.setattr(sys, "argv", ["singleline", *map(str, arguments)])
        try:
            cli.main()
        except SystemExit as end:
            code = int(end.code or 0)
    return Said(code, out.getvalue(), err.getvalue())


def _do_not_wait_for_the_disk(connection, _record) -> None:
    """Dagster commits several times an event, and a test's instance need not survive a power failure."""
    connection.execute("PRAGMA synchronous = OFF")


@contextlib.contextmanager
def desk(root: Path) -> Iterator[Path]:
    """A folder to work in, below a project root of its own: no test can reach the instance of this project."""
    here = root / "desk"
    here.mkdir(exist_ok=True)
    for name in ("dagster.yaml", "workspace.yaml"):
        shutil.copy(PROJECT / name, root)
    sqlalchemy.event.listen(sqlalchemy.Engine, "connect", _do_not_wait_for_the_disk)
    with pytest.MonkeyPatch.context() as patch:
        # Set, not deleted: the command line sets them itself, and they are put back as they were.
        for name in ("SINGLELINE_HOME", "SINGLELINE_SKETCHBOOKS", "SINGLELINE_LAKE", "DAGSTER_HOME"):
            patch.setenv(name, "")
        patch.chdir(here)
        yield here
    sqlalchemy.event.remove(sqlalchemy.Engine, "connect", _do_not_wait_for_the_disk)


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Path]:
    with desk(tmp_path) as folder:
        yield folder


def write_page(file: Path, seed: int) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(file), sample_page("drawing", seed=seed, scale=0.35, drawings=2).image)


# singleline run


@dataclass(frozen=True)
class Shelf:
    """A desk on which `singleline run --home mine --sketchbooks books` was said, and what that answered."""

    folder: Path
    said: Said

    @property
    def lake(self) -> Lake:
        return Lake(self.folder / "mine" / "lake")


@pytest.fixture(scope="module")
def filled_shelf(tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    """Two sketchbooks, one with a broken file, beside a folder that is none. Tests leave it as it is."""
    with desk(tmp_path_factory.mktemp("shelf")) as folder:
        for seed in range(3):
            write_page(folder / "books" / "sb01" / "art" / f"{seed:03d}.png", seed)
        write_page(folder / "books" / "sb02" / "art" / "001.png", 3)
        (folder / "books" / "sb02" / "art" / "002.jpg").write_bytes(b"")
        (folder / "books" / "holiday").mkdir()
        return Shelf(folder, singleline("run", "--home", "mine", "--sketchbooks", "books"))


@pytest.fixture
def shelf(filled_shelf: Shelf) -> Iterator[Shelf]:
    """Back at the desk of the filled shelf."""
    with desk(filled_shelf.folder.parent):
        yield filled_shelf


def test_run_takes_relative_paths_from_where_the_user_is(shelf: Shelf) -> None:
    """The process changes into the project's root, where `books` and `mine` would mean something else."""
    assert shelf.said.code == 0
    tables = 2 * len(SKETCHBOOK_ASSETS) + len(CLUSTER_ASSETS + DATASET_ASSETS + MAP_ASSETS)
    assert shelf.said.out == f"{tables} tables materialized.\n"
    assert shelf.lake.partitions("raw_pages") == ["sb01", "sb02"]
    assert shelf.lake.read("stroke3_dataset").num_rows > 0
    assert {file.name for file in shelf.folder.iterdir()} == {"books", "mine"}
    root = {file.name for file in shelf.folder.parent.iterdir()}
    assert root == {"desk", "dagster.yaml", "workspace.yaml", ".dagster"}
    assert Path.cwd() == shelf.folder


def test_run_says_what_is_wrong_with_folders_and_files_and_does_the_rest(shelf: Shelf) -> None:
    assert "singleline: Folder holiday is not a sketchbook: " in shelf.said.err
    assert "singleline: sb02/art/002.jpg is empty (0 bytes). Copy or scan it again.\n" in shelf.said.err
    assert shelf.lake.read("raw_pages", "sb02").num_rows == 1


def test_run_begins_with_a_line_on_what_it_does(shelf: Shelf) -> None:
    assert "sb01: page_embeddings, raw_pages, rejected_pages\n" in shelf.said.err


def test_a_second_run_materializes_nothing(shelf: Shelf) -> None:
    """Neither does one that is told the same places in the environment, or in full."""
    assert singleline("run", "--home", "mine", "--sketchbooks", "books").out == (
        "Everything is up to date: nothing was materialized.\n"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SINGLELINE_HOME", "../desk/mine")
        said = singleline("run", "--sketchbooks", shelf.folder / "books", "--sketchbook", "sb01")
    assert said.out == "Everything is up to date: nothing was materialized.\n"


def test_clusters_are_fitted_anew_when_that_is_asked_for(shelf: Shelf) -> None:
    """There is no other way to it without the UI; and what comes out the same makes nothing else stale."""
    fit = shelf.lake.read("page_clusters")["fit_id"].to_pylist()
    said = singleline("run", "--home", "mine", "--sketchbooks", "books", "--refit")
    assert said.out == "2 tables materialized.\n"
    assert "page_clusters" in said.err
    assert shelf.lake.read("page_clusters")["fit_id"].to_pylist() == fit


def test_run_of_one_sketchbook_leaves_the_others_alone(here: Path) -> None:
    """Also the first time: what reads all sketchbooks must not miss those that were not asked for."""
    write_page(here / "books" / "sb01" / "001.png", 1)
    write_page(here / "books" / "sb02" / "001.png", 2)
    said = singleline("run", "--home", "mine", "--sketchbooks", "books", "--sketchbook", "sb02")
    assert said.code == 0
    assert said.out.endswith(" tables materialized.\n")
    assert Lake(here / "mine" / "lake").partitions("raw_pages") == ["sb02"]


def test_an_unknown_sketchbook_is_named_with_those_that_there_are(shelf: Shelf) -> None:
    said = singleline(
        "run", "--home", "mine", "--sketchbooks", "books", "--sketchbook", "sb01", "--sketchbook", "sb09"
    )
    assert said.err.splitlines()[-1] == (
        f"singleline: There is no sketchbook sb09 in {shelf.folder / 'books'}, only sb01, sb02."
    )
    assert said.code == 1


def test_without_a_sketchbooks_folder_one_line_says_what_to_do(here: Path) -> None:
    assert singleline("run", "--home", "mine").complaint == (
        f"singleline: There is no sketchbooks folder {here / 'mine' / 'sketchbooks'}. Make it and put a folder of "
        "scans a sketchbook into it, or name another one (SINGLELINE_SKETCHBOOKS or --sketchbooks)."
    )
    (here / "books").mkdir()
    assert singleline("run", "--home", "mine", "--sketchbooks", "books").complaint.startswith(
        f"singleline: There is no sketchbook in {here / 'books'}. A sketchbook is a folder in it"
    )
    assert not (here / "mine").exists()


def test_a_run_that_fails_says_which_table_and_why_and_ends_with_1(here: Path) -> None:
    (here / "books" / "sb01" / "art").mkdir(parents=True)
    (here / "mine").mkdir()
    (here / "mine" / "lake").write_text("in the way")
    said = singleline("run", "--home", "mine", "--sketchbooks", "books")
    assert said.code == 1
    assert (
        f"singleline: read_sketchbook [sb01] failed: {here / 'mine/lake/raw_pages/sb01.parquet'} cannot be written: "
        "there is a file where its folder should be.\n"
    ) in said.err
    assert "Traceback" not in said.err


def test_an_instance_that_is_not_there_is_named(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSTER_HOME", "elsewhere")
    said = singleline("run", "--home", "mine", "--sketchbooks", "books")
    assert said.err.splitlines()[-1] == (
        "singleline: DAGSTER_HOME is elsewhere, which is not the absolute path of a folder. Unset it, or make the "
        "folder."
    )


def test_the_installed_command_ends_without_a_traceback(here: Path) -> None:
    """In a process of its own, as a shell sees it."""
    done = subprocess.run(
        [sys.executable, "-c", "from singleline_pipeline.cli import main; main()", "run", "--home", "mine"],
        capture_output=True,
        text=True,
        check=False,
        cwd=here,
        env=os.environ | {"PYTHONPATH": str(PROJECT)},
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("singleline: There is no sketchbooks folder")


# singleline train, evaluate, sample


@dataclass(frozen=True)
class Studio:
    """A desk with drawings.npz on it, and both models trained on that for a few steps."""

    folder: Path
    trained: dict[str, Said]


def drawings(count: int, seed: int) -> list[np.ndarray]:
    """Stroke-3 drawings of two strokes, (24, 3)."""
    rng = np.random.default_rng(seed)
    lifts = np.zeros(24)
    lifts[[11, 23]] = 1
    return [np.column_stack([rng.integers(-36, 37, (24, 2)), lifts]) for _ in range(count)]


@pytest.fixture(scope="module")
def trained_studio(tmp_path_factory: pytest.TempPathFactory) -> Studio:
    with desk(tmp_path_factory.mktemp("studio")) as folder:
        geometry.save_npz("drawings.npz", {"train": drawings(12, 1), "valid": drawings(4, 2)})
        return Studio(
            folder,
            {
                model: singleline(
                    *("train", model, "--data", "drawings.npz", "--out", f"models/{model}"),
                    *("--max-steps", 5, "--threads", 1),
                )
                for model in ("sketch_rnn", "sketch_transformer")
            },
        )


@pytest.fixture
def studio(trained_studio: Studio) -> Iterator[Studio]:
    """Back at the desk where the models were trained."""
    with desk(trained_studio.folder.parent):
        yield trained_studio


MODELS = pytest.mark.parametrize("model", ["sketch_rnn", "sketch_transformer"])


@MODELS
def test_train_tells_of_its_score_and_leaves_the_weights_where_it_was_told(
    studio: Studio, model: str
) -> None:
    said = studio.trained[model]
    assert said.code == 0
    assert said.out.startswith(f"{model}: ")
    assert said.out.endswith(
        f"nats a point on the validation drawings after 5 steps (max_steps); weights in models/{model}\n"
    )
    assert "step 5" in said.err
    assert (studio.folder / "models" / model / "model.safetensors").is_file()


@MODELS
def test_evaluate_ends_with_one_json_object_of_numbers(studio: Studio, model: str) -> None:
    """Other programs read the last line and nothing else."""
    said = singleline("evaluate", f"models/{model}", "--data", "drawings.npz", "--json")
    assert said.code == 0
    scores = json.loads(said.out.splitlines()[-1])
    assert list(scores) == [
        *("nll_per_point", "xy", "pen", "eos_per_drawing", "kl_per_drawing", "nats_per_point"),
        *("drawings", "points"),
    ]
    assert (scores["drawings"], scores["points"]) == (4, 96)
    assert scores["nll_per_point"] == pytest.approx(scores["xy"] + scores["pen"])
    assert f" {scores['nats_per_point']:.3f} nats a point" in studio.trained[model].out


def test_evaluate_without_json_is_a_table_for_people(studio: Studio) -> None:
    said = singleline("evaluate", "models/sketch_rnn", "--data", "drawings.npz", "--split", "train")
    rows = dict(line.split() for line in said.out.splitlines())
    assert rows["drawings"] == "12"
    assert float(rows["nats_per_point"]) > 0


def test_a_split_that_is_not_there_is_named_with_those_that_are(studio: Studio) -> None:
    said = singleline("evaluate", "models/sketch_rnn", "--data", "drawings.npz", "--split", "tset")
    assert said.complaint == (
        "singleline: drawings.npz has no drawings in split tset; it holds train (12), valid (4)"
    )


def test_drawings_of_another_scale_are_not_scored(studio: Studio) -> None:
    """Millimetres in place of units give a score that looks like one of a bad model."""
    splits = geometry.load_drawings(studio.folder / "drawings.npz")
    larger = [drawing * np.float32([5, 5, 1]) for drawing in splits["valid"]]
    geometry.save_npz(studio.folder / "larger.npz", {"valid": larger})
    said = singleline("evaluate", "models/sketch_rnn", "--data", "larger.npz", "--json")
    assert said.code == 1
    assert re.search(
        r"The drawings are about \d+ units large, what the model learned from [\d.]+: they are of",
        said.complaint,
    )


def test_much_coarser_drawings_are_scored_with_a_warning_that_names_both(studio: Studio) -> None:
    """As large as those that were learned, but with a few long steps: the score says little of the model."""
    coarse = np.zeros((24, 3), np.float32)
    coarse[::2, 0], coarse[1::2, 0], coarse[-1, 2] = 160, -160, 1
    larger = [coarse]
    geometry.save_npz(studio.folder / "coarse.npz", {"valid": larger})
    said = singleline("evaluate", "models/sketch_rnn", "--data", "coarse.npz", "--json")
    assert said.code == 0
    scale = json.loads((studio.folder / "models" / "sketch_rnn" / "config.json").read_text())["scale"]
    own = float(np.concatenate([drawing[:, :2] for drawing in larger]).std())
    assert "These drawings are on another scale" in said.err
    assert f"deviate by {own:.3g} file units, the model's by {scale:.3g}" in said.err
    assert not singleline("evaluate", "models/sketch_rnn", "--data", "drawings.npz", "--json").err


def test_the_table_of_the_dataset_is_a_file_of_drawings(studio: Studio, filled_shelf: Shelf) -> None:
    """What `singleline run` has made can be scored and trained on without an export."""
    table = filled_shelf.folder / "mine" / "lake" / "stroke3_dataset.parquet"
    split = filled_shelf.lake.read("stroke3_dataset")["split"][0].as_py()
    said = singleline("evaluate", "models/sketch_rnn", "--data", table, "--split", split, "--json")
    assert json.loads(said.out.splitlines()[-1])["drawings"] > 0


@MODELS
def test_sample_writes_drawings_that_can_be_watched_plotted_and_read(studio: Studio, model: str) -> None:
    folders = []
    for name in ("first", "second"):
        said = singleline(
            "sample", f"models/{model}", "--n", 3, "--seed", 7, "--max-points", 30, "--out", f"{model}/{name}"
        )
        assert said.out.startswith(f"3 drawings in {model}/{name}, ")
        folders.append(studio.folder / model / name)
    names = ["index.html", "samples.npz"]
    names += [f"sample_{n:03d}{kind}.svg" for n in range(3) for kind in ("", ".plotter")]
    assert sorted(file.name for file in folders[0].iterdir()) == sorted(names)
    page = (folders[0] / "index.html").read_text()
    for number in range(3):
        assert f'src="sample_{number:03d}.svg"' in page
        moving = ElementTree.parse(folders[0] / f"sample_{number:03d}.svg").getroot()
        assert "dash" in ElementTree.tostring(moving, "unicode")
        plotter = ElementTree.parse(folders[0] / f"sample_{number:03d}.plotter.svg").getroot()
        assert plotter.get("width", "").endswith("mm")
    samples = geometry.load_drawings(folders[0] / "samples.npz")["train"]
    assert [1 <= len(sample) <= 30 for sample in samples] == [True] * 3
    for name in names:
        assert (folders[0] / name).read_bytes() == (folders[1] / name).read_bytes()


def test_sample_draws_given_drawings_again_as_freely_as_one_likes(studio: Studio) -> None:
    """The slider of an artist: from a drawing as the model understood it to one that it makes up."""
    drawn = {}
    for variability in (0, 1):
        out = f"again/{variability}"
        said = singleline(
            *("sample", "models/sketch_rnn", "--like", "drawings.npz", "--variability", variability),
            *("--max-points", 30, "--out", out),
        )
        assert said.out.startswith(f"4 drawings in {out}, "), said.err
        drawn[variability] = geometry.load_drawings(studio.folder / out / "samples.npz")["train"]
    assert any(not np.array_equal(one, other) for one, other in zip(drawn[0], drawn[1], strict=True))
    said = singleline("sample", "models/sketch_rnn", "--out", "a", "--variability", 0.5)
    assert said.code == 2
    assert "--like" in said.err


def test_compare_says_which_model_is_better_and_writes_a_report(studio: Studio) -> None:
    said = singleline(
        *("compare", "models/sketch_rnn", "models/sketch_transformer", "--data", "drawings.npz"),
        *("--samples", 2, "--out", "new/report.html", "--json"),
    )
    assert said.code == 0
    answer = json.loads(said.out.splitlines()[-1])
    figures = {(one["model"], one["metric"], one["part"]): one["value"] for one in answer["figures"]}
    for model in answer["models"]:
        alone = singleline("evaluate", f"models/{model}", "--data", "drawings.npz", "--json")
        expected = json.loads(alone.out.splitlines()[-1])["nats_per_point"]
        assert figures[model, "nats_per_point", "total"] == pytest.approx(expected, rel=1e-5)
    assert ("sketch_transformer - sketch_rnn", "nats_per_point", "total") in figures
    [note] = answer["notes"]
    assert "4 held-out drawings" in note
    assert Path("new/report.html").read_text("utf-8").count("<svg") > 8


def test_compare_without_json_is_tables_for_people(studio: Studio) -> None:
    said = singleline("compare", "models/sketch_rnn", "--data", "drawings.npz", "--samples", 2)
    assert "| nats a point | sketch_rnn |" in said.out
    assert "- Fréchet distance, precision, recall and the search for copies are left out" in said.out


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ("train sketch_rnn --data nowhere.npz --out a", "nowhere.npz does not exist"),
        ("train sketch_rnn --data notes.txt --out a", "notes.txt: drawings come as .npz or .parquet"),
        ("train sketch_rnn --data broken.npz --out a", "broken.npz is damaged, or no .npz file"),
        ("train sketch_rnn --data broken.parquet --out a", "broken.parquet is damaged, or no Parquet file"),
        (
            "train sketch_rnn --data single.npz --out a",
            "The train split has 1 drawings; at least 2 are needed",
        ),
        ("train sketch_rnn --data drawings.npz --out notes.txt", "notes.txt: File exists"),
        ("evaluate nowhere --data drawings.npz", "nowhere holds no model: there is no config.json"),
        ("sample nowhere --out a", "nowhere holds no model: there is no config.json"),
        ("compare nowhere --data drawings.npz", "nowhere holds no model: there is no config.json"),
        ("compare models/sketch_rnn --data drawings.npz --split train", "compare them on another one"),
        ("compare models/sketch_rnn --data drawings.npz --out a", "a report is written as .html or .md"),
        ("sample models/sketch_rnn --out a --temperature 0", "temperature"),
        ("sample models/sketch_rnn --out a --like drawings.npz --variability 2", "lies between 0 and 1"),
        ("sample models/sketch_rnn --out a --like drawings.npz --split test", "no drawings in split test"),
        ("sample models/sketch_rnn --out notes.txt", "notes.txt: File exists"),
        ("sample models/sketch_rnn --out notes.txt/a", "notes.txt/a: Not a directory"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(studio: Studio, arguments: str, complaint: str) -> None:
    (studio.folder / "notes.txt").write_text("ink, paper")
    (studio.folder / "broken.npz").write_text("no zip")
    (studio.folder / "broken.parquet").write_text("no parquet")
    geometry.save_npz("single.npz", {"train": drawings(1, 3)})
    said = singleline(*arguments.split()).complaint
    assert said.startswith("singleline: ")
    assert complaint in said
    assert not (studio.folder / "a").exists()


# singleline export


@pytest.fixture
def dataset(shelf: Shelf) -> dict[str, np.ndarray]:
    """The drawings of the dataset by id, stroke-3."""
    table = shelf.lake.read("stroke3_dataset")
    return dict(zip(table["drawing_id"].to_pylist(), stroke3_from_arrow(table["stroke3"]), strict=True))


def test_export_npz_holds_the_splits_as_they_are(shelf: Shelf, dataset: dict[str, np.ndarray]) -> None:
    assert singleline("export", "npz", "--home", "mine", "--out", "out/mine.npz").out == (
        "written: out/mine.npz\n"
    )
    found = geometry.load_drawings("out/mine.npz")
    assert sum(map(len, found.values())) == len(dataset)
    splits = shelf.lake.read("stroke3_dataset")["split"].to_pylist()
    for drawing, split in zip(dataset.values(), splits, strict=True):
        assert any(np.array_equal(drawing, other) for other in found[split])


def test_export_without_a_place_goes_to_the_home(shelf: Shelf, dataset: dict[str, np.ndarray]) -> None:
    file = shelf.folder / "mine" / "exports" / "stroke3_dataset.ndjson"
    assert singleline("export", "ndjson", "--home", "mine").out == f"written: {file}\n"
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [line["key_id"] for line in lines] == list(dataset)
    for line, stroke3 in zip(lines, dataset.values(), strict=True):
        assert len(line["drawing"]) == stroke3[:, 2].sum()


def test_export_svg_is_for_the_plotter(shelf: Shelf, dataset: dict[str, np.ndarray]) -> None:
    assert singleline("export", "svg", "--home", "mine", "--out", "out").out == "written: out/svg\n"
    files = sorted((shelf.folder / "out" / "svg").iterdir())
    assert [file.stem for file in files] == sorted(dataset)
    assert all(ElementTree.parse(file).getroot().get("width", "").endswith("mm") for file in files)


def test_export_huggingface_is_a_folder_that_datasets_reads(
    shelf: Shelf, dataset: dict[str, np.ndarray]
) -> None:
    singleline("export", "huggingface", "--home", "mine", "--out", "out")
    folder = shelf.folder / "out" / "huggingface"
    card = (folder / "README.md").read_text()
    rows = 0
    for split in ("train", "validation", "test"):
        assert f"- split: {split}\n    path: data/{split}-*" in card
        [file] = (folder / "data").glob(f"{split}-*.parquet")
        rows += pq.read_table(file).num_rows
    assert rows == len(dataset)


def test_export_samples_of_both_models(here: Path) -> None:
    said = singleline("export", "samples", "--home", "mine")
    assert "sketch_rnn_samples has not been materialized" in said.complaint

    stroke3 = drawings(2, 5)
    svgs = [geometry.from_stroke3(drawing) for drawing in stroke3]
    for model in ("sketch_rnn", "sketch_transformer"):
        columns = {
            "sample_id": ["free-t0.2-00", "free-t0.2-01"],
            "run": ["a"] * 2,
            "kind": ["free"] * 2,
            "temperature": [0.2] * 2,
            "seed": [0] * 2,
            "stroke3": stroke3_to_arrow(stroke3),
            "points": [24] * 2,
            "ended": [True] * 2,
            "source_drawing": [None] * 2,
            "svg": [animated_svg(drawing) for drawing in svgs],
            "plotter_svg": [plotter_svg(drawing, width_mm=150) for drawing in svgs],
        }
        Lake(here / "mine" / "lake").write(f"{model}_samples", table_of(f"{model}_samples", columns))
    assert singleline("export", "samples", "--home", "mine", "--out", "out").out == "written: out/samples\n"
    for model in ("sketch_rnn", "sketch_transformer"):
        folder = here / "out" / "samples" / model
        assert 'src="free-t0.2-01.svg"' in (folder / "index.html").read_text()
        assert (folder / "free-t0.2-01.svg").read_text() == animated_svg(svgs[1])
        assert (folder / "free-t0.2-01.plotter.svg").is_file()


@pytest.mark.parametrize("what", ["npz", "ndjson", "svg", "huggingface"])
def test_export_before_there_is_a_dataset_says_what_to_do_first(here: Path, what: str) -> None:
    said = singleline("export", what, "--home", "mine").complaint
    assert "stroke3_dataset has not been materialized" in said
    assert "`singleline run`" in said
    assert not (here / "mine").exists()


# singleline doctor


def test_doctor_finds_nothing_wrong_with_a_shelf_that_is_in_order(here: Path) -> None:
    write_page(here / "books" / "sb01" / "001.png", 1)
    said = singleline("doctor", "--home", "mine", "--sketchbooks", "books", "--mend")
    assert said.code == 0
    assert said.out.endswith("Nothing is wrong.\n")
    assert "0 orphaned runs canceled\n0 leftovers of killed writers removed\n" in said.out
    shown = [line.split()[0] for line in said.out.splitlines() if line.startswith("  ")]
    assert {"python", "dagster", "torch", "processor"} <= set(shown)


def test_doctor_names_each_problem_once_with_its_remedy(here: Path) -> None:
    said = singleline("doctor", "--home", "mine")
    assert said.code == 1
    [problem] = [line for line in said.out.splitlines() if line.startswith("!")]
    assert problem.startswith(f"! There is no sketchbooks folder {here / 'mine' / 'sketchbooks'}. Make it")


# singleline private


def write_page_row(here: Path) -> None:
    row = {"page_id": "sb01p001", "sketchbook": "sb01", "folder": "art", "path": "sb01/art/001.jpg"}
    row |= {
        "sha256": "a" * 64,
        "width": 3,
        "height": 4,
        "image": {"bytes": b"x", "path": ""},
        "thumbnail": b"x",
    }
    Lake(here / "mine" / "lake").write(
        "raw_pages", table_of("raw_pages", {k: [v] for k, v in row.items()}), "sb01"
    )


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "There is no page 'sb01p0O1'. Did you mean sb01p001?"),
        (
            ["--undo"],
            "There is no private page 'sb01p0O1'. `singleline studio` shows every page with its name.",
        ),
    ],
)
def test_a_page_that_is_not_there_is_answered_with_near_names(
    here: Path, options: list[str], said: str
) -> None:
    write_page_row(here)
    complaint = singleline("private", "sb01p0O1", "--home", "mine", *options)
    assert complaint.err.splitlines()[-1] == f"singleline: {said}"
    assert complaint.code == 1
    assert not (here / "mine" / "labels").exists()


def test_a_private_page_is_told_of_line_by_line_and_let_back_in(here: Path) -> None:
    write_page_row(here)
    said = singleline("private", "sb01p001", "--home", "mine")
    assert said.code == 0
    assert said.out.startswith("sb01p001 is private. Removed:\n  raw_pages: 1 row\n")
    assert str(here / "mine" / "sketchbooks" / "sb01" / "art" / "001.jpg") in said.out
    assert said.out.endswith("Next: singleline run, which makes everything anew that it was a part of.\n")
    said = singleline("private", "sb01p001", "--undo", "--home", "mine")
    assert said.out == "sb01p001 is not private any more. Next: singleline run, which reads it again.\n"
    assert "no private page" in singleline("private", "sb01p001", "--undo", "--home", "mine").complaint


# What all commands have in common


def test_every_command_and_option_explains_itself() -> None:
    group = typer.main.get_command(cli.app)
    assert set(group.commands) == {
        "demo",
        "run",
        "train",
        "evaluate",
        "sample",
        "compare",
        "export",
        "import",
        "studio",
        "doctor",
        "private",
        "finetune-encoder",
    }
    for name, command in group.commands.items():
        assert command.help, name
        for option in command.params:
            if option.param_type_name == "option":
                assert option.help, (name, option.name)
        shown = singleline(name, "--help")
        assert shown.code == 0
        assert command.help.split(".")[0].split()[0] in shown.out


def test_every_error_of_ours_is_one_line_and_others_keep_their_traceback(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A ValueError that is not ours is a fault of the program: hiding where it came from would help nobody."""
    ours = set()
    for module in pkgutil.walk_packages(singleline_pipeline.__path__, "singleline_pipeline."):
        for member in vars(importlib.import_module(module.name)).values():
            if isinstance(member, type) and issubclass(member, ValueError):
                ours.add(member)
    ours = {error for error in ours if error.__module__.startswith("singleline_pipeline.")}
    assert {"HomeError", "LakeError", "PageError", "StrokeError", "DatasetError", "LabelError"} <= {
        error.__name__ for error in ours
    }
    for error in sorted(ours, key=str):

        def refuse(error: type[ValueError] = error) -> None:
            raise error("sb01.jpg is blue. Scan it again.")

        monkeypatch.setattr(cli, "app", refuse)
        assert singleline().complaint == "singleline: sb01.jpg is blue. Scan it again."

    def fault() -> None:
        raise ValueError("not ours")

    monkeypatch.setattr(cli, "app", fault)
    with pytest.raises(ValueError, match="not ours"):
        singleline()


def test_a_long_step_is_told_of_again_and_again_where_nobody_watches() -> None:
    """A log must show that the program is alive, also while one step of it takes an hour."""
    err = io.StringIO()
    with contextlib.redirect_stderr(err), cli.Progress(every=0.05) as progress:
        progress("sb01: raw_pages")
        progress("sb01: strokes")
        progress("step 50: 2.1 nats a point", important=True)
        progress("sb02: raw_pages")
        time.sleep(0.3)
    lines = err.getvalue().splitlines()
    assert lines[:2] == ["sb01: raw_pages", "step 50: 2.1 nats a point"]
    assert 2 <= len(lines[2:]) <= 6
    assert set(lines[2:]) == {"[0 s] sb02: raw_pages"}
    written = err.getvalue()
    time.sleep(0.12)
    assert err.getvalue() == written
    assert inspect.signature(cli.Progress).parameters["every"].default == 30
