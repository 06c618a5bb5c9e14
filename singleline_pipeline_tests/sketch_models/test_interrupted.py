"""Training that is killed or told to stop: really, by signals to real processes, and then gone on with."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from singleline_pipeline.geometry import save_npz
from singleline_pipeline.sketch_models import TrainingError, TrainResult, TrainSettings, train
from singleline_pipeline.sketch_models.stopping import StopRequest
from singleline_pipeline.train import train_file

from .conftest import TINY, wheels

SPLITS = {"train": wheels(24), "valid": wheels(6, seed=1)}


_KILLED = """
import os, signal, sys, torch
from pathlib import Path
from singleline_pipeline.sketch_models import train, TrainSettings
from singleline_pipeline_tests.sketch_models.test_interrupted import SPLITS, settings

torch.set_num_threads(1)
name, out, where = sys.argv[1:]

def in_an_epoch(row):
    if row["step"] == 8:  # the third epoch ends with step 9; the last checkpoint is of step 4
        os.kill(os.getpid(), signal.SIGKILL)

save, saved = torch.save, []

def in_a_checkpoint(what, file, *rest, **options):
    save(what, file, *rest, **options)
    saved.append(Path(file).parent.name)
    if Path(file).name == "optimizer.pt" and saved[-1] == "checkpoint-8":
        with open(file, "rb+") as half:
            half.truncate(os.path.getsize(file) // 2)
        os.kill(os.getpid(), signal.SIGKILL)

if where == "checkpoint":
    torch.save = in_a_checkpoint
train(name, SPLITS, Path(out), settings(name), progress=in_an_epoch if where == "epoch" else None)
"""


def settings(name: str) -> TrainSettings:
    return TrainSettings(
        max_steps=12, evaluate_every_steps=4, batch_size=8, overrides=TINY[name], ema_decay=0.9, threads=1
    )


def same_weights(one: Path, other: Path, step: int) -> None:
    for file in (Path("model.safetensors"), Path("checkpoints", f"checkpoint-{step}", "model.safetensors")):
        expected, found = load_file(one / file), load_file(other / file)
        for key, tensor in expected.items():
            assert torch.equal(tensor, found[key]), f"{file} {key}"


@pytest.mark.parametrize(("name", "where"), [("sketch_rnn", "epoch"), ("sketch_transformer", "checkpoint")])
def test_a_training_that_was_killed_goes_on_to_the_same_weights(name, where, tmp_path):
    """The computer went off in the middle of an epoch, or while half of a checkpoint was on the disk."""
    whole = train(name, SPLITS, tmp_path / "whole", settings(name))
    done = subprocess.run(
        [sys.executable, "-c", _KILLED, name, tmp_path / "cut", where],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    left = sorted(path.name for path in (tmp_path / "cut" / "checkpoints").glob("checkpoint-*"))
    assert left == ["checkpoint-4"]
    seen: list[int] = []
    resumed = train(
        name, SPLITS, tmp_path / "cut", settings(name), progress=lambda row: seen.append(row["step"])
    )
    assert seen[0] == 8
    same_weights(tmp_path / "whole", tmp_path / "cut", 12)
    assert resumed.best_score == whole.best_score
    assert not list((tmp_path / "cut" / "checkpoints" / ".writing").iterdir())


def stopped(command: list[str], out: Path, number: signal.Signals) -> subprocess.CompletedProcess[str]:
    """Start a training, send it a signal as soon as it has begun, and wait until it has ended."""
    running = subprocess.Popen(
        [sys.executable, *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 120
    while not list((out / "tensorboard").glob("events.*")) and running.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    running.send_signal(number)
    said, complained = running.communicate(timeout=120)
    return subprocess.CompletedProcess(command, running.returncode, said, complained)


def test_ctrl_c_leaves_a_checkpoint_and_says_where(tmp_path):
    """The step that was reached is not lost, and the next call goes on from it."""
    data, out = tmp_path / "wheels.npz", tmp_path / "out"
    save_npz(data, SPLITS)
    options = ["--data", str(data), "--out", str(out), "--max-steps", "9", "--threads", "1"]
    program = ["-c", "from singleline_pipeline.cli import main; main()", "train"]
    done = stopped([*program, "sketch_rnn", *options], out, signal.SIGINT)
    assert done.returncode == 130, done.stderr
    (checkpoint,) = (out / "checkpoints").glob("checkpoint-*")
    step = int(checkpoint.name.rpartition("-")[2])
    assert 1 <= step < 9
    (line,) = [line for line in done.stderr.splitlines() if "Stopped by" in line]
    assert f"SIGINT after step {step}" in line
    assert "Traceback" not in done.stderr

    seen: list[int] = []
    limits = {"max_steps": 9, "threads": 1}
    train_file("sketch_rnn", data, out, progress=lambda row: seen.append(row["step"]), **limits)
    train_file("sketch_rnn", data, tmp_path / "whole", **limits)
    assert seen[0] == 9
    same_weights(tmp_path / "whole", out, 9)


def test_who_answers_no_signal_gets_an_error_and_the_second_signal_goes_through(tmp_path):
    """A caller may handle signals itself: it must learn that the training is not through."""
    noted: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _: noted.append(number))
    try:

        def ask(row: dict) -> None:
            if row["step"] == 4 and row["split"] == "valid":
                os.kill(os.getpid(), signal.SIGTERM)
                assert not noted
                os.kill(os.getpid(), signal.SIGTERM)
                assert noted == [signal.SIGTERM]

        with pytest.raises(TrainingError, match="Stopped by a signal after step 4"):
            train("sketch_rnn", SPLITS, tmp_path, settings("sketch_rnn"), progress=ask)
        assert noted == [signal.SIGTERM] * 2  # the first one was handed on
    finally:
        signal.signal(signal.SIGTERM, before)
    assert train("sketch_rnn", SPLITS, tmp_path, settings("sketch_rnn")).steps == 12


def test_signals_are_left_alone_outside_the_main_thread_and_where_they_are_ignored():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with StopRequest() as stop:
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
            os.kill(os.getpid(), signal.SIGINT)
        assert stop.signal is None
    finally:
        signal.signal(signal.SIGINT, before)

    found: list[object] = []

    def elsewhere() -> None:
        with StopRequest():
            found.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert found == [signal.getsignal(signal.SIGTERM)]


def test_a_training_in_a_thread_is_trained_as_any_other(tmp_path):
    """The studio and notebooks may train beside what they do; signals never come there."""
    results: list[TrainResult] = []
    thread = threading.Thread(
        target=lambda: results.append(train("sketch_rnn", SPLITS, tmp_path, settings("sketch_rnn")))
    )
    thread.start()
    thread.join()
    assert results[0].steps == 12
