"""The run that makes labels true: a program of its own, watched by what it prints."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from typing import Any

from singleline_pipeline.home import Home
from singleline_pipeline.studio.errors import RequestError

CLUSTERS = ("page_clusters", "drawing_clusters")
"""What can be fitted anew."""

_LINES = 200
"""Messages that are kept of a run."""

_STATE: dict[str, Any] = {"messages": [], "seconds": 0, "share": 0.0, "url": ""}


class Runner:
    """Starts at most one run at a time. It goes on if the studio ends: Dagster's instance knows of it."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._lock = threading.Lock()
        self._state: dict[str, Any] = _STATE | {"state": "idle"}
        self._started = 0.0

    def state(self) -> dict[str, Any]:
        """idle, running, done or failed; what was said, the last line last; seconds; the share that is done; and where
        the Dagster UI shows it, if it was started there."""
        with self._lock:
            running = self._state["state"] == "running"
            seconds = time.monotonic() - self._started if running else self._state["seconds"]
            return self._state | {"seconds": round(seconds, 1), "messages": list(self._state["messages"])}

    def start(self, refit: Sequence[str] = ()) -> None:
        """Start a run over everything that is missing or stale, and over clusters that are to be fitted anew.

        Raises RequestError: 400 where there are no such clusters, 409 while there is a run.
        """
        if not set(refit) <= set(CLUSTERS):
            raise RequestError(f"refit must be some of {', '.join(CLUSTERS)}.")
        with self._lock:
            if self._state["state"] == "running":
                raise RequestError("A run is under way: wait for its end.", status=409)
            self._started = time.monotonic()
            self._state = _STATE | {"state": "running", "messages": ["Starting ..."]}
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "singleline_pipeline.studio.run_stale"),
                *(f"--refit={name}" for name in refit),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            env=os.environ | self._home.variables(),
            text=True,
            start_new_session=True,  # Ctrl-C for the studio is none for the run
        )
        threading.Thread(target=self._watch, args=[process], daemon=True).start()

    def _watch(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdout is not None
        assert process.stderr is not None
        complaints: list[str] = []
        reader = threading.Thread(target=lambda: complaints.extend(process.stderr or ()), daemon=True)
        reader.start()
        for line in process.stdout:
            try:
                said = json.loads(line)
            except ValueError:
                continue  # a library that prints
            if isinstance(said, dict) and isinstance(said.get("message"), str):
                self._say(said["message"], {name: said[name] for name in ("share", "url") if name in said})
        code = process.wait()
        reader.join(timeout=5)
        last = next((line.strip() for line in reversed(complaints) if line.strip()), "")
        if code and last:
            self._say(last)
        with self._lock:
            self._state |= {
                "state": "failed" if code else "done",
                "seconds": round(time.monotonic() - self._started, 1),
            }

    def _say(self, message: str, more: dict[str, Any] | None = None) -> None:
        with self._lock:
            self._state["messages"] = [*self._state["messages"], message][-_LINES:]
            self._state |= more or {}
