"""What a trained model is looked at by: free samples, reconstructions, completions, interpolations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from singleline_pipeline.sketch_models.folders import load_model
from singleline_pipeline.sketch_models.sampling import Sample
from singleline_pipeline.sketch_models.sketch_model import SketchModel


@dataclass(frozen=True)
class GallerySettings:
    """How many of each kind; `free` is for each of the temperatures.

    Reconstructions and interpolations need a model with a latent, completions do not.
    variability: how far reconstructions may lie from their drawing, 0 to 1; see `SketchModel.reconstruct`
    """

    temperatures: tuple[float, ...] = (0.2, 0.5, 0.8)
    free: int = 12
    reconstructions: int = 8
    completions: int = 8
    interpolations: int = 8
    variability: float = 0.0
    seed: int = 0


@dataclass(frozen=True)
class Piece:
    """A drawing by the model; stroke3 (n, 3) in file units, `ended` where the model ended it by itself."""

    sample_id: str
    kind: str
    temperature: float
    seed: int
    stroke3: np.ndarray
    ended: bool
    source_drawing: str | None


CALM = 0.2  # temperature of reconstructions and interpolations: they are to show the latent, not the dice
COMPLETED = 0.4  # temperature of completions
GIVEN = 1 / 3  # share of a drawing that a completion is given


def draw_gallery(
    folder: Path, held_out: Mapping[str, np.ndarray], settings: GallerySettings | None = None
) -> list[Piece]:
    """Draw everything for a model folder.

    Args:
        folder: Of the trained model.
        held_out: Drawings that it was not trained on, stroke-3 by id; the sources of the kinds that need one.
        settings: How many of each kind. Fewer are drawn where there are fewer drawings held out.
    """
    settings = settings or GallerySettings()
    model = load_model(folder)
    return [piece for piece in _pieces(model, held_out, settings) if len(piece.stroke3)]


def _pieces(
    model: SketchModel, held_out: Mapping[str, np.ndarray], settings: GallerySettings
) -> Iterator[Piece]:
    ids = sorted(held_out)

    def generator() -> torch.Generator:
        # One of its own for each kind, so that asking for more of one kind leaves the others as they were.
        return torch.Generator(model.device).manual_seed(settings.seed)

    def named(
        kind: str, temperature: float, samples: list[Sample], sources: list[str] | None, how: str = ""
    ) -> Iterator[Piece]:
        for number, sample in enumerate(samples):
            source = sources[number] if sources else None
            name = f"{kind}-t{temperature:g}{how}-{number:02d}"
            yield Piece(name, kind, temperature, settings.seed, sample.stroke3, sample.ended, source)

    for temperature in settings.temperatures:
        free = model.sample(settings.free, temperature=temperature, generator=generator())
        yield from named("free", temperature, free, None)

    begun = ids[: settings.completions]
    completed = []
    shared = generator()
    for drawing_id in begun:
        prefix = held_out[drawing_id][: max(2, round(len(held_out[drawing_id]) * GIVEN))]
        completed += model.sample(1, temperature=COMPLETED, generator=shared, prefix=prefix)
    yield from named("completion", COMPLETED, completed, begun)

    if not model.config.latent_size:
        return
    again = ids[: settings.reconstructions]
    if again:
        drawings = [held_out[drawing_id] for drawing_id in again]
        loose = settings.variability
        reconstructed = model.reconstruct(
            drawings, temperature=CALM, variability=loose, generator=generator()
        )
        yield from named("reconstruction", CALM, reconstructed, again, f"-v{loose:g}" if loose else "")
    if len(ids) >= 2 and settings.interpolations >= 2:
        first, second = ids[0], ids[-1]
        between = model.interpolate(
            held_out[first],
            held_out[second],
            settings.interpolations,
            temperature=CALM,
            generator=generator(),
        )
        yield from named("interpolation", CALM, between, [first] * len(between))
