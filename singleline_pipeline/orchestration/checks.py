"""The checks that every table passes before the next step may read it, as results of the asset's own step."""

from collections.abc import Iterator, Mapping

import dagster as dg
import pyarrow as pa
import pyarrow.compute as pc

# The columns that together name a row, where rows have a name.
UNIQUE: dict[str, tuple[str, ...]] = {
    "raw_pages": ("page_id",),
    "rejected_pages": ("path",),
    "page_embeddings": ("page_id",),
    "page_clusters": ("cluster",),
    "page_groups": ("page_id",),
    "strokes": ("page_id",),
    "joined_strokes": ("page_id",),
    "spliced_strokes": ("page_id",),
    "drawings": ("drawing_id",),
    "drawing_embeddings": ("drawing_id",),
    "drawing_clusters": ("cluster",),
    "filtered_drawings": ("drawing_id",),
    "stroke3_dataset": ("drawing_id",),
    "augmented_dataset": ("drawing_id", "variant"),
    "stroke_codebook": ("code",),
    "sketch_rnn": ("step", "split"),
    "sketch_transformer": ("step", "split"),
    "model_comparison": ("model", "metric", "part", "temperature"),
    "sketch_rnn_samples": ("sample_id",),
    "sketch_transformer_samples": ("sample_id",),
    "page_map": ("page_id",),
    "drawing_map": ("drawing_id",),
}

_DESCRIPTIONS = {
    "unique_ids": "No two rows have the same id",
    "no_nan": "No number is NaN or infinite",
    "no_empty_drawing": "No stroke is without points, and no drawing without strokes",
    "counts_add_up": "What went in is what came out and what was dropped, with a reason",
}


def _holds_drawings(schema: pa.Schema) -> bool:
    return any(field.name in ("strokes", "stroke3") and pa.types.is_list(field.type) for field in schema)


def check_specs(asset: str, schema: pa.Schema, *, counted: bool = True) -> list[dg.AssetCheckSpec]:
    """The checks of an asset. A failed one keeps the assets downstream from running.

    Args:
        asset: Name of the asset.
        schema: Schema of its table.
        counted: Whether the step accounts for the rows that went in.
    """
    names = ["unique_ids", "no_nan"]
    if counted:
        names.append("counts_add_up")
    if _holds_drawings(schema):
        names.append("no_empty_drawing")
    return [
        dg.AssetCheckSpec(name, asset=asset, description=_DESCRIPTIONS[name], blocking=True) for name in names
    ]


def check_table(
    asset: str, table: pa.Table, counts: Mapping[str, int] | None
) -> Iterator[dg.AssetCheckResult]:
    """Run the checks of an asset on its table.

    Args:
        asset: Name of the asset.
        table: Its rows.
        counts: What the step says of its rows: `in`, and where each went (`out`, `rejected`, `dropped`, ...);
            None where it does not account for rows.
    """
    checks = {"unique_ids": _repeated_ids(table, UNIQUE[asset]), "no_nan": _not_finite(table)}
    if counts is not None:
        checks["counts_add_up"] = _miscounted(counts)
    if _holds_drawings(table.schema):
        checks["no_empty_drawing"] = _empty_drawings(table)
    for name, problem in checks.items():
        yield dg.AssetCheckResult(
            asset_key=asset,
            check_name=name,
            passed=not problem,
            description=problem or None,
            metadata={
                "rows": table.num_rows,
                **({"counts": dict(counts)} if counts and name == "counts_add_up" else {}),
            },
        )


def _repeated_ids(table: pa.Table, columns: tuple[str, ...]) -> str:
    groups = table.select(columns).group_by(list(columns)).aggregate([([], "count_all")])
    repeated = groups.filter(pc.greater(groups["count_all"], 1))
    if not repeated.num_rows:
        return ""
    first = ", ".join(str(repeated[column][0].as_py()) for column in columns)
    return f"{repeated.num_rows} ids stand in more than one row, {first} among them"


def _float_leaves(array: pa.Array) -> Iterator[pa.Array]:
    kind = array.type
    if pa.types.is_floating(kind):
        yield array
    elif pa.types.is_struct(kind):
        for child in array.flatten():
            yield from _float_leaves(child)
    elif pa.types.is_map(kind):
        yield from _float_leaves(array.items)
    elif pa.types.is_list(kind) or pa.types.is_fixed_size_list(kind):
        yield from _float_leaves(array.flatten())


def _not_finite(table: pa.Table) -> str:
    broken = {}
    for name in table.column_names:
        leaves = [leaf for chunk in table[name].chunks for leaf in _float_leaves(chunk)]
        count = sum(pc.sum(pc.invert(pc.is_finite(leaf.drop_null()))).as_py() or 0 for leaf in leaves)
        if count:
            broken[name] = count
    return ", ".join(f"column {name}: {count} numbers are not finite" for name, count in broken.items())


def _empty_drawings(table: pa.Table) -> str:
    problems = []
    if "stroke3" in table.column_names:
        problems.append((pc.list_value_length(table["stroke3"]), "drawings without a point"))
    if "strokes" in table.column_names and pa.types.is_list(table.schema.field("strokes").type):
        inner = pc.list_flatten(table["strokes"])
        problems.append((pc.list_value_length(inner), "strokes without a point"))
        if "drawing_id" in table.column_names:
            problems.append((pc.list_value_length(table["strokes"]), "drawings without a stroke"))
    counted = [(pc.sum(pc.equal(lengths, 0)).as_py() or 0, what) for lengths, what in problems]
    return ", ".join(f"{count} {what}" for count, what in counted if count)


def _miscounted(counts: Mapping[str, int]) -> str:
    went = {name: count for name, count in counts.items() if name != "in"}
    if counts["in"] == sum(went.values()):
        return ""
    listed = " + ".join(f"{count} {name}" for name, count in went.items())
    return f"{counts['in']} went in, but {listed} is {sum(went.values())}"
