"""The README.md of a model folder: what it was fitted to, how well it does, how to draw with it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from singleline_pipeline import __version__
from singleline_pipeline.geometry._atomic import atomic_writer
from singleline_pipeline.sketch_models.checkpoints import Progress
from singleline_pipeline.sketch_models.folders import load_model
from singleline_pipeline.sketch_models.settings import TrainSettings
from singleline_pipeline.sketch_models.sheets import SAMPLES, draw_sheet, write_sheet

_CLASSES = {"sketch_rnn": "SketchRNN", "sketch_transformer": "SketchTransformer"}


def _density_scores(config: dict[str, Any], score: dict[str, float]) -> str:
    return f"""Scores of these weights on the validation drawings (negative ELBO in nats, lower is better; offsets in
units of {config["scale"]:.3f} file units; the targets carry uniform noise of ±0.5 file units):

| | |
|---|---|
| nats a point | **{score["nats_per_point"]:.4f}** |
| of which offsets, pen | {score["xy"]:.4f}, {score["pen"]:.4f} |"""


def _token_scores(config: dict[str, Any], score: dict[str, float]) -> str:
    book = config["codebook"]
    return f"""It draws with {len(book["offsets"])} codes, which write a drawing within {book["tolerance"]:g} units.

Scores of these weights on the validation drawings (negative ELBO in nats, lower is better). They are of probabilities
of tokens: nats of densities, which the continuous models have, cannot be compared with them.

| | |
|---|---|
| nats of tokens a point | **{score["token_nats_per_point"]:.4f}** |
| of which a token; tokens a point | {score["nats_per_token"]:.4f}; {score["tokens_per_point"]:.3f} |"""


def write_model_card(
    folder: Path,
    name: str,
    settings: TrainSettings,
    progress: Progress,
    train: Sequence[np.ndarray],
    valid: Sequence[np.ndarray],
) -> None:
    """Write the card beside the weights, with a sheet of what they draw."""
    drawings = draw_sheet(load_model(folder), settings.seed)
    write_sheet(folder / SAMPLES, drawings, "")
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    score = config["score"]
    latent = (
        f"{score['kl_per_drawing']:.1f} nats a drawing"
        if config["latent_size"]
        else "off (it draws unconditionally)"
    )
    points = [len(drawing) for drawing in train]
    average = settings.resolved(name).ema_decay
    count = config["train_drawings"]
    learned = f"{count} to learn from" + (f" in {len(train)} variants" if len(train) != count else "")
    kind = _token_scores(config, score) if config.get("tokens") else _density_scores(config, score)
    card = f"""---
library_name: transformers
tags: [sketch, stroke-3, {name}]
---
# {_CLASSES[name]} of a single-line style

Trained by singleline_pipeline {__version__}. It draws lines as rows of (dx, dy, lift_pen).

![Eight samples at temperature 0.4]({SAMPLES})

| | |
|---|---|
| drawings | {learned}, {len(valid)} to validate on |
| points a drawing | median {np.median(points):.0f}, at most {max(points)} |
| dataset fingerprint | `{config["dataset_fingerprint"]}` |
| preset, seed | {settings.preset}, {settings.seed} |
| steps, processor time | {progress.step}, {progress.seconds:.0f} s; stopped by {progress.stopped_because} |
| sheets of samples on the way | {progress.sheet_seconds:.1f} s of it |
| average of the weights | {f"decay {average:g}" if average else "none"} |

{kind}
| end of the drawing | {score["eos_per_drawing"]:.2f} nats a drawing |
| latent | {latent} |

```python
from singleline_pipeline.sketch_models import load_model

model = load_model("{folder.name}")
drawings = model.sample(16, temperature=0.4)
```
"""
    with atomic_writer(folder / "README.md") as out:
        out.write(card.encode())
