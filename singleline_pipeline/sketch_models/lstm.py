"""An LSTM over whole sequences, with or without layer norm, several side by side if asked for.

For each step, with the four gates i, f, g, o of width h each (Ba et al. 2016, eq. 20-22; Ha and Eck 2017):

    pre   = W_x x_t + W_h h_{t-1}                      (W_x x_t for all steps at once, before the loop)
    i, f, g, o = LN(pre), one normalisation for each gate
    c_t   = σ(f) c_{t-1} + σ(i) m_t tanh(g)            (m_t: recurrent dropout, Semeniuta et al. 2016)
    h_t   = σ(o) tanh(LN(c_t))

Without layer norm, LN is left out. On the CPU everything but the products is one pass of a compiled kernel
(lstm.cpp), and the products run in the type that autocast names.
"""

from __future__ import annotations

import ctypes
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from singleline_pipeline.sketch_models import kernels


class LSTMState(NamedTuple):
    """Where the recurrence stands: hidden and cell, each (directions, batch, hidden)."""

    hidden: Tensor
    cell: Tensor


class Norms(NamedTuple):
    """Gains and biases of the layer norms: of the gates (directions, 4, hidden), of the cell (directions, hidden)."""

    gain: Tensor
    bias: Tensor
    cell_gain: Tensor
    cell_bias: Tensor


class Step(ctypes.Structure):
    """What a step reads and writes, as `struct Step` in lstm.cpp."""

    _fields_ = [(name, ctypes.c_int64) for name in ("directions", "batch", "hidden", "layer_norm")] + [
        (name, ctypes.c_void_p)
        for name in (
            "gain", "bias", "cell_gain", "cell_bias", "grad_gain", "grad_bias", "grad_cell_gain", "grad_cell_bias",
            "projected", "keep", "normal", "reciprocal", "gates", "cells", "cell_moments", "squashed", "hiddens",
            "carried", "recurrent", "grad_hidden", "grad_cell", "grad_pre", "scratch",
        )
    ]  # fmt: skip


class _KernelLSTM(torch.autograd.Function):
    """The recurrence with the compiled kernel; shapes as in `LSTM.forward`."""

    @staticmethod
    def forward(
        ctx: Any,
        projected: Tensor,
        weight: Tensor,
        hidden_start: Tensor,
        cell_start: Tensor,
        keep: Tensor | None,
        *norms: Tensor,
    ) -> tuple[Tensor, Tensor]:
        time, directions, batch, width = projected.shape
        size = width // 4
        new = hidden_start.new_empty
        made = {
            "gates": new(time, directions, batch, width),
            "cells": new(time + 1, directions, batch, size),
            "squashed": new(time, directions, batch, size),
            "hiddens": new(time + 1, directions, batch, size),
        }
        if norms:
            made["normal"] = torch.empty_like(made["gates"])
            made["reciprocal"] = new(time, directions, batch, 4)
            made["cell_moments"] = new(time, directions, batch, 2)
        made["carried"] = torch.empty_like(made["hiddens"], dtype=projected.dtype)
        made["cells"][0], made["hiddens"][0], made["carried"][0] = cell_start, hidden_start, hidden_start
        recurrent = projected.new_empty(directions, batch, width)
        step = _step(projected, size, norms, keep, made | {"recurrent": recurrent})
        advance = _function("forward", projected.dtype)
        factors = weight.to(projected.dtype).unbind(0)
        outs = recurrent.unbind(0)
        for t, carried in enumerate(made["carried"][:-1].unbind(0)):
            for one, factor, out in zip(carried.unbind(0), factors, outs, strict=True):
                torch.mm(one, factor, out=out)
            advance(step, t)
        ctx.names = list(made)
        ctx.save_for_backward(projected, weight, keep, *norms, *made.values())
        return made["hiddens"][1:], made["cells"][-1].clone()

    @staticmethod
    def backward(ctx: Any, grad_hidden: Tensor, grad_cell: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        projected, weight, keep, *rest = ctx.saved_tensors
        norms, values = rest[: -len(ctx.names)], rest[-len(ctx.names) :]
        made = dict(zip(ctx.names, values, strict=True))
        time, directions, batch, width = projected.shape
        size = width // 4
        grads = [torch.zeros_like(norm) for norm in norms]
        grad_pre = torch.empty_like(projected)
        grad_cell = grad_cell.clone(memory_format=torch.contiguous_format)
        back = projected.new_zeros(directions, batch, size)
        step = _step(
            projected, size, norms, keep,
            made | dict(zip((f"grad_{name}" for name in Norms._fields), grads, strict=False)) | {
                "recurrent": back, "grad_hidden": grad_hidden.contiguous(), "grad_cell": grad_cell,
                "grad_pre": grad_pre, "scratch": grad_cell.new_empty(5, size),
            },
        )  # fmt: skip
        retreat = _function("backward", projected.dtype)
        factors = [one.t().contiguous() for one in weight.to(projected.dtype).unbind(0)]
        outs = back.unbind(0)
        for t in reversed(range(time)):
            retreat(step, t)
            for one, factor, out in zip(grad_pre[t].unbind(0), factors, outs, strict=True):
                torch.mm(one, factor, out=out)
        grad_weight = torch.stack([
            made["carried"][:-1, d].reshape(-1, size).t() @ grad_pre[:, d].reshape(-1, width)
            for d in range(directions)
        ]).to(weight.dtype)  # fmt: skip
        return grad_pre, grad_weight, back.to(grad_cell.dtype), grad_cell, None, *grads


def _function(way: str, dtype: torch.dtype) -> Any:
    name = f"lstm_{way}_{str(dtype).removeprefix('torch.')}"
    function = getattr(kernels.compiled(), name)
    function.argtypes, function.restype = [ctypes.POINTER(Step), ctypes.c_int64], None
    return function


def _step(projected: Tensor, size: int, norms: Any, keep: Tensor | None, tensors: dict[str, Tensor]) -> Step:
    _, directions, batch, _ = projected.shape
    named = dict(zip(Norms._fields, norms, strict=False)) | tensors | {"projected": projected}
    if keep is not None:
        named["keep"] = keep
    step = Step(directions, batch, size, int(bool(norms)))
    for name, tensor in named.items():
        assert tensor.is_contiguous(), name
        setattr(step, name, tensor.data_ptr())
    step.tensors = named  # the pointers hold nothing alive
    return step


def _normalized(x: Tensor, gain: Tensor, bias: Tensor) -> Tensor:
    """Layer norm over the last dimension; gain and bias (directions, ..., h) have no batch."""
    return functional.layer_norm(x, x.shape[-1:]) * gain.unsqueeze(1) + bias.unsqueeze(1)


def _plain_lstm(
    projected: Tensor, weight: Tensor, hidden: Tensor, cell: Tensor, keep: Tensor | None, *norms: Tensor
) -> tuple[Tensor, Tensor]:
    """The recurrence in tensor operations, for other devices and where there is no compiler."""
    gain, bias, cell_gain, cell_bias = norms or (None, None, None, None)
    factor = weight.to(projected.dtype)
    hiddens = []
    for t, outer in enumerate(projected):
        pre = (outer.float() + (hidden.to(factor.dtype) @ factor).float()).unflatten(-1, (4, -1))
        if gain is not None and bias is not None:
            pre = _normalized(pre, gain, bias)
        i, f, g, o = pre.unbind(-2)
        entering = torch.sigmoid(i) * torch.tanh(g)
        cell = torch.sigmoid(f) * cell + (entering if keep is None else entering * keep[t])
        shown = cell if cell_gain is None or cell_bias is None else _normalized(cell, cell_gain, cell_bias)
        hidden = torch.sigmoid(o) * torch.tanh(shown)
        hiddens.append(hidden)
    return torch.stack(hiddens), cell


class LSTM(nn.Module):
    """An LSTM, or several side by side ("directions") that share nothing but the batch.

    The input projection is not part of it: callers project all steps at once and hand in the result.
    """

    def __init__(
        self, hidden_size: int, directions: int = 1, layer_norm: bool = True, recurrent_dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.hidden_size, self.directions, self.recurrent_dropout = hidden_size, directions, recurrent_dropout
        self.weight = nn.Parameter(torch.empty(directions * hidden_size, 4 * hidden_size))
        for block in self.weight.data.split(hidden_size):
            for gate in block.split(hidden_size, dim=1):
                nn.init.orthogonal_(gate)
        self.norms = nn.ParameterDict()
        if layer_norm:
            self.norms = nn.ParameterDict({
                "gain": torch.ones(directions, 4, hidden_size), "bias": torch.zeros(directions, 4, hidden_size),
                "cell_gain": torch.ones(directions, hidden_size), "cell_bias": torch.zeros(directions, hidden_size),
            })  # fmt: skip
            self.norms["bias"].data[:, 1] = 1.0  # the forget gate's (Jozefowicz et al. 2015)

    def forward(
        self, projected: Tensor, state: LSTMState, generator: torch.Generator | None = None
    ) -> tuple[Tensor, LSTMState]:
        """Run over time.

        projected: (time, directions, batch, 4 * hidden), the inputs times their weights
        state: where to begin
        generator: draws the recurrent dropout while training
        returns: hidden (time, directions, batch, hidden) float32, and the state after the last step
        """
        time, directions, batch, _ = projected.shape
        kind = projected.device.type
        dtype = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else torch.float32
        keep = None
        if self.training and self.recurrent_dropout > 0:
            shape = (time, directions, batch, self.hidden_size)
            keep = torch.rand(shape, generator=generator, device=projected.device) >= self.recurrent_dropout
            keep = keep.float() / (1 - self.recurrent_dropout)
        run = _KernelLSTM.apply if kind == "cpu" and kernels.compiled() is not None else _plain_lstm
        norms = [self.norms[name] for name in Norms._fields] if self.norms else []
        with torch.autocast(kind, enabled=False):
            hidden, cell = run(
                projected.to(dtype).contiguous(), self.weight.view(directions, self.hidden_size, -1),
                state.hidden.float().contiguous(), state.cell.float().contiguous(), keep, *norms,
            )  # fmt: skip
        return hidden, LSTMState(hidden[-1], cell)
