"""A shelf of small sample sketchbooks, taken through the whole pipeline once for all tests that look at the result."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import cv2
import dagster as dg
import pytest

from singleline_pipeline.definitions import defs
from singleline_pipeline.home import Home
from singleline_pipeline.lake import Lake
from singleline_pipeline.orchestration.partitions import sketchbooks
from singleline_pipeline.orchestration.runs import Outcome, materialize_stale
from singleline_pipeline.scans.sample_pages import sample_page
from singleline_pipeline.scans.samples import write_sample_sketchbooks
from singleline_pipeline.schemas import SCHEMAS
from singleline_pipeline.shelf import all_sketchbooks

MODELS = ("sketch_rnn", "sketch_transformer")
TRAINED = {*MODELS, *(f"{model}_samples" for model in MODELS), "model_comparison"}


@dataclass
class Shelf:
    """A home with sketchbooks in it, and the Dagster instance that knows of them."""

    home: Home
    instance: dg.DagsterInstance

    @property
    def lake(self) -> Lake:
        return Lake(self.home.lake)

    def draw(self, book: str, seeds: range) -> None:
        """Put a small page of two drawings for each seed into a sketchbook."""
        folder = self.home.sketchbooks / book / "art"
        folder.mkdir(parents=True)
        for seed in seeds:
            page = sample_page("drawing", seed=seed, scale=0.35, drawings=2)
            cv2.imwrite(str(folder / f"{seed:03d}.jpg"), page.image)

    def run(self, names: set[str] | None = None, **options) -> Outcome:
        """What `singleline run` does, with a training of a few steps where a model is among the names."""
        books = [book.name for book in all_sketchbooks(self.home)]
        self.instance.add_dynamic_partitions(sketchbooks.name, books)
        short = {model: {"max_steps": 8, "threads": 1} for model in MODELS}
        short["model_comparison"] = {"samples": 24, "temperatures": [0.4]}
        sizes = {model: {"preset": "small"} for model in MODELS}
        return materialize_stale(
            defs,
            self.instance,
            self.home,
            books,
            names or set(SCHEMAS),
            configs=short,
            fingerprinted=sizes,
            **options,
        )

    def refit(self, clusters: str) -> None:
        """What `clusters_job` does for one of its assets."""
        result = dg.materialize(
            list(defs.resolve_asset_graph().assets_defs),
            selection=[clusters],
            instance=self.instance,
            run_config={"ops": {clusters: {"config": {"refit": True}}}},
        )
        assert result.success

    def bytes_of_lake(self) -> dict[str, bytes]:
        """Every table's file, by its path in the lake."""
        root = Path(self.home.lake)
        return {str(file.relative_to(root)): file.read_bytes() for file in sorted(root.rglob("*.parquet"))}


@contextmanager
def new_shelf(root: Path, patch: pytest.MonkeyPatch, *, on_disk: bool = False) -> Iterator[Shelf]:
    """An empty home below `root`. An instance in memory behaves as one on disk without waiting for the disk."""
    patch.setenv("SINGLELINE_HOME", str(root / "home"))
    for name in ("SINGLELINE_SKETCHBOOKS", "SINGLELINE_LAKE"):
        patch.delenv(name, raising=False)
    home = Home.from_environment()
    home.sketchbooks.mkdir(parents=True)
    (root / "instance").mkdir()
    disk = (
        dg.DagsterInstance.local_temp(str(root / "instance")) if on_disk else dg.DagsterInstance.ephemeral()
    )
    with disk as instance:
        yield Shelf(home, instance)


@pytest.fixture
def empty_shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shelf]:
    """An empty home of its own."""
    with new_shelf(tmp_path, monkeypatch) as shelf:
        yield shelf


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shelf]:
    """Two sample sketchbooks, everything materialized. Tests that share it must leave it as it is."""
    root = tmp_path_factory.mktemp("shelf")
    with pytest.MonkeyPatch.context() as patch, new_shelf(root, patch, on_disk=True) as shelf:
        write_sample_sketchbooks(shelf.home.sketchbooks, seed=1, books=2, pages=12, scale=0.5)
        outcome = shelf.run()
        assert outcome.failed == {}
        yield shelf
