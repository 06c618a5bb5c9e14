"""Real Dagster instances and a home of their own for every test."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from singleline_pipeline.home import Home


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """An empty home, found through the environment as the daemon finds its own."""
    (tmp_path / "sketchbooks").mkdir()
    monkeypatch.setenv("SINGLELINE_HOME", str(tmp_path))
    for name in ("SINGLELINE_SKETCHBOOKS", "SINGLELINE_LAKE", "SINGLELINE_SETTLE_SECONDS"):
        monkeypatch.delenv(name, raising=False)
    return Home.from_environment()


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    """An instance in memory: events, partitions and runs behave as on disk, without waiting for the disk."""
    with dg.DagsterInstance.ephemeral() as made:
        yield made


@pytest.fixture
def disk_instance() -> Iterator[dg.DagsterInstance]:
    """A persistent instance on SQLite in a temporary folder, as the project's own is."""
    with dg.instance_for_test() as made:
        yield made
