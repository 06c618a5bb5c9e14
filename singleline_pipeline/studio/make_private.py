"""`python -m singleline_pipeline.studio.make_private PAGE_ID`: what `singleline private` does, told in a line of JSON.

A program of its own: what Dagster's instance has to forget needs Dagster, which the studio does without.
"""

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field

from singleline_pipeline.home import Home
from singleline_pipeline.studio.errors import RequestError


@dataclass(frozen=True)
class Answer:
    """What was done, in sentences; or why nothing was."""

    said: list[str] = field(default_factory=list)
    error: str = ""


def make_private(home: Home, page_id: str) -> list[str]:
    """Take a page out of a home, and say what was removed. Raises RequestError (409) where that cannot be done."""
    command = [sys.executable, "-m", "singleline_pipeline.studio.make_private", page_id]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        env=os.environ | home.variables(),
        check=False,
    )
    try:
        answer = Answer(**json.loads(done.stdout.splitlines()[-1]))
    except (IndexError, ValueError, TypeError):
        last = next((line for line in reversed(done.stderr.splitlines()) if line.strip()), "")
        answer = Answer(error=f"The page could not be made private: {last}")
    if answer.error:
        raise RequestError(answer.error, status=409)
    return answer.said


def main(page_id: str) -> None:
    """Do it, and print the answer."""
    from singleline_pipeline.orchestration.instance import project_instance
    from singleline_pipeline.orchestration.privacy import make_private as make_it_private

    try:
        home = Home.from_environment()
        with project_instance() as instance:
            said = make_it_private(home, instance, page_id).sentences(home)
        answer: dict[str, object] = {"said": said}
    except ValueError as error:
        if not type(error).__module__.startswith("singleline_pipeline."):
            raise
        answer = {"error": str(error)}
    print(json.dumps(answer), flush=True)  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1])
