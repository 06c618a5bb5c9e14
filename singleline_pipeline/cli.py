"""`singleline ...`: the pipeline without the UI, and the models without the pipeline."""

import json
import os
import sys
import time
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    help="From a shelf of scanned sketchbooks to a model that draws like the artist.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


class ModelName(StrEnum):
    """The two models."""

    sketch_rnn = "sketch_rnn"
    sketch_transformer = "sketch_transformer"


class Preset(StrEnum):
    """Sizes of model and training: small for minutes on a laptop, story for real work."""

    small = "small"
    story = "story"


class ExportFormat(StrEnum):
    """What `singleline export` writes."""

    npz = "npz"
    ndjson = "ndjson"
    svg = "svg"
    huggingface = "huggingface"
    samples = "samples"


HomeOption = Annotated[
    Path | None,
    typer.Option("--home", help="Folder for lake, labels, datasets, models [env SINGLELINE_HOME, else data/]."),
]
SketchbooksOption = Annotated[
    Path | None,
    typer.Option("--sketchbooks", help="Folder of sketchbooks [env SINGLELINE_SKETCHBOOKS, else HOME/sketchbooks]."),
]


def say(message: str) -> None:
    """Print a line on stdout, at once also where stdout is a file."""
    print(message, flush=True)  # noqa: T201


class Progress:
    """A status line that moves on a terminal; elsewhere a log line at most every 30 s."""

    def __init__(self) -> None:
        """Nothing is shown before the first message."""
        from rich.console import Console

        self._console = Console(stderr=True)
        self._status = self._console.status("starting") if self._console.is_terminal else None
        self._last = time.monotonic() - 30

    def __enter__(self) -> "Progress":
        """Start the status line."""
        if self._status:
            self._status.start()
        return self

    def __exit__(self, *error: object) -> None:
        """Take the status line away."""
        if self._status:
            self._status.stop()

    def __call__(self, message: str, *, important: bool = False) -> None:
        """Show what is going on; `important` messages always stay to be read."""
        now = time.monotonic()
        if self._status and not important:
            self._status.update(message)
        elif important or now - self._last >= 30:
            self._console.print(message, highlight=False)
            self._last = now


def _home(home: Path | None, sketchbooks: Path | None):
    """Set the environment that steps look at, so that every resource sees the same folders, and read it."""
    from singleline_pipeline.home import Home

    if home is not None:
        os.environ["SINGLELINE_HOME"] = str(home.absolute())
    if sketchbooks is not None:
        os.environ["SINGLELINE_SKETCHBOOKS"] = str(sketchbooks.absolute())
    return Home.from_environment()


def _fail(message: str) -> typer.Exit:
    print(f"singleline: {message}", file=sys.stderr, flush=True)  # noqa: T201
    return typer.Exit(1)


def main() -> None:
    """Run the command line; a bad input is one clear line, not a traceback."""
    try:
        app()
    except ValueError as error:
        if type(error).__module__.startswith("singleline_pipeline"):
            raise SystemExit(f"singleline: {error}") from None
        raise


@app.command()
def train(
    model: ModelName,
    data: Annotated[Path, typer.Option(help="Drawings: .npz of the SketchRNN family, or .parquet.")],
    out: Annotated[Path, typer.Option(help="Folder for the weights; made with its parents.")],
    preset: Annotated[Preset, typer.Option(help="Sizes of model and training.")] = Preset.small,
    seed: Annotated[int, typer.Option(min=0, help="Seed of weights, order, augmentation.")] = 0,
    max_seconds: Annotated[
        float | None, typer.Option(min=1, help="Stop after so many CPU seconds of this process.")
    ] = None,
    max_steps: Annotated[int | None, typer.Option(min=1, help="Stop after so many optimizer steps.")] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="Threads of PyTorch [all cores].")] = None,
) -> None:
    """Train a model on a file of drawings. Goes on where it stopped if OUT holds a checkpoint of the same."""
    from singleline_pipeline.train import train_file

    with Progress() as progress:
        result = train_file(
            model.value,
            data,
            out,
            preset=preset.value,
            seed=seed,
            max_seconds=max_seconds,
            max_steps=max_steps,
            threads=threads,
            progress=lambda row: progress(_history_line(row), important=row["split"] == "valid"),
        )
    say(
        f"{model.value}: {result.best_score:.3f} nats a point on the validation drawings after {result.steps} steps "
        f"({result.stopped_because}); weights in {result.model_dir}"
    )


def _history_line(row: dict) -> str:
    parts = [f"step {row['step']}", f"{row['seconds']:.0f} s", row["split"]]
    parts += [f"{name} {row[name]:.3f}" for name in ("loss", "nats_per_point", "kl") if row.get(name) is not None]
    return "  ".join(parts)


@app.command()
def evaluate(
    model: Annotated[Path, typer.Argument(help="Folder of a trained model.")],
    data: Annotated[Path, typer.Option(help="Drawings: .npz or .parquet.")],
    split: Annotated[str, typer.Option(help="Split of the file to score.")] = "valid",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on the last line.")] = False,
) -> None:
    """Score a model on drawings: nats a point (negative ELBO, lower is better) and its parts."""
    from singleline_pipeline.geometry import StrokeError, load_drawings
    from singleline_pipeline.sketch_models import evaluate as score
    from singleline_pipeline.sketch_models import load_model

    splits = load_drawings(data)
    if not splits.get(split):
        held = ", ".join(f"{name} ({len(drawings)})" for name, drawings in splits.items())
        raise StrokeError(f"{data} has no drawings in split {split}; it holds {held}")
    scores = score(load_model(model), splits[split])
    scores |= {"drawings": len(splits[split]), "points": int(sum(map(len, splits[split])))}
    if as_json:
        say(json.dumps(scores))
    else:
        for name, value in scores.items():
            say(f"{name:>20}  {value:.4f}" if isinstance(value, float) else f"{name:>20}  {value}")
