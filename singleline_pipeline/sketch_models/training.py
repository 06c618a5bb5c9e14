"""Training by transformers' Trainer, within a budget of processor time, to be resumed to the bit."""

from __future__ import annotations

import contextlib
import math
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader
from torch.utils.tensorboard import SummaryWriter
from transformers import PrinterCallback, Trainer, TrainerCallback, TrainingArguments
from transformers.integrations import TensorBoardCallback
from transformers.utils.logging import disable_progress_bar, enable_progress_bar, is_progress_bar_enabled

from singleline_pipeline.sketch_models.batches import (
    LengthBuckets,
    TrainingDrawings,
    collate,
    step_generator,
)
from singleline_pipeline.sketch_models.checkpoints import Progress, find_checkpoint
from singleline_pipeline.sketch_models.drawings import (
    canvas_size,
    check_drawings,
    fingerprint,
    offset_scale,
)
from singleline_pipeline.sketch_models.errors import DatasetError, TrainingError
from singleline_pipeline.sketch_models.folders import MODELS, save_model
from singleline_pipeline.sketch_models.model_card import write_model_card
from singleline_pipeline.sketch_models.score import evaluate
from singleline_pipeline.sketch_models.settings import ModelName, TrainSettings
from singleline_pipeline.sketch_models.sketch_model import SketchModel, SketchOutput

_LOG_EVERY = 50  # steps between rows of the train split
_WARMUP = 30  # steps
_LOWEST_RATE = 1e-5
_NO_LIMIT = 10**9  # steps

HistoryRow = dict[str, Any]


@dataclass(frozen=True)
class TrainResult:
    """What came out of a training.

    history: rows of step, epoch, split, loss, xy, pen, kl, kl_weight, nll_per_point, nats_per_point, learning_rate,
        seconds; xy, pen, nll_per_point and nats_per_point in nats a point, kl in nats a drawing, seconds of processor
        time since the first step
    model_dir: folder with the best weights; best_score: their validation score, nats_per_point
    steps: optimizer steps; stopped_because: max_seconds, max_steps, or patience
    """

    history: list[HistoryRow]
    model_dir: Path
    best_score: float
    steps: int
    stopped_because: str


class _Clock:
    """Processor seconds of this process since the first step, those before a resume included."""

    def __init__(self) -> None:
        self.before, self.started = 0.0, math.nan

    def start(self, before: float) -> None:
        self.before, self.started = before, time.process_time()

    def seconds(self) -> float:
        return 0.0 if math.isnan(self.started) else self.before + time.process_time() - self.started


class _Rate:
    """Learning rate as a factor of its peak: a short rise, then down.

    With a budget of steps or seconds it follows a cosine that is through when the budget is; without one, 0.9999 a
    step, as in the story.
    """

    def __init__(self, settings: TrainSettings, peak: float, clock: _Clock) -> None:
        self.max_steps, self.max_seconds = settings.max_steps, settings.max_seconds
        self.lowest, self.clock = _LOWEST_RATE / peak, clock

    def __call__(self, step: int) -> float:
        rise = min(1.0, (step + 1) / _WARMUP)
        if self.max_steps is None and self.max_seconds is None:
            return rise * max(0.9999**step, self.lowest)
        used = 0.0
        if self.max_steps is not None:
            used = step / self.max_steps
        if self.max_seconds is not None:
            used = max(used, self.clock.seconds() / self.max_seconds)
        fall = 0.5 * (1 + math.cos(math.pi * min(used, 1.0)))
        return rise * max(fall, self.lowest)


class _SketchTrainer(Trainer):
    """Trainer with our batches, our loss arguments and our score.

    It sees one epoch without end: batches are counted from the start of the training, and a resumed one asks for
    the batch that it would have come to, where Trainer would read and discard those before.
    """

    def __init__(
        self,
        run: _Run,
        model: SketchModel,
        args: TrainingArguments,
        optimizers: tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LambdaLR],
    ) -> None:
        self.run = run
        super().__init__(model, args, train_dataset=run.drawings, optimizers=optimizers)

    def get_train_dataloader(self) -> DataLoader:
        run = self.run
        first = run.progress.step * self.args.world_size
        buckets = LengthBuckets(run.lengths, run.batch_size, run.settings.seed, first)
        loader = DataLoader(run.drawings, batch_sampler=buckets, collate_fn=collate)
        return self.accelerator.prepare(loader)

    def compute_loss(
        self, model: torch.nn.Module, inputs: dict[str, Any], return_outputs: bool = False, **_: Any
    ) -> Any:
        rows = inputs.pop("rows")
        step, device = self.state.global_step, inputs["points"].device
        generator = step_generator(self.run.settings.seed, step, self.args.process_index, device)
        with torch.autocast(device.type, torch.bfloat16, enabled=self.run.bf16):
            output = model(**inputs, kl_weight=self.run.kl_weight(step), generator=generator)
        self.run.check_finite(output.loss, f"The loss is {float(output.loss.detach())} at step {step + 1}", rows)
        self.run.collect(output)
        return (output.loss, output) if return_outputs else output.loss

    def evaluate(self, *_: Any, **__: Any) -> dict[str, float]:  # type: ignore[override]
        return self.run.evaluate(self)


class _Flow(TrainerCallback):
    """When to log, to evaluate, to save and to stop."""

    def __init__(self, run: _Run) -> None:
        self.run = run

    def on_train_begin(self, *_: Any, **__: Any) -> None:
        progress = self.run.progress
        self.run.clock.start(progress.seconds)
        progress.next_evaluation = progress.next_evaluation or self.run.settings.evaluate_every_seconds

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, model: Any = None, **_: Any) -> None:
        # Clipping scales all gradients by their common norm, so one that is not a number has spread to all.
        gradient = next(parameter.grad for parameter in model.parameters() if parameter.grad is not None)
        self.run.check_finite(gradient, f"The gradients are not finite at step {state.global_step + 1}", None)

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> Any:
        self.run.after_step(state.global_step)
        if self.run.evaluation_due:
            control.should_evaluate = control.should_save = True
        return control

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> Any:
        if state.is_world_process_zero:
            self.run.progress.save(Path(args.output_dir) / f"checkpoint-{state.global_step}")
        control.should_training_stop = bool(self.run.progress.stopped_because)
        # Trainer looks at these once more when its epoch is over.
        control.should_evaluate = control.should_save = False
        return control


class _Run:
    """One training: what it knows, what it has done, and what it does at each step."""

    def __init__(
        self,
        drawings: TrainingDrawings,
        valid: list[np.ndarray],
        out: Path,
        settings: TrainSettings,
        progress: Progress,
        batch_size: int,
        kl_annealing_steps: int,
        bf16: bool,
        report: Callable[[HistoryRow], None] | None,
    ) -> None:
        self.drawings, self.valid, self.out, self.settings = drawings, valid, out, settings
        self.progress, self.batch_size, self.kl_annealing_steps = progress, batch_size, kl_annealing_steps
        self.bf16, self.report = bf16, report
        self.lengths = [len(drawing) for drawing in drawings.drawings]
        self.batches_per_epoch = -(-len(self.lengths) // batch_size)
        self.clock = _Clock()
        self.evaluation_due = False
        self._parts: dict[str, float] = {}
        self._evaluation_seconds = 0.0
        self._rate: Callable[[], float] = lambda: 0.0

    def kl_weight(self, step: int) -> float:
        """Annealing of the KL as a function of the global step: from 0.01 up to 1 in a line."""
        return min(1.0, 0.01 + 0.99 * step / self.kl_annealing_steps)

    def check_finite(self, tensor: torch.Tensor, what: str, rows: torch.Tensor | None) -> None:
        """Raise TrainingError where a tensor is not finite."""
        if bool(torch.isfinite(tensor).all()):
            return
        seen = "" if rows is None else f" (train drawings {', '.join(map(str, rows.tolist()))})"
        raise TrainingError(
            f"{what}{seen}. The best weights so far are kept. Try a lower learning rate; the last checkpoint is "
            f"in {self.out / 'checkpoints'}."
        )

    def collect(self, output: SketchOutput) -> None:
        """Add a step's sums to those of the next row of the train split."""
        for name in ("xy", "pen", "end", "kl", "points", "drawings"):
            self._parts[name] = self._parts.get(name, 0.0) + float(output[name])
        batches = self._parts.get("batches", 0.0)
        self._parts["batches"] = batches + 1
        self._parts["loss"] = self._parts.get("loss", 0.0) + float(output.loss.detach())

    def after_step(self, step: int) -> None:
        """Log and decide."""
        settings, progress = self.settings, self.progress
        progress.step, progress.seconds = step, self.clock.seconds()
        if settings.max_steps is not None and step >= settings.max_steps:
            progress.stopped_because = "max_steps"
        if settings.max_seconds is not None:
            # What is left must hold the last evaluation, and no step that is only begun.
            typical = progress.seconds / step + self._evaluation_seconds
            if progress.seconds + typical >= settings.max_seconds:
                progress.stopped_because = "max_seconds"
            due = progress.seconds >= progress.next_evaluation
        else:
            due = step % settings.evaluate_every_steps == 0
        self.evaluation_due = due or bool(progress.stopped_because)
        if step % _LOG_EVERY == 0 or self.evaluation_due:
            self._log_train()

    def _row(self, split: str, scores: Mapping[str, float]) -> None:
        progress = self.progress
        row: HistoryRow = {
            "step": progress.step,
            "epoch": progress.step / self.batches_per_epoch,
            "split": split,
            **{name: scores[name] for name in ("loss", "xy", "pen", "kl")},
            "kl_weight": self.kl_weight(progress.step - 1),
            **{name: scores[name] for name in ("nll_per_point", "nats_per_point")},
            "learning_rate": self._rate(),
            "seconds": self.clock.seconds(),
        }
        progress.history.append(row)
        if self.report is not None:
            self.report(row)

    def _log_train(self) -> None:
        parts, self._parts = self._parts, {}
        points, drawings = parts["points"], parts["drawings"]
        total = parts["xy"] + parts["pen"] + parts["end"] + parts["kl"]
        self._row(
            "train",
            {
                "loss": parts["loss"] / parts["batches"],
                "xy": parts["xy"] / points,
                "pen": parts["pen"] / points,
                "kl": parts["kl"] / drawings,
                "nll_per_point": (parts["xy"] + parts["pen"]) / points,
                "nats_per_point": total / points,
            },
        )

    def evaluate(self, trainer: _SketchTrainer) -> dict[str, float]:
        """Score the validation drawings, all of them; keep the weights where they are the best so far."""
        progress, model = self.progress, trainer.model
        began = time.process_time()
        scores = evaluate(model, self.valid)
        self._row(
            "valid", scores | {"loss": scores["nats_per_point"], "kl": scores["kl_per_drawing"]}
        )
        if not math.isfinite(scores["nats_per_point"]):
            raise TrainingError(f"The validation score is not a number at step {progress.step}.")
        if scores["nats_per_point"] < progress.best_score:
            progress.best_score, progress.evaluations_since_best = scores["nats_per_point"], 0
            if trainer.is_world_process_zero():
                model.config.score = scores
                save_model(model, self.out)
        else:
            progress.evaluations_since_best += 1
            if progress.evaluations_since_best >= self.settings.patience:
                progress.stopped_because = progress.stopped_because or "patience"
        trainer.log({f"valid/{name}": value for name, value in scores.items()})
        self._evaluation_seconds = time.process_time() - began
        progress.seconds = self.clock.seconds()
        every = self.settings.evaluate_every_seconds
        progress.next_evaluation = every * (math.floor(progress.seconds / every) + 1)
        return {f"eval_{name}": value for name, value in scores.items()}


def has_bf16(device: torch.device) -> bool:
    """Whether the device multiplies bf16 in hardware; without that it is slower than float32."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type == "cpu":
        able = torch.cpu.get_capabilities()
        return bool(able.get("avx512_bf16") or able.get("amx_bf16"))
    return False


@contextlib.contextmanager
def _undisturbed(threads: int | None) -> Iterator[None]:
    """Trainer seeds the global generators, we set threads and silence bars: the caller gets all back as they were."""
    state, numbers, before = random.getstate(), np.random.get_state(), torch.get_num_threads()  # noqa: NPY002
    bars = is_progress_bar_enabled()
    disable_progress_bar()
    try:
        with torch.random.fork_rng():
            if threads is not None:
                torch.set_num_threads(threads)
            yield
    finally:
        random.setstate(state)
        np.random.set_state(numbers)  # noqa: NPY002
        torch.set_num_threads(before)
        if bars:
            enable_progress_bar()


def split_off_valid(
    splits: Mapping[str, Sequence[np.ndarray]], seed: int
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Checked train and validation drawings; a tenth of train, seeded, where there is no valid split.

    Raises DatasetError where there are too few to learn from and to validate on.
    """
    train = check_drawings(splits.get("train", []), "train")
    valid = check_drawings(splits.get("valid", []), "valid")
    if len(train) < 2:
        raise DatasetError(
            f"The train split has {len(train)} drawings; at least 2 are needed to learn anything. Scan more pages, "
            "or include more drawings."
        )
    if not valid:
        order = np.random.default_rng(seed).permutation(len(train))
        held = set(order[: max(1, len(train) // 10)].tolist())
        valid = [train[index] for index in sorted(held)]
        train = [drawing for index, drawing in enumerate(train) if index not in held]
    return train, valid


def train(
    name: ModelName,
    splits: Mapping[str, Sequence[np.ndarray]],
    out: Path,
    settings: TrainSettings,
    *,
    dataset_fingerprint: str = "",
    progress: Callable[[HistoryRow], None] | None = None,
) -> TrainResult:
    """Train a model on stroke-3 drawings and leave its best weights in a folder.

    splits: "train" and perhaps "valid", (n, 3) arrays in file units; the train split is taken as it is
    out: made with its parents; gets the model, its card, TensorBoard's events, and the last checkpoints
    dataset_fingerprint: how the dataset is known; None of it: a hash of the drawings
    progress: called with every row of the history

    Where `out` holds a checkpoint of the same model, settings and data, training goes on from it, and processor
    time counts on. A training that was through under the same limits is not repeated.
    Raises DatasetError for bad drawings, TrainingError where the loss is not a number, and what `progress` raises.
    """
    preset = settings.resolved(name)
    drawings, valid = split_off_valid(splits, settings.seed)
    content = fingerprint({"train": drawings, "valid": valid})
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    checkpoints = out / "checkpoints"
    identity = f"{settings.identity(name)} {content}"
    checkpoint, state = find_checkpoint(checkpoints, identity)
    limits = {"max_seconds": settings.max_seconds, "max_steps": settings.max_steps, "patience": settings.patience}
    if state.stopped_because and state.limits == limits and (out / "model.safetensors").is_file():
        return TrainResult(state.history, out, state.best_score, state.step, state.stopped_because)
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
            **preset.model,
        )
        model = kind(config)
        args = TrainingArguments(
            output_dir=str(checkpoints), max_steps=settings.max_steps or _NO_LIMIT, max_grad_norm=1.0,
            per_device_train_batch_size=preset.batch_size, eval_strategy="no", save_strategy="no",
            logging_strategy="no", save_total_limit=2, ignore_data_skip=True, disable_tqdm=True, report_to=[],
            remove_unused_columns=False, seed=settings.seed, dataloader_pin_memory=False,
        )  # fmt: skip
        run = _Run(
            TrainingDrawings(drawings, settings.seed, settings.augmentation), valid, out, settings, state,
            preset.batch_size, preset.kl_annealing_steps,
            has_bf16(args.device) if settings.bf16 is None else settings.bf16, progress,
        )  # fmt: skip
        model.to(args.device)
        optimizer = torch.optim.AdamW(
            model.parameters(), lr=preset.learning_rate, weight_decay=0.01, fused=True
        )
        rate = _Rate(settings, preset.learning_rate, run.clock)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, rate)
        run._rate = lambda: float(schedule.get_last_lr()[0])
        trainer = _SketchTrainer(run, model, args, (optimizer, schedule))
        trainer.remove_callback(PrinterCallback)
        trainer.add_callback(_Flow(run))
        trainer.add_callback(TensorBoardCallback(SummaryWriter(str(out / "tensorboard"))))
        trainer.train(resume_from_checkpoint=None if checkpoint is None else str(checkpoint))
    write_model_card(out, name, settings, state, drawings, valid)
    return TrainResult(state.history, out, state.best_score, state.step, state.stopped_because)
