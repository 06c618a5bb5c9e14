"""One encoder in a home: vectors of two are never compared, and another one is taken in everywhere at once."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import numpy as np
import pyarrow as pa
import pytest

from singleline_pipeline import cli
from singleline_pipeline.definitions import defs
from singleline_pipeline.embedding import (
    STATISTICS_NAMES,
    EmbeddingError,
    Label,
    append_labels,
    drawing_key,
    finetuning,
)
from singleline_pipeline.encoder_training import labelled_drawings, labelled_pages
from singleline_pipeline.home import Home
from singleline_pipeline.lake import Lake
from singleline_pipeline.orchestration.partitions import sketchbooks
from singleline_pipeline_tests.studio.homes import MadeHome, make_home

ASSETS = list(defs.resolve_asset_graph().assets_defs)
BOOKS = ("sb01", "sb02")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> MadeHome:
    """Sixty pages and their drawings, all embedded and clustered by one encoder."""
    made = make_home(tmp_path_factory.mktemp("encoders") / "home", pages=60, books=2)
    for book in BOOKS:
        table = made.lake.read("page_embeddings", book)
        nothing = [[(name, 0.0) for name in STATISTICS_NAMES]] * len(table)
        _replace(made.lake, "page_embeddings", book, "statistics", nothing)
    return made


@pytest.fixture
def made(
    template: MadeHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[MadeHome, dg.DagsterInstance]]:
    home = template.copied_to(tmp_path / "home")
    # All three, for the command line sets them, too.
    for name, folder in (("HOME", "."), ("SKETCHBOOKS", "sketchbooks"), ("LAKE", "lake")):
        monkeypatch.setenv(f"SINGLELINE_{name}", str(home.home.root / folder))
    with dg.DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions(sketchbooks.name, list(BOOKS))
        yield home, instance


def _replace(lake: Lake, asset: str, book: str, column: str, values: list) -> None:
    table = lake.read(asset, book)
    field = table.schema.field(column)
    index = table.column_names.index(column)
    lake.write(asset, table.set_column(index, field, pa.array(values, field.type)), book)


def embed_with(lake: Lake, asset: str, book: str, encoder: str) -> None:
    """As if a sketchbook had been embedded by another encoder, whose vectors are as long."""
    rows = lake.read(asset, book).num_rows
    _replace(lake, asset, book, "encoder", [encoder] * rows)


def error_of(instance: dg.DagsterInstance, asset: str, book: str | None = None, **config: object) -> str:
    """What a step says where it fails; empty where it does not."""
    run = dg.materialize(
        ASSETS,
        selection=[asset],
        partition_key=book,
        instance=instance,
        run_config={"ops": {asset: {"config": config}}} if config else None,
        raise_on_error=False,
    )
    failed = [event for event in run.all_events if event.event_type_value == "STEP_FAILURE"]
    return failed[0].event_specific_data.error.to_string() if failed else ""


@pytest.mark.parametrize(
    ("embeddings", "clusters", "nearest"),
    [
        ("page_embeddings", "page_clusters", "page_groups"),
        ("drawing_embeddings", "drawing_clusters", "filtered_drawings"),
    ],
)
def test_vectors_of_two_encoders_are_never_compared(
    made: tuple[MadeHome, dg.DagsterInstance], embeddings: str, clusters: str, nearest: str
) -> None:
    """A fine-tuned encoder's vectors are as long as those of the packaged one: nothing else would tell."""
    home, instance = made
    members = {key for cluster in home.lake.read(clusters)["members"].to_pylist() for key in cluster}
    assert error_of(instance, nearest, "sb01") == ""
    embed_with(home.lake, embeddings, "sb01", "another")
    for refit in (False, True):
        said = error_of(instance, clusters, refit=refit)
        assert "2 different encoders: a (version 1); another (version 1)" in said
        assert "embeddings of all sketchbooks again" in said
    said = error_of(instance, nearest, "sb01")
    assert "embedded by another (version 1), and the clusters were fitted on vectors of a (version 1)" in said
    assert "singleline run --refit" in said

    embed_with(home.lake, embeddings, "sb02", "another")
    assert "singleline run --refit" in error_of(instance, clusters)
    assert error_of(instance, clusters, refit=True) == ""
    assert error_of(instance, nearest, "sb01") == ""
    refitted = home.lake.read(clusters)
    assert set(refitted["encoder"].to_pylist()) == {"another"}
    assert {key for cluster in refitted["members"].to_pylist() for key in cluster} == members


def test_drawings_of_two_encoders_are_not_on_one_map(made: tuple[MadeHome, dg.DagsterInstance]) -> None:
    """Pages are tried with the maps; drawings come by another way."""
    home, instance = made
    embed_with(home.lake, "drawing_embeddings", "sb02", "another")
    assert "2 different encoders" in error_of(instance, "drawing_map")


def test_what_is_known_of_pages(made: tuple[MadeHome, dg.DagsterInstance]) -> None:
    """The folder says art; a person says more, and is right. Both kinds of art must be there to be told apart."""
    home = made[0]
    found = labelled_pages(home.home)
    assert set(found.labels) == {"art"}
    assert found.said_by == {"hand": 0, "folder": 60}
    pages = dict(zip(home.truth, found.pages, strict=True))
    say(home.home, "page", {pages[page]: group for page, group in home.truth.items() if group == "notes"})
    assert sorted(set(labelled_pages(home.home).labels)) == ["art", "notes"]
    drawn = [pages[page] for page, group in home.truth.items() if group == "drawings"]
    painted = [pages[page] for page, group in home.truth.items() if group == "watercolors"][:10]
    say(home.home, "page", dict.fromkeys(drawn[:12], "drawings") | dict.fromkeys(painted[:9], "watercolors"))
    assert sorted(set(labelled_pages(home.home).labels)) == ["art", "notes"]
    say(home.home, "page", dict.fromkeys(painted, "watercolors"))
    found = labelled_pages(home.home)
    assert {label: found.labels.count(label) for label in ("art", "drawings", "watercolors")} == {
        "art": 0,
        "drawings": 12,
        "watercolors": 10,
    }
    assert len(list(found.read())) == len(found.labels)


def test_what_is_known_of_drawings(made: tuple[MadeHome, dg.DagsterInstance]) -> None:
    """Only what a person decided is learned, not what is kept because nobody looked at it."""
    home, instance = made
    assert labelled_drawings(home.home).labels == []
    table = home.lake.read("drawings", "sb01")
    keys = [
        drawing_key(*one) for one in zip(table["sha256"].to_pylist(), table["box"].to_pylist(), strict=True)
    ]
    say(home.home, "drawing", {keys[0]: "exclude", keys[1]: "include", keys[4]: "exclude"})
    assert error_of(instance, "filtered_drawings", "sb01") == ""
    found = labelled_drawings(home.home)
    assert found.labels == ["exclude", "include", "exclude"]
    assert found.pages == [table["sha256"][row].as_py() for row in (0, 1, 4)]
    assert [picture.shape for picture in found.read()] == [(224, 224)] * 3


def test_a_fine_tuned_encoder_is_named_in_the_settings_and_stands_in_every_row(
    made: tuple[MadeHome, dg.DagsterInstance],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The whole way: from labels given by hand to a table of vectors that no other encoder could have made."""
    home, instance = made
    monkeypatch.setattr(finetuning, "MOST_EPOCHS", 1)
    pages = dict(zip(home.truth, labelled_pages(home.home).pages, strict=True))
    with pytest.raises(EmbeddingError, match=r"found were art \(60\)"):
        cli.finetune_encoder_(home=home.home.root)
    by_group = {
        group: [pages[page] for page, of in home.truth.items() if of == group]
        for group in set(home.truth.values())
    }
    say(
        home.home,
        "page",
        {page: group for group in ("drawings", "watercolors") for page in by_group[group][:10]},
    )
    cli.finetune_encoder_(home=home.home.root)
    said = capsys.readouterr().out
    (folder,) = (home.home.root / "models").glob("encoder-pages-*")
    assert "Learned drawings, watercolors from 12 pages, stopped by 4 others" in said
    assert f'[encoder]\nname = "{folder}"\n' in said
    home.home.settings.write_text(f'[encoder]\nname = "{folder}"\n')
    assert error_of(instance, "page_embeddings", "sb01") == ""
    table = home.lake.read("page_embeddings", "sb01")
    assert set(table["encoder"].to_pylist()) == {"efficientnet-lite0-pages+statistics"}
    assert {version.split(".")[0] for version in table["encoder_version"].to_pylist()} == {folder.name[-12:]}
    vectors = np.stack(table["embedding"].to_numpy(zero_copy_only=False))
    assert np.isfinite(vectors).all()


def say(home: Home, scope: str, labels: dict[str, str]) -> None:
    append_labels(home.labels / "labels.csv", [Label(scope, key, label) for key, label in labels.items()])
