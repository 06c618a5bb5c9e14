"""`singleline run` decides by itself what runs together: a wrong order reads tables that are not there yet."""

import pytest

from singleline_pipeline.orchestration.runs import Graph

GRAPH = Graph(
    upstream={
        "pages": set(),
        "rejected": set(),
        "embeddings": {"pages"},
        "clusters": {"embeddings"},
        "groups": {"embeddings", "clusters"},
        "strokes": {"pages", "groups"},
        "dataset": {"strokes"},
        "model": {"dataset"},
    },
    partitioned={
        name: name not in ("clusters", "dataset", "model")
        for name in ("pages", "rejected", "embeddings", "clusters", "groups", "strokes", "dataset", "model")
    },
    together={
        "pages": {"pages", "rejected"},
        "rejected": {"pages", "rejected"},
        **{name: {name} for name in ("embeddings", "clusters", "groups", "strokes", "dataset", "model")},
    },
)
ALL = set(GRAPH.upstream)


def test_a_stage_is_what_one_run_can_make_and_comes_after_what_it_reads() -> None:
    assert GRAPH.stages(ALL) == [
        ["embeddings", "pages", "rejected"],
        ["clusters"],
        ["groups", "strokes"],
        ["dataset", "model"],
    ]


def test_stages_of_some_assets_keep_the_order_of_all() -> None:
    """Without the clusters among the names, groups must still wait for the embeddings of all sketchbooks."""
    assert GRAPH.stages({"embeddings", "strokes"}) == [["embeddings"], ["strokes"]]


@pytest.mark.parametrize(
    ("stale", "within", "runs"),
    [
        (set(), {"groups", "strokes"}, set()),
        ({"strokes"}, {"groups", "strokes"}, {"strokes"}),
        ({"groups"}, {"groups", "strokes"}, {"groups", "strokes"}),
        ({"rejected"}, {"pages", "rejected", "embeddings"}, {"pages", "rejected", "embeddings"}),
    ],
)
def test_what_reads_a_stale_asset_runs_with_it_and_so_does_its_twin(stale, within, runs) -> None:
    assert GRAPH.with_downstream(stale, within) == runs
