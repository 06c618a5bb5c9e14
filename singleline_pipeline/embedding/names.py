"""Names of clusters: what most of their members look like, and what people called those members' clusters before."""

from collections import Counter
from collections.abc import Mapping, Sequence

from singleline_pipeline.embedding.fits import StoredFit
from singleline_pipeline.embedding.groups import UNLABELLED
from singleline_pipeline.embedding.label_keys import cluster_key

AGREEMENT = 0.8
"""Share of already named members that must have one name, for a new cluster to take it over without asking."""


def suggested_names(members: Sequence[Sequence[str]], suggestions: Mapping[str, str]) -> list[str]:
    """Return what most members of each cluster are suggested to be; `unlabelled` where none has a suggestion.

    `members` are the keys of each cluster's members, `suggestions` key -> suggestion. Of two as frequent, the first
    in the alphabet.
    """
    names = []
    for cluster in members:
        counts = Counter(suggestions[key] for key in cluster if key in suggestions)
        names.append(_most_frequent(counts) if counts else UNLABELLED)
    return names


def carry_names(
    members: Sequence[Sequence[str]], old: Sequence[tuple[Sequence[str], str]]
) -> list[tuple[str | None, float | None]]:
    """Return for each cluster of a new fit the name that it takes over, and the agreement about it.

    `old` are named clusters, (members, name), the latest name last: where a row was in several, that one holds.
    The agreement is the share of already named members that have the most frequent name; under `AGREEMENT` the
    cluster asks for a name (None). Without any named member both are None.
    """
    name_of = {key: name for cluster, name in old for key in cluster}
    carried: list[tuple[str | None, float | None]] = []
    for cluster in members:
        counts = Counter(name_of[key] for key in cluster if key in name_of)
        if not counts:
            carried.append((None, None))
            continue
        name = _most_frequent(counts)
        agreement = counts[name] / counts.total()
        carried.append((name if agreement >= AGREEMENT else None, agreement))
    return carried


def named_clusters(fits: Sequence[StoredFit], names: Mapping[str, str]) -> list[tuple[list[str], str]]:
    """Return (members, name) of every cluster that a person named, in the order of `names`.

    `names` are cluster key -> name, as `Labels.resolve` gives them for the fits' scope: the latest last.
    """
    members = {
        cluster_key(fit.fit_id, number): cluster for fit in fits for number, cluster in enumerate(fit.members)
    }
    return [(members[key], name) for key, name in names.items() if key in members]


def name_clusters(
    fit_id: str, members: Sequence[Sequence[str]], fits: Sequence[StoredFit], names: Mapping[str, str]
) -> list[tuple[str | None, float | None]]:
    """Return the name and agreement of each cluster of a fit: given to itself by hand (agreement 1), else carried."""
    carried = carry_names(members, named_clusters(fits, names))
    by_hand = [names.get(cluster_key(fit_id, number)) for number in range(len(members))]
    return [(name, 1.0) if name else other for name, other in zip(by_hand, carried, strict=True)]


def _most_frequent(counts: Counter[str]) -> str:
    return min(counts, key=lambda name: (-counts[name], name))
