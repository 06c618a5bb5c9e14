"""Pages: read from the scans, embedded, clustered, named."""

from collections import Counter

import dagster as dg
import pyarrow as pa
import pyarrow.dataset as pads
from pydantic import Field

from singleline_pipeline.assets.clusters import (
    ClusterConfig,
    EncoderConfig,
    clusters_table,
    embedding_columns,
    nearest_clusters,
    unique_rows,
)
from singleline_pipeline.assets.table_asset import column_schema, materialized, table_asset, table_of
from singleline_pipeline.orchestration.checks import check_specs
from singleline_pipeline.orchestration.external import FIT_COLUMNS, cluster_names, external_versions
from singleline_pipeline.orchestration.label_sources import observe_labels
from singleline_pipeline.orchestration.partitions import sketchbooks
from singleline_pipeline.orchestration.preview import sheet
from singleline_pipeline.orchestration.resources import HomeResource
from singleline_pipeline.orchestration.studio_link import studio_link
from singleline_pipeline.schemas import SCHEMAS

GROUP = "pages"


class ReadingConfig(dg.Config):
    """How files are read."""

    max_megapixels: int = Field(
        120,
        ge=1,
        le=1000,
        description="Largest page that is decoded, in megapixels; larger files are rejected.",
    )


@dg.multi_asset(
    name="read_sketchbook",
    outs={
        "raw_pages": dg.AssetOut(
            description="One row for every page that could be read: the file's own bytes, and a thumbnail. The folders "
            "xtra and priv are never read.",
            code_version="1",
            kinds={"parquet", "opencv"},
            metadata={"dagster/column_schema": column_schema("raw_pages")},
        ),
        "rejected_pages": dg.AssetOut(
            description="One row for every file that could not be read or is private, and for exact duplicates, with "
            "the reason.",
            code_version="1",
            kinds={"parquet"},
            metadata={"dagster/column_schema": column_schema("rejected_pages")},
        ),
    },
    group_name=GROUP,
    partitions_def=sketchbooks,
    check_specs=[
        spec for name in ("raw_pages", "rejected_pages") for spec in check_specs(name, SCHEMAS[name])
    ],
)
def read_sketchbook(context: dg.AssetExecutionContext, config: ReadingConfig, home: HomeResource):
    """Read one sketchbook's folder."""
    from singleline_pipeline import scans
    from singleline_pipeline.corrections import read_corrections

    folder = home.get().folder_of(context.partition_key)
    external = external_versions("raw_pages", context.partition_key, home.get())
    said = read_corrections(home.get().labels)
    book = scans.read_sketchbook(folder, max_pixels=config.max_megapixels * 1_000_000, private=said.private)
    # Of the files as they are now: the tables, which others ask for it, are yet to be written.
    external["private"] = said.private_version(page.sha256 or "" for page in [*book.pages, *book.rejected])
    unwanted = [page.reason for page in book.rejected if page.sha256 not in said.private]
    for message in book.warnings + unwanted:
        context.log.warning(message)

    pages = table_of(
        "raw_pages",
        {
            "image": [{"bytes": page.data, "path": page.path} for page in book.pages],
            **{
                name: [getattr(page, name) for page in book.pages]
                for name in (
                    "page_id",
                    "sketchbook",
                    "folder",
                    "path",
                    "sha256",
                    "width",
                    "height",
                    "thumbnail",
                )
            },
        },
    )
    rejected = table_of(
        "rejected_pages",
        {name: [getattr(page, name) for page in book.rejected] for name in SCHEMAS["rejected_pages"].names},
    )
    counts = {
        "in": len(book.pages) + len(book.rejected),
        "out": len(book.pages),
        "rejected": len(book.rejected),
    }
    yield materialized(
        context,
        "raw_pages",
        pages,
        counts=counts,
        external=external,
        metadata={
            "pages": sheet(
                pages["thumbnail"].to_pylist(), pages["page_id"].to_pylist(), context.partition_key
            ),
            "warnings": "\n".join(book.warnings) or "none",
            "folder_fingerprint": external["folder"],
        },
    )
    reasons = "\n".join(f"- {page.reason}" for page in book.rejected)
    yield materialized(
        context,
        "rejected_pages",
        rejected,
        counts=counts,
        external=external,
        metadata={"rejected": dg.MetadataValue.md(reasons or "Every file could be read.")},
    )


@table_asset(group=GROUP, code_version="4", kinds={"pytorch"}, partitioned=True)
def page_embeddings(
    context: dg.AssetExecutionContext, config: EncoderConfig, home: HomeResource, raw_pages: pa.Table
) -> dg.MaterializeResult[pa.Table]:
    """What an encoder sees in each page, and its statistics (colour, darkness, ink, ...)."""
    from singleline_pipeline import scans

    files = zip(raw_pages["image"].to_pylist(), raw_pages["page_id"].to_pylist(), strict=True)
    images = (scans.decode_image(file["bytes"], name=page_id) for file, page_id in files)
    columns = {name: raw_pages[name] for name in ("page_id", "sketchbook", "folder", "sha256")}
    settings = config.chosen(context, home)
    encoder = settings.of()["name"]
    table = table_of("page_embeddings", columns | embedding_columns(images, encoder))
    observe_labels(context, "page_labels", home.get(), rows=table)
    counts = {"in": raw_pages.num_rows, "out": table.num_rows}
    return materialized(
        context,
        "page_embeddings",
        table,
        counts=counts,
        metadata={"encoder": encoder},
        external=settings.version(),
    )


def _suggestions(pages: pa.Table) -> list[str]:
    from singleline_pipeline.embedding import PageStatistics, suggest_group

    statistics = (PageStatistics.from_dict(dict(row)) for row in pages["statistics"].to_pylist())
    return [
        suggest_group(folder, s) for folder, s in zip(pages["folder"].to_pylist(), statistics, strict=True)
    ]


@table_asset(
    group=GROUP,
    code_version="2",
    kinds={"scikit-learn"},
    partitioned=False,
    deps=["cluster_names"],
    metadata=studio_link(),
)
def page_clusters(
    context: dg.AssetExecutionContext,
    config: ClusterConfig,
    home: HomeResource,
    raw_pages: pads.Dataset,
    page_embeddings: pads.Dataset,
) -> dg.MaterializeResult[pa.Table]:
    """K-means over all pages, fitted once and frozen; materializing it again refreshes names, `refit` fits anew. A
    contact sheet for each cluster: name them in labels.csv."""
    columns = ["page_id", "sha256", "folder", "embedding", "encoder", "encoder_version", "statistics"]
    pages = unique_rows(page_embeddings.to_table(columns=columns).sort_by("page_id"), "sha256")
    files = raw_pages.to_table(columns=["sha256", "thumbnail"])
    pictures = dict(zip(files["sha256"].to_pylist(), files["thumbnail"].to_pylist(), strict=True))
    return clusters_table(
        context,
        "page_clusters",
        config,
        home,
        pages,
        pages["sha256"].to_pylist(),
        _suggestions(pages),
        pictures.__getitem__,
    )


@table_asset(
    group=GROUP,
    code_version="2",
    partitioned=True,
    deps=["page_clusters", "page_labels"],
    metadata=studio_link(),
)
def page_groups(
    context: dg.AssetExecutionContext, home: HomeResource, raw_pages: pa.Table, page_embeddings: pa.Table
) -> dg.MaterializeResult[pa.Table]:
    """The group of each page: given by hand, else the name of its cluster, else a suggestion by folder and looks. Only
    drawings go on. Works before any clusters were fitted."""
    from singleline_pipeline.embedding import decide_group, read_labels
    from singleline_pipeline.lake import Lake

    place = home.get()
    external = external_versions("page_groups", context.partition_key, place)
    labels = read_labels(place.labels / "labels.csv")
    by_hand = labels.resolve("page")
    clusters = Lake(place.lake).read_optional("page_clusters", columns=FIT_COLUMNS)
    near = nearest_clusters(page_embeddings, clusters, cluster_names(clusters, labels, place, "page"))
    suggestions = _suggestions(page_embeddings)
    sha256 = page_embeddings["sha256"].to_pylist()
    decided = [
        decide_group(key, name, suggestion, by_hand)
        for key, name, suggestion in zip(sha256, near["name"], suggestions, strict=True)
    ]
    table = table_of(
        "page_groups",
        {
            **{name: page_embeddings[name] for name in ("page_id", "sketchbook", "sha256")},
            "group": [group for group, _ in decided],
            "decided_by": [by for _, by in decided],
            "suggestion": suggestions,
            **{name: near[name] for name in ("fit_id", "cluster", "distance")},
        },
    )
    thumbnails = dict(zip(raw_pages["page_id"].to_pylist(), raw_pages["thumbnail"].to_pylist(), strict=True))
    order = sorted(range(len(decided)), key=lambda index: (decided[index][0], index))
    ids, prefix = page_embeddings["page_id"].to_pylist(), f"{context.partition_key}p"
    return materialized(
        context,
        "page_groups",
        table,
        counts={"in": page_embeddings.num_rows, "out": table.num_rows},
        external=external,
        # Who decided is no matter to what is traced: a page that is labelled as what it was is not traced again.
        read=["page_id", "sha256", "group"],
        metadata={
            **{f"pages_{group}": count for group, count in sorted(Counter(g for g, _ in decided).items())},
            "decided_by": dict(Counter(by for _, by in decided)),
            "groups": sheet(
                [thumbnails[ids[index]] for index in order],
                [f"{decided[index][0]} {ids[index].removeprefix(prefix)}" for index in order],
                context.partition_key,
                cell=200,
            ),
        },
    )
