"""The projector's files, read by TensorBoard's own plugin."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from tensorboard.backend.event_processing import data_provider, plugin_event_multiplexer
from tensorboard.plugins import base_plugin
from tensorboard.plugins.projector.projector_plugin import ProjectorPlugin
from werkzeug.test import Client

from singleline_pipeline.embedding import EmbeddingError
from singleline_pipeline.export import ExportError, export_projector
from singleline_pipeline.export.projector import CELL, SPRITE_SIDE, sprite_grid
from singleline_pipeline.lake import Lake
from singleline_pipeline.nested import vectors_from_arrow

from .rows import drawn_rows, new_lake, page_rows, write_drawings, write_pages


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """Eleven drawings in three sketchbooks, one of them not kept, and five pages."""
    lake = new_lake(tmp_path)
    write_drawings(lake, drawn_rows(11), kept=[True] * 10 + [False])
    write_pages(lake, page_rows(5))
    return lake


class Tensorboard:
    """What `tensorboard --logdir FOLDER` answers to its projector's page."""

    def __init__(self, folder: Path) -> None:
        multiplexer = plugin_event_multiplexer.EventMultiplexer()
        provider = data_provider.MultiplexerDataProvider(multiplexer, str(folder))
        context = base_plugin.TBContext(data_provider=provider, logdir=str(folder), multiplexer=multiplexer)
        self._apps = {route: Client(app) for route, app in ProjectorPlugin(context).get_plugin_apps().items()}

    def get(self, route: str, **query: str) -> bytes:
        answer = self._apps[route].get(route, query_string=query)
        assert answer.status_code == 200, answer.get_data()
        return answer.get_data()

    def embedding(self, name: str) -> dict:
        config = json.loads(self.get("/info", run="."))
        return next(one for one in config["embeddings"] if one["tensorName"] == name)

    def tensor(self, name: str) -> np.ndarray:
        shape = self.embedding(name)["tensorShape"]
        return np.frombuffer(self.get("/tensor", run=".", name=name), np.float32).reshape(shape)

    def metadata(self, name: str) -> list[list[str]]:
        text = self.get("/metadata", run=".", name=name).decode()
        return [line.split("\t") for line in text.removesuffix("\n").split("\n")]

    def sprite(self, name: str) -> np.ndarray:
        image = self.get("/sprite_image", run=".", name=name)
        return cv2.imdecode(np.frombuffer(image, np.uint8), cv2.IMREAD_COLOR)


def test_tensorboard_shows_vectors_metadata_and_pictures(lake: Lake, tmp_path: Path) -> None:
    """What is written is what its plugin serves, row for row."""
    board = Tensorboard(export_projector(lake, tmp_path / "out"))
    for name, asset in (("drawings", "drawing_embeddings"), ("pages", "page_embeddings")):
        rows = lake.dataset(asset).to_table().sort_by(f"{name[:-1]}_id")
        tensor = board.tensor(name)
        assert np.allclose(tensor, vectors_from_arrow(rows["embedding"]), rtol=1e-5)
        header, *lines = board.metadata(name)
        assert [line[0] for line in lines] == rows[f"{name[:-1]}_id"].to_pylist()
        assert {len(line) for line in lines} == {len(header)}
        assert board.embedding(name)["sprite"]["singleImageDim"] == [CELL, CELL]
    header, *lines = board.metadata("drawings")
    assert header == ["drawing_id", "page_id", "sketchbook", "kept", "reason", "cluster"]
    assert lines[0][3:5] == ["True", "-"]
    assert lines[10][3:5] == ["False", "its cluster is excluded"]


def test_a_sprite_holds_each_row_in_its_cell(lake: Lake, tmp_path: Path) -> None:
    """The projector finds a picture by its number: one that is missing would shift all that follow."""
    board = Tensorboard(export_projector(lake, tmp_path / "out"))
    sprite = board.sprite("drawings")
    assert sprite.shape == (4 * CELL, 4 * CELL, 3)
    cells = sprite.reshape(4, CELL, 4, CELL, 3).swapaxes(1, 2).reshape(16, -1)
    assert (cells[:11].min(axis=1) < 200).all()
    assert (cells[11:] == 255).all()
    assert len({cell.tobytes() for cell in cells[:11]}) == 11


@pytest.mark.parametrize(
    ("rows", "grid"),
    [(0, (1, CELL)), (1, (1, CELL)), (2, (2, CELL)), (7225, (85, CELL)), (10_000, (100, 81))],
)
def test_a_sprite_is_never_larger_than_a_texture(rows: int, grid: tuple[int, int]) -> None:
    """With more rows the pictures become smaller. The projector wants a square."""
    across, side = sprite_grid(rows)
    assert (across, side) == grid
    assert across**2 >= rows
    assert across * side <= SPRITE_SIDE


def test_names_cannot_break_the_table(lake: Lake, tmp_path: Path) -> None:
    """A tab in a reason would shift all columns behind it, a line break all rows."""
    table = lake.read("filtered_drawings", "sb03")
    index = table.column_names.index("reason")
    reasons = ["a\tb\nc é"] * len(table)
    lake.write("filtered_drawings", table.set_column(index, "reason", [reasons]), "sb03")
    lines = Tensorboard(export_projector(lake, tmp_path / "out")).metadata("drawings")
    assert len(lines) == 12
    assert lines[-1][4] == "a b c é"


def test_what_is_there_is_written_and_nothing_at_all_is_refused(tmp_path: Path) -> None:
    """Before the first drawing is traced there are pages; before the first run there is nothing."""
    lake = new_lake(tmp_path)
    with pytest.raises(ExportError, match="Materialize page_embeddings first"):
        export_projector(lake, tmp_path / "out")
    write_pages(lake, page_rows(1))
    folder = export_projector(lake, tmp_path / "out")
    assert sorted(one.name for one in folder.iterdir()) == ["pages", "projector_config.pbtxt"]
    assert Tensorboard(folder).tensor("pages").shape == (1, 6)
    with pytest.raises(ExportError, match=r"projector_config\.pbtxt is a file"):
        export_projector(lake, folder / "projector_config.pbtxt")


def test_vectors_of_two_encoders_are_refused(lake: Lake, tmp_path: Path) -> None:
    """Side by side their distances would mean nothing."""
    table = lake.read("drawing_embeddings", "sb02")
    index = table.column_names.index("encoder")
    lake.write("drawing_embeddings", table.set_column(index, "encoder", [["b"] * len(table)]), "sb02")
    with pytest.raises(EmbeddingError, match="2 different encoders"):
        export_projector(lake, tmp_path / "out")


def test_the_same_tables_give_the_same_files(lake: Lake, tmp_path: Path) -> None:
    """And what has gone from the tables since they were embedded is in none of them."""
    folders = [export_projector(lake, tmp_path / name) for name in ("one", "two")]
    files = [
        {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}
        for folder in folders
    ]
    assert files[0] == files[1]
    gone = lake.read("filtered_drawings", "sb01")
    lake.write("filtered_drawings", gone.slice(1), "sb01")
    board = Tensorboard(export_projector(lake, tmp_path / "three"))
    assert len(board.tensor("drawings")) == 10
    assert gone["drawing_id"][0].as_py() not in str(board.metadata("drawings"))
