"""The run that the studio starts: only in the Dagster UI that it belongs to, and never beside another of its kind."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import dagster as dg
import pytest

from singleline_pipeline.definitions import defs
from singleline_pipeline.home import Home
from singleline_pipeline.orchestration import runs, up_to_date
from singleline_pipeline.orchestration.partitions import sketchbooks
from singleline_pipeline.orchestration.runs import materialize_stale
from singleline_pipeline.orchestration.up_to_date import JOB
from singleline_pipeline.orchestration.webserver import Webserver, WebserverError, under_way
from singleline_pipeline.scans.samples import write_sample_sketchbooks


class Answers(BaseHTTPRequestHandler):
    """A web server whose answers a test sets."""

    answer = b""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.answer)

    def log_message(self, *args: object) -> None: ...


@pytest.fixture
def url() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Answers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def answer(run: str = "Run", healthy: bool = True, job: str = JOB) -> bytes:
    repository = {"name": "__repository__", "location": {"name": "singleline"}, "pipelines": [{"name": job}]}
    return json.dumps(
        {
            "data": {
                "runOrError": {"__typename": run},
                "instance": {
                    "runQueuingSupported": True,
                    "daemonHealth": {"daemonStatus": {"healthy": healthy}},
                },
                "repositoriesOrError": {"nodes": [repository]},
            }
        }
    ).encode()


@dg.job
def toy_job() -> None: ...


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (answer(run="RunNotFoundError"), "another project's"),
        (answer(healthy=False), "without the daemon"),
        (answer(job="sketchbook_job"), "does not have up_to_date_job"),
        (b"<html>", "No Dagster UI answers"),
        (b'{"errors": [{"message": "Cannot query field"}]}', "not a Dagster UI of this version"),
        (b"[]", "not a Dagster UI"),
    ],
)
def test_a_web_server_that_is_not_this_project_s_gets_no_run(
    instance: dg.DagsterInstance, url: str, said: bytes, reason: str
) -> None:
    """Port 3000 is everybody's. What it would run elsewhere, or leave in a queue, is run here instead."""
    instance.create_run_for_job(toy_job)
    Answers.answer = said
    with pytest.raises(WebserverError, match=reason):
        Webserver.of(url, instance)
    Answers.answer = answer()
    assert Webserver.of(url, instance).location == "singleline"


def test_where_nothing_listens_or_nothing_was_ever_run_it_is_run_here(instance: dg.DagsterInstance) -> None:
    with pytest.raises(WebserverError, match="Nothing has been run yet"):
        Webserver.of("http://127.0.0.1:9", instance)
    instance.create_run_for_job(toy_job)
    with pytest.raises(WebserverError, match=r"No Dagster UI answers at http://127\.0\.0\.1:9"):
        Webserver.of("http://127.0.0.1:9", instance)


def test_a_run_that_goes_on_is_found_again_by_its_home(instance: dg.DagsterInstance, home: Home) -> None:
    """The studio was closed in the meantime: pressing Run again must follow it, and start no second one."""

    @dg.job(name=JOB)
    def waiting() -> None: ...

    run = instance.create_run_for_job(waiting, tags={"singleline/home": str(home.root)})
    instance.create_run_for_job(waiting, tags={"singleline/home": "/elsewhere"})
    assert under_way(instance, home) == run.run_id
    instance.report_run_canceled(run)
    assert under_way(instance, home) is None


def test_a_sketchbook_waits_for_the_run_that_is_at_work_on_it(
    instance: dg.DagsterInstance, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two runs of one sketchbook would write the same tables; of what the UI starts itself, its queue takes care."""
    monkeypatch.setattr(runs, "LOOK_AGAIN", 0.0)
    write_sample_sketchbooks(home.sketchbooks, seed=1, books=1, pages=3, scale=0.2)
    instance.add_dynamic_partitions(sketchbooks.name, ["sb01"])
    other = instance.create_run_for_job(toy_job, tags={"dagster/partition": "sb01"})
    starting = dg.DagsterEvent(dg.DagsterEventType.PIPELINE_STARTING.value, job_name=other.job_name)
    instance.report_dagster_event(starting, run_id=other.run_id)
    told: list[str] = []

    def progress(message: str) -> None:
        told.append(message)
        if "waiting for run" in message:
            instance.report_run_canceled(other)

    shares: list[float] = []
    outcome = materialize_stale(
        defs,
        instance,
        home,
        ["sb01"],
        {"raw_pages", "rejected_pages"},
        progress=progress,
        advanced=shares.append,
    )
    assert told == [
        f"sb01: waiting for run {other.run_id.partition('-')[0]} of toy_job",
        "sb01: raw_pages, rejected_pages",
    ]
    assert outcome.materialized == ["raw_pages [sb01]", "rejected_pages [sb01]"]
    assert shares == [0.0]
    again = materialize_stale(
        defs, instance, home, ["sb01"], {"raw_pages", "rejected_pages"}, anew=["raw_pages"]
    )
    assert again.materialized == outcome.materialized, "fresh, and asked for"


def test_the_job_says_what_is_wrong_with_a_home_and_takes_the_environment_back(
    instance: dg.DagsterInstance, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = {"home": str(home.root / "none"), "sketchbooks": "", "lake": "", "refit": []}
    job = defs.resolve_job_def(JOB)
    result = job.execute_in_process(
        run_config={"ops": {"make_stale_tables": {"config": config}}}, instance=instance, raise_on_error=False
    )
    [failure] = [event for event in result.all_events if event.is_step_failure]
    assert str(home.root / "none" / "sketchbooks") in str(failure.step_failure_data.error)
    assert Home.from_environment() == home


def test_a_run_that_is_canceled_makes_no_further_table(
    instance: dg.DagsterInstance, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The signal ends the run of the table that is being made, which takes it for its own."""
    write_sample_sketchbooks(home.sketchbooks, seed=1, books=2, pages=3, scale=0.2)
    make = up_to_date.materialize_stale

    def canceled_at_the_first_table(*args, progress, **more):
        def told(message: str) -> None:
            progress(message)
            [run] = instance.get_runs(dg.RunsFilter(job_name=JOB))
            instance.report_run_canceling(run)

        return make(*args, progress=told, **more)

    monkeypatch.setattr(up_to_date, "materialize_stale", canceled_at_the_first_table)
    config = {"home": str(home.root), "sketchbooks": "", "lake": "", "refit": []}
    with pytest.raises(dg.DagsterExecutionInterruptedError):
        defs.resolve_job_def(JOB).execute_in_process(
            run_config={"ops": {"make_stale_tables": {"config": config}}}, instance=instance
        )
    assert (home.root / "lake" / "raw_pages" / "sb01.parquet").exists()
    assert not (home.root / "lake" / "raw_pages" / "sb02.parquet").exists()
