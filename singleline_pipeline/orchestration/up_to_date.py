"""Everything that is missing or stale, up to the dataset and the maps, as one run that says how far it is.

One run, and not one for each sketchbook: what is stale is only known when what it reads has been made, and starting a
process for each of forty sketchbooks takes minutes where naming a cluster takes seconds to come true. Each table is
still made by a run of its own inside of it, with its sketchbook's tag, so that the limit of one run a sketchbook holds
for what the UI starts meanwhile.
"""

import contextlib
import os
from collections.abc import Callable, Collection, Iterator, Mapping

import dagster as dg
from pydantic import Field

from singleline_pipeline.home import Home
from singleline_pipeline.orchestration.jobs import (
    CLUSTER_ASSETS,
    COMPARISON_ASSETS,
    MODEL_ASSETS,
    SAMPLE_ASSETS,
)
from singleline_pipeline.orchestration.partitions import sketchbooks
from singleline_pipeline.orchestration.runs import Outcome, materialize_stale
from singleline_pipeline.schemas import SCHEMAS
from singleline_pipeline.shelf import all_sketchbooks

JOB = "up_to_date_job"
HOME_TAG = "singleline/home"
"""Says of a run which home it is about."""


def bring_up_to_date(
    instance: dg.DagsterInstance,
    home: Home,
    refit: Collection[str] = (),
    progress: Callable[[float, str], None] = lambda share, message: None,
    between: Callable[[], None] = lambda: None,
) -> Outcome:
    """Materialize what is missing or stale, up to the dataset and the maps, in the home that the environment names.

    Args:
        instance: The instance that records the runs.
        home: Where things lie.
        refit: page_clusters, drawing_clusters: to be fitted anew.
        progress: Told the share that is done, from 0 to 1, and what is about to run.
        between: Called between two tables; what it raises ends it.

    Raises HomeError and PageError where there are no sketchbooks.
    """
    from singleline_pipeline.definitions import defs

    done = 0.0

    def advanced(share: float) -> None:
        nonlocal done
        done = share
        between()

    books = [book.name for book in all_sketchbooks(home)]
    instance.add_dynamic_partitions(sketchbooks.name or "", books)
    return materialize_stale(
        defs,
        instance,
        home,
        books,
        set(SCHEMAS) - {*MODEL_ASSETS, *SAMPLE_ASSETS, *COMPARISON_ASSETS},
        configs={asset: {"refit": True} for asset in refit},
        anew=refit,
        progress=lambda message: progress(done, message),
        advanced=advanced,
    )


class UpToDateConfig(dg.Config):
    """Which home, and what of it is to be fitted anew."""

    home: str = Field("", description="Folder of lake, labels, datasets; empty: SINGLELINE_HOME, else data/.")
    sketchbooks: str = Field(
        "", description="Folder of sketchbooks; empty: SINGLELINE_SKETCHBOOKS, else HOME/sketchbooks."
    )
    lake: str = Field("", description="Folder or URL of the tables; empty: SINGLELINE_LAKE, else HOME/lake.")
    refit: list[str] = Field(
        [], description="page_clusters, drawing_clusters: fit these anew. Names given by hand carry over."
    )


@dg.op(description="Materialize what is missing or stale, each table in a run of its own.")
def make_stale_tables(context: dg.OpExecutionContext, config: UpToDateConfig) -> None:
    """Tell of it in the log; fail where something failed, after everything else."""
    unknown = sorted(set(config.refit) - set(CLUSTER_ASSETS))
    if unknown:
        raise dg.Failure(
            f"There are no clusters {', '.join(unknown)}, only {', '.join(CLUSTER_ASSETS)}.",
            allow_retries=False,
        )

    def end_if_canceled() -> None:
        """A signal that comes while a table is made ends the run of that table at most, and this one not at all."""
        run = context.instance.get_run_by_id(context.run_id)
        if run is not None and run.status in (dg.DagsterRunStatus.CANCELING, dg.DagsterRunStatus.CANCELED):
            raise dg.DagsterExecutionInterruptedError("canceled in the Dagster UI")

    def tell(share: float, message: str) -> None:
        end_if_canceled()  # also while it waits for others
        context.log.info(said(share, message))

    places = {"HOME": config.home, "SKETCHBOOKS": config.sketchbooks, "LAKE": config.lake}
    with _environment({f"SINGLELINE_{name}": place for name, place in places.items() if place}):
        home = Home.from_environment()
        outcome = bring_up_to_date(context.instance, home, config.refit, tell, end_if_canceled)
    for line in told(outcome):
        context.log.info(said(1.0, line))
    if outcome.failed:
        raise dg.Failure(
            "; ".join(f"{name}: {error}" for name, error in outcome.failed.items()), allow_retries=False
        )


@dg.job(
    name=JOB,
    tags={"dagster/max_runtime": str(24 * 3600)},
    description="Everything that is missing or stale, up to the dataset and the maps: what the studio's Run button "
    "starts.",
)
def up_to_date_job() -> None:
    """One step, that knows what is stale when it gets there."""
    make_stale_tables()


@contextlib.contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Have what resources and steps read in the environment of this process, which belongs to this run alone."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def said(share: float, message: str) -> str:
    """A line of the log that says how far the run is."""
    return f"{share:.0%} {message}"


def told(outcome: Outcome) -> list[str]:
    """What came of it, a sentence each, the sum of it last."""
    lines = [*outcome.warnings, *(f"{asset} failed: {error}" for asset, error in outcome.failed.items())]
    if not outcome.failed:
        made = len(outcome.materialized)
        lines.append(f"{made} tables materialized." if made else "Everything is up to date.")
    return lines
