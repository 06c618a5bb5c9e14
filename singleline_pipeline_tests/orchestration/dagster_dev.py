"""`dagster dev` as a person starts it with `make dev`, for tests that look at it from outside."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import dagster as dg
import psutil

from singleline_pipeline.home import project_root
from singleline_pipeline.orchestration.instance import project_instance

T = TypeVar("T")

# Several times what a quiet machine takes: a busy one must not make a test fail.
START_SECONDS = 150
RUN_SECONDS = 180
STOP_SECONDS = 30


class DagsterDev:
    """A running web server, daemon and code server, over the project's own dagster.yaml and workspace.yaml.

    The instance lies in `.dagster` of a project folder that holds nothing else, as the project's own does. Used
    with `with`; whatever was started is gone afterwards.
    """

    def __init__(self, root: Path, home: Path) -> None:
        """`root`: the project folder, made by `project_folder`. `home`: what SINGLELINE_HOME is to be."""
        self.root = root
        self.log = root / "dagster-dev.log"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._environment = os.environ | {"SINGLELINE_HOME": str(home), "SINGLELINE_SETTLE_SECONDS": "1"}
        for name in ("DAGSTER_HOME", "SINGLELINE_SKETCHBOOKS", "SINGLELINE_LAKE"):
            self._environment.pop(name, None)

    def __enter__(self) -> DagsterDev:
        """Start it, and wait until the web server answers and the code location is loaded."""
        command = [sys.executable, "-m", "dagster", "dev", "--host", "127.0.0.1", "--port", str(self.port)]
        with self.log.open("wb") as log:
            # In a session of its own: all of it can be found and ended, and a Ctrl-C for pytest does not reach it.
            self._process = subprocess.Popen(
                command,
                cwd=self.root,
                env=self._environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            self.wait_for("the code location", self._loaded, START_SECONDS)
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        """Stop it."""
        self.stop()

    def stop(self) -> None:
        """End it as Ctrl-C in a terminal does, and kill what does not listen."""
        if self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(STOP_SECONDS)
        left = self.processes()
        for process in left:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(left, timeout=STOP_SECONDS)
        self._process.wait(STOP_SECONDS)

    def processes(self) -> list[psutil.Process]:
        """What runs in its session: web server, daemon, code servers and the workers of runs."""
        return [process for process in psutil.process_iter() if self._is_ours(process)]

    def _is_ours(self, process: psutil.Process) -> bool:
        try:
            return os.getsid(process.pid) == self._process.pid and process.status() != psutil.STATUS_ZOMBIE
        except (ProcessLookupError, PermissionError, psutil.NoSuchProcess):
            return False

    def runs(self) -> dict[str, dg.DagsterRun]:
        """All runs by their id."""
        with project_instance(self.root) as instance:
            return {run.run_id: run for run in instance.get_runs()}

    def wait_for_success(self, known: set[str]) -> list[dg.DagsterRun]:
        """The runs beside the known ones, once there are some and all of them have succeeded."""

        def finished() -> list[dg.DagsterRun]:
            runs = [run for run_id, run in self.runs().items() if run_id not in known]
            failed = [run for run in runs if run.is_failure_or_canceled]
            assert not failed, f"run {failed[0].run_id} ended as {failed[0].status.value}\n{self._tail()}"
            return runs if all(run.is_success for run in runs) else []

        return self.wait_for("a run that succeeds", finished, RUN_SECONDS)

    def materialized(self, run: dg.DagsterRun) -> set[tuple[str, str | None]]:
        """(asset, partition) of every table that a run has made."""
        with project_instance(self.root) as instance:
            logs = instance.all_logs(run.run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION)
        events = [entry.dagster_event for entry in logs if entry.dagster_event]
        return {(event.asset_key.to_user_string(), event.partition) for event in events if event.asset_key}

    def wait_for(self, what: str, happened: Callable[[], T], seconds: float) -> T:
        """What `happened` returns as soon as it is not empty; fails when `dagster dev` ends or time is up."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self._process.poll() is not None:
                raise AssertionError(f"dagster dev ended by itself\n{self._tail()}")
            if found := happened():
                return found
            time.sleep(0.5)
        raise AssertionError(f"{what} did not come within {seconds:.0f} s\n{self._tail()}")

    def _loaded(self) -> bool:
        query = "{ repositoriesOrError { ... on RepositoryConnection { nodes { name } } } }"
        request = urllib.request.Request(
            f"{self.url}/graphql",
            json.dumps({"query": query}).encode(),
            {"Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return bool(json.load(answer)["data"]["repositoriesOrError"].get("nodes"))
        except OSError:
            return False  # not listening yet

    def _tail(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-40:])


def project_folder(folder: Path) -> Path:
    """A folder that Dagster and the command line take for the project's root, with the project's own settings."""
    folder.mkdir(parents=True)
    for name in ("dagster.yaml", "workspace.yaml"):
        shutil.copy(project_root() / name, folder)
    return folder
