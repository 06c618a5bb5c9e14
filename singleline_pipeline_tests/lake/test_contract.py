"""A table that does not fit its schema must be told so by column, before it overwrites one that does."""

import pyarrow as pa
import pytest

from singleline_pipeline.lake import LakeError, conform
from singleline_pipeline.schemas import SCHEMAS
from singleline_pipeline_tests.lake.conftest import TOY_SCHEMAS, pages, vectors

PAGES = TOY_SCHEMAS["pages"]


def test_a_table_as_steps_make_it_gets_order_nullability_and_descriptions_of_the_schema():
    made = pages("p1", "p2").select(["note", "strokes", "file", "width", "page_id"])
    assert conform("pages", made, PAGES).schema.equals(PAGES, check_metadata=True)


def _without_unit(table: pa.Table) -> pa.Table:
    return table.set_column(1, "width", table["width"].cast(pa.int64()))


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda t: t.drop_columns(["width"]), "pages .* column width is missing, expected int32"),
        (
            lambda t: t.append_column("colour", t["note"]),
            "pages .* column colour is not expected, found string",
        ),
        (lambda t: t.append_column("note", t["note"]), "column note is there more than once"),
        (_without_unit, "column width: expected int32, never null, found int64"),
        (
            lambda t: t.set_column(3, "strokes", pa.array([[[[0.0, 0.0]]]] * 3)),
            r"column strokes: expected list<.*fixed_size_list.*found list<.*list<.*double",
        ),
        (
            lambda t: t.set_column(0, "page_id", pa.array(["p1", None, None])),
            "page_id must be filled in every row, found 2 nulls in 3 rows, the first in row 1",
        ),
    ],
)
def test_the_message_names_asset_column_expected_and_found(spoil, words):
    with pytest.raises(LakeError, match=words):
        conform("pages", spoil(pages("p1", "p2", "p3")), PAGES)


def test_vectors_may_have_any_length_as_encoders_differ():
    schema = TOY_SCHEMAS["vectors"]
    for size in (1, 7, 1280):
        assert (
            conform("vectors", vectors(["a"], size), schema).schema.field("embedding").type.list_size == size
        )


def test_a_null_inside_a_list_that_must_be_filled_is_refused_where_arrow_would_let_it_pass():
    strict = pa.schema([pa.field("xs", pa.list_(pa.field("item", pa.int64(), nullable=False)))])
    with pytest.raises(LakeError, match="column xs"):
        conform("toy", pa.table({"xs": [[1, None]]}), strict)


@pytest.mark.parametrize("asset", SCHEMAS)
def test_the_empty_table_of_every_asset_fits_its_own_schema(asset):
    empty = SCHEMAS[asset].empty_table()
    assert conform(asset, empty, SCHEMAS[asset]).schema.equals(SCHEMAS[asset], check_metadata=True)
