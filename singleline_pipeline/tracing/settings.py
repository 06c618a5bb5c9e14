"""What may be chosen about tracing. Lengths are in pen widths, so that they hold at any resolution."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TraceSettings:
    """gap: longest gap in the ink that two ends facing each other are bridged over, in pen widths.
    speck: marks whose longer side is under this many pen widths are dust, not drawing.
    apart: blank paper between two drawings, as a share of the smaller one's size, from which on they are kept apart.
    """

    gap: float = 5.0
    speck: float = 2.5
    apart: float = 0.25
