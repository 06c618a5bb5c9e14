"""Both models on KanjiVG: a public figure that anyone can measure again. `make benchmark-kanji`.

Every kanji of the corpus is a drawing of its strokes in the order of the pen (variants of a character are left out:
they would be near copies across the splits), 200 units on its longer side, simplified by 2 units. A hash of the file's
name decides its split: 80 % train, 10 % valid, 10 % test. The small presets learn for a budget of CPU seconds on one
thread, keep the weights that are best on valid, and are scored on test.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from singleline_pipeline.geometry import read_svg, rescale, simplify, to_stroke3
from singleline_pipeline.sketch_models import TrainSettings, evaluate, load_model, train
from singleline_pipeline.sketch_models.settings import MODEL_NAMES, ModelName
from singleline_pipeline_tests.kanjivg import kanji_files

Splits = dict[str, list[np.ndarray]]

EPSILON = 2.0  # units
SAMPLES = 100
TEMPERATURE = 0.4
_FIRST_KANJI = 0x4E00  # kana, letters and signs come before


def is_kanji(file: Path) -> bool:
    """Whether a file of the corpus is a kanji as it is usually written: its name is the code point alone."""
    return "-" not in file.stem and int(file.stem, 16) >= _FIRST_KANJI


def split_of(file: Path) -> str:
    """train, valid or test, from the file's name alone: it stays there when the corpus grows."""
    tenth = hashlib.sha256(file.stem.encode()).digest()[0] * 10 // 256
    return ("test", "valid")[tenth] if tenth < 2 else "train"


def kanji_dataset(files: Iterable[Path]) -> Splits:
    """The kanji among the files as stroke-3 (n, 3), by split."""
    splits: Splits = {"train": [], "valid": [], "test": []}
    for file in files:
        if is_kanji(file):
            strokes, _, _ = rescale(read_svg(file))
            drawing = to_stroke3([simplify(stroke, EPSILON) for stroke in strokes])
            splits[split_of(file)].append(drawing)
    return splits


def measure(name: ModelName, splits: Splits, out: Path, seconds: float, seed: int) -> dict[str, Any]:
    """Train a model for so many CPU seconds and score it on the test split."""
    # Anew: what lies there may be of another version, whose figures these are not.
    shutil.rmtree(out, ignore_errors=True)
    settings = TrainSettings(max_seconds=seconds, threads=1, seed=seed)
    result = train(name, {key: splits[key] for key in ("train", "valid")}, out, settings)
    model = load_model(result.model_dir)
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    test = evaluate(model, splits["test"])
    samples = model.sample(SAMPLES, temperature=TEMPERATURE, generator=torch.Generator().manual_seed(seed))
    torch.set_num_threads(before)
    ended = [len(sample.stroke3) for sample in samples if sample.ended]
    return {
        "model": name, "seconds": seconds, "seed": seed, "steps": result.steps, "valid": result.best_score,
        "test": test, "ended": len(ended) / SAMPLES,
        "median_points": float(np.median([len(sample.stroke3) for sample in samples])),
        "median_points_of_test": float(np.median([len(drawing) for drawing in splits["test"]])),
    }  # fmt: skip


def table(rows: Sequence[dict[str, Any]]) -> str:
    """The figures as a Markdown table."""
    lines = [
        "| model | CPU s | seed | steps | valid | **test** | offsets | pen | KL a drawing | ended | points |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row['model']} | {row['seconds']:g} | {row['seed']} | {row['steps']} | {row['valid']:.3f} | "
        f"**{row['test']['nats_per_point']:.3f}** | {row['test']['xy']:.3f} | {row['test']['pen']:.3f} | "
        f"{row['test']['kl_per_drawing']:.1f} | {row['ended']:.0%} | {row['median_points']:g} "
        f"({row['median_points_of_test']:g}) |"
        for row in rows
    ]
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure as the command line says; prints the table, and writes it beside the weights."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=360.0, help="CPU seconds of training for each model")
    parser.add_argument("--seed", type=int, default=0, help="of weights, order, augmentation and samples")
    parser.add_argument(
        "--out", type=Path, default=Path(".benchmarks/kanji"), help="folder for weights and figures"
    )
    options = parser.parse_args(arguments)
    splits = kanji_dataset(kanji_files())
    counts = ", ".join(f"{len(drawings)} {split}" for split, drawings in splits.items())
    sys.stdout.write(f"KanjiVG: {counts}\n")
    sys.stdout.flush()
    rows = []
    for name in MODEL_NAMES:
        folder = options.out / f"{name}-{options.seed}-{options.seconds:g}s"
        rows.append(measure(name, splits, folder, options.seconds, options.seed))
        sys.stdout.write(table(rows[-1:]))
        sys.stdout.flush()
    figures = {"drawings": {split: len(drawings) for split, drawings in splits.items()}, "rows": rows}
    (options.out / "kanji.json").write_text(json.dumps(figures, indent=1), encoding="utf-8")
    (options.out / "kanji.md").write_text(table(rows), encoding="utf-8")
    sys.stdout.write(
        f"\n{table(rows)}\n{options.out / 'kanji.md'}, kanji.json; samples.svg beside the weights\n"
    )


if __name__ == "__main__":
    main()
