"""Encoders: a picture in, a vector out, behind one small protocol.

The vector that everything downstream gets is two blocks side by side: the network's features, scaled to length 1, and
the page statistics, each over its `SPAN`, times `STATISTICS_WEIGHT`. Both scales are constants, never fitted, so that
vectors of sketchbooks embedded years apart lie in one space.
"""

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Protocol

import numpy as np

from singleline_pipeline.embedding.errors import EmbeddingError
from singleline_pipeline.embedding.images import as_bgr, halve_towards, in_batches
from singleline_pipeline.embedding.side_by_side import SideBySide, unit_length
from singleline_pipeline.embedding.statistics import (
    ANALYSIS_SIDE,
    STATISTICS_NAMES,
    STATISTICS_VERSION,
    PageStatistics,
    page_statistics,
)
from singleline_pipeline.embedding.weights import INSTALLED_WITH

DEFAULT_ENCODER = "efficientnet-lite0"

SPAN = {
    "paper": 1.0,
    "paper_colour": 0.3,
    "darkness": 1.0,
    "colour": 0.3,
    "ink": 0.2,
    "contrast": 0.8,
    "reach": 1.0,
    "blur": 4.0,
    "text_likeness": 1.0,
    "text_rows": 1.0,
    "thick_mass": 0.5,
    "border_mass": 0.5,
    "solid_ink": 0.1,
    "mass_colour": 0.5,
    "mass_darkness": 1.0,
    "mass_variety": 0.5,
}
"""The value of each statistic that is as much as there can be: beyond it, pages count as alike."""

STATISTICS_WEIGHT = 0.7
"""Gives both blocks the same variance over pages of mixed sketchbooks (0.36 and 0.39), so that K-means heeds both."""

COMBINATION_VERSION = "1"
"""Raised when `SPAN`, `STATISTICS_WEIGHT` or the way of combining changes."""

BATCH = 4
"""Small, so that a page is still in the cache when the network looks at it after the statistics."""

LARGEST_INPUT = 560
"""No network is given a picture with a side of more px than this."""


class Encoder(Protocol):
    """What makes vectors of pictures. Vectors of two encoders, or versions, must never be compared."""

    @property
    def id(self) -> str:
        """Name of the encoder, as it stands in every row that it made."""

    @property
    def version(self) -> str:
        """Hash of its weights, and the version of the code around them."""

    @property
    def size(self) -> int:
        """Length of its vectors."""

    def embed(self, images: Iterable[np.ndarray]) -> np.ndarray:
        """Embed pictures, uint8 (h, w, 3) BGR or (h, w) grey, to float32 (n, size)."""


class WithStatistics:
    """A network's features and the page statistics, as one vector."""

    def __init__(self, network: Encoder) -> None:
        self.id = f"{network.id}+statistics"
        self.version = f"{network.version}+{STATISTICS_VERSION}.{COMBINATION_VERSION}"
        self.size = network.size + len(STATISTICS_NAMES)
        self._network = network

    def embed(self, images: Iterable[np.ndarray]) -> np.ndarray:
        """Embed pictures, uint8 (h, w, 3) BGR or (h, w) grey, to float32 (n, size)."""
        return self.embed_and_measure(images)[0]

    def embed_and_measure(self, images: Iterable[np.ndarray]) -> tuple[np.ndarray, list[PageStatistics]]:
        """Embed pictures to float32 (n, size), and give the statistics that are part of the vectors."""
        parts = [np.zeros((0, self.size), np.float32)]
        measured: list[PageStatistics] = []
        for batch in in_batches(map(_halved, images), BATCH):
            statistics = [page_statistics(image) for image in batch]
            parts.append(np.hstack([unit_length(self._network.embed(batch)), scale_statistics(statistics)]))
            measured += statistics
        return np.concatenate(parts), measured


def scale_statistics(statistics: list[PageStatistics]) -> np.ndarray:
    """Return the statistics as they stand in vectors, float32 (n, d): over their span, held in 0-1, weighted."""
    span = np.array([SPAN[name] for name in STATISTICS_NAMES], np.float32)
    values = np.array([s.as_array() for s in statistics], np.float32).reshape(-1, len(span))
    return STATISTICS_WEIGHT * np.clip(values / span, 0, 1)


def encoder(name: str = DEFAULT_ENCODER, *, download: bool = False) -> WithStatistics:
    """Return the encoder of this name: one of `weights.INSTALLED_WITH`, the folder of one that was fine-tuned, a
    `transformers` model by name or local folder, or several of these side by side, joined by +.

    Nothing is fetched from the network unless `download` allows it. Raises EmbeddingError where the model cannot be
    had, and says what to do.
    """
    # A folder may have a + in its name.
    parts = [name] if Path(name).expanduser().is_dir() else [part.strip() for part in name.split("+")]
    if not all(parts):
        raise EmbeddingError(
            f"The encoder {name!r} lacks a name: join names with +, as in efficientnet-lite0+mobilenet-v2."
        )
    networks = [_network(part, download) for part in parts]
    return WithStatistics(networks[0] if len(networks) == 1 else SideBySide(networks))


def _network(name: str, download: bool) -> Encoder:
    # Imported here: transformers costs three seconds, and who asks for the default does not need it.
    if name in INSTALLED_WITH:
        from singleline_pipeline.embedding.efficientnet import (
            EfficientNetLite0,
            EfficientNetLite1,
            EfficientNetLite2,
        )
        from singleline_pipeline.embedding.mobilenet import MobileNetV2

        packaged = (EfficientNetLite0, EfficientNetLite1, EfficientNetLite2, MobileNetV2)
        return next(network for network in packaged if network.id == name)()
    from singleline_pipeline.embedding.finetuned import FineTunedEncoder, is_finetuned

    folder = Path(name).expanduser()
    if is_finetuned(folder):
        return FineTunedEncoder(folder)
    from singleline_pipeline.embedding.transformers_encoder import TransformersEncoder

    return TransformersEncoder(name, download=download)


@cache
def _default_encoder() -> WithStatistics:
    return encoder()


def embed_images(images: Iterable[np.ndarray]) -> np.ndarray:
    """Embed pictures, uint8 (h, w, 3) BGR or (h, w) grey, with the default encoder, to float32 (n, d).

    These are the vectors that K-means gets by default: EfficientNet-Lite0 features and page statistics.
    """
    return _default_encoder().embed(images)


def require_one_encoder(encoders: Iterable[tuple[str, str]]) -> tuple[str, str]:
    """Return the one (id, version) that all these rows were embedded with.

    Raises EmbeddingError where there are none, or several: their distances would mean nothing.
    """
    found = sorted(set(encoders))
    if not found:
        raise EmbeddingError("There are no embeddings yet. Materialize them for at least one sketchbook.")
    if len(found) > 1:
        listed = "; ".join(f"{name} (version {version})" for name, version in found)
        raise EmbeddingError(
            f"These rows were embedded by {len(found)} different encoders: {listed}. Their vectors cannot be "
            "compared. Materialize the embeddings of all sketchbooks again with one of them."
        )
    return found[0]


def require_encoder_of_fit(encoders: Iterable[tuple[str, str]], fit: tuple[str, str]) -> None:
    """Raise EmbeddingError where rows were embedded by several (id, version), or by another one than clusters were
    fitted on: the nearest centroid would mean nothing, even where the vectors are as long."""
    found = set(encoders)
    if found and require_one_encoder(found) != fit:
        (name, version), (fitted, fitted_version) = found.pop(), fit
        raise EmbeddingError(
            f"These rows were embedded by {name} (version {version}), and the clusters were fitted on vectors of "
            f"{fitted} (version {fitted_version}): they cannot be compared. Fit the clusters anew when all "
            "sketchbooks are embedded: singleline run --refit, or clusters_job. Names given by hand go over to them."
        )


def _halved(image: np.ndarray) -> np.ndarray:
    """Halve a picture as often as both the network and the statistics would, so that it is done once."""
    height, width = image.shape[:2]
    scale = ANALYSIS_SIDE / max(height, width)
    return halve_towards(
        as_bgr(image), *(max(LARGEST_INPUT, round(length * scale)) for length in (height, width))
    )
