"""From a sketchbook in the folder to a model that has seen it, on a real instance with the real assets."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest

from singleline_pipeline.definitions import defs
from singleline_pipeline.home import Home
from singleline_pipeline.lake import Lake
from singleline_pipeline.orchestration.jobs import MODEL_ASSETS, SAMPLE_ASSETS
from singleline_pipeline.orchestration.resources import HomeResource
from singleline_pipeline.orchestration.schedules import weekly_retraining
from singleline_pipeline.orchestration.sensors import new_sketchbooks
from singleline_pipeline.scans.samples import write_sample_sketchbooks

# A few steps at the small sizes instead of the hours that the schedule asks for: this is about what is trained on, and
# when.
SHORT = {"ops": {model: {"config": {"max_steps": 4, "threads": 1}} for model in MODEL_ASSETS}}
SHORT["ops"] |= {
    samples: {"config": {"free": 1, "reconstructions": 0, "completions": 0, "interpolations": 0}}
    for samples in SAMPLE_ASSETS
}
SHORT["ops"]["model_comparison"] = {"config": {"samples": 2, "temperatures": [0.4]}}


class Studio:
    """An artist's folder and an instance; sensor and schedule are asked by hand, what they ask for is run."""

    def __init__(self, home: Home, instance: dg.DagsterInstance) -> None:
        self.home = home
        self.instance = instance
        self._cursor: str | None = None

    def scan(self, first: int, books: int) -> None:
        write_sample_sketchbooks(self.home.sketchbooks, seed=5, books=books, pages=3, first=first, scale=0.35)

    def let_the_sensor_work(self) -> list[str]:
        """The sketchbooks that were processed."""
        processed = []
        for _ in range(2):  # a folder has to look the same twice
            context = dg.build_sensor_context(instance=self.instance, cursor=self._cursor, definitions=defs)
            result = new_sketchbooks(context, home=HomeResource())
            self._cursor = result.cursor
            for request in result.dynamic_partitions_requests or []:
                self.instance.add_dynamic_partitions(request.partitions_def_name, request.partition_keys)
            for request in result.run_requests or []:
                self._run("sketchbook_job", partition_key=request.partition_key)
                processed.append(request.partition_key)
        return processed

    def night_to_sunday(self) -> str:
        """What the schedule does: "retrained", or why not."""
        context = dg.build_schedule_context(
            self.instance, scheduled_execution_time=datetime(2026, 1, 4, 3, tzinfo=UTC)
        )
        answer = weekly_retraining(context)
        if isinstance(answer, dg.SkipReason):
            return answer.skip_message
        self._run("retrain_job", run_config=SHORT)
        return "retrained"

    def metadata(self, asset: str) -> dict[str, object]:
        event = self.instance.get_latest_materialization_event(dg.AssetKey(asset))
        return {name: value.value for name, value in event.asset_materialization.metadata.items()}

    def _run(self, job: str, **options) -> None:
        assert defs.resolve_job_def(job).execute_in_process(instance=self.instance, **options).success


@pytest.fixture
def studio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Studio]:
    """A home without sketchbooks, and a new instance on disk."""
    monkeypatch.setenv("SINGLELINE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SINGLELINE_SETTLE_SECONDS", "0.01")
    for name in ("SINGLELINE_SKETCHBOOKS", "SINGLELINE_LAKE"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "instance").mkdir()
    with dg.DagsterInstance.local_temp(str(tmp_path / "instance")) as instance:
        yield Studio(Home.from_environment(), instance)


def test_the_next_retraining_uses_the_new_sketchbook_and_none_happens_without_a_change(
    studio: Studio,
) -> None:
    """The artist scans a book and does nothing else; on Sunday the models know it."""
    studio.scan(first=1, books=2)
    assert studio.let_the_sensor_work() == ["sb01", "sb02"]
    assert studio.night_to_sunday() == "retrained"
    assert "after the last change" in studio.night_to_sunday()
    before = studio.metadata("stroke3_dataset")

    studio.scan(first=3, books=1)
    assert studio.let_the_sensor_work() == ["sb03"]
    assert studio.night_to_sunday() == "retrained"
    now = studio.metadata("stroke3_dataset")
    assert set(now["sketchbooks"]) - set(before["sketchbooks"]) == {"sb03"}
    assert set(Lake(studio.home.lake).read("stroke3_dataset")["sketchbook"].to_pylist()) >= {"sb03"}
    manifest = json.loads((Path(now["snapshot"]) / "manifest.json").read_text())
    assert "sb03" in manifest["sketchbooks"]
    for model in MODEL_ASSETS:
        assert studio.metadata(model)["dataset_fingerprint"] == now["fingerprint"] != before["fingerprint"]
    assert "after the last change" in studio.night_to_sunday()
