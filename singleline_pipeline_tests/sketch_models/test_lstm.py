"""The LSTM and its compiled kernel: the formulas and their derivative, and a replacement where it is missing."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from singleline_pipeline.sketch_models import kernels
from singleline_pipeline.sketch_models.lstm import LSTM, LSTMState, Norms

EACH_NORM = pytest.mark.parametrize("layer_norm", [True, False])
EACH_WAY = pytest.mark.parametrize("kernel", [True, False], ids=["kernel", "plain"])


def by_the_formulas(
    projected: Tensor, lstm: LSTM, state: LSTMState, keep: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """The recurrence as in the module's docstring, in float64, one drawing and one direction at a time."""
    size = lstm.hidden_size
    norms = Norms(**{name: value.double() for name, value in lstm.norms.items()}) if lstm.norms else None
    weight = lstm.weight.double().view(lstm.directions, size, 4 * size)
    hiddens, cells = (
        torch.zeros(*projected.shape[:3], size).double(),
        torch.zeros(*projected.shape[1:3], size),
    )
    cells = cells.double()
    for d in range(projected.shape[1]):
        for b in range(projected.shape[2]):
            hidden, cell = state.hidden[d, b].double(), state.cell[d, b].double()
            for t in range(len(projected)):
                gates = (projected[t, d, b].double() + hidden @ weight[d]).view(4, size)
                if norms is not None:
                    gates = functional.layer_norm(gates, (size,)) * norms.gain[d] + norms.bias[d]
                i, f, o = torch.sigmoid(gates[[0, 1, 3]])
                new = i * torch.tanh(gates[2])
                cell = f * cell + (new if keep is None else new * keep[t, d, b].double())
                shown = cell
                if norms is not None:
                    shown = functional.layer_norm(cell, (size,)) * norms.cell_gain[d] + norms.cell_bias[d]
                hidden = o * torch.tanh(shown)
                hiddens[t, d, b] = hidden
            cells[d, b] = cell
    return hiddens, cells


def inputs(layer_norm: bool, directions: int = 2, time: int = 4, batch: int = 3, size: int = 5):
    generator = torch.Generator().manual_seed(0)
    lstm = LSTM(size, directions, layer_norm)
    for parameter in lstm.parameters():
        parameter.data.add_(torch.randn(parameter.shape, generator=generator) * 0.3)
    hidden, cell = (torch.randn(directions, batch, size, generator=generator) for _ in range(2))
    projected = torch.randn(time, directions, batch, 4 * size, generator=generator)
    return lstm, projected, LSTMState(hidden, cell)


@pytest.fixture
def way(kernel: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the kernel, which every machine that tests can build, or without."""
    if kernel:
        assert kernels.compiled() is not None
    else:
        monkeypatch.setattr(kernels, "compiled", lambda: None)


@EACH_NORM
@EACH_WAY
@pytest.mark.parametrize("dropout", [0.0, 0.5])
@pytest.mark.usefixtures("way")
def test_it_computes_the_formulas_and_their_derivative(layer_norm, dropout):
    """Values and all gradients against float64 by autograd: a wrong term in the kernel would only learn worse."""
    lstm, projected, state = inputs(layer_norm, size=19)
    lstm.recurrent_dropout = dropout
    keep = None
    if dropout:
        drawn = torch.rand(4, 2, 3, 19, generator=torch.Generator().manual_seed(7))
        keep = (drawn >= dropout).float() / (1 - dropout)
    given = [projected, *state]
    leaves = [tensor.requires_grad_() for tensor in given] + list(lstm.parameters())
    weighed = [
        torch.randn(shape, generator=torch.Generator().manual_seed(8))
        for shape in ((4, 2, 3, 19), (2, 3, 19))
    ]

    def gradients(hidden: Tensor, cell: Tensor) -> tuple[Tensor, ...]:
        return torch.autograd.grad((hidden * weighed[0]).sum() + (cell * weighed[1]).sum(), leaves)

    hidden, last = lstm(projected, state, torch.Generator().manual_seed(7))
    expected, cell = by_the_formulas(projected, lstm, state, keep)
    torch.testing.assert_close(hidden.double(), expected, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(last.cell.double(), cell, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(last.hidden, hidden[-1])
    for found, right in zip(gradients(hidden, last.cell), gradients(expected, cell), strict=True):
        torch.testing.assert_close(found, right, rtol=1e-3, atol=1e-4)


@EACH_WAY
@pytest.mark.usefixtures("way")
def test_recurrent_dropout_comes_from_the_generator_and_only_in_training():
    lstm, projected, state = inputs(True, size=16)
    lstm.recurrent_dropout = 0.5

    def run(seed: int) -> Tensor:
        return lstm(projected, state, torch.Generator().manual_seed(seed))[0]

    torch.testing.assert_close(run(1), run(1), rtol=0, atol=0)
    assert not torch.equal(run(1), run(2))
    lstm.eval()
    torch.testing.assert_close(run(1), run(2), rtol=0, atol=0)


@EACH_WAY
@EACH_NORM
@pytest.mark.usefixtures("way")
def test_one_step_at_a_time_is_the_same_as_all_at_once(layer_norm):
    """Sampling goes step by step through what training ran in one go."""
    lstm, projected, state = inputs(layer_norm, directions=1, time=6)
    whole, _ = lstm(projected, state)
    for t, row in enumerate(projected):
        step, state = lstm(row.unsqueeze(0), state)
        torch.testing.assert_close(step[0], whole[t], rtol=1e-4, atol=1e-5)


@EACH_WAY
@EACH_NORM
@pytest.mark.usefixtures("way")
def test_bf16_products_stay_near_in_values_and_gradients(layer_norm):
    """Products alone are rounded: state, norms and gates stay in float32."""
    lstm, projected, state = inputs(layer_norm, size=32, time=12)
    found = []
    for enabled in (False, True):
        with torch.autocast("cpu", torch.bfloat16, enabled=enabled):
            hidden, _ = lstm(projected, state)
        assert hidden.dtype == torch.float32
        found.append((hidden.detach(), *torch.autograd.grad(hidden.square().sum(), list(lstm.parameters()))))
    for exact, near in zip(*found, strict=True):
        assert float((exact - near).norm() / exact.norm()) < 0.03


def test_sums_far_from_zero_are_still_normalised():
    """Extreme inputs saturate gates; they must not become something that is no number."""
    lstm, projected, state = inputs(True, size=16)
    for factor in (0.0, 1e-6, 1e6):
        hidden, last = lstm(projected * factor, state)
        assert bool(torch.isfinite(hidden).all())
        assert bool(torch.isfinite(last.cell).all())


def test_what_is_no_number_stays_none_and_small_numbers_stay():
    """Training stops at NaN: a kernel that hid it would go on with garbage. Nor may loading it change arithmetic."""
    lstm, projected, state = inputs(True, size=16)
    projected[1, 0, 0, 3] = float("nan")
    hidden, _ = lstm(projected, state)
    assert bool(torch.isnan(hidden[1:, 0, 0]).all())
    assert bool(torch.isfinite(hidden[:, 1]).all())
    assert np.float64(5e-324) * np.float64(1.0) > 0


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch, tmp_path) -> Iterator[None]:
    """A machine that has not built the kernel yet."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    kernels.compiled.cache_clear()
    yield
    kernels.compiled.cache_clear()


@pytest.mark.usefixtures("fresh")
def test_without_a_compiler_it_runs_plain(monkeypatch, caplog):
    """A laptop without a compiler trains all the same, and is told why it is slow."""
    monkeypatch.setattr(kernels.shutil, "which", lambda _: None)
    with caplog.at_level(logging.INFO):
        assert kernels.compiled() is None
    assert "no C++ compiler" in caplog.text
    lstm, projected, state = inputs(True)
    assert bool(torch.isfinite(lstm(projected, state)[0]).all())


@pytest.mark.usefixtures("fresh")
def test_a_compiler_that_fails_is_said_with_its_own_words(monkeypatch, caplog, tmp_path):
    broken = tmp_path / "c++"
    broken.write_text('#!/bin/sh\ntest "$1" = --version && exit 0\necho "disk is full" >&2\nexit 1\n')
    broken.chmod(0o755)
    monkeypatch.setattr(kernels.shutil, "which", lambda _: str(broken))
    assert kernels.compiled() is None
    assert "disk is full" in caplog.text
    assert not list((tmp_path / "singleline_pipeline").glob("*"))


@pytest.mark.usefixtures("fresh")
def test_it_is_built_once_and_can_be_left_out(monkeypatch, tmp_path):
    """Two trainings share what the first one built; the switch is for comparing."""
    assert kernels.compiled() is not None
    (built,) = (tmp_path / "singleline_pipeline").iterdir()
    when = built.stat().st_mtime_ns
    kernels.compiled.cache_clear()
    assert kernels.compiled() is not None
    assert built.stat().st_mtime_ns == when
    kernels.compiled.cache_clear()
    monkeypatch.setenv(kernels.SWITCH, "0")
    assert kernels.compiled() is None
