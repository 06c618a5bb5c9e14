"""The Dagster instance that the UI shows: the one of the project's root, wherever the command is started."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import dagster as dg

from singleline_pipeline.home import project_root


@contextlib.contextmanager
def project_instance(root: Path | None = None) -> Iterator[dg.DagsterInstance]:
    """Open the instance of the project's root, or the one that DAGSTER_HOME names if it is set, as the UI
    does.

    The paths in dagster.yaml are relative to the folder in which a process runs. Left alone, Dagster would
    start an empty instance in any other folder and say nothing. So the process is in the root as long as the
    instance is open: resolve the user's own relative paths before.
    """
    root = root or project_root()
    with contextlib.chdir(root):
        named = os.environ.get("DAGSTER_HOME")
        with dg.DagsterInstance.get() if named else dg.DagsterInstance.from_config(str(root)) as instance:
            yield instance
