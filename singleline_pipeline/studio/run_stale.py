"""`python -m singleline_pipeline.studio.run_stale`: bring everything up to the dataset and the maps up to date.

Started by the studio, which reads a line of JSON for each message. The home is that of the environment. Where a Dagster
UI of this project runs (SINGLELINE_DAGSTER_URL, else http://127.0.0.1:3000; empty: never), the run is started there: it
is queued with the others, can be looked at and canceled there, and goes on whatever becomes of this process.
"""

import argparse
import contextlib
import json
import os
import re
import sys
import time
from typing import Any

from filelock import FileLock, Timeout

from singleline_pipeline.home import Home
from singleline_pipeline.orchestration.instance import project_instance
from singleline_pipeline.orchestration.jobs import CLUSTER_ASSETS
from singleline_pipeline.orchestration.up_to_date import bring_up_to_date, told
from singleline_pipeline.orchestration.webserver import ENDED, Webserver, WebserverError, under_way

DAGSTER_URL = "http://127.0.0.1:3000"
LOOK_AGAIN = 1.0
"""Seconds between two looks at a run in the Dagster UI."""

_SHARE = re.compile(r"(\d+)% (.*)", re.DOTALL)


def say(message: str, **more: Any) -> None:
    """Tell the studio; where it has ended meanwhile, the run goes on in silence."""
    with contextlib.suppress(BrokenPipeError):
        print(json.dumps({"message": message} | more), flush=True)  # noqa: T201


def main() -> int:
    """Run what is missing or stale, unless that is under way already; 1 where something failed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--refit", action="append", default=[], choices=CLUSTER_ASSETS)
    refit = parser.parse_args().refit
    home = Home.from_environment()
    try:
        home.root.mkdir(parents=True, exist_ok=True)
        with FileLock(home.root / ".studio-run.lock", timeout=0), project_instance() as instance:
            return run(instance, home, refit)
    except Timeout:
        say("Another studio's run of this home is under way: wait for its end.")
        return 1


def run(instance: Any, home: Home, refit: list[str]) -> int:
    """In the Dagster UI, else here; 1 where something failed."""
    url = os.environ.get("SINGLELINE_DAGSTER_URL", DAGSTER_URL).rstrip("/")
    if not url:
        return run_here(instance, home, refit)
    try:
        server = Webserver.of(url, instance)
        known = under_way(instance, home)
        run_id = known or server.launch(home, refit)
    except WebserverError as error:
        say(f"{error}: running here.")
        return run_here(instance, home, refit)
    if known and refit:
        say("A run is under way already: fit anew when it has ended.")
    return watch(server, run_id)


def run_here(instance: Any, home: Home, refit: list[str]) -> int:
    """Run it in this process."""
    try:
        outcome = bring_up_to_date(
            instance, home, refit, lambda share, message: say(message, share=round(share, 3))
        )
    except ValueError as error:
        if not type(error).__module__.startswith("singleline_pipeline."):
            raise
        say(str(error))
        return 1
    for line in told(outcome):
        say(line)
    return 1 if outcome.failed else 0


def watch(server: Webserver, run_id: str) -> int:
    """Tell what a run in the Dagster UI says, until it has ended."""
    say("Started in the Dagster UI.", url=server.address(run_id))
    queued = heard = False
    status = ""
    try:
        for progress in server.follow(run_id):
            status = progress.status
            if status == "QUEUED" and not queued:
                queued = True
                say("It waits in the queue for others.")
            for message in progress.messages:
                if share := _SHARE.match(message):
                    heard = True
                    say(share[2], share=int(share[1]) / 100)
            if status not in ENDED:
                time.sleep(LOOK_AGAIN)
    except WebserverError as error:
        say(f"{error}. The run may go on: it is in the Dagster UI when that is back.")
        return 1
    if status == "CANCELED":
        say("It was canceled.")
    elif status == "FAILURE" and not heard:
        say("It failed before it began: the Dagster UI shows why.")
    return 0 if status == "SUCCESS" else 1


if __name__ == "__main__":
    sys.exit(main())
