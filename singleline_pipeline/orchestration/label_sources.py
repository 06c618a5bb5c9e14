"""labels.csv as Dagster sees it: source assets whose data versions say which tables a label has made stale.

Three, for they touch different tables. What was said about pages and about drawings has a version for each sketchbook,
so that a label makes that sketchbook stale and no other; and pages apart from drawings, because below the group of a
page lies the tracing of its whole sketchbook. The clusters are stale when somebody named one, and not with each page.
"""

import warnings
from collections.abc import Callable, Iterable

import dagster as dg
import pyarrow as pa

from singleline_pipeline.embedding import LabelError
from singleline_pipeline.home import Home
from singleline_pipeline.orchestration.external import labels_version
from singleline_pipeline.orchestration.partitions import sketchbooks
from singleline_pipeline.orchestration.resources import HomeResource
from singleline_pipeline.orchestration.studio_link import studio_link

BY_SKETCHBOOK = ("page_labels", "drawing_labels")
CLUSTER_NAMES = "cluster_names"
DATA_VERSION = "dagster/data_version"


def label_observation(source: str, partition: str | None, version: str) -> dg.AssetObservation:
    """What Dagster is told about a part of labels.csv."""
    return dg.AssetObservation(source, partition=partition, tags={DATA_VERSION: version})


def observe_labels(
    context: dg.AssetExecutionContext,
    source: str,
    home: Home,
    *,
    rows: pa.Table | None = None,
    clusters: pa.Table | None = None,
) -> None:
    """Tell Dagster which labels touch a sketchbook, from the step that makes its rows; or all of them, from the step
    that makes the clusters.

    Else the next look at labels.csv would find another version than the one before, and show as stale what was made
    in between from these very labels.
    """
    books = [context.partition_key] if rows is not None else _books(context.instance)
    try:
        versions = {book: labels_version(source, book, home, rows=rows, clusters=clusters) for book in books}
    except LabelError:
        return  # this step has no use for them; the one that reads them says what is wrong
    for book, version in versions.items():
        context.log_event(label_observation(source, book, version))


def report_labels(instance: dg.DagsterInstance, source: str, partition: str | None, version: str) -> None:
    """Tell Dagster which labels a run that is about to start will read, where that is news."""
    condition = dg.AssetRecordsFilter(
        dg.AssetKey(source), asset_partitions=None if partition is None else [partition]
    )
    for record in instance.fetch_observations(condition, limit=1).records:
        event = record.asset_observation
        if event and (event.tags or {}).get(DATA_VERSION) == version:
            return
    instance.report_runless_asset_event(label_observation(source, partition, version))


def label_versions(home: Home, books: Iterable[str]) -> dict[tuple[str, str | None], str]:
    """The version that every part of labels.csv has now, by source asset and sketchbook."""
    parts: list[tuple[str, str | None]] = [(source, book) for source in BY_SKETCHBOOK for book in books]
    return {part: labels_version(*part, home) for part in [*parts, (CLUSTER_NAMES, None)]}


def _books(instance: dg.DagsterInstance) -> list[str]:
    return sorted(instance.get_dynamic_partitions(sketchbooks.name or ""))


def _source(
    name: str,
    description: str,
    observe: Callable[..., dg.DataVersion | dg.DataVersionsByPartition],
    partitions_def: dg.PartitionsDefinition[str] | None = None,
) -> dg.SourceAsset:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.BetaWarning)
        source = dg.observable_source_asset(
            name=name,
            group_name="labels",
            description=description,
            partitions_def=partitions_def,
            metadata=studio_link(),
            tags={"dagster/kind/csv": ""},
        )(observe)
    assert isinstance(source, dg.SourceAsset)
    return source


def _observe_of(source: str) -> Callable[..., dg.DataVersionsByPartition]:
    def observe(context: dg.OpExecutionContext, home: HomeResource) -> dg.DataVersionsByPartition:
        versions = {book: labels_version(source, book, home.get()) for book in _books(context.instance)}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", dg.BetaWarning)
            return dg.DataVersionsByPartition(versions)

    return observe


def _observe_names(home: HomeResource) -> dg.DataVersion:
    return dg.DataVersion(labels_version(CLUSTER_NAMES, None, home.get()))


page_labels = _source(
    "page_labels",
    "What labels.csv says about the pages of each sketchbook: labels of single pages, and the names of the clusters "
    "that they are in.",
    _observe_of("page_labels"),
    sketchbooks,
)
drawing_labels = _source(
    "drawing_labels",
    "What labels.csv says about the drawings of each sketchbook: labels of single drawings, and the names of the "
    "clusters that they are in.",
    _observe_of("drawing_labels"),
    sketchbooks,
)
cluster_names = _source(
    CLUSTER_NAMES,
    "What labels.csv calls the clusters of pages and of drawings, and its lines that touch nothing.",
    _observe_names,
)
