"""What a label would change, said before it is given."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from singleline_pipeline.studio.decisions import Decisions
from singleline_pipeline.studio.kinds import DRAWINGS, HAND, MINIMUM, NONE, PAGES


@dataclass(frozen=True)
class Effect:
    """How many rows of a kind become what, and how many stay as they are."""

    label: str
    """What would be said; empty takes back what was."""
    changes: dict[str, int]
    """Rows that become something else, by what they become."""
    by_hand: int
    """Rows of a cluster that were labelled by hand otherwise, and stay."""
    under_minimum: int
    """Drawings of a cluster that stay out because they are too small."""
    drawings_out: int = 0
    """Drawings of the dataset on pages that would no longer be drawings."""
    pages_in: int = 0
    """Pages that would be traced for the first time."""

    @property
    def changed(self) -> int:
        """Rows that become something else."""
        return sum(self.changes.values())


def effect_of(
    decisions: Decisions, rows: Sequence[int], clusters: Sequence[int], label: str, drawings: Decisions | None
) -> Effect:
    """What it would change to give some rows, or some clusters, a label.

    Args:
        decisions: As they are.
        rows: Rows that would get the label by hand.
        clusters: Numbers of clusters that would get it as their name.
        label: What would be said; empty takes back.
        drawings: Where pages are labelled, the decisions about drawings.
    """
    kind, collection = decisions.collection.kind, decisions.collection
    code = kind.code(label)
    before, by = decisions.decide()
    hand = decisions.hand.copy()
    hand[list(rows)] = code
    after, _ = decisions.decide(hand, dict.fromkeys(clusters, code))
    said_of = np.isin(collection.cluster, list(clusters)) if clusters else np.zeros(len(before), bool)
    changes = Counter(_name(kind.labels, kind.unsaid, code) for code in after[before != after].tolist())
    out = into = 0
    if kind is PAGES:
        were = before == PAGES.code("drawings")
        become = after == PAGES.code("drawings")
        into = int((become & ~were).sum())
        if drawings is not None:
            of_page = drawings.collection.page
            leaving = np.append(were & ~become, False)[of_page]
            out = int((leaving & (drawings.decide()[0] == DRAWINGS.code("include"))).sum())
    return Effect(
        label=label,
        changes=dict(changes),
        by_hand=int((said_of & (by == HAND) & (before != code)).sum()) if code != NONE else 0,
        under_minimum=int((said_of & (by == MINIMUM)).sum()) if label == "include" else 0,
        drawings_out=out,
        pages_in=into,
    )


def sentence(effect: Effect, decisions: Decisions) -> str:
    """The effect in words: "This excludes 212 drawings; 14 of them were included by hand and stay." """
    kind = decisions.collection.kind
    noun = kind.scope
    parts = []
    for to, count in sorted(effect.changes.items(), key=lambda item: -item[1]):
        if kind is DRAWINGS:
            parts.append(f"{'excludes' if to == 'exclude' else 'includes'} {_count(count, noun)}")
        else:
            verb = "leaves" if to == kind.unsaid else "moves"
            parts.append(
                f"{verb} {_count(count, noun)} {'without a group' if verb == 'leaves' else f'to {to}'}"
            )
    said = f"This {' and '.join(parts)}" if parts else f"This changes no {noun}"
    notes = []
    if effect.by_hand:
        other = _opposite(effect, decisions)
        notes.append(f"{effect.by_hand} {_were(effect.by_hand)} {other} by hand and {_stay(effect.by_hand)}")
    if effect.under_minimum:
        notes.append(
            f"{effect.under_minimum} {_stay(effect.under_minimum)} out for {_their(effect.under_minimum)} size"
        )
    if effect.drawings_out:
        notes.append(f"{_count(effect.drawings_out, 'drawing')} {_leave(effect.drawings_out)} the dataset")
    if effect.pages_in:
        notes.append(f"{_count(effect.pages_in, 'page')} will be traced")
    return "; ".join([said, *notes]) + "."


def _opposite(effect: Effect, decisions: Decisions) -> str:
    if decisions.collection.kind is DRAWINGS:
        return "included" if effect.label == "exclude" else "excluded"
    return "labelled otherwise"


def _name(labels: Sequence[str], unsaid: str, code: int) -> str:
    return labels[code] if code >= 0 else unsaid


def _count(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _were(count: int) -> str:
    return "was" if count == 1 else "were"


def _stay(count: int) -> str:
    return "stays" if count == 1 else "stay"


def _leave(count: int) -> str:
    return "leaves" if count == 1 else "leave"


def _their(count: int) -> str:
    return "its" if count == 1 else "their"
