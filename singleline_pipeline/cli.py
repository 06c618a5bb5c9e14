"""`singleline ...`: the pipeline without the UI, and the models without the pipeline."""

import json
import os
import sys
import threading
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
    """Sizes of model and training: small for minutes on a laptop, hour for more time, story for the story's sizes."""

    small = "small"
    hour = "hour"
    story = "story"


class EncoderScope(StrEnum):
    """What an encoder is fine-tuned on."""

    pages = "pages"
    drawings = "drawings"


class ExportFormat(StrEnum):
    """What `singleline export` writes."""

    npz = "npz"
    ndjson = "ndjson"
    svg = "svg"
    huggingface = "huggingface"
    samples = "samples"
    map = "map"
    projector = "projector"


class MapScope(StrEnum):
    """What a published map is of."""

    drawings = "drawings"
    pages = "pages"


HomeOption = Annotated[
    Path | None,
    typer.Option(
        "--home", help="Folder for lake, labels, datasets, models [env SINGLELINE_HOME, else data/]."
    ),
]
SketchbooksOption = Annotated[
    Path | None,
    typer.Option(
        "--sketchbooks", help="Folder of sketchbooks [env SINGLELINE_SKETCHBOOKS, else HOME/sketchbooks]."
    ),
]


def say(message: str) -> None:
    """Print a line on stdout, at once also where stdout is a file."""
    print(message, flush=True)  # noqa: T201


class Progress:
    """A status line that moves on a terminal; elsewhere a log line every 30 s, also while one step takes longer."""

    def __init__(self, every: float = 30.0) -> None:
        """Nothing is shown before the first message. `every`: seconds between log lines."""
        from rich.console import Console

        self._console = Console(stderr=True)
        self._status = self._console.status("starting") if self._console.is_terminal else None
        self._every = every
        self._message = ""
        self._since = time.monotonic()
        self._ended = threading.Event()
        self._clock = threading.Thread(target=self._log, daemon=True)

    def __enter__(self) -> "Progress":
        """Start the status line, or the clock of the log."""
        if self._status:
            self._status.start()
        else:
            self._clock.start()
        return self

    def __exit__(self, *error: object) -> None:
        """Take the status line away, or stop the clock."""
        self._ended.set()
        if self._status:
            self._status.stop()
        else:
            self._clock.join()

    def __call__(self, message: str, *, important: bool = False) -> None:
        """Say what is going on; the first message and `important` ones always stay to be read."""
        if important or not (self._status or self._message):
            self._print(message)
        elif self._status:
            self._status.update(message)
        self._message = message

    def _print(self, message: str) -> None:
        self._console.print(message, highlight=False, markup=False, soft_wrap=True)

    def _log(self) -> None:
        while not self._ended.wait(self._every):
            self._print(f"[{time.monotonic() - self._since:.0f} s] {self._message or 'starting'}")


def _home(home: Path | None, sketchbooks: Path | None):
    """Set the environment that steps look at, so that every resource sees the same folders, and read it."""
    from singleline_pipeline.home import Home

    place = Home.from_environment(home, sketchbooks)
    # Absolute: the steps run in the project's root: a relative path is meant from where the user is.
    os.environ["SINGLELINE_HOME"] = str(place.root)
    os.environ["SINGLELINE_SKETCHBOOKS"] = str(place.sketchbooks)
    os.environ["SINGLELINE_LAKE"] = str(place.lake)
    return place


def complain(message: str) -> None:
    """Print a line on stderr, with the name of the program as is usual."""
    print(f"singleline: {message}", file=sys.stderr, flush=True)  # noqa: T201


def main() -> None:
    """Run the command line; a bad input is one clear line, not a traceback."""
    try:
        app()
    except OSError as error:
        if error.strerror is None:
            raise
        complain(f"{error.filename}: {error.strerror}" if error.filename else error.strerror)
        raise SystemExit(1) from None
    except ValueError as error:
        if not type(error).__module__.startswith("singleline_pipeline."):
            raise
        complain(str(error))
        raise SystemExit(1) from None


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
    tokens: Annotated[
        int | None,
        typer.Option(min=100, help="Codes of the sketch transformer's token variant [the continuous model]."),
    ] = None,
) -> None:
    """Train a model on a file of drawings. Goes on where it stopped if OUT holds a checkpoint of the same."""
    from singleline_pipeline.sketch_models.history import in_words
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
            tokens=tokens,
            progress=lambda row: progress(_history_line(row), important=row["split"] == "valid"),
        )
    say(
        f"{model.value}: {result.best_score:.3f} {in_words(result.score_name)} on the validation drawings after "
        f"{result.steps} steps ({result.stopped_because}); weights in {result.model_dir}"
    )


def _history_line(row: dict) -> str:
    from singleline_pipeline.sketch_models.history import score_name

    parts = [f"step {row['step']}", f"{row['seconds']:.0f} s", row["split"]]
    parts += [
        f"{name} {row[name]:.3f}" for name in ("loss", score_name(row), "kl") if row.get(name) is not None
    ]
    return "  ".join(parts)


@app.command()
def evaluate(
    model: Annotated[Path, typer.Argument(help="Folder of a trained model.")],
    data: Annotated[Path, typer.Option(help="Drawings: .npz or .parquet.")],
    split: Annotated[str, typer.Option(help="Split of the file to score.")] = "valid",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on the last line.")] = False,
) -> None:
    """Score a model on drawings: nats a point (negative ELBO, lower is better) and its parts."""
    from singleline_pipeline.sketch_models import evaluate as score
    from singleline_pipeline.sketch_models import load_model
    from singleline_pipeline.sketch_models.drawings import scale_warning

    drawings = _drawings_of(data, split)
    trained = load_model(model)
    scores = score(trained, drawings)
    if warning := scale_warning(trained.config.scale, drawings):
        complain(warning)
    scores |= {"drawings": len(drawings), "points": int(sum(map(len, drawings)))}
    if as_json:
        say(json.dumps(scores))
    else:
        for name, value in scores.items():
            say(f"{name:>20}  {value:.4f}" if isinstance(value, float) else f"{name:>20}  {value}")


def _drawings_of(data: Path, split: str) -> list:
    """The drawings (n, 3) in a split of a file; raises StrokeError where there are none."""
    from singleline_pipeline.geometry import StrokeError, load_drawings

    splits = load_drawings(data)
    if not splits.get(split):
        held = ", ".join(f"{name} ({len(drawings)})" for name, drawings in splits.items())
        raise StrokeError(f"{data} has no drawings in split {split}; it holds {held}")
    return splits[split]


@app.command()
def sample(
    model: Annotated[Path, typer.Argument(help="Folder of a trained model.")],
    out: Annotated[Path, typer.Option(help="Folder for the drawings; made with its parents.")],
    n: Annotated[int, typer.Option("--n", min=1, max=10_000, help="How many drawings.")] = 16,
    temperature: Annotated[float, typer.Option(help="Above 0, up to 1; lower is calmer.")] = 0.4,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the drawings.")] = 0,
    max_points: Annotated[
        int | None, typer.Option(min=2, help="Points at most [as many as in training].")
    ] = None,
    like: Annotated[
        Path | None, typer.Option(help="Draw the first drawings of this file again: .npz or .parquet.")
    ] = None,
    split: Annotated[str, typer.Option(help="Split of that file.")] = "valid",
    variability: Annotated[
        float, typer.Option(help="How freely: 0 as the model understood them, 1 as if it had not seen them.")
    ] = 0.0,
) -> None:
    """Let a model draw: an animated SVG and a plotter's SVG each, a sheet of all, and samples.npz."""
    import torch

    from singleline_pipeline.export import write_drawings
    from singleline_pipeline.sketch_models import load_model

    if variability and like is None:
        raise typer.BadParameter(
            "--variability is for drawings that are drawn again: name their file with --like."
        )
    trained, generator = load_model(model), torch.Generator().manual_seed(seed)
    if like is None:
        drawn = trained.sample(n, temperature=temperature, max_points=max_points, generator=generator)
    else:
        drawn = trained.reconstruct(
            _drawings_of(like, split)[:n],
            temperature=temperature,
            variability=variability,
            max_points=max_points,
            generator=generator,
        )
    sheet = write_drawings(out, {f"sample_{number:03d}": one.stroke3 for number, one in enumerate(drawn)})
    ended = sum(one.ended for one in drawn)
    say(
        f"{len(drawn)} drawings in {out}, {ended} of them ended by themselves; open {sheet} in a browser to watch them "
        "drawn"
    )


@app.command()
def compare(
    models: Annotated[list[Path], typer.Argument(help="Folders of trained models.", metavar="DIR...")],
    data: Annotated[Path, typer.Option(help="Drawings: .npz or .parquet, with their train split.")],
    split: Annotated[str, typer.Option(help="Split of the file that no model learned from.")] = "valid",
    out: Annotated[
        Path | None, typer.Option(help="Report with pictures, .html or .md; made with its parents.")
    ] = None,
    samples: Annotated[
        int, typer.Option(min=1, max=10_000, help="Samples at each of three temperatures.")
    ] = 150,
    seed: Annotated[int, typer.Option(min=0, help="Seed of samples, noise and resampling.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on the last line.")] = False,
) -> None:
    """Compare models on the same drawings: where the nats go, the far past, samples against drawings, copies."""
    from singleline_pipeline import comparison
    from singleline_pipeline.comparison.report import check_report_file, score_markdown

    if out is not None:
        check_report_file(out)
    settings = comparison.ComparisonSettings(samples=samples, seed=seed)
    with Progress() as progress:
        found = comparison.compare_folders(models, data, split, settings, progress=progress)
    if out is not None:
        comparison.write_report(found, out)
    if as_json:
        say(json.dumps(comparison.as_json(found)))
        return
    say(score_markdown(found))
    for note in found.notes:
        say(f"- {note}")
    if out is not None:
        say(f"The report with pictures: {out}")


@app.command("finetune-encoder")
def finetune_encoder_(
    home: HomeOption = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for the encoder; a new one [HOME/models/encoder-SCOPE-VERSION]."),
    ] = None,
    scope: Annotated[
        EncoderScope, typer.Option(help="pages: groups and folders; drawings: included and excluded ones.")
    ] = EncoderScope.pages,
    seed: Annotated[int, typer.Option(min=0, help="Seed of weights and order.")] = 0,
    max_seconds: Annotated[
        float | None, typer.Option(min=1, help="Begin no epoch after so many CPU seconds of this process.")
    ] = None,
) -> None:
    """Teach the encoder your own classes: from the folders of pages, and what you said of them in the studio."""
    from singleline_pipeline.encoder_training import finetune_encoder

    place = _home(home, None)
    with Progress() as progress:
        done = finetune_encoder(
            place, scope.value, out, seed=seed, max_seconds=max_seconds, progress=progress
        )
    trained = done.trained
    pictures = {split: sum(counts.values()) for split, counts in trained.rows.items()}
    say(
        f"Learned {', '.join(trained.classes)} from {pictures['train']} {scope.value}, stopped by {pictures['valid']} "
        f"others after epoch {trained.epochs} ({trained.stopped_because})."
    )
    if trained.left_out:
        too_few = ", ".join(f"{label} ({count})" for label, count in trained.left_out.items())
        say(f"Left out, for there are too few: {too_few}.")
    say(
        f"Of {pictures['test']} that it never saw, {trained.before:.1%} lay nearest to their own class before, "
        f"{trained.after:.1%} do now; its head names {trained.head_right:.1%} rightly (means of the classes)."
    )
    say(
        f'To use it, write into {place.settings}:\n\n[encoder]\nname = "{done.folder.absolute()}"\n\n'
        "and then: singleline run --refit. All sketchbooks are embedded again and the clusters fitted anew; names "
        "given by hand go over to them."
    )


@app.command()
def export(
    what: Annotated[
        ExportFormat,
        typer.Argument(
            help="npz, ndjson, svg (plotter), huggingface, samples, map (to publish), or projector (TensorBoard)."
        ),
    ],
    out: Annotated[Path | None, typer.Option(help="File or folder [HOME/exports/...].")] = None,
    scope: Annotated[
        MapScope | None,
        typer.Option(help="map: of drawings [the default], or of pages, with pictures of them."),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="map: every drawing, not only those that are kept.")
    ] = False,
    title: Annotated[str | None, typer.Option(help="map: its title.")] = None,
    by: Annotated[str | None, typer.Option(help="map: name of the artist.")] = None,
    about: Annotated[str | None, typer.Option(help="map: a sentence below the title.")] = None,
    home: HomeOption = None,
) -> None:
    """Write the dataset or the samples for other programs, a map to publish, or vectors for TensorBoard."""
    from singleline_pipeline import export as exports
    from singleline_pipeline.lake import Lake

    place = _home(home, None)
    lake, folder = Lake(place.lake), out or place.exports
    for_maps = {"--scope": scope, "--all": everything, "--title": title, "--by": by, "--about": about}
    given = [option for option, value in for_maps.items() if value]
    if given and what is not ExportFormat.map:
        raise typer.BadParameter(f"{', '.join(given)} is for `singleline export map` only.")
    if what is ExportFormat.map:
        chosen = scope or MapScope.drawings
        words = exports.MapWords(title or f"Map of {chosen.value}", by or "", about or "")
        file, holds = exports.export_map(lake, folder, scope=chosen.value, everything=everything, words=words)
        say(f"written: {file} ({holds})")
    elif what is ExportFormat.projector:
        say(f"written: {exports.export_projector(lake, out or place.exports / 'projector')}")
    else:
        say(f"written: {exports.export_from_lake(lake, what.value, folder)}")


@app.command("import")
def import_(
    files: Annotated[list[Path], typer.Argument(help="SVG or SVGZ files, or folders of them.")],
    sketchbook: Annotated[str, typer.Option(help="Sketchbook that they go into; made where there is none.")],
    replace: Annotated[
        bool, typer.Option("--replace", help="Let a file take the place of another drawing of its name.")
    ] = False,
    home: HomeOption = None,
    sketchbooks: SketchbooksOption = None,
) -> None:
    """Take in drawings from a tablet, as a sketchbook beside the scanned ones."""
    from singleline_pipeline.importing import import_drawings
    from singleline_pipeline.orchestration.instance import project_instance
    from singleline_pipeline.orchestration.partitions import sketchbooks as shelf

    place = _home(home, sketchbooks)
    with Progress() as progress:
        done = import_drawings(files, sketchbook, place, replace=replace, progress=progress)
    for copy in done.copies:
        say(copy)
    for refused in done.refused:
        complain(refused)
    there = len(done.known) + len(done.copies)
    if done.added or done.replaced or there:
        with project_instance() as instance:
            instance.add_dynamic_partitions(shelf.name, [sketchbook])
        say(
            f"{sketchbook}: {len(done.added)} drawings added, {len(done.replaced)} replaced, {there} there already, "
            f"in {place.imported / sketchbook}. Next: singleline run, or Materialize in the UI."
        )
    if done.refused:
        raise typer.Exit(1)


@app.command()
def run(
    sketchbooks: SketchbooksOption = None,
    home: HomeOption = None,
    sketchbook: Annotated[
        list[str] | None, typer.Option("--sketchbook", help="Only this sketchbook; may be given again.")
    ] = None,
    train: Annotated[
        Preset | None,
        typer.Option("--train", help="Also train both models with this preset, draw samples, compare."),
    ] = None,
    refit: Annotated[
        bool, typer.Option("--refit", help="Fit the clusters anew: after many new pages, or another encoder.")
    ] = False,
) -> None:
    """Materialize what is missing or stale, up to the dataset; the Dagster UI shows the same instance."""
    place = _home(home, sketchbooks)
    outcome = _materialize(place, sketchbook or [], train.value if train else None, {}, refit)
    _report(outcome)


@app.command()
def demo(
    home: HomeOption = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the sample sketchbooks.")] = 0,
    books: Annotated[int, typer.Option(min=1, max=50, help="Sample sketchbooks.")] = 3,
    pages: Annotated[int, typer.Option(min=6, max=200, help="Pages of each.")] = 12,
    train_seconds: Annotated[float, typer.Option(min=5, help="CPU seconds of training for each model.")] = 90,
) -> None:
    """Make sample sketchbooks, run everything on them, and say where to look."""
    from singleline_pipeline.scans.samples import write_sample_sketchbooks

    place = _home(home, None)
    if not place.sketchbooks.exists() or not any(place.sketchbooks.iterdir()):
        say(f"Drawing {books} sample sketchbooks of {pages} pages into {place.sketchbooks} ...")
        write_sample_sketchbooks(place.sketchbooks, seed=seed, books=books, pages=pages)
    started = time.monotonic()
    # One thread: small models gain little from more, whose waiting for each other counts as time of the processor.
    limits = {"max_seconds": train_seconds, "threads": 1}
    # As many samples as there are to be looked at: the demo is to end soon.
    few = {"model_comparison": {"samples": 24}}
    outcome = _materialize(place, [], Preset.small.value, limits, configs=few)
    if not outcome.failed:
        _summary(place, time.monotonic() - started)
    _report(outcome)


def _materialize(
    place, only: list[str], preset: str | None, limits: dict, refit: bool = False, configs: dict | None = None
):
    """Bring everything up to the dataset up to date, or up to the samples where a preset is given."""
    from singleline_pipeline.definitions import defs
    from singleline_pipeline.orchestration.instance import project_instance
    from singleline_pipeline.orchestration.jobs import (
        CLUSTER_ASSETS,
        COMPARISON_ASSETS,
        MODEL_ASSETS,
        SAMPLE_ASSETS,
    )
    from singleline_pipeline.orchestration.partitions import sketchbooks
    from singleline_pipeline.orchestration.runs import materialize_stale
    from singleline_pipeline.schemas import SCHEMAS
    from singleline_pipeline.shelf import all_sketchbooks, shelf_problems

    books = [book.name for book in all_sketchbooks(place)]
    for problem in shelf_problems(place):
        complain(problem)
    unknown = sorted(set(only) - set(books))
    if books and unknown:
        complain(
            f"There is no sketchbook {', '.join(unknown)} in {place.sketchbooks}, only {', '.join(books)}."
        )
    if unknown or not books:
        raise typer.Exit(1)
    trained = {*MODEL_ASSETS, *SAMPLE_ASSETS, *COMPARISON_ASSETS}
    names = set(SCHEMAS) if preset else set(SCHEMAS) - trained
    configs = dict(configs or {})
    if preset:
        configs |= {model: {"preset": preset} | limits for model in MODEL_ASSETS}
    if refit:
        configs |= {clusters: {"refit": True} for clusters in CLUSTER_ASSETS}
    with project_instance() as instance, Progress() as progress:
        # What reads all sketchbooks asks for every partition there is: not for one that nobody asked to run.
        instance.add_dynamic_partitions(sketchbooks.name, only or books)
        return materialize_stale(
            defs,
            instance,
            place,
            only or books,
            names,
            configs=configs,
            fingerprinted={model: {"preset": preset or "small"} for model in MODEL_ASSETS},
            anew=CLUSTER_ASSETS if refit else (),
            progress=progress,
        )


def _report(outcome) -> None:
    if outcome.materialized:
        say(f"{len(outcome.materialized)} tables materialized.")
    elif not outcome.failed:
        say("Everything is up to date: nothing was materialized.")
    for warning in outcome.warnings:
        complain(warning)
    for asset, error in outcome.failed.items():
        complain(f"{asset} failed: {error}")
    if outcome.failed:
        raise typer.Exit(1)


def _summary(place, seconds: float) -> None:
    """What the demo made of the sketchbooks, in figures, and where to look."""
    from singleline_pipeline.export import export_from_lake
    from singleline_pipeline.lake import Lake

    lake = Lake(place.lake)

    def total(asset: str, column: str) -> int:
        tables = lake.read_partitions(asset, columns=[column]).values()
        return sum(sum(table[column].to_pylist()) for table in tables)

    def rows(asset: str) -> int:
        return sum(table.num_rows for table in lake.read_partitions(asset, columns=["sketchbook"]).values())

    dataset = lake.read("stroke3_dataset", columns=["points", "split"])
    lines = [
        (
            "pages",
            f"{rows('raw_pages')} read, {rows('rejected_pages')} rejected, {rows('strokes')} with drawings",
        ),
        (
            "strokes",
            f"{total('joined_strokes', 'strokes_before')} traced, {total('joined_strokes', 'strokes_after')} after "
            f"joining, {total('spliced_strokes', 'strokes_after')} after splicing",
        ),
        (
            "drawings",
            f"{rows('drawings')} found, {total('filtered_drawings', 'kept')} kept, {dataset.num_rows} in the dataset",
        ),
    ]
    for model in ("sketch_rnn", "sketch_transformer"):
        history = lake.read(model, columns=["split", "nats_per_point", "seconds"]).to_pylist()
        scores = [row["nats_per_point"] for row in history if row["split"] == "valid"]
        lines.append(
            (model, f"{scores[0]:.2f} nats a point at first, {min(scores):.2f} at best (lower is better)")
        )
    samples = export_from_lake(lake, "samples", place.exports)
    lines += [
        ("samples", f"{samples}/sketch_rnn/index.html and {samples}/sketch_transformer/index.html"),
        ("tables", str(place.lake)),
        ("look", "make dev, then http://127.0.0.1:3000: everything is there already"),
    ]
    say(f"\nDone in {seconds / 60:.1f} minutes.")
    for name, value in lines:
        say(f"  {name:<20}{value}")


@app.command()
def studio(
    home: HomeOption = None,
    sketchbooks: SketchbooksOption = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of 127.0.0.1; 0 takes any.")] = 4800,
    show: Annotated[bool, typer.Option("--open", help="Open it in your browser.")] = False,
) -> None:
    """Look at pages and drawings, name their clusters, correct what is wrong: a local web page, until Ctrl-C."""
    import webbrowser

    from singleline_pipeline.studio import serve

    def started(address: str) -> None:
        say(f"The studio is at {address} on this machine only. Ctrl-C ends it.")
        if show:
            webbrowser.open(address)

    serve(_home(home, sketchbooks), port, started)


@app.command()
def private(
    pages: Annotated[list[str], typer.Argument(help="Ids of pages, as sb48p005.", metavar="PAGE_ID...")],
    undo: Annotated[
        bool, typer.Option("--undo", help="Let them be pages like any other from the next run on.")
    ] = False,
    home: HomeOption = None,
    sketchbooks: SketchbooksOption = None,
) -> None:
    """Take pages out of everything that was made from them, for good; the scans stay where they are."""
    from singleline_pipeline.orchestration.instance import project_instance
    from singleline_pipeline.orchestration.privacy import end_private, make_private

    place = _home(home, sketchbooks)
    if undo:
        for page_id in pages:
            end_private(place, page_id)
            say(f"{page_id} is not private any more. Next: singleline run, which reads it again.")
        return
    with project_instance() as instance, Progress() as progress:
        for page_id in pages:
            progress(f"{page_id} is taken out of tables, pictures and snapshots")
            for sentence in make_private(place, instance, page_id).sentences(place):
                say(sentence)


@app.command()
def doctor(
    home: HomeOption = None,
    sketchbooks: SketchbooksOption = None,
    mend: Annotated[bool, typer.Option("--mend", help="Cancel orphaned runs and remove leftovers.")] = False,
    prune_days: Annotated[
        float | None, typer.Option("--prune-days", min=1, help="Also delete runs older than this many days.")
    ] = None,
) -> None:
    """Check instance, folders, runs, devices and versions; say what is wrong and how to mend it."""
    from singleline_pipeline.home import project_root
    from singleline_pipeline.orchestration import maintenance
    from singleline_pipeline.orchestration.instance import project_instance
    from singleline_pipeline.shelf import shelf_counts, shelf_problems

    place = _home(home, sketchbooks)
    with project_instance() as instance:
        findings = maintenance.check_instance(instance, project_root()) + maintenance.check_home(place)
        problems = [(finding.problem, finding.remedy) for finding in findings]
        if place.sketchbooks.is_dir():
            problems += [(problem, "") for problem in shelf_problems(place)]
        orphans, leftovers = maintenance.list_orphaned_runs(instance), maintenance.list_leftovers(place)
        if mend:
            say(f"{maintenance.cancel_orphans(instance, orphans)} orphaned runs canceled")
            for leftover in leftovers:
                leftover.unlink(missing_ok=True)
            say(f"{len(leftovers)} leftovers of killed writers removed")
        else:
            problems += [
                (
                    f"Run {run.run_id} of {run.job} is orphaned: {run.reason}.",
                    "singleline doctor --mend cancels it.",
                )
                for run in orphans
            ]
            if leftovers:
                problems.append(
                    (f"{len(leftovers)} half-written files lie in {place.root}.", "singleline doctor --mend")
                )
        if prune_days is not None:
            pruned = maintenance.prune_events(instance, days=prune_days)
            say(
                f"{pruned.runs} old runs deleted, {pruned.kept} kept, {pruned.bytes_freed / 1e6:.0f} MB freed"
            )
    for name, version in (maintenance.versions() | maintenance.devices() | shelf_counts(place)).items():
        say(f"  {name:<28}{version}")
    for problem, remedy in problems:
        say(f"! {problem} {remedy}".rstrip())
    if problems:
        raise typer.Exit(1)
    say("Nothing is wrong.")
