"""Sheets of samples: drawn again and again from the same dice while a model learns, so that one sees it learn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from singleline_pipeline.geometry import from_stroke3
from singleline_pipeline.geometry._atomic import atomic_writer
from singleline_pipeline.rendering import animated_sheet_svg, rasterize
from singleline_pipeline.sketch_models.sketch_model import SketchModel

SAMPLES = "samples.svg"
_DRAWINGS, _COLUMNS = 8, 4
_TEMPERATURE = 0.4
_FARTHEST = 1e6  # file units that the pen may go in all


def draw_sheet(model: SketchModel, seed: int) -> list[list[np.ndarray]]:
    """Eight drawings by the model, each a list of strokes (n, 2); the same again for the same weights and seed.

    One that leaves all bounds, as those of weights that learned from broken data may, is blank.
    """
    generator = torch.Generator(model.device).manual_seed(seed)
    samples = model.sample(_DRAWINGS, temperature=_TEMPERATURE, generator=generator)
    within = [np.abs(sample.stroke3[:, :2]).sum() < _FARTHEST for sample in samples]
    return [
        from_stroke3(sample.stroke3) if drawable else []
        for sample, drawable in zip(samples, within, strict=True)
    ]


def write_sheet(file: Path, drawings: list[list[np.ndarray]], title: str) -> None:
    """Write a sheet as an SVG whose lines draw themselves."""
    with atomic_writer(file) as out:
        out.write(animated_sheet_svg(drawings, columns=_COLUMNS, title=title).encode())


def sheet_picture(drawings: list[list[np.ndarray]], side: int = 128) -> np.ndarray:
    """The sheet as pixels, uint8 (rows · side, 4 · side)."""
    cells = [rasterize(drawing, size=side, pen=1.5) for drawing in drawings]
    rows = [np.hstack(cells[first : first + _COLUMNS]) for first in range(0, len(cells), _COLUMNS)]
    return np.vstack(rows)
