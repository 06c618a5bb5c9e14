"""What can be measured of a scanned page without any training: light, colour, ink, masses, blur, rows of text.

Everything is relative: lengths to the page, brightness and colour to the paper that the page itself shows. A page
scanned at another resolution, on tinted paper or under a slanting light gives nearly the same numbers.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields

import cv2
import numpy as np

from singleline_pipeline.embedding.errors import EmbeddingError
from singleline_pipeline.embedding.images import as_bgr, halve_longer_side, shrink_longer_side
from singleline_pipeline.embedding.ink import measure_ink
from singleline_pipeline.embedding.masses import measure_masses
from singleline_pipeline.embedding.paper import channel_range, paper_surface, relative_to

STATISTICS_VERSION = "3"

ANALYSIS_SIDE = 800
"""Longer side, in px, of the picture that is measured: a pen line is still a line, a letter still a letter."""

MARGIN = 0.06
"""Share of each side where ink is not measured: binder, page number, the scanner's dark edge."""

PEN_LIMIT = 0.04
"""Share of the page's shorter side: what is narrower is line, what is wider is mass. On a page of 20 cm these are
8 mm: wider than a brush pen's line, narrower than a finger."""


@dataclass(frozen=True)
class PageStatistics:
    """Statistics of one page. All are shares or ratios between 0 and about 1, but for `blur`."""

    paper: float
    """Brightness of the paper: 1 is white."""
    paper_colour: float
    """How far the paper is from grey: its highest minus its lowest channel."""
    darkness: float
    """Mean of 1 - brightness over the whole picture."""
    colour: float
    """Mean difference of the channels, relative to the paper's own colour, over the whole picture."""
    ink: float
    """Share of the page that is line: dark, and narrower than `PEN_LIMIT`."""
    contrast: float
    """Median darkness of that line, relative to the paper around it."""
    reach: float
    """Diagonal of the largest connected piece of line, as a share of the page's diagonal."""
    blur: float
    """Width of the sharpest edges of the line beyond what the picture's pixels do, in thousandths of the page's
    diagonal: 1 is sharp, 3 is half a millimetre on a page of 20 cm."""
    text_likeness: float
    """Share of the line that stands in rows of small pieces, as letters and words do."""
    text_rows: float
    """Number of such rows, over 20."""
    thick_mass: float
    """Share of the page that is neither paper nor pen: washes, hands, dark borders."""
    border_mass: float
    """Share of the page under those masses that reach the border of the picture."""
    solid_ink: float
    """Share of the page that was filled with the pen: as dark as ink, and not reaching the border."""
    mass_colour: float
    """Mean colour of the masses, relative to the paper. 0 where there are none."""
    mass_darkness: float
    """Mean darkness of the masses, relative to the paper. 0 where there are none."""
    mass_variety: float
    """Spread of the masses' colours: a hand has one, a watercolor several. 0 where there are none."""

    def as_array(self) -> np.ndarray:
        """Return the statistics as float32 (d,), in the order of `STATISTICS_NAMES`."""
        return np.array(list(asdict(self).values()), np.float32)

    def as_dict(self) -> dict[str, float]:
        """Return name -> value, in the order of `STATISTICS_NAMES`."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, float]) -> "PageStatistics":
        """Build from name -> value, as a table holds them. Raises EmbeddingError where a name is missing."""
        missing = [name for name in STATISTICS_NAMES if name not in values]
        if missing:
            raise EmbeddingError(
                f"These page statistics lack {', '.join(missing)}: an older version measured them. "
                "Materialize page_embeddings again for this sketchbook."
            )
        return cls(**{name: float(values[name]) for name in STATISTICS_NAMES})


STATISTICS_NAMES: tuple[str, ...] = tuple(field.name for field in fields(PageStatistics))


def page_statistics(image: np.ndarray) -> PageStatistics:
    """Measure one page, uint8 (h, w, 3) BGR or (h, w) grey, as scanned and upright.

    Raises EmbeddingError for anything that is not such a picture.
    """
    page = as_bgr(image)
    large = halve_longer_side(page, ANALYSIS_SIDE)
    # Soft before it is sampled: without, a line as thin as a pixel comes and goes along its way.
    soft = cv2.GaussianBlur(cv2.cvtColor(large, cv2.COLOR_BGR2GRAY), (3, 3), 0.5)
    grey = shrink_longer_side(soft, ANALYSIS_SIDE)
    small = shrink_longer_side(large, max(32, max(grey.shape) // 2))
    lineless = cv2.morphologyEx(small, cv2.MORPH_CLOSE, np.ones((_pen_limit(small),) * 2, np.uint8))
    paper = paper_surface(lineless)
    masses = measure_masses(lineless, paper, least=_pen_limit(small) ** 2)
    ink = measure_ink(grey, _pen_limit(grey), MARGIN)
    return PageStatistics(
        paper=float(np.median(paper[::8, ::8].mean(axis=2))) / 255,
        paper_colour=float(np.median(channel_range(paper[::8, ::8]))) / 255,
        darkness=1 - sum(cv2.mean(small)[:3]) / 3 / 255,
        colour=cv2.mean(channel_range(relative_to(paper, small)))[0] / 255,
        ink=ink.share,
        contrast=ink.contrast,
        reach=ink.reach,
        blur=ink.blur,
        text_likeness=ink.text_likeness,
        text_rows=min(ink.text_rows / 20, 1.0),
        thick_mass=masses.share,
        border_mass=masses.border,
        solid_ink=masses.solid,
        mass_colour=masses.colour,
        mass_darkness=masses.darkness,
        mass_variety=masses.variety,
    )


def _pen_limit(picture: np.ndarray) -> int:
    """Return `PEN_LIMIT` in px of this picture, as an odd number."""
    return max(3, round(PEN_LIMIT * min(picture.shape[:2])) | 1)
