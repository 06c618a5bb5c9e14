"""`python -m singleline_pipeline.train`, and what importing the package costs."""

from __future__ import annotations

import subprocess
import sys

import numpy as np

from singleline_pipeline.geometry import save_npz
from singleline_pipeline.sketch_models import load_model
from singleline_pipeline.train import main, train_file

from .conftest import TINY, wheels


def test_it_trains_on_a_file_and_says_how_it_goes(tmp_path, capsys):
    save_npz(tmp_path / "wheels.npz", {"train": wheels(12), "valid": wheels(3, seed=1)})
    code = main(
        ["sketch_rnn", "--data", str(tmp_path / "wheels.npz"), "--out", str(tmp_path / "a" / "b"), "--max-steps", "2",
         "--threads", "1"]
    )  # fmt: skip
    assert code == 0
    out = capsys.readouterr().out
    assert "step      2" in out
    assert "nats a point after 2 steps (max_steps)" in out
    assert load_model(tmp_path / "a" / "b").config.train_drawings == 12


def test_the_token_variant_says_that_its_score_is_of_tokens(tmp_path, capsys):
    """Its figure stands where the continuous models' stands, and must not be read as theirs."""
    save_npz(tmp_path / "wheels.npz", {"train": wheels(12), "valid": wheels(3, seed=1)})
    given = ["--data", str(tmp_path / "wheels.npz"), "--out", str(tmp_path / "out"), "--max-steps", "1"]
    assert main(["sketch_transformer", *given, "--threads", "1", "--tokens", "100"]) == 0
    out = capsys.readouterr().out
    assert "token_nats_per_point" in out
    assert "nats of tokens a point after 1 steps" in out
    assert load_model(tmp_path / "out").config.tokens == 100
    assert main(["sketch_rnn", *given, "--tokens", "100"]) == 1
    assert "no token variant" in capsys.readouterr().err


def test_a_bad_file_is_a_sentence_and_not_a_traceback(tmp_path, capsys):
    assert main(["sketch_rnn", "--data", str(tmp_path / "none.npz"), "--out", str(tmp_path)]) == 1
    assert "none.npz" in capsys.readouterr().err
    save_npz(tmp_path / "one.npz", {"train": wheels(1)})
    assert main(["sketch_rnn", "--data", str(tmp_path / "one.npz"), "--out", str(tmp_path)]) == 1
    assert "at least 2" in capsys.readouterr().err


def test_whole_numbers_of_a_file_are_taken_as_they_are(tmp_path):
    drawings = [drawing.astype(np.int16) for drawing in wheels(6)]
    save_npz(tmp_path / "ints.npz", {"train": drawings, "valid": drawings[:2]})
    result = train_file(
        "sketch_transformer",
        tmp_path / "ints.npz",
        tmp_path / "out",
        max_steps=1,
        overrides=TINY["sketch_transformer"],
    )
    assert load_model(result.model_dir).config.train_drawings == 6


def test_importing_the_package_loads_no_torch():
    """The assets import it, and every step of a run would pay seconds for it."""
    heavy = {"torch", "transformers", "sklearn"}
    code = f"import sys, singleline_pipeline.sketch_models; print({heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
