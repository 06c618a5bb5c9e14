"""Training in two processes that talk through gloo, started as people start it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from singleline_pipeline.geometry import save_npz
from singleline_pipeline.sketch_models import TrainingError, load_model, train
from singleline_pipeline.sketch_models.batches import LengthBuckets

from .two_processes import PLAIN, SPLITS, settings

STEPS = ["checkpoint-4", "checkpoint-8"]


@pytest.fixture(scope="module")
def launched(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder that two processes trained in, and what they said."""
    out = tmp_path_factory.mktemp("processes")
    save_npz(out / "wheels.npz", SPLITS)
    command = [
        "-m",
        "accelerate.commands.launch",
        "--multi_gpu",
        "--num_processes",
        "2",
        "--main_process_port",
        "0",
    ]
    module = [
        "-m",
        "singleline_pipeline_tests.sketch_models.two_processes",
        str(out),
        str(out / "wheels.npz"),
    ]
    done = subprocess.run(
        [sys.executable, *command, *module],
        env=os.environ | {"ACCELERATE_USE_CPU": "true", "OMP_NUM_THREADS": "1"},
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return out, done.stdout


def checkpoint(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "checkpoints" / STEPS[-1] / "model.safetensors")


def test_both_processes_end_with_the_weights_that_one_process_learns(name, launched, tmp_path):
    """A batch is the same however many share it, and so are its gradient, the clipping and the step."""
    out, _ = launched
    first, second = (torch.load(out / f"{name}-{rank}.pt", weights_only=True) for rank in (0, 1))
    assert all(torch.equal(tensor, second[key]) for key, tensor in first.items())

    alone = train(name, SPLITS, tmp_path, settings(PLAIN[name]))
    for key, tensor in checkpoint(tmp_path).items():
        # Muon's products are in bf16, which makes more of the order in which gradients were summed.
        torch.testing.assert_close(first[key], tensor, rtol=1e-3, atol=2e-4)
    assert load_model(out / f"plain-{name}").config.score == pytest.approx(
        load_model(tmp_path).config.score, rel=1e-4
    )
    assert alone.steps == 8


def test_one_process_is_asked_to_stop_and_all_go_on_together_to_the_same_weights(launched):
    """If each decided for itself, one would wait for ever for a batch that the other no longer takes."""
    out, said = launched
    stopped = sorted(line for line in said.splitlines() if line.startswith("process "))
    assert [re.sub("process .: ", "", line) for line in stopped] == [
        f"Stopped by a signal after step 4: the same training goes on from there ({out}/cut/checkpoints)."
    ] * 2
    whole, cut = checkpoint(out / "whole"), checkpoint(out / "cut")
    assert all(torch.equal(tensor, cut[key]) for key, tensor in whole.items())


def test_only_one_of_them_writes_and_speaks(launched):
    out, said = launched
    assert said.count("nats a point after 2 steps (max_steps)") == 1
    assert said.count("step      2") == 2  # a row of the train split and one of the valid split
    assert len(list((out / "whole" / "tensorboard").iterdir())) == 1
    for folder in ("whole", "cut"):
        assert sorted(path.name for path in (out / folder / "checkpoints").glob("checkpoint-*")) == STEPS
    assert load_model(out / "named").config.train_drawings == 22


def test_every_drawing_goes_to_one_process_of_those_that_share_its_batch():
    lengths = [len(drawing) for drawing in SPLITS["train"]]
    shares = [LengthBuckets(lengths, 8, 0, process=process, processes=2) for process in (0, 1)]
    for batch, one, other in zip(LengthBuckets(lengths, 8, 0), *shares, strict=False):
        assert sorted(one + other) == sorted(batch)
        assert abs(len(one) - len(other)) <= 1
        if batch[0][0] == 2:
            break
    with pytest.raises(TrainingError, match="8 processes cannot share batches of 7 drawings"):
        LengthBuckets(lengths, 8, 0, processes=8)
