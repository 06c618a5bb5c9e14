"""Tips: lines are led out to ink that they pass by."""

from __future__ import annotations

import numpy as np

from singleline_pipeline.tracing.coverage import Coverage
from singleline_pipeline.tracing.lanes import half_apart
from singleline_pipeline.tracing.resolved import PageLines, Resolved, lines_within, resolve_with_tip

BARE = 2.0
"""Cost of a tip of ink that no line reaches, per pen width that it stands out of what they cover."""
TURN = 0.5
"""Cost of a turn at a tip: less than any that the ink does not show."""


def reach_tips(page: PageLines, resolved: list[Resolved], dropped: set[int]) -> set[int]:
    """Let a line of a crossing turn at a tip of its ink, in place, where that explains more than it bends.

    dropped: edges that are not drawn. Returns the numbers of edges that stand for a tip and are no line.
    """
    edges = len(page.edges)
    turned = {number for item in resolved for number in item.spikes()}
    outside = _lines_outside(page, dropped | turned)
    coverage = Coverage(page.mask, outside, [lines_within(page, item) for item in resolved], page.pen)
    for place, item in enumerate(resolved):
        if len(item.keys) < 2:
            continue
        around = coverage.look_at(place, np.array([page.arms[key].point for key in item.keys]))
        missed = around.missed()
        if missed == 0:
            continue
        best, least = item, item.total + BARE * missed
        for tip in around.tips():
            number = page.add_tip(item.crossing, tip)
            reached = resolve_with_tip(page, item, number)
            if reached.total + TURN < least and number in reached.spikes():
                cost = reached.total + TURN + BARE * around.missed(lines_within(page, reached))
                if cost < least:
                    best, least = reached, cost
        resolved[place] = best
    return set(range(edges, len(page.edges)))


def _lines_outside(page: PageLines, dropped: set[int]) -> list[np.ndarray]:
    """What is drawn of the edges outside of the crossings."""
    lines = []
    for number, edge in enumerate(page.edges):
        if number in dropped:
            continue
        starts = [page.arms[number, end].start if (number, end) in page.arms else 0 for end in (0, 1)]
        part = slice(starts[0], max(starts[0] + 1, len(edge.points) - starts[1]))
        if number in page.lanes:
            apart = half_apart(edge, page.pen)
            lines += [(edge.points + apart)[part], (edge.points - apart)[part]]
        else:
            lines.append(edge.points[part])
    return lines
