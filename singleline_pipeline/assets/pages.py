"""Pages: read from the scans, embedded, clustered, named."""

from collections import Counter

import dagster as dg
import pyarrow as pa
from pydantic import Field

from singleline_pipeline.assets.table_asset import column_schema, materialized, table_asset, table_of
from singleline_pipeline.nested import vectors_from_arrow, vectors_to_arrow
from singleline_pipeline.orchestration.checks import check_specs
from singleline_pipeline.orchestration.external import external_versions
from singleline_pipeline.orchestration.partitions import sketchbooks
from singleline_pipeline.orchestration.preview import cluster_sheets, picture, sheet
from singleline_pipeline.orchestration.resources import HomeResource
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


class EncoderConfig(dg.Config):
    """Which encoder looks at the pictures."""

    encoder: str = Field(
        "efficientnet-lite0",
        description="efficientnet-lite0 (its weights are installed with the package), or the name or local folder of "
        "a transformers model. All sketchbooks need the same: rerun every partition after a change.",
    )


class ClusterConfig(dg.Config):
    """When and how clusters are fitted."""

    refit: bool = Field(
        False,
        description="Fit anew. Otherwise the frozen fit stays, and only the names given by hand are refreshed.",
    )
    k: int = Field(
        16, ge=2, le=256, description="Number of clusters. With fewer rows than that there is no fit."
    )
    seed: int = Field(0, ge=0, description="Seed of K-means.")


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
            description="One row for every file that could not be read, and for exact duplicates, with the reason.",
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

    folder = home.get().sketchbooks / context.partition_key
    external = external_versions("raw_pages", context.partition_key, home.get())
    book = scans.read_sketchbook(folder, max_pixels=config.max_megapixels * 1_000_000)
    for message in book.warnings + [f"{page.path}: {page.reason}" for page in book.rejected]:
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
    reasons = "\n".join(f"- `{page.path}`: {page.reason}" for page in book.rejected)
    yield materialized(
        context,
        "rejected_pages",
        rejected,
        counts=counts,
        external=external,
        metadata={"rejected": dg.MetadataValue.md(reasons or "Every file could be read.")},
    )


@table_asset(group=GROUP, code_version="1", kinds={"pytorch"}, partitioned=True)
def page_embeddings(
    context: dg.AssetExecutionContext, config: EncoderConfig, raw_pages: pa.Table
) -> dg.MaterializeResult[pa.Table]:
    """What an encoder sees in each page, and its statistics (colour, darkness, ink, ...)."""
    from singleline_pipeline import embedding, scans

    files = zip(raw_pages["image"].to_pylist(), raw_pages["page_id"].to_pylist(), strict=True)
    seen = embedding.describe_images(
        (scans.decode_image(file["bytes"], name=page_id) for file, page_id in files), config.encoder
    )
    table = table_of(
        "page_embeddings",
        {
            **{name: raw_pages[name] for name in ("page_id", "sketchbook", "folder", "sha256")},
            "embedding": vectors_to_arrow(seen.vectors),
            "encoder": [seen.encoder] * len(seen.vectors),
            "encoder_version": [seen.version] * len(seen.vectors),
            "statistics": [list(statistics.items()) for statistics in seen.statistics],
        },
    )
    counts = {"in": raw_pages.num_rows, "out": table.num_rows}
    return materialized(
        context,
        "page_embeddings",
        table,
        counts=counts,
        metadata={"encoder": f"{seen.encoder} {seen.version}", "size": seen.vectors.shape[1]},
    )
