"""What may be chosen about tracing. Lengths are in pen widths, so that they hold at any resolution."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TraceSettings:
    """Lengths are in pen widths, but for `apart`.

    gap: longest way between two ends that face each other that is bridged, round ends of the ink included.
    speck: marks whose longer side is under this many pen widths are dust, not drawing.
    apart: blank strip between two pieces of ink, as a share of the page's longer side, up to which the smaller may
    be a stray mark of the same drawing; the more of a drawing it is itself, the narrower (see grouping).
    """

    gap: float = 5.0
    speck: float = 2.5
    apart: float = 0.12
