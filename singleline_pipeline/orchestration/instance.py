"""The Dagster instance that the UI shows: the one of the project's root, wherever the command is started."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import dagster as dg

from singleline_pipeline.home import HomeError, project_root


@contextlib.contextmanager
def project_instance(root: Path | None = None) -> Iterator[dg.DagsterInstance]:
    """Open the instance of the project's root, or the one that DAGSTER_HOME names if it is set, as the UI
    does.

    The paths in dagster.yaml are relative to the folder in which a process runs. Left alone, Dagster would
    start an empty instance in any other folder and say nothing. So the process is in the root as long as the
    instance is open: resolve the user's own relative paths before.

    Raises HomeError where DAGSTER_HOME does not name a folder by its absolute path, as Dagster wants it.
    """
    root = root or project_root()
    named = os.environ.get("DAGSTER_HOME")
    if named and not (os.path.isabs(named) and os.path.isdir(named)):
        raise HomeError(
            f"DAGSTER_HOME is {named}, which is not the absolute path of a folder. Unset it, or make the folder."
        )
    with (
        contextlib.chdir(root),
        dg.DagsterInstance.get() if named else dg.DagsterInstance.from_config(str(root)) as instance,
    ):
        yield instance
