"""Names of clusters over refits, and who decides about a page: work done by hand must never be lost or misplaced."""

from pathlib import Path

import numpy as np
import pytest

from singleline_pipeline.embedding import (
    GROUPS,
    LabelError,
    StoredFit,
    assign,
    carry_names,
    cluster_key,
    decide_group,
    fit_clusters,
    load_fits,
    name_clusters,
    named_clusters,
    save_fit,
    suggested_names,
)


def stored(fit_id: str, members: list[list[str]], scope: str = "page_cluster") -> StoredFit:
    return StoredFit(scope, fit_id, "net", "1", members)


def test_hand_then_cluster_then_suggestion() -> None:
    """The order in which opinions count for every single page."""
    labels = {"sha1": "notes"}
    assert decide_group("sha1", "drawings", "covers", labels) == ("notes", "hand")
    assert decide_group("sha2", "drawings", "covers", labels) == ("drawings", "cluster")
    assert decide_group("sha2", None, "covers", labels) == ("covers", "suggestion")
    assert decide_group("sha2", None, None, labels) == ("unlabelled", "nobody")


def test_most_members_suggest_a_name() -> None:
    """Shown until somebody has named the cluster; a tie must not depend on the order of the members."""
    looks = {"a": "drawings", "b": "drawings", "c": "notes", "d": "notes", "e": "covers"}
    assert suggested_names([["a", "b", "c"], ["c", "b"], ["b", "c"], ["x"]], looks) == [
        "drawings",
        "drawings",
        "drawings",
        "unlabelled",
    ]


def test_names_carry_over_by_agreement() -> None:
    """Under 80 % a cluster asks: a wrong name would sort its pages wrongly without a word."""
    old = [(["a", "b", "c", "d", "e"], "drawings"), (["f", "g"], "notes")]
    assert carry_names([["a", "b", "c", "d", "f", "new"], ["a", "f"], ["new"]], old) == [
        ("drawings", 0.8),
        (None, 0.5),
        (None, None),
    ]


def test_the_latest_name_of_a_member_holds() -> None:
    """A page was in a cluster of the first fit and in one of the second, named otherwise."""
    assert carry_names([["a"]], [(["a"], "notes"), (["a"], "drawings")]) == [("drawings", 1.0)]


def test_a_name_given_to_the_fit_itself_beats_what_carries_over() -> None:
    """Somebody looked at this very cluster."""
    fits = [stored("f1", [["a", "b"], ["c"]]), stored("f2", [["a"], ["b", "c"]])]
    names = {cluster_key("f1", 0): "drawings", cluster_key("f1", 1): "notes", cluster_key("f2", 0): "covers"}
    assert name_clusters("f2", [["a"], ["b", "c"]], fits, names) == [("covers", 1.0), (None, 0.5)]
    assert named_clusters(fits, {cluster_key("gone", 0): "notes"}) == []


def test_names_survive_a_refit_with_new_sketchbooks() -> None:
    """Names kept by number were right for 18 % of the pages after a refit, carried over by members for 98 %."""
    rng = np.random.default_rng(0)
    centres = 4 * rng.standard_normal((5, 12))
    kind = rng.integers(0, 5, 500)
    vectors = centres[kind] + rng.standard_normal((500, 12))
    keys = [f"page{i:03}" for i in range(500)]
    kind_of = dict(zip(keys, kind, strict=True))

    first = fit_clusters(vectors[:300], keys[:300], k=16)
    by_hand = {}
    for number, members in enumerate(first.members):
        kinds = [kind_of[key] for key in members]
        by_hand[cluster_key(first.fit_id, number)] = GROUPS[max(set(kinds), key=kinds.count)]

    second = fit_clusters(vectors, keys, k=16)
    fits = [stored(first.fit_id, first.members), stored(second.fit_id, second.members)]
    carried = name_clusters(second.fit_id, second.members, fits, by_hand)
    number, _ = assign(vectors, second.centroids)
    right = [carried[c][0] == GROUPS[k] for c, k in zip(number, kind, strict=True)]
    assert np.mean(right) > 0.97


def test_fits_are_kept_and_never_changed(tmp_path: Path) -> None:
    """labels.csv names clusters by fit id: the members must be there as long as the labels are."""
    first, other = stored("aa11", [["a"], ["b"]]), stored("bb22", [["x"]], "drawing_cluster")
    file = save_fit(tmp_path / "fits", first)
    assert file.name == "page_cluster-aa11.json"
    save_fit(tmp_path / "fits", other)
    save_fit(tmp_path / "fits", stored("aa11", [["changed"]]))
    assert load_fits(tmp_path / "fits", "page_cluster") == [first]
    assert load_fits(tmp_path / "fits", "drawing_cluster") == [other]
    assert load_fits(tmp_path / "none", "page_cluster") == []


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"scope": "page_cluster"}', '{"scope": 3, "members": "ab"}']
)
def test_a_damaged_fit_is_named(tmp_path: Path, text: str) -> None:
    """Going on without it would lose the names given to its clusters."""
    (tmp_path / "page_cluster-cc33.json").write_text(text)
    with pytest.raises(LabelError, match=r"page_cluster-cc33\.json is damaged"):
        load_fits(tmp_path, "page_cluster")


def test_a_fit_that_cannot_be_kept_says_what_would_be_lost(tmp_path: Path) -> None:
    """Tidying up after the failure once failed itself, and hid what had happened."""
    (tmp_path / "occupied").write_text("")
    with pytest.raises(LabelError, match=r"page_cluster-aa11\.json.*would not carry over"):
        save_fit(tmp_path / "occupied" / "fits", stored("aa11", [["a"]]))
