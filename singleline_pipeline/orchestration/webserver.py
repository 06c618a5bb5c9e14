"""The Dagster UI that runs beside the studio: asked over GraphQL to run a job, and how far it is."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import dagster as dg

from singleline_pipeline.home import Home
from singleline_pipeline.orchestration.maintenance import list_orphaned_runs
from singleline_pipeline.orchestration.up_to_date import HOME_TAG, JOB

ENDED = {"SUCCESS", "FAILURE", "CANCELED"}
SECONDS = 20.0
"""A web server that has not answered by then is none."""

_LOOK = """query($run: ID!) {
  runOrError(runId: $run) { __typename }
  instance {
    runQueuingSupported
    daemonHealth { daemonStatus(daemonType: "QUEUED_RUN_COORDINATOR") { healthy } }
  }
  repositoriesOrError { ... on RepositoryConnection { nodes { name location { name } pipelines { name } } } }
}"""
_LAUNCH = """mutation($params: ExecutionParams!) {
  launchRun(executionParams: $params) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
    ... on RunConfigValidationInvalid { errors { message } }
    ... on PythonError { message }
    ... on PipelineNotFoundError { message }
    ... on UnauthorizedError { message }
  }
}"""
_FOLLOW = """query($run: ID!, $after: String) {
  runOrError(runId: $run) {
    ... on Run {
      status
      eventConnection(afterCursor: $after) {
        cursor
        hasMore
        events { __typename ... on LogMessageEvent { message level } }
      }
    }
  }
}"""


class WebserverError(ValueError):
    """The Dagster UI cannot be had, or refuses to run something. The message says why."""


@dataclass(frozen=True)
class Progress:
    """How far a run is: its status, and what its steps have said since it was last asked."""

    status: str
    messages: list[str]


@dataclass(frozen=True)
class Webserver:
    """The web server of a project, and the place of its jobs in it."""

    url: str
    repository: str
    location: str

    @classmethod
    def of(cls, url: str, instance: dg.DagsterInstance) -> "Webserver":
        """The web server at an address, if it shows this instance, has this project's jobs, and can run them.

        It is known by a run that both of them know, whose id nothing else has. Raises WebserverError.
        """
        known = instance.get_runs(limit=1)
        if not known:
            raise WebserverError("Nothing has been run yet by which it could be known whose Dagster UI runs")
        found = _ask(url, _LOOK, run=known[0].run_id)
        if found["runOrError"]["__typename"] != "Run":
            raise WebserverError(f"The Dagster UI at {url} is another project's")
        health = found["instance"]["daemonHealth"]["daemonStatus"]["healthy"]
        if found["instance"]["runQueuingSupported"] and not health:
            raise WebserverError(
                f"The Dagster UI at {url} runs without the daemon that starts what is queued"
            )
        for repository in found["repositoriesOrError"].get("nodes", ()):
            if JOB in (job["name"] for job in repository["pipelines"]):
                return cls(url, repository["name"], repository["location"]["name"])
        raise WebserverError(f"The Dagster UI at {url} does not have {JOB}: reload its code location")

    def launch(self, home: Home, refit: list[str]) -> str:
        """Have everything brought up to date in a home, and return the id of the run. Raises WebserverError."""
        config = {
            "home": str(home.root),
            "sketchbooks": str(home.sketchbooks),
            "lake": str(home.lake),
            "refit": refit,
        }
        params = {
            "selector": {
                "repositoryName": self.repository,
                "repositoryLocationName": self.location,
                "pipelineName": JOB,
            },
            "runConfigData": {"ops": {"make_stale_tables": {"config": config}}},
            "mode": "default",
            "executionMetadata": {"tags": [{"key": HOME_TAG, "value": str(home.root)}]},
        }
        answer = _ask(self.url, _LAUNCH, params=params)["launchRun"]
        if answer["__typename"] != "LaunchRunSuccess":
            errors = [error["message"] for error in answer.get("errors", ())] or [answer.get("message", "")]
            raise WebserverError(f"The Dagster UI at {self.url} did not start a run: {errors[0].strip()}")
        return str(answer["run"]["runId"])

    def address(self, run_id: str) -> str:
        """Where a person sees the run."""
        return f"{self.url}/runs/{run_id}"

    def follow(self, run_id: str) -> Iterator[Progress]:
        """How far a run is, at each `next`; ends with the run. Raises WebserverError where the server has gone."""
        cursor: str | None = None
        while True:
            run = _ask(self.url, _FOLLOW, run=run_id, after=cursor)["runOrError"]
            if "status" not in run:
                raise WebserverError(f"Run {run_id} is not in the Dagster UI at {self.url} any more")
            page = run["eventConnection"]
            cursor = page["cursor"] or cursor
            events = [event for event in page["events"] if event["__typename"] == "LogMessageEvent"]
            ended = run["status"] in ENDED and not page["hasMore"]
            yield Progress(run["status"], [event["message"] for event in events])
            if ended:
                return


def under_way(instance: dg.DagsterInstance, home: Home) -> str | None:
    """The id of a run that brings a home up to date and goes on, if there is one."""
    statuses = [
        dg.DagsterRunStatus.QUEUED,
        dg.DagsterRunStatus.NOT_STARTED,
        dg.DagsterRunStatus.STARTING,
        dg.DagsterRunStatus.STARTED,
    ]
    runs = instance.get_runs(dg.RunsFilter(job_name=JOB, tags={HOME_TAG: str(home.root)}, statuses=statuses))
    orphans = {orphan.run_id for orphan in list_orphaned_runs(instance)} if runs else set()
    return next((run.run_id for run in runs if run.run_id not in orphans), None)


def _ask(url: str, query: str, **variables: Any) -> dict[str, Any]:
    body = json.dumps({"query": query, "variables": variables}).encode()
    request = urllib.request.Request(f"{url}/graphql", body, {"content-type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:
            found = json.load(answer)
    except (OSError, ValueError) as error:  # nothing listens there, or something that is no Dagster UI
        reason = getattr(error, "reason", error)
        raise WebserverError(f"No Dagster UI answers at {url} ({reason})") from error
    if not isinstance(found, dict) or found.get("errors") or not isinstance(found.get("data"), dict):
        raise WebserverError(f"What answers at {url} is not a Dagster UI of this version")
    return dict(found["data"])
