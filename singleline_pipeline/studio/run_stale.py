"""`python -m singleline_pipeline.studio.run_stale`: bring everything up to the dataset and the maps up to date.

Started by the studio, which reads a line of JSON for each message. The home is that of the environment.
"""

import contextlib
import json
import sys

from filelock import FileLock, Timeout

from singleline_pipeline.definitions import defs
from singleline_pipeline.home import Home
from singleline_pipeline.orchestration.instance import project_instance
from singleline_pipeline.orchestration.jobs import MODEL_ASSETS, SAMPLE_ASSETS
from singleline_pipeline.orchestration.partitions import sketchbooks
from singleline_pipeline.orchestration.runs import materialize_stale
from singleline_pipeline.schemas import SCHEMAS
from singleline_pipeline.shelf import all_sketchbooks


def say(message: str) -> None:
    """Tell the studio; where it has ended meanwhile, the run goes on in silence."""
    with contextlib.suppress(BrokenPipeError):
        print(json.dumps({"message": message}), flush=True)  # noqa: T201


def main() -> int:
    """Run what is missing or stale, unless that is under way already; 1 where something failed."""
    home = Home.from_environment()
    try:
        books = [book.name for book in all_sketchbooks(home)]
    except ValueError as wrong:
        say(str(wrong))
        return 1
    try:
        with FileLock(home.root / ".studio-run.lock", timeout=0):
            return run(home, books)
    except Timeout:
        say("Another studio's run of this home is under way: wait for its end.")
        return 1


def run(home: Home, books: list[str]) -> int:
    """Run what is missing or stale of some sketchbooks; 1 where something failed."""
    names = set(SCHEMAS) - set(MODEL_ASSETS) - set(SAMPLE_ASSETS)
    with project_instance() as instance:
        instance.add_dynamic_partitions(sketchbooks.name or "", books)
        outcome = materialize_stale(defs, instance, home, books, names, progress=say)
    for warning in outcome.warnings:
        say(warning)
    for asset, error in outcome.failed.items():
        say(f"{asset} failed: {error}")
    if not outcome.failed:
        say(
            f"{len(outcome.materialized)} tables materialized."
            if outcome.materialized
            else "Everything is up to date."
        )
    return 1 if outcome.failed else 0


if __name__ == "__main__":
    sys.exit(main())
