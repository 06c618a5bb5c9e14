"""The LSTM whose backward pass is written out: it must be the derivative of what the formulas say."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from singleline_pipeline.sketch_models.layer_norm_lstm import (
    LayerNormLSTM,
    LSTMState,
    _LayerNormLSTMFunction,
)


def by_the_formulas(
    projected: Tensor, lstm: LayerNormLSTM, state: LSTMState, keep: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """The recurrence as in the module's docstring, one operation after the other, left to autograd."""
    hidden, cell, outputs = state.hidden, state.cell, []
    for t, step in enumerate(projected):
        pre = step + torch.einsum("dbh,dhk->dbk", hidden, lstm.weight)
        gates = functional.layer_norm(pre.unflatten(-1, (4, -1)), (lstm.hidden_size,))
        gates = gates * lstm.gain.unsqueeze(1) + lstm.bias.unsqueeze(1)
        i, f, g, o = gates.unbind(2)
        new = torch.sigmoid(i) * torch.tanh(g)
        cell = torch.sigmoid(f) * cell + (new if keep is None else new * keep[t])
        normal = functional.layer_norm(cell, (lstm.hidden_size,))
        normal = normal * lstm.cell_gain.unsqueeze(1) + lstm.cell_bias.unsqueeze(1)
        hidden = torch.sigmoid(o) * torch.tanh(normal)
        outputs.append(hidden)
    return torch.stack(outputs), cell


def inputs(directions: int = 2, time: int = 4, batch: int = 3, size: int = 5):
    torch.manual_seed(0)
    lstm = LayerNormLSTM(size, directions)
    for parameter in (lstm.gain, lstm.bias, lstm.cell_gain, lstm.cell_bias):
        parameter.data.add_(torch.randn_like(parameter) * 0.3)
    state = LSTMState(torch.randn(directions, batch, size), torch.randn(directions, batch, size))
    return lstm, torch.randn(time, directions, batch, 4 * size), state


@pytest.mark.parametrize("directions", [1, 2])
def test_it_computes_the_formulas(directions):
    lstm, projected, state = inputs(directions)
    hidden, last = lstm(projected, state)
    expected, cell = by_the_formulas(projected, lstm, state)
    torch.testing.assert_close(hidden, expected, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(last.cell, cell, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(last.hidden, expected[-1], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("dropout", [False, True])
def test_its_backward_pass_is_its_derivative(dropout):
    lstm, projected, state = inputs()
    keep = (torch.rand(4, 2, 3, 5) > 0.3).double() / 0.7 if dropout else None
    tensors = [projected, lstm.weight, lstm.gain, lstm.bias, lstm.cell_gain, lstm.cell_bias, *state]
    doubled = [tensor.detach().double().requires_grad_() for tensor in tensors]
    assert torch.autograd.gradcheck(
        lambda *given: _LayerNormLSTMFunction.apply(*given, keep, torch.float64), doubled
    )


def test_recurrent_dropout_comes_from_the_generator_and_only_in_training():
    lstm, projected, state = inputs(size=16)
    lstm.recurrent_dropout = 0.5

    def run(seed: int) -> Tensor:
        return lstm(projected, state, torch.Generator().manual_seed(seed))[0]

    torch.testing.assert_close(run(1), run(1), rtol=0, atol=0)
    assert not torch.equal(run(1), run(2))
    lstm.eval()
    torch.testing.assert_close(run(1), run(2), rtol=0, atol=0)


def test_one_step_at_a_time_is_the_same_as_all_at_once():
    """Sampling goes step by step through what training ran in one go."""
    lstm, projected, state = inputs(directions=1, time=6)
    whole, _ = lstm(projected, state)
    for t, row in enumerate(projected):
        step, state = lstm(row.unsqueeze(0), state)
        torch.testing.assert_close(step[0], whole[t], rtol=1e-4, atol=1e-5)


def test_bf16_products_stay_near():
    lstm, projected, state = inputs(size=32)
    exact, _ = lstm(projected, state)
    with torch.autocast("cpu", torch.bfloat16):
        near, _ = lstm(projected, state)
    assert near.dtype == torch.float32
    torch.testing.assert_close(near, exact, rtol=0.1, atol=0.05)
