"""`python -m singleline_pipeline.train`: training on a file of drawings, also in several processes.

accelerate launch --multi_gpu -m singleline_pipeline.train sketch_rnn --data drawings.npz --out models/mine

The processes share each batch: what is learned is what one process would learn. Without a GPU they talk through
gloo: set ACCELERATE_USE_CPU=true, and say how many with --num_processes.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from singleline_pipeline.geometry import StrokeError, load_drawings
from singleline_pipeline.sketch_models import SketchModelError, TrainResult, TrainSettings, train
from singleline_pipeline.sketch_models.history import in_words, score_name
from singleline_pipeline.sketch_models.settings import MODEL_NAMES, PRESET_NAMES, ModelName


def train_file(
    name: ModelName,
    data: Path,
    out: Path,
    *,
    progress: Callable[[dict[str, Any]], None] | None = None,
    **settings: Any,
) -> TrainResult:
    """Train on the train split of a .npz or .parquet file; settings are those of `TrainSettings`."""
    return train(name, load_drawings(data), out, TrainSettings(**settings), progress=progress)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="singleline_pipeline.train", description=__doc__)
    parser.add_argument("model", choices=MODEL_NAMES)
    parser.add_argument("--data", type=Path, required=True, help="drawings: .npz or .parquet")
    parser.add_argument(
        "--out", type=Path, required=True, help="folder for the weights, made with its parents"
    )
    parser.add_argument("--preset", choices=PRESET_NAMES, default="small", help="sizes of model and training")
    parser.add_argument("--seed", type=int, default=0, help="of weights, order, augmentation and noise")
    parser.add_argument("--max-seconds", type=float, help="CPU seconds of the process from the first step")
    parser.add_argument("--max-steps", type=int, help="optimizer steps")
    parser.add_argument("--threads", type=int, help="threads of PyTorch")
    parser.add_argument(
        "--tokens",
        type=int,
        help="codes of the sketch transformer's token variant; none: the continuous model",
    )
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Train as the command line says; prints a line for each row of the history."""
    options = vars(_parser().parse_args(arguments))

    def show(row: dict[str, Any]) -> None:
        sys.stdout.write(
            f"step {row['step']:6d}  {row['seconds']:7.1f} s  {row['split']:5s}  "
            f"{score_name(row)} {row[score_name(row)]:.4f}  kl {row['kl']:.2f}\n"
        )
        sys.stdout.flush()

    try:
        result = train_file(
            options.pop("model"), options.pop("data"), options.pop("out"), progress=show, **options
        )
    except (SketchModelError, StrokeError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:
        return 130  # what a shell gives for Ctrl-C; the training has said where it goes on
    if os.environ.get("RANK", "0") == "0":  # set where there are several processes
        sys.stdout.write(
            f"{result.best_score:.4f} {in_words(result.score_name)} after {result.steps} steps "
            f"({result.stopped_because}); weights in {result.model_dir}\n"
        )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
