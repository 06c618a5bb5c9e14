"""The maps as assets: kept while nothing has changed, from the last one when something has."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import numpy as np
import pyarrow as pa
import pytest

from singleline_pipeline.definitions import defs
from singleline_pipeline.lake import Lake
from singleline_pipeline.orchestration.partitions import sketchbooks
from singleline_pipeline_tests.studio.homes import MadeHome, make_home

MAPS = ["page_map", "drawing_map"]
ASSETS = list(defs.resolve_asset_graph().assets_defs)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> MadeHome:
    """Sixty pages in three sketchbooks."""
    return make_home(tmp_path_factory.mktemp("maps") / "home", pages=60, books=3)


@pytest.fixture
def made(
    template: MadeHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Lake, dg.DagsterInstance]]:
    """A lake with embeddings and no map, and an instance that knows two of its three sketchbooks."""
    home = template.copied_to(tmp_path / "home")
    monkeypatch.setenv("SINGLELINE_HOME", str(home.home.root))
    monkeypatch.delenv("SINGLELINE_LAKE", raising=False)
    for name in MAPS:
        home.lake.path(name).unlink()
    with dg.DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions(sketchbooks.name, ["sb01", "sb02"])
        yield home.lake, instance


def materialize(instance: dg.DagsterInstance, name: str, **config: object) -> tuple[dict[str, object], bool]:
    """What the step wrote into its metadata, and whether it went well."""
    run = dg.materialize(
        ASSETS,
        selection=[name],
        instance=instance,
        run_config={"ops": {name: {"config": config}}} if config else None,
        raise_on_error=False,
    )
    if not run.success:
        failed = next(event for event in run.all_events if event.event_type_value == "STEP_FAILURE")
        return {"error": failed.event_specific_data.error.to_string()}, False
    (event,) = run.asset_materializations_for_node(name)
    return {key: value.value for key, value in event.metadata.items()}, True


def places(table: pa.Table) -> np.ndarray:
    return np.column_stack([table["x"].to_numpy(), table["y"].to_numpy()])


@pytest.mark.parametrize("name", MAPS)
def test_a_map_stays_as_it_is_until_a_row_comes_and_then_hardly_moves(made, name: str) -> None:
    """A rerun gives the same bytes, though it starts from the last map; a sketchbook more moves what is known by
    little."""
    lake, instance = made
    said, _ = materialize(instance, name)
    assert said["places"] == "from nothing: this is the first map"
    assert "moved" not in said
    first, file = lake.read(name), Path(lake.path(name)).read_bytes()

    said, _ = materialize(instance, name)
    assert said["places"] == "as on the last map: rows and vectors are the same"
    assert Path(lake.path(name)).read_bytes() == file

    instance.add_dynamic_partitions(sketchbooks.name, ["sb03"])
    said, _ = materialize(instance, name)
    second = lake.read(name)
    assert said["places"] == f"from the last map: {len(first)} of {len(second)} rows were on it"
    assert said["moved"] < 0.2
    row_id = name.replace("_map", "_id")
    row = {one: index for index, one in enumerate(second[row_id].to_pylist())}
    again = places(second)[[row[one] for one in first[row_id].to_pylist()]]
    distance = np.linalg.norm(again - places(first), axis=1).mean()
    assert said["moved"] == pytest.approx(distance / np.ptp(places(first), axis=0).max(), abs=1e-3)
    moved_anew, _ = materialize(instance, name, anew=True)
    assert moved_anew["places"] == "from nothing: anew was asked for"
    third = Path(lake.path(name)).read_bytes()
    materialize(instance, name)
    assert Path(lake.path(name)).read_bytes() == third, "what was found anew stays, too"


def test_the_same_rows_and_the_same_last_map_give_the_same_bytes(made) -> None:
    """Else no map could be made again from a backup."""
    lake, instance = made
    materialize(instance, "page_map")
    before = lake.read("page_map")
    instance.add_dynamic_partitions(sketchbooks.name, ["sb03"])
    files = []
    for _ in range(2):
        lake.write("page_map", before)
        materialize(instance, "page_map")
        files.append(Path(lake.path("page_map")).read_bytes())
    assert files[0] == files[1]


def set_encoder(lake: Lake, book: str, name: str) -> None:
    table = lake.read("page_embeddings", book)
    index = table.column_names.index("encoder")
    lake.write("page_embeddings", table.set_column(index, "encoder", [[name] * len(table)]), book)


def test_another_encoder_gives_a_map_from_nothing_and_two_at_once_an_error(made) -> None:
    """Places in the space of one encoder mean nothing in that of another."""
    lake, instance = made
    materialize(instance, "page_map")
    set_encoder(lake, "sb01", "another")
    said, well = materialize(instance, "page_map")
    assert not well
    assert (
        "These rows were embedded by 2 different encoders: a (version 1); another (version 1)"
        in said["error"]
    )
    set_encoder(lake, "sb02", "another")
    said, _ = materialize(instance, "page_map")
    assert said["places"] == "from nothing: the last map was made with the encoder a 1"
    assert set(lake.read("page_map")["encoder"].to_pylist()) == {"another"}


def test_a_last_map_that_cannot_be_read_is_no_reason_to_have_none(made) -> None:
    """A table of an earlier version of this program, or half of one, is what a materialization is to mend."""
    lake, instance = made
    Path(lake.path("page_map")).write_bytes(b"PAR1 and no more")
    said, _ = materialize(instance, "page_map")
    assert said["places"].startswith("from nothing: the last map cannot be used. ")
    assert len(lake.read("page_map")) == 40


def test_no_rows_have_an_empty_map(made) -> None:
    """A shelf of which every page is private or a bad scan."""
    lake, instance = made
    for book in ("sb01", "sb02"):
        for asset in ("page_embeddings", "drawing_embeddings"):
            lake.write(asset, lake.read(asset, book).slice(0, 0), book)
    for name in MAPS:
        said, well = materialize(instance, name)
        assert well, said
        assert lake.read(name).num_rows == 0
