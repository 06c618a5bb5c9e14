"""A label must make stale what it touches, and nothing else: a version too many has a sketchbook traced again."""

import pytest

from singleline_pipeline.embedding import Label, Labels, cluster_key, drawing_key
from singleline_pipeline.embedding.label_versions import names_version, rows_version

HERE, ELSEWHERE = "a" * 64, "b" * 64
BOX = (10.0, 20.0, 110.0, 220.0)
NAMES: dict[int, str | None] = {0: "drawings", 3: None}


def labels(*rows: tuple[str, str, str]) -> Labels:
    return Labels([Label(*row) for row in rows])


NOTHING = labels()


@pytest.mark.parametrize(
    ("scope", "row", "touches"),
    [
        ("page", ("page", HERE, "notes"), True),
        ("page", ("page", ELSEWHERE, "notes"), False),
        ("page", ("drawing", drawing_key(HERE, BOX), "exclude"), False),
        ("page", ("page_cluster", cluster_key("fit", 0), "notes"), False),
        ("drawing", ("drawing", drawing_key(HERE, BOX), "exclude"), True),
        ("drawing", ("drawing", drawing_key(ELSEWHERE, BOX), "exclude"), False),
        ("drawing", ("page", HERE, "notes"), False),
    ],
)
def test_a_label_touches_the_sketchbook_that_has_its_row(scope, row, touches) -> None:
    """Clusters reach a sketchbook by the names of those that its rows are in, whatever else was named."""
    before = rows_version(NOTHING, scope, [HERE], NAMES)
    assert (rows_version(labels(row), scope, [HERE], NAMES) != before) is touches


def test_taking_a_label_of_a_page_back_gives_the_version_before_it() -> None:
    """Undo in the studio must leave nothing stale."""
    undone = labels(("page", HERE, "notes"), ("page", HERE, ""))
    assert rows_version(undone, "page", [HERE], NAMES) == rows_version(NOTHING, "page", [HERE], NAMES)


def test_a_label_of_a_drawing_that_was_taken_back_still_counts() -> None:
    """An empty label wins over an older one of a box that overlaps it as much."""
    key = drawing_key(HERE, BOX)
    said = labels(("drawing", key, "exclude"))
    undone = labels(("drawing", key, "exclude"), ("drawing", key, ""))
    assert rows_version(undone, "drawing", [HERE], {}) != rows_version(said, "drawing", [HERE], {})


def test_the_name_of_a_cluster_touches_who_is_in_it() -> None:
    before = rows_version(NOTHING, "page", [HERE], NAMES)
    assert rows_version(NOTHING, "page", [HERE], {0: "notes", 3: None}) != before
    assert rows_version(NOTHING, "page", [HERE], {0: "drawings", 3: "covers"}) != before
    # A row that moves between clusters without a name is no matter of labels.
    assert rows_version(NOTHING, "page", [HERE], {0: "drawings", 5: None}) == before


@pytest.mark.parametrize(
    ("row", "tells"),
    [
        (("page", HERE, "notes"), False),
        (("page", ELSEWHERE, "notes"), True),
        (("drawing", drawing_key(HERE, BOX), "exclude"), False),
        (("drawing", drawing_key(ELSEWHERE, BOX), "exclude"), True),
        (("page_cluster", cluster_key("fit", 0), "notes"), True),
        (("drawing_cluster", cluster_key("fit", 0), "exclude"), True),
    ],
)
def test_clusters_are_stale_when_one_was_named_or_a_label_is_of_nothing(row, tells) -> None:
    """Each page that is labelled would else have all clusters read again; a label of nothing must be reported."""
    assert (names_version(labels(row), [HERE]) != names_version(NOTHING, [HERE])) is tells
    problem = Labels(problems=["labels.csv line 3: the key is empty. The line is ignored."])
    assert names_version(problem, [HERE]) != names_version(NOTHING, [HERE])


def test_the_order_of_names_counts() -> None:
    """Where a row was in two named clusters, the latest name is carried over."""
    one, other = (
        ("page_cluster", cluster_key(fit, 0), name) for fit, name in (("f", "notes"), ("g", "covers"))
    )
    assert names_version(labels(one, other), []) != names_version(labels(other, one), [])
