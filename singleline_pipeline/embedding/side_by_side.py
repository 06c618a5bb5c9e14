"""Several encoders as one: networks that were trained apart err apart, and clusters of both are nearer to the truth."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from singleline_pipeline.embedding.errors import EmbeddingError
from singleline_pipeline.embedding.images import in_batches

if TYPE_CHECKING:
    from singleline_pipeline.embedding.encoders import Encoder

CODE_VERSION = "1"
"""Raised when the way of joining changes."""

BATCH = 16


class SideBySide:
    """The vectors of several encoders behind each other, each brought to length 1, so that none outweighs another."""

    def __init__(self, encoders: Sequence["Encoder"]) -> None:
        """Raises EmbeddingError where one encoder is there twice: it would say nothing new."""
        ids = [encoder.id for encoder in encoders]
        for name in ids:
            if ids.count(name) > 1:
                raise EmbeddingError(f"{name} is named twice in {'+'.join(ids)}: name each encoder once.")
        self.id = "+".join(ids)
        self.version = "+".join([*(encoder.version for encoder in encoders), CODE_VERSION])
        self.size = sum(encoder.size for encoder in encoders)
        self._encoders = list(encoders)

    def embed(self, images: Iterable[np.ndarray]) -> np.ndarray:
        """Embed pictures, uint8 (h, w, 3) BGR or (h, w) grey, to float32 (n, size)."""
        parts = [np.zeros((0, self.size), np.float32)]
        for batch in in_batches(images, BATCH):
            parts.append(np.hstack([unit_length(encoder.embed(batch)) for encoder in self._encoders]))
        return np.concatenate(parts)


def unit_length(vectors: np.ndarray) -> np.ndarray:
    """Return each row, float (n, d), scaled to length 1, float32; a row of zeros stays one."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return (vectors / np.maximum(length, 1e-12)).astype(np.float32)
