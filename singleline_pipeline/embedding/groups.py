"""The groups that pages are sorted into, and who decides: a person, then a cluster's name, then a suggestion."""

from collections.abc import Mapping

GROUPS = ("drawings", "watercolors", "notes", "badscans", "covers")
"""The groups that a page can be in. Only drawings go on to be traced."""

UNLABELLED = "unlabelled"


def decide_group(
    sha256: str, cluster_name: str | None, suggestion: str | None, labels: Mapping[str, str]
) -> tuple[str, str]:
    """Return a page's group and what decided it: hand, cluster, suggestion, or nobody (then it is unlabelled).

    `labels` are those given to pages by hand, sha256 -> group, as `Labels.resolve("page")` gives them.
    """
    if by_hand := labels.get(sha256):
        return by_hand, "hand"
    if cluster_name:
        return cluster_name, "cluster"
    if suggestion:
        return suggestion, "suggestion"
    return UNLABELLED, "nobody"
