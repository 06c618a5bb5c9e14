"""Training by transformers' Trainer, within a budget of processor time, to be resumed to the bit."""

from __future__ import annotations

import contextlib
import logging
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from safetensors import safe_open
from torch.utils.tensorboard import SummaryWriter
from transformers import PrinterCallback, TrainingArguments

from singleline_pipeline import __version__
from singleline_pipeline.sketch_models import memory
from singleline_pipeline.sketch_models.averaging import WeightAverage
from singleline_pipeline.sketch_models.batches import TrainingDrawings
from singleline_pipeline.sketch_models.checkpoints import Checkpoints, Progress
from singleline_pipeline.sketch_models.codebook_fit import fit_codebook
from singleline_pipeline.sketch_models.drawings import (
    canvas_size,
    check_drawings,
    check_lengths,
    fingerprint,
    offset_scale,
)
from singleline_pipeline.sketch_models.errors import DatasetError, ModelFolderError, TrainingError
from singleline_pipeline.sketch_models.folders import MODELS, load_model, remove_unfinished, without_bars
from singleline_pipeline.sketch_models.history import score_name
from singleline_pipeline.sketch_models.model_card import write_model_card
from singleline_pipeline.sketch_models.optimizer import make_optimizer
from singleline_pipeline.sketch_models.processes import Processes
from singleline_pipeline.sketch_models.run import Flow, HistoryRow, Run, SketchTrainer
from singleline_pipeline.sketch_models.schedule import LearningRate
from singleline_pipeline.sketch_models.settings import ModelName, Preset, TrainSettings
from singleline_pipeline.sketch_models.sheets import SAMPLES
from singleline_pipeline.sketch_models.sketch_model import FORMAT, SketchModel, check_config
from singleline_pipeline.sketch_models.stopping import StopRequest

_NO_LIMIT = 10**9  # steps

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainResult:
    """What came out of a training.

    history: rows of step, epoch, split, loss, xy, pen, kl, kl_weight, nll_per_point, nats_per_point, learning_rate,
        gradient_norm, skipped, seconds; xy, pen, nll_per_point and nats_per_point in nats a point, kl in nats a
        drawing, the largest gradient norm and the train drawings of steps that were left out since the row before,
        seconds of processor time since the first step
        A token variant has nats_per_token, tokens_per_point and token_nats_per_point in place of those of densities
    model_dir: folder with the best weights; best_score: their validation score
    steps: optimizer steps; stopped_because: max_seconds, max_steps, or patience
    sheet_seconds: processor seconds that went into sheets of samples
    """

    history: list[HistoryRow]
    model_dir: Path
    best_score: float
    steps: int
    stopped_because: str
    sheet_seconds: float

    @property
    def score_name(self) -> str:
        """Which score best_score is: nats_per_point, or token_nats_per_point of a token variant."""
        return score_name(self.history[-1])


def has_bf16(device: torch.device) -> bool:
    """Whether the device multiplies bf16 in hardware; without that it is slower than float32."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type == "cpu":
        able: dict[str, bool] = getattr(torch.cpu, "get_capabilities", dict)()  # not in torch before 2.10
        return bool(able.get("avx512_bf16") or able.get("amx_bf16"))
    return False


@contextlib.contextmanager
def _undisturbed(threads: int | None) -> Iterator[None]:
    """Trainer seeds the global generators, and we set threads: the caller gets both back as they were."""
    state, numbers, before = random.getstate(), np.random.get_state(), torch.get_num_threads()  # noqa: NPY002
    try:
        with torch.random.fork_rng(), without_bars(), memory.kept():
            if threads is not None:
                torch.set_num_threads(threads)
            yield
    finally:
        random.setstate(state)
        np.random.set_state(numbers)  # noqa: NPY002
        torch.set_num_threads(before)


class Split(NamedTuple):
    """What is learned from and what is validated on, each (n, 3); rows: where in the train split the former were."""

    train: list[np.ndarray]
    valid: list[np.ndarray]
    rows: list[int]


def split_off_valid(splits: Mapping[str, Sequence[np.ndarray]], settings: TrainSettings) -> Split:
    """Checked train and validation drawings; a tenth of train, seeded, where there is no valid split.

    Raises DatasetError where a drawing is bad, or there are too few to learn from and to validate on.
    """
    train = check_drawings(splits.get("train", []), "train")
    valid = check_drawings(splits.get("valid", []), "valid")
    if len(train) < 2:
        raise DatasetError(
            f"The train split has {len(train)} drawings; at least 2 are needed to learn anything. Scan more pages, "
            "or include more drawings."
        )
    if all(np.array_equal(drawing, train[0]) for drawing in train):
        raise DatasetError(
            f"All {len(train)} drawings of the train split are the same: there is nothing to learn but that one. See "
            "whether a file was exported many times over."
        )
    check_lengths(train, "train", settings.max_points)
    check_lengths(valid, "valid", settings.max_points)
    if valid:
        return Split(train, valid, list(range(len(train))))
    order = np.random.default_rng(settings.seed).permutation(len(train))
    held, rows = np.split(order, [max(1, len(train) // 10)])
    rows.sort()
    return Split([train[row] for row in rows], [train[row] for row in sorted(held)], rows.tolist())


def _check_names(name: str, preset: Preset) -> None:
    """Raise TrainingError for an override that the model's config does not have, which it would keep and not heed."""
    known = MODELS[name].config_class().to_dict()
    unknown = sorted(preset.model.keys() - known.keys())
    if unknown:
        raise TrainingError(
            f"{name} has no {', '.join(unknown)} to override; see {MODELS[name].config_class.__name__}."
        )


def _codebook(preset: Preset, drawings: Sequence[np.ndarray]) -> dict[str, Any]:
    """What a config of the token variant needs beside its sizes; nothing for the continuous models."""
    codes = preset.model.get("tokens", 0)
    return {"codebook": fit_codebook(drawings, codes).to_config()} if codes else {}


def train(
    name: ModelName,
    splits: Mapping[str, Sequence[np.ndarray]],
    out: Path,
    settings: TrainSettings,
    *,
    augmented: Sequence[np.ndarray] | None = None,
    dataset_fingerprint: str = "",
    progress: Callable[[HistoryRow], None] | None = None,
) -> TrainResult:
    """Train a model on stroke-3 drawings and leave its best weights in a folder.

    splits: "train" and perhaps "valid", (n, 3) arrays in file units; the train split is taken as it is
    out: made with its parents; gets the model, its card, history.parquet, TensorBoard's events, sheets of samples
        in `samples`, and the last checkpoints
    augmented: variants of the train split to learn from in its place; the scale is still that of the train split.
        Not used where there is no valid split: variants of the drawings that are held out would be among them
    dataset_fingerprint: how the dataset is known; by default a hash of the drawings
    progress: called with every row of the history, in the main process

    Where `out` holds a checkpoint of the same model, settings and data, training goes on from it, and processor
    time counts on; where that is of another version, or of other data or settings, it begins anew and says so. A
    training that was through under the same limits is not repeated. SIGINT and SIGTERM leave a
    checkpoint of the step that is under way and are then handed on. Several processes, as `accelerate launch` starts
    them, share each batch: the training is the one of a single process, apart from what latent and dropout draw.
    Raises DatasetError for bad drawings, TrainingError where the loss is not a number, too many steps in a row are
    spikes, or a signal stopped the training and nobody else answered it; and what `progress` raises.
    """
    preset = settings.resolved(name)
    _check_names(name, preset)
    drawings, valid, rows = split_off_valid(splits, settings)
    learned = drawings
    if augmented is not None and splits.get("valid"):
        learned = check_drawings(augmented, "augmented")
        check_lengths(learned, "augmented", settings.max_points)
        rows = list(range(len(learned)))
    elif augmented is not None:
        _log.warning(
            "There is no valid split: learning from the drawings themselves, not from their variants."
        )
    if not learned:
        raise DatasetError("The augmented dataset is empty: materialize it again, or train without it.")
    content = fingerprint({"train": drawings, "learned": learned, "valid": valid})
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    checkpoints = Checkpoints(out / "checkpoints", f"format {FORMAT} {settings.identity(name)} {content}")
    checkpoint, state = checkpoints.find()
    limits = {
        "max_seconds": settings.max_seconds,
        "max_steps": settings.max_steps,
        "patience": settings.patience,
    }
    through = state.stopped_because if state.limits == limits else ""
    if settings.max_steps is not None and state.step >= settings.max_steps:
        through = "max_steps"
    if through and not (out / "config.json").is_file():
        raise TrainingError(
            f"The training in {out} is at step {state.step} and was never evaluated: give it more than "
            f"{settings.max_steps} steps."
        )
    if through and _loads(out):
        state.stopped_because = through
        if not ((out / "README.md").is_file() and (out / SAMPLES).is_file()):  # killed before it was written
            write_model_card(out, name, settings, state, learned, valid)
        return _result(out, state)
    state.stopped_because, state.limits = "", limits

    with _undisturbed(settings.threads):
        torch.manual_seed(settings.seed)
        kind = MODELS[name]
        config = kind.config_class(
            scale=offset_scale(drawings),
            canvas=canvas_size(drawings),
            max_points=max(len(drawing) for drawing in drawings),
            dataset_fingerprint=dataset_fingerprint or content,
            train_drawings=len(drawings),
            project_version=__version__,
            **_codebook(preset, drawings),
            **preset.model,
        )
        args = TrainingArguments(
            output_dir=str(checkpoints.aside), max_steps=settings.max_steps or _NO_LIMIT, max_grad_norm=1.0,
            per_device_train_batch_size=preset.batch_size, eval_strategy="no", save_strategy="no",
            logging_strategy="no", ignore_data_skip=True, disable_tqdm=True, report_to=[],
            remove_unused_columns=False, seed=settings.seed, dataloader_pin_memory=False,
            ddp_find_unused_parameters=False,
        )  # fmt: skip
        check_config(config)
        processes = Processes(args.device)
        if processes.is_main:
            checkpoints.clear()
            remove_unfinished(out)
            if checkpoints.has_only_others():
                _log.warning(
                    "%s holds a training of other data or settings: beginning anew, in its place.", out
                )
        model = kind(config)
        if checkpoint is not None and not _fits(checkpoint, model):
            _log.warning("%s holds a training of another version: beginning anew, in its place.", out)
            checkpoint, state = None, Progress(state.identity, limits=limits)
        bf16 = has_bf16(args.device) if settings.bf16 is None else settings.bf16
        called = "train drawings" if learned is drawings else "rows of the augmented dataset"
        variants = TrainingDrawings(learned, settings.seed, preset.augmentation, rows, called)
        with StopRequest() as stop, contextlib.ExitStack() as opened:
            report = progress if processes.is_main else None
            run = Run(
                type(model),
                variants,
                valid,
                out,
                settings,
                preset,
                state,
                checkpoints,
                processes,
                stop,
                bf16,
                report,
            )
            optimizer = make_optimizer(model, preset)
            rate = LearningRate(settings, preset.learning_rate, run.clock, state)
            # A plain function: the schedule would put any other callable into its checkpoints, the clock with it.
            schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: rate(step))
            run.learning_rate = lambda: float(schedule.get_last_lr()[0])
            trainer = SketchTrainer(run, model, args, optimizer, schedule)
            if preset.ema_decay is not None:
                run.average = WeightAverage(model, preset.ema_decay)
                if checkpoint is not None:
                    run.average.load(checkpoint)
            trainer.remove_callback(PrinterCallback)
            trainer.add_callback(Flow(run))
            if processes.is_main:
                # What was written after the step that is gone on from is not to be seen twice.
                board = SummaryWriter(
                    str(out / "tensorboard"), purge_step=state.step + 1 if state.step else None
                )
                run.board = opened.enter_context(contextlib.closing(board))
            trainer.train(resume_from_checkpoint=None if checkpoint is None else str(checkpoint))
    if state.stopped_because and processes.is_main:
        write_model_card(out, name, settings, state, learned, valid)
    if stop.signal is not None:
        if processes.is_main:
            _log.warning("%s", _stopped(stop.signal.name, state, out))
        stop.hand_on()
    if run.stop_requested and not state.stopped_because:
        raise TrainingError(_stopped("a signal", state, out))
    processes.wait()
    return _result(out, state)


def _loads(folder: Path) -> bool:
    """Whether the weights in a folder are of this version; what was through with another is to be learned again."""
    try:
        load_model(folder)
    except ModelFolderError:
        return False
    return True


def _fits(checkpoint: Path, model: SketchModel) -> bool:
    """Whether a checkpoint holds the weights of such a model, and not of one that another version made."""
    with safe_open(checkpoint / "model.safetensors", "pt") as file:
        held = {key: file.get_slice(key).get_shape() for key in file.keys()}  # noqa: SIM118 - no mapping
    return held == {key: list(tensor.shape) for key, tensor in model.state_dict().items()}


def _stopped(by: str, state: Progress, out: Path) -> str:
    return f"Stopped by {by} after step {state.step}: the same training goes on from there ({out / 'checkpoints'})."


def _result(out: Path, state: Progress) -> TrainResult:
    return TrainResult(
        state.history, out, state.best_score, state.step, state.stopped_because, state.sheet_seconds
    )
