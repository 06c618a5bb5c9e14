"""A codebook of offsets for the token variant: codes that close a row, pen down or lifted, and codes that carry it on.

Sketchformer (Ribeiro et al. 2020, section 3.1) has one K-means centroid for every row, so that each row's error stays
in all positions after it. Here a row is a sum of codes: any number that carry, then one that closes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np

from singleline_pipeline.sketch_models.errors import SketchModelError


class Role(IntEnum):
    """What a code does after its offset: close the row with the pen down, close it and lift, or carry the row on."""

    DOWN = 0
    UP = 1
    CARRY = 2


@dataclass(frozen=True, eq=False)
class Codebook:
    """Codes in the order of their roles; within each the most used first.

    offsets: (k, 2) float32 in file units; roles: (k,) int8, see `Role`
    counts: (k,) int64, how often each is used in the drawings that it was fitted to
    tolerance: how far a drawing may lie from its tokens, in file units
    Raises SketchModelError for codes that nothing can be written with.
    """

    offsets: np.ndarray
    roles: np.ndarray
    counts: np.ndarray
    tolerance: float

    def __post_init__(self) -> None:
        if self.offsets.ndim != 2 or self.offsets.shape[1:] != (2,) or len(self.offsets) != len(self.roles):
            raise SketchModelError(
                f"A codebook has a pair of dx, dy for each code; these are {self.offsets.shape} offsets for "
                f"{len(self.roles)} codes."
            )
        if not np.isfinite(self.offsets).all():
            code = int(np.argmin(np.isfinite(self.offsets).all(axis=1)))
            raise SketchModelError(f"Code {code} of the codebook is not a number. Fit the codebook again.")
        if not (np.isfinite(self.tolerance) and self.tolerance > 0):
            raise SketchModelError(f"The tolerance of a codebook is above 0; this one's is {self.tolerance}.")
        missing = [role.name.lower() for role in Role if not (self.roles == role).any()]
        if missing:
            raise SketchModelError(
                f"The codebook has no codes for {', '.join(missing)}: it cannot write every drawing. Fit it again."
            )

    def __len__(self) -> int:
        return len(self.offsets)

    def to_config(self) -> dict[str, Any]:
        """As plain numbers, for a model's config.json."""
        return {
            "tolerance": self.tolerance,
            "offsets": self.offsets.tolist(),
            "roles": self.roles.tolist(),
            "counts": self.counts.tolist(),
        }

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Codebook:
        """The codebook that `to_config` wrote. Raises SketchModelError where something is missing or wrong."""
        try:
            return cls(
                np.asarray(config["offsets"], np.float32),
                np.asarray(config["roles"], np.int8),
                np.asarray(config["counts"], np.int64),
                float(config["tolerance"]),
            )
        except (KeyError, TypeError, OverflowError) as error:
            raise SketchModelError(f"The codebook in the config is not whole: {error!r}.") from error
        except SketchModelError:
            raise
        except ValueError as error:
            raise SketchModelError(f"The codebook in the config is not made of numbers: {error}") from error
