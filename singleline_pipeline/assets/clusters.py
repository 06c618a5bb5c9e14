"""What page_clusters and drawing_clusters have in common: a frozen fit, and names that are refreshed."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg
import numpy as np
import pyarrow as pa
from pydantic import Field

from singleline_pipeline.assets.step_settings import StepSettings, else_built_in
from singleline_pipeline.assets.table_asset import materialized, table_of
from singleline_pipeline.nested import vectors_from_arrow, vectors_to_arrow
from singleline_pipeline.orchestration.external import FIT_COLUMNS, external_versions
from singleline_pipeline.orchestration.label_sources import observe_labels
from singleline_pipeline.orchestration.preview import sheet
from singleline_pipeline.orchestration.resources import HomeResource
from singleline_pipeline.schemas import SCHEMAS

if TYPE_CHECKING:
    from singleline_pipeline.embedding import Labels


class EncoderConfig(dg.Config):
    """Which encoder looks at the pictures."""

    encoder: str | None = Field(
        None,
        description="efficientnet-lite0 (its weights are installed with the package); efficientnet-lite1, "
        "efficientnet-lite2 or mobilenet-v2 after make encoders; the folder of one that singleline finetune-encoder "
        "made; the name or local folder of a transformers model; or several side by side, joined by +. All "
        "sketchbooks need the same: for all of them, say it in settings.toml. "
        + else_built_in("encoder", "name"),
    )

    def chosen(self, context: dg.AssetExecutionContext, home: HomeResource) -> StepSettings:
        """What was given, else what settings.toml says."""
        return StepSettings(context, home.get(), "encoder", {"name": self.encoder})


class ClusterConfig(dg.Config):
    """When and how clusters are fitted."""

    refit: bool = Field(
        False,
        description="Fit anew. Otherwise the frozen fit stays, and only names given by hand are refreshed.",
    )
    k: int = Field(16, ge=1, le=256, description="Clusters; fewer where there are under 4 rows for each.")
    seed: int = Field(0, ge=0, description="Seed of K-means.")
    far_share: float = Field(
        0.2,
        gt=0,
        le=1,
        description="A new fit is suggested, and not made, when this share of the rows that came after the last one "
        "is like none of its clusters.",
    )


_SHOWN = 16
"""Rows on a contact sheet."""


def unique_rows(table: pa.Table, key: str) -> pa.Table:
    """The first row of each key: the same page in two sketchbooks is one page to a label, and to a fit."""
    first = pa.array(np.sort(np.unique(table[key].to_numpy(zero_copy_only=False), return_index=True)[1]))
    return table.take(first)


def embedding_columns(images: Any, encoder: str) -> dict[str, Any]:
    """The columns that every table of embeddings has, for pictures uint8 (h, w[, 3] BGR)."""
    from singleline_pipeline import embedding

    network = embedding.encoder(encoder)
    vectors, statistics = network.embed_and_measure(images)
    return {
        "embedding": vectors_to_arrow(vectors),
        "encoder": [network.id] * len(vectors),
        "encoder_version": [network.version] * len(vectors),
        "statistics": [list(measured.as_dict().items()) for measured in statistics],
    }


def nearest_clusters(
    embeddings: pa.Table, clusters: pa.Table | None, names: Sequence[str | None]
) -> dict[str, list]:
    """fit_id, cluster and distance of each row, and its cluster's name; all None where there is no fit yet.

    Raises EmbeddingError where the rows were embedded by another encoder than the clusters were fitted on.
    """
    from singleline_pipeline.embedding import assign, require_encoder_of_fit

    rows = embeddings.num_rows
    if clusters is None or not clusters.num_rows or not rows:
        return {name: [None] * rows for name in ("fit_id", "cluster", "distance", "name")}
    require_encoder_of_fit(_encoders_of(embeddings), _encoder_of(clusters))
    number, distance = assign(
        vectors_from_arrow(embeddings["embedding"]), vectors_from_arrow(clusters["centroid"])
    )
    return {
        "fit_id": [clusters["fit_id"][0].as_py()] * rows,
        "cluster": number.tolist(),
        "distance": distance.tolist(),
        "name": [names[index] for index in number],
    }


def clusters_table(
    context: dg.AssetExecutionContext,
    name: str,
    config: ClusterConfig,
    home: HomeResource,
    embeddings: pa.Table,
    keys: Sequence[str],
    suggestions: Sequence[str],
    picture: Callable[[str], bytes],
) -> dg.MaterializeResult[pa.Table]:
    """Keep the frozen fit, or fit where there is none or `refit` says so, and name its clusters.

    Args:
        context: Of the running step.
        name: page_clusters or drawing_clusters.
        config: Of the step.
        home: Where fits and labels lie.
        embeddings: Rows to cluster, with embedding, encoder and encoder_version.
        keys: Key of each row: what a label would go by.
        suggestions: What each row looks like.
        picture: Gives the thumbnail of a key, for the contact sheets.
    """
    from singleline_pipeline import embedding
    from singleline_pipeline.lake import Lake

    place, scope = home.get(), name.removesuffix("s")
    external = external_versions(name, None, place)
    labels = embedding.read_labels(place.labels / "labels.csv")
    before = Lake(place.lake).read_optional(name)
    columns: dict[str, Any] = {column: [] for column in SCHEMAS[name].names}
    note, fitted = "", False
    if not embeddings.num_rows:
        note = "There is nothing to cluster yet."
        table = SCHEMAS[name].empty_table()
    else:
        encoder, version = embedding.require_one_encoder(_encoders_of(embeddings))
        if before is not None and before.num_rows and not config.refit:
            embedding.require_encoder_of_fit({(encoder, version)}, _encoder_of(before))
            columns = {column: before[column] for column in before.column_names}
            fit_id, members = before["fit_id"][0].as_py(), before["members"].to_pylist()
        else:
            fit = embedding.fit_clusters(
                vectors_from_arrow(embeddings["embedding"]), keys, k=config.k, seed=config.seed
            )
            fit_id, members, note, fitted = fit.fit_id, fit.members, fit.note or "", True
            embedding.save_fit(
                place.labels / "fits", embedding.StoredFit(scope, fit_id, encoder, version, members)
            )
            columns |= {
                "fit_id": [fit_id] * fit.k,
                "cluster": list(range(fit.k)),
                "centroid": vectors_to_arrow(fit.centroids),
                "size": [len(cluster) for cluster in members],
                "radius": fit.radius,
                "members": members,
                "encoder": [encoder] * fit.k,
                "encoder_version": [version] * fit.k,
            }
        fits = embedding.load_fits(place.labels / "fits", scope)
        named = embedding.name_clusters(fit_id, members, fits, labels.resolve(scope))
        columns["name"] = [given for given, _ in named]
        columns["agreement"] = [agreement for _, agreement in named]
        columns["suggested_name"] = embedding.suggested_names(
            members, dict(zip(keys, suggestions, strict=True))
        )
        table = table_of(name, columns)
    if fitted:
        observe_labels(context, f"{scope.removesuffix('_cluster')}_labels", place, clusters=table)
    problems = labels.problems + _labels_of_nothing(place.labels, scope, labels, keys)
    for problem in problems:
        context.log.warning(problem)
    unnamed = table["name"].null_count
    near = nearest_clusters(embeddings, table, table["name"].to_pylist())
    return materialized(
        context,
        name,
        table,
        counts={"in": sum(map(len, table["members"].to_pylist())), "out": sum(table["size"].to_pylist())},
        external=external,
        read=FIT_COLUMNS,
        metadata={
            "fitted_now": fitted,
            "rows": embeddings.num_rows,
            "clusters_without_a_name": unnamed,
            "note": note
            or ("Nobody has named these clusters: suggestions are used." if unnamed else "All named."),
            "label_problems": "\n".join(problems) or "none",
            **_far_off(scope, config, table, near, embeddings, keys, picture),
            **_sheets(scope, table, near, embeddings, keys, picture),
        },
    )


def _encoders_of(embeddings: pa.Table) -> list[tuple[str, str]]:
    return list(
        zip(embeddings["encoder"].to_pylist(), embeddings["encoder_version"].to_pylist(), strict=True)
    )


def _encoder_of(clusters: pa.Table) -> tuple[str, str]:
    return clusters["encoder"][0].as_py(), clusters["encoder_version"][0].as_py()


def _labels_of_nothing(folder: Path, scope: str, labels: "Labels", keys: Sequence[str]) -> list[str]:
    """A sentence for each label of a cluster that no fit has, or of a page or drawing that no sketchbook has.

    A drawing that was traced anew is there where one overlaps the box that was labelled. That a private page is not
    there is as it should be, and its name is not to be told again.
    """
    from singleline_pipeline import embedding
    from singleline_pipeline.corrections import read_corrections

    private = read_corrections(folder).private
    labels = embedding.Labels([row for row in labels.rows if row.key.partition(":")[0] not in private])
    rows = scope.removesuffix("_cluster")
    there = list(keys)
    if rows == "drawing":
        boxes: dict[str, list] = {}
        for key in keys:
            sha256, box = embedding.split_drawing_key(key)
            boxes.setdefault(sha256, []).append((box, key))
        labelled = labels.resolve(rows)
        there = [key for key in labelled if embedding.match_drawing(*embedding.split_drawing_key(key), boxes)]
    clusters = [
        embedding.cluster_key(fit.fit_id, number)
        for fit in embedding.load_fits(folder / "fits", scope)
        for number in range(len(fit.members))
    ]
    return embedding.unknown_keys(labels, {scope: clusters, rows: there})


def _far_off(
    scope: str,
    config: ClusterConfig,
    table: pa.Table,
    near: dict[str, list],
    embeddings: pa.Table,
    keys: Sequence[str],
    picture: Callable[[str], bytes],
) -> dict[str, Any]:
    """Whether a refit is due, and the rows that are like no cluster."""
    from singleline_pipeline import embedding

    if not table.num_rows:
        return {}
    noun = scope.removesuffix("_cluster")
    members = {key for cluster in table["members"].to_pylist() for key in cluster}
    relative = embedding.relative_distance(
        np.array(near["distance"]), np.array(near["cluster"]), table["radius"].to_numpy()
    )
    suggestion = embedding.refit_suggestion(
        relative, [key in members for key in keys], noun, far_share=config.far_share
    )
    odd, ids = embedding.outliers(relative), embeddings[f"{noun}_id"].to_pylist()
    shown = {
        "outliers_sheet": sheet(
            [picture(keys[index]) for index in odd[:_SHOWN]],
            [f"{ids[index]}: {relative[index]:.1f} radii" for index in odd[:_SHOWN]],
            f"Like no cluster ({len(odd)})",
        )
    }
    return {
        "suggestion": suggestion or "The clusters fit what there is.",
        "outliers": len(odd),
        **(shown if len(odd) else {}),
    }


def _sheets(
    scope: str,
    table: pa.Table,
    near: dict[str, list],
    embeddings: pa.Table,
    keys: Sequence[str],
    picture: Callable[[str], bytes],
) -> dict[str, dg.MarkdownMetadataValue]:
    """One contact sheet for each cluster, with its most typical rows first."""
    if not table.num_rows:
        return {}
    ids = embeddings[f"{scope.removesuffix('_cluster')}_id"].to_pylist()
    unnamed = "looks like" if scope == "page_cluster" else "until then"
    number, distance = np.array(near["cluster"]), np.array(near["distance"])
    sheets = {}
    for row in table.select(["cluster", "name", "suggested_name"]).to_pylist():
        chosen = np.flatnonzero(number == row["cluster"])
        chosen = chosen[np.argsort(distance[chosen], kind="stable")]
        called = row["name"] or f"no name yet, {unnamed} {row['suggested_name']}"
        sheets[f"cluster_{row['cluster']:02d}"] = sheet(
            [picture(keys[index]) for index in chosen[:_SHOWN]],
            [ids[index] for index in chosen[:_SHOWN]],
            f"Cluster {row['cluster']}: {called} ({len(chosen)})",
        )
    return sheets
