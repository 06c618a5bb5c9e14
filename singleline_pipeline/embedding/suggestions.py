"""What a page looks like before anybody has said anything: a suggestion from its folder and its statistics.

The rules say what is physically so and not what a set of examples was like. A line drawing is paper and thin ink and
nothing else: what is neither (a wash, a hand, the scanner's inside beside a crooked page) is an area wider than any
pen, and so no drawing. A drawing cannot be traced where the scan has no light, or no edges, or no ink.
"""

from singleline_pipeline.embedding.statistics import PageStatistics

DARKEST_PAPER = 0.45
"""Paper less bright than this was scanned without light: brown wrapping paper is at 0.57."""

BLURRED = 3.0
"""Edges blurred wider than this, in thousandths of the diagonal: the page lay off the glass, or moved."""

BLANK_INK, BLANK_REACH = 0.004, 0.03
"""Less ink than this, in pieces no longer than this: dust and a page number."""

MASS = 0.03
"""Share of the page that may be neither paper nor pen: a blot, or the corners of a page that lay 4 degrees askew.
Two fingers are more."""

COLLAGE, COLLAGE_VARIETY = 0.35, 0.3
"""Share of the page under masses that run off its border, and the spread of their colours, from which a page is a
collage, and so a cover: the colours of a watercolor are thinner, and mostly end on the paper."""

TEXT_SHARE, TEXT_ROWS = 0.15, 3 / 20
"""A page of notes has at least this share of its ink in at least these many rows (3) of small pieces. Drawings have
next to none; cursive words run together, so that notes need not have much."""


def suggest_group(folder: str, statistics: PageStatistics) -> str:
    """Return the group, one of `groups.GROUPS`, that a page's folder (`art`, `notes`, `cover`) and looks suggest.

    A blank page is suggested as a bad scan: there is nothing on it to trace, and nothing is lost.
    """
    if folder == "cover":
        return "covers"
    if statistics.paper < DARKEST_PAPER:
        return "badscans"
    if folder == "notes":
        return "notes"
    if statistics.thick_mass > MASS:
        return _group_of_masses(statistics)
    if statistics.ink < BLANK_INK and statistics.reach < BLANK_REACH:
        return "badscans"
    if statistics.blur > BLURRED:
        return "badscans"
    if statistics.text_likeness > TEXT_SHARE and statistics.text_rows >= TEXT_ROWS:
        return "notes"
    return "drawings"


def _group_of_masses(statistics: PageStatistics) -> str:
    if statistics.border_mass > COLLAGE and statistics.mass_variety > COLLAGE_VARIETY:
        return "covers"
    from_outside = statistics.border_mass > 0.9 * statistics.thick_mass
    dark_surround = statistics.mass_darkness > 0.6 and statistics.mass_colour < 0.15
    one_colour = statistics.mass_variety < 0.3 * (statistics.mass_darkness + statistics.mass_colour)
    if from_outside and (dark_surround or one_colour):
        return "badscans"
    return "watercolors"
