"""What may be chosen about tracing. Lengths are in pen widths, so that they hold at any resolution."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TraceSettings:
    """Lengths are in pen widths, but for `apart`.

    gap: longest way between two ends that face each other that is bridged, round ends of the ink included.
    speck: marks whose longer side is under this many pen widths are dust, not drawing.
    apart: distance between two pieces of ink, as a share of the smaller one's size, up to which they may be
    one drawing.
    """

    gap: float = 5.0
    speck: float = 2.5
    apart: float = 0.35
