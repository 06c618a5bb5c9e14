"""A layer-norm LSTM over whole sequences, with its backward pass written out.

For each step, with the four gates i, f, g, o of width h each (Ba et al. 2016, eq. 20-22; Ha and Eck 2017):

    pre   = W_x x_t + W_h h_{t-1}                      (W_x x_t for all steps at once, before the loop)
    i, f, g, o = LN(pre), one normalisation for each gate
    c_t   = σ(f) c_{t-1} + σ(i) m_t tanh(g)            (m_t: recurrent dropout, Semeniuta et al. 2016)
    h_t   = σ(o) tanh(LN(c_t))

Autograd would record about twenty nodes a step and add to the gradient of W_h at every step. Written out, the
loop holds one small product a step in each direction, and the gradients of W_h, gains and biases are single
products over all steps. tanh is taken as 2σ(2x) - 1: on the CPU torch's tanh costs six times its sigmoid.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

_EPSILON = 1e-5


class LSTMState(NamedTuple):
    """Where the recurrence stands: hidden and cell, each (directions, batch, hidden)."""

    hidden: Tensor
    cell: Tensor


def _normalize(x: Tensor, unit: Tensor, zero: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Layer norm over the last dimension without gain; also its mean and reciprocal deviation."""
    return torch.native_layer_norm(x, [x.shape[-1]], unit, zero, _EPSILON)


def _normalize_backward(
    gradient: Tensor, x: Tensor, mean: Tensor, reciprocal: Tensor, unit: Tensor
) -> Tensor:
    return torch.ops.aten.native_layer_norm_backward(
        gradient, x, [x.shape[-1]], mean, reciprocal, unit, None, [True, False, False]
    )[0]


def _products(left: Tensor, right: list[Tensor], dtype: torch.dtype) -> Tensor:
    """(directions, m, k) times k x n for each direction, as plain products: on the CPU faster than a batched one."""
    left = left.to(dtype)
    return torch.stack([torch.mm(one, other) for one, other in zip(left.unbind(0), right, strict=True)])


class _LayerNormLSTMFunction(torch.autograd.Function):
    """The recurrence; see the module's docstring. Gates lie in the order i, f, g, o."""

    @staticmethod
    def forward(
        ctx: Any,
        projected: Tensor,  # (time, directions, batch, 4 * hidden)
        weight: Tensor,  # (directions, hidden, 4 * hidden)
        gain: Tensor,  # (directions, 4, hidden)
        bias: Tensor,  # (directions, 4, hidden)
        cell_gain: Tensor,  # (directions, hidden)
        cell_bias: Tensor,  # (directions, hidden)
        hidden_start: Tensor,  # (directions, batch, hidden)
        cell_start: Tensor,  # (directions, batch, hidden)
        keep: Tensor | None,  # (time, directions, batch, hidden), 0 or 1 / (1 - p)
        product_dtype: torch.dtype,
    ) -> tuple[Tensor, Tensor]:
        time, directions, batch, width = projected.shape
        size = width // 4
        unit, zero = projected.new_ones(size), projected.new_zeros(size)
        # tanh(y) = 2 σ(2 y) - 1: the factor 2 sits in the gains and biases, so that one sigmoid serves all gates.
        double = projected.new_tensor([1.0, 1.0, 2.0, 1.0]).view(1, 4, 1)
        gate_gain, gate_bias = (gain * double).unsqueeze(1), (bias * double).unsqueeze(1)
        out_gain, out_bias = 2 * cell_gain.unsqueeze(1), 2 * cell_bias.unsqueeze(1)
        product_weight = list(weight.to(product_dtype).unbind(0))

        pre = torch.empty_like(projected)
        gates = projected.new_empty(time, directions, batch, 4, size)
        cells = projected.new_empty(time + 1, directions, batch, size)
        squashed = projected.new_empty(time, directions, batch, size)  # tanh(LN(c))
        hidden = projected.new_empty(time + 1, directions, batch, size)
        statistics = []
        cells[0], hidden[0] = cell_start, hidden_start
        for t in range(time):
            recurrent = _products(hidden[t], product_weight, product_dtype)
            torch.add(projected[t], recurrent, out=pre[t])
            normal, mean, reciprocal = _normalize(pre[t].view(directions, batch, 4, size), unit, zero)
            torch.sigmoid(torch.addcmul(gate_bias, normal, gate_gain), out=gates[t])
            i, f, g, o = gates[t].unbind(2)
            new = torch.mul(g, 2).sub_(1).mul_(i)
            if keep is not None:
                new.mul_(keep[t])
            cell = torch.addcmul(new, f, cells[t], out=cells[t + 1])
            normal_cell, cell_mean, cell_reciprocal = _normalize(cell, unit, zero)
            torch.addcmul(out_bias, normal_cell, out_gain, out=squashed[t]).sigmoid_().mul_(2).sub_(1)
            torch.mul(o, squashed[t], out=hidden[t + 1])
            statistics.append((mean, reciprocal, cell_mean, cell_reciprocal))
        ctx.save_for_backward(weight, gain, cell_gain, pre, gates, cells, squashed, hidden, keep)
        ctx.statistics, ctx.product_dtype = statistics, product_dtype
        return hidden[1:], cells[-1].clone()

    @staticmethod
    def backward(ctx: Any, grad_hidden: Tensor, grad_cell: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        weight, gain, cell_gain, pre, gates, cells, squashed, hidden, keep = ctx.saved_tensors
        product_dtype = ctx.product_dtype
        time, directions, batch, size = squashed.shape
        unit = pre.new_ones(size)
        gate_gain, out_gain = gain.unsqueeze(1), cell_gain.unsqueeze(1)
        transposed = [one.t().contiguous() for one in weight.to(product_dtype).unbind(0)]

        grad_pre = torch.empty_like(pre)
        grad_gain, grad_bias = torch.zeros_like(gain), torch.zeros_like(gain)
        grad_cell_gain, grad_cell_bias = torch.zeros_like(cell_gain), torch.zeros_like(cell_gain)
        grad_normal = torch.empty_like(gates[0])
        from_next_cell, from_next_hidden = grad_cell, torch.zeros_like(squashed[0])
        for t in reversed(range(time)):
            mean, reciprocal, cell_mean, cell_reciprocal = ctx.statistics[t]
            i, f, g, o = gates[t].unbind(2)
            tangent = torch.mul(g, 2).sub_(1)
            total_hidden = grad_hidden[t] + from_next_hidden
            # h = o tanh(y), y = LN(c) gain + bias
            grad_out = torch.addcmul(unit, squashed[t], squashed[t], value=-1).mul_(o).mul_(total_hidden)
            normal_cell = (cells[t + 1] - cell_mean) * cell_reciprocal
            grad_cell_gain += (grad_out * normal_cell).sum(1)
            grad_cell_bias += grad_out.sum(1)
            total_cell = _normalize_backward(
                grad_out.mul_(out_gain), cells[t + 1], cell_mean, cell_reciprocal, unit
            ).add_(from_next_cell)
            # c = f c' + i m tanh(g); σ' = σ (1 - σ), and tanh' = 4 σ (1 - σ) for tanh(y) = 2 σ(2y) - 1
            slope = torch.addcmul(gates[t], gates[t], gates[t], value=-1)
            entering = total_cell if keep is None else total_cell * keep[t]
            slope[:, :, 0].mul_(tangent).mul_(entering)
            slope[:, :, 1].mul_(cells[t]).mul_(total_cell)
            slope[:, :, 2].mul_(i).mul_(entering).mul_(4)
            slope[:, :, 3].mul_(squashed[t]).mul_(total_hidden)
            before = pre[t].view(directions, batch, 4, size)
            normal = (before - mean) * reciprocal
            grad_gain += normal.mul_(slope).sum(1)
            grad_bias += slope.sum(1)
            torch.mul(slope, gate_gain, out=grad_normal)
            grad_pre[t] = _normalize_backward(grad_normal, before, mean, reciprocal, unit).view_as(pre[t])
            from_next_hidden = _products(grad_pre[t], transposed, product_dtype).to(pre.dtype)
            from_next_cell = total_cell * f
        earlier = hidden[:-1].transpose(0, 1).reshape(directions, time * batch, size).to(product_dtype)
        later = grad_pre.transpose(0, 1).reshape(directions, time * batch, 4 * size).to(product_dtype)
        grad_weight = torch.matmul(earlier.transpose(1, 2), later).to(weight.dtype)
        return (
            grad_pre, grad_weight, grad_gain, grad_bias, grad_cell_gain, grad_cell_bias,
            from_next_hidden, from_next_cell, None, None,
        )  # fmt: skip


class LayerNormLSTM(nn.Module):
    """A layer-norm LSTM, or several side by side ("directions") that share nothing but the batch.

    The input projection is not part of it: callers project all steps at once and hand in the result.
    """

    def __init__(self, hidden_size: int, directions: int = 1, recurrent_dropout: float = 0.0) -> None:
        super().__init__()
        self.hidden_size, self.directions, self.recurrent_dropout = hidden_size, directions, recurrent_dropout
        self.weight = nn.Parameter(torch.empty(directions, hidden_size, 4 * hidden_size))
        self.gain = nn.Parameter(torch.empty(directions, 4, hidden_size))
        self.bias = nn.Parameter(torch.empty(directions, 4, hidden_size))
        self.cell_gain = nn.Parameter(torch.empty(directions, hidden_size))
        self.cell_bias = nn.Parameter(torch.empty(directions, hidden_size))
        # Orthogonal recurrent blocks; forget bias 1 (Jozefowicz et al. 2015).
        for direction in self.weight.data:
            for gate in direction.split(hidden_size, dim=1):
                nn.init.orthogonal_(gate)
        nn.init.ones_(self.gain)
        nn.init.zeros_(self.bias)
        nn.init.ones_(self.bias.data[:, 1])
        nn.init.ones_(self.cell_gain)
        nn.init.zeros_(self.cell_bias)

    def forward(
        self, projected: Tensor, state: LSTMState, generator: torch.Generator | None = None
    ) -> tuple[Tensor, LSTMState]:
        """Run over time.

        projected: (time, directions, batch, 4 * hidden), the inputs times their weights
        state: where to begin
        generator: draws the recurrent dropout while training
        returns: hidden (time, directions, batch, hidden), and the state after the last step
        """
        projected = projected.float()
        time, directions, batch, _ = projected.shape
        keep = None
        if self.training and self.recurrent_dropout > 0:
            shape = (time, directions, batch, self.hidden_size)
            keep = torch.rand(shape, generator=generator, device=projected.device) >= self.recurrent_dropout
            keep = keep.to(projected.dtype) / (1 - self.recurrent_dropout)
        kind = projected.device.type
        product_dtype = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else projected.dtype
        with torch.autocast(kind, enabled=False):
            hidden, cell = _LayerNormLSTMFunction.apply(
                projected, self.weight, self.gain, self.bias, self.cell_gain, self.cell_bias,
                state.hidden.float(), state.cell.float(), keep, product_dtype,
            )  # fmt: skip
        return hidden, LSTMState(hidden[-1], cell)
