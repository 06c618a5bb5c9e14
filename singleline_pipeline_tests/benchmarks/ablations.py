"""What each choice of the presets is worth: trainings that differ in one of them, with the same seeds and steps.

`python -m singleline_pipeline_tests.benchmarks.ablations --data drawings.npz --raw raw.npz`. Every training leaves a
JSON file when it is through and is not repeated, so the same call goes on where it was stopped, and two calls with
different `--only` share the work. Scores are on the valid split. `--raw` holds drawings as the tracer leaves them: the
orders of strokes are compared by what comes of it in the end, the samples as pictures, for nats of drawings with
different points say nothing about each other.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from singleline_pipeline import rendering
from singleline_pipeline.comparison.two_sample import TwoSampleTest
from singleline_pipeline.dataset import DatasetSettings, simplified
from singleline_pipeline.embedding import encoder
from singleline_pipeline.geometry import (
    from_stroke3,
    join_page,
    load_drawings,
    rescale,
    route_strokes,
    splice_strokes,
    to_stroke3,
)
from singleline_pipeline.sketch_models import TrainSettings, load_model, train
from singleline_pipeline.sketch_models.settings import PRESETS, ModelName

Splits = dict[str, list[np.ndarray]]
Strokes = list[np.ndarray]

TEMPERATURE = 0.4
SAMPLES = 150

RNN: ModelName = "sketch_rnn"
TRANSFORMER: ModelName = "sketch_transformer"


@dataclass(frozen=True)
class Ablation:
    """One training that differs from the preset: overrides of the model's config, and other settings.

    against: the one that it is measured against, by name
    order: how the strokes of a raw drawing come into the order in which it is learned; None where data are as given
    """

    model: ModelName
    name: str
    overrides: dict[str, Any] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    against: str = "preset"
    order: Callable[[Strokes], Strokes] | None = None

    def training(self, seed: int, steps: int) -> TrainSettings:
        """How it is trained."""
        return TrainSettings(
            max_steps=steps, evaluate_every_steps=steps, seed=seed, threads=1, sheet_share=0.0,
            overrides=self.overrides, **self.settings,
        )  # fmt: skip

    def told(self, seed: int, steps: int, data: Path, raw: Path | None) -> dict[str, str]:
        """What its figures hold for, as hashes: those of other drawings or another preset are not shown with them."""
        file = data if self.order is None else raw
        return {
            "data": "" if file is None else content(file),
            "training": self.training(seed, steps).identity(self.model),
        }


def read(file: Path, ablation: Ablation, data: Path, raw: Path | None) -> dict[str, Any] | None:
    """What was measured before; None where nothing was, or of something else."""
    if not file.exists():
        return None
    row = json.loads(file.read_text(encoding="utf-8"))
    return row if ablation.told(row["seed"], row["steps"], data, raw).items() <= row.items() else None


def joined(strokes: Strokes) -> Strokes:
    """As the asset joined_strokes leaves a drawing: near ends joined, crumbs dropped."""
    return join_page(strokes, [0] * len(strokes)).strokes


def spliced(strokes: Strokes) -> Strokes:
    """Joined, then shorter strokes put into longer ones."""
    return splice_strokes(joined(strokes))


def routed(strokes: Strokes) -> Strokes:
    """Joined, then one route over all of it, as the pipeline does by default."""
    return route_strokes(joined(strokes))


def raw(strokes: Strokes) -> Strokes:
    """As the tracer gives them."""
    return strokes


_PRESET = PRESETS[RNN, "small"].augmentation
assert _PRESET is not None
_EACH: list[Ablation] = [
    Ablation(model, name, overrides, settings)
    for model in (RNN, TRANSFORMER)
    for name, overrides, settings in (
        ("preset", {}, {}),
        ("no latent", {"latent_size": 0}, {}),
        ("no augmentation", {}, {"augmentation": None}),
        ("no absolute position", {"absolute_position": False}, {}),
        ("averaged weights (EMA 0.99)", {}, {"ema_decay": 0.99}),
        ("half of the variants reversed", {}, {"augmentation": replace(_PRESET, reversed_share=0.5)}),
        ("half of the variants mirrored", {}, {"augmentation": replace(_PRESET, mirrored_share=0.5)}),
        ("stretch 0.1, warp 0.01", {}, {"augmentation": replace(_PRESET, max_stretch=0.1, max_warp=0.01)}),
        ("no heading", {"heading_frame": False}, {}),
    )
]
ABLATIONS: list[Ablation] = [
    *_EACH,
    Ablation(RNN, "no layer norm", {"layer_norm": False}),
    Ablation(RNN, "no recurrent dropout", {"recurrent_dropout": 0.0}),
    Ablation(TRANSFORMER, "no residual dropout", {"residual_dropout": 0.0}),
    Ablation(TRANSFORMER, "250 codes", settings={"tokens": 250}, against="250 codes"),
    Ablation(TRANSFORMER, "100 codes", settings={"tokens": 100}, against="250 codes"),
    Ablation(TRANSFORMER, "1000 codes", settings={"tokens": 1000}, against="250 codes"),
    Ablation(RNN, "routed", against="routed", order=routed),
    Ablation(RNN, "joined and spliced", against="routed", order=spliced),
    Ablation(RNN, "raw", against="routed", order=raw),
]


def in_order(drawings: Iterable[np.ndarray], order: Callable[[Strokes], Strokes]) -> list[np.ndarray]:
    """Raw drawings with their strokes in another order, simplified as the dataset's are."""
    result = []
    for drawing in drawings:
        strokes, _, _ = rescale(from_stroke3(drawing))
        result.append(to_stroke3(simplified(order(strokes), DatasetSettings())[0]).astype(np.float32))
    return result


@cache
def content(file: Path) -> str:
    """What a file of drawings holds, as a hash."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _vectors(drawings: Iterable[np.ndarray]) -> np.ndarray:
    return encoder().embed(rendering.rasterize(from_stroke3(drawing)) for drawing in drawings)


@cache
def _against_raw(file: Path) -> TwoSampleTest:
    """Compares with held-out drawings that nothing has been added to yet."""
    splits = {split: in_order(drawings, raw) for split, drawings in load_drawings(file).items()}
    return TwoSampleTest(_vectors(splits["valid"]), _vectors(splits["train"]))


def measure(
    ablation: Ablation, seed: int, steps: int, data: Path, raw_data: Path | None, out: Path
) -> dict[str, Any]:
    """Train once, and say what came of it."""
    splits: Splits = load_drawings(data)
    if ablation.order is not None:
        assert raw_data is not None
        splits = {
            split: in_order(drawings, ablation.order) for split, drawings in load_drawings(raw_data).items()
        }
    settings = ablation.training(seed, steps)
    start = time.process_time()
    result = train(ablation.model, {key: splits[key] for key in ("train", "valid")}, out, settings)
    row = {
        "model": ablation.model, "name": ablation.name, "against": ablation.against, "seed": seed, "steps": steps,
        "score": result.best_score, "score_name": result.score_name, "kl": result.history[-1]["kl"],
        "seconds": time.process_time() - start,
        "points": float(np.median([len(drawing) for drawing in splits["valid"]])),
    }  # fmt: skip
    if ablation.order is not None:
        assert raw_data is not None
        samples = load_model(out).sample(
            SAMPLES, temperature=TEMPERATURE, max_points=300, generator=torch.Generator().manual_seed(seed)
        )
        score = _against_raw(raw_data)(
            _vectors(sample.stroke3 for sample in samples), np.random.default_rng(seed)
        )
        row |= {
            "frechet": score.frechet[0], "precision": score.precision[0], "recall": score.recall[0],
            "ended": sum(sample.ended for sample in samples) / SAMPLES,
            "strokes": float(np.mean([drawing[:, 2].sum() for drawing in splits["valid"]])),
        }  # fmt: skip
    return row


def spread(values: Sequence[float], sign: str = "") -> str:
    """Mean and the range of seeds."""
    return f"{statistics.mean(values):{sign}.3f} ({min(values):{sign}.3f} to {max(values):{sign}.3f})"


def table(rows: Sequence[dict[str, Any]]) -> str:
    """The figures as Markdown: scores, and differences to the ablation they belong to, seed by seed."""
    score = {(row["model"], row["name"], row["seed"]): row["score"] for row in rows}
    lines = [
        "| model | | seeds | nats a point | against | difference | CPU s | KL a drawing |",
        "|---|---|---|---|---|---|---|---|",
    ]
    pictures = [
        "| order | strokes | points | Fréchet distance | precision | recall | ended |",
        "|---|---|---|---|---|---|---|",
    ]
    for model, name in dict.fromkeys((row["model"], row["name"]) for row in rows):
        own = [row for row in rows if (row["model"], row["name"]) == (model, name)]
        against = own[0]["against"]
        differences = [
            row["score"] - score[model, against, row["seed"]]
            for row in own
            if against != name and (model, against, row["seed"]) in score
        ]
        if "frechet" in own[0]:
            mean = {key: statistics.mean(row[key] for row in own) for key in ("strokes", "points", "ended")}
            quality = " | ".join(
                spread([row[key] for row in own]) for key in ("frechet", "precision", "recall")
            )
            pictures.append(
                f"| {name} | {mean['strokes']:.1f} | {mean['points']:.0f} | {quality} | {mean['ended']:.0%} |"
            )
        else:
            lines.append(
                f"| {model} | {name} | {len(own)} | {spread([row['score'] for row in own])} | "
                f"{against if differences else ''} | {spread(differences, '+') if differences else ''} | "
                f"{statistics.mean(row['seconds'] for row in own):.0f} | "
                f"{statistics.mean(row['kl'] for row in own):.1f} |"
            )
    return "\n".join([*lines, "", *(pictures if len(pictures) > 2 else [])]) + "\n"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure as the command line says; prints the table of all that has been measured so far, and writes it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--data", type=Path, required=True, help="drawings with a valid split, .npz or .parquet"
    )
    parser.add_argument("--raw", type=Path, help="the same as traced, for the orders of strokes")
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--models", nargs="+", choices=(RNN, TRANSFORMER), default=[RNN, TRANSFORMER])
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these ablations")
    parser.add_argument("--out", type=Path, default=Path(".benchmarks/ablations"))
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    chosen = [
        ablation
        for ablation in ABLATIONS
        if ablation.model in options.models
        and (not options.only or ablation.name in options.only)
        and (ablation.order is None or options.raw is not None)
    ]
    for ablation in chosen:
        for seed in options.seeds:
            file = options.out / f"{ablation.model} {ablation.name} {options.steps} {seed}.json"
            if read(file, ablation, options.data, options.raw) is None:
                folder = file.with_suffix("")
                row = measure(ablation, seed, options.steps, options.data, options.raw, folder)
                row |= ablation.told(seed, options.steps, options.data, options.raw)
                file.write_text(json.dumps(row, indent=1), encoding="utf-8")
                sys.stdout.write(f"{file.stem}: {row['score']:.4f} in {row['seconds']:.0f} s\n")
                sys.stdout.flush()
    rows = [
        row
        for ablation in ABLATIONS
        for file in sorted(options.out.glob(f"{ablation.model} {ablation.name} {options.steps} *.json"))
        if (row := read(file, ablation, options.data, options.raw)) is not None
    ]
    if rows:
        (options.out / "ablations.md").write_text(table(rows), encoding="utf-8")
        sys.stdout.write(f"\n{table(rows)}\n{options.out / 'ablations.md'}\n")


if __name__ == "__main__":
    main()
