"""Scaled dot-product attention (Vaswani et al. 2017, section 3.2) on the fastest path that a device has.

On a CPU with products of bf16 a compiled kernel (attention.cpp) takes whole drawings in bf16, heads of 16, 32 or 64
channels, forwards and backwards; all else is torch's. Drawing on a CPU, one row at a time, has a kernel too.
"""

from __future__ import annotations

import ctypes
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional

from singleline_pipeline.sketch_models import kernels


def attend(query: Tensor, key: Tensor, value: Tensor, **how: object) -> Tensor:
    """Torch's attention, all (b, heads, rows, d).

    On the CPU it leaves bf16: torch's kernel is five times slower in it than in float32.
    """
    if query.device.type == "cpu":
        with torch.autocast("cpu", enabled=False):
            return functional.scaled_dot_product_attention(query.float(), key.float(), value.float(), **how)  # type: ignore[arg-type]
    return functional.scaled_dot_product_attention(query, key, value, **how)  # type: ignore[arg-type]


def split_heads(joint: Tensor, heads: int) -> tuple[Tensor, Tensor, Tensor]:
    """Query, key and value, each (b, heads, t, d), of their joint projection (b, t, 3 * heads * d)."""
    query, key, value = joint.unflatten(-1, (3, heads, -1)).permute(2, 0, 3, 1, 4)
    return query, key, value


def join_heads(attended: Tensor) -> Tensor:
    """(b, heads, t, d) to (b, t, heads * d)."""
    return attended.transpose(1, 2).flatten(2)


def self_attention(joint: Tensor, heads: int, lengths: Tensor | None) -> Tensor:
    """Attention of drawings to themselves.

    joint: (b, t, 3 * width), projected to query, key and value
    lengths: (b,) real rows of each drawing, all of which each row sees; None for causal attention, where a row sees
        itself and those before it
    returns: (b, t, width), of the inputs' type or float32; what stands in padding means nothing
    """
    on_cpu = joint.device.type == "cpu"
    if on_cpu and joint.dtype == torch.bfloat16 and _kernel_takes(joint.shape[-1] // (3 * heads)):
        return _KernelAttention.apply(joint, heads, lengths)  # type: ignore[no-any-return]
    query, key, value = split_heads(joint, heads)
    if lengths is None:
        attended = attend(query, key, value, is_causal=True)
    else:
        real = torch.arange(joint.shape[1], device=joint.device) < lengths.unsqueeze(1)
        attended = attend(query, key, value, attn_mask=real[:, None, None, :])
    return join_heads(attended)


def attend_next(
    joint: Tensor, heads: int, keys: Tensor, values: Tensor, slots: Tensor, before: int
) -> Tensor:
    """Attention of the next row of drawings to itself and those before it, among which its key and value are put.

    joint: (drawings, 1, 3 * width), projected to query, key and value
    keys, values: (slots, heads, room, width / heads) bfloat16, contiguous, of which `before` rows are there
    slots: (drawings,) int64, where each drawing lies; the kernels must be there (`kernels.compiled`)
    returns: (drawings, 1, width) float32
    """
    joint = joint.float().contiguous()
    drawings, _, joint_width = joint.shape
    assert before < keys.shape[2], "no room left in the cache"
    attended, scores = joint.new_empty(drawings, 1, joint_width // 3), joint.new_empty(before + 1)
    tensors = (joint, keys, values, attended, scores, slots.contiguous())
    sizes = (drawings, heads, keys.shape[2], before, keys.shape[3])
    built = kernels.compiled()
    assert built is not None
    pointers = (ctypes.c_void_p(tensor.data_ptr()) for tensor in tensors)
    built.attend_next(*pointers, *map(ctypes.c_int64, sizes))
    return attended


class SelfAttention(ctypes.Structure):
    """What a pass reads and writes, as `struct SelfAttention` in attention.cpp."""

    _fields_ = [
        (name, ctypes.c_int64) for name in ("drawings", "rows", "heads", "width", "causal", "threads")
    ] + [
        (name, ctypes.c_void_p) for name in ("joint", "lengths", "attended", "log_sums", "grad", "grad_joint")
    ]


class _KernelAttention(torch.autograd.Function):
    """`self_attention` with the compiled kernel, of bf16."""

    @staticmethod
    def forward(ctx: Any, joint: Tensor, heads: int, lengths: Tensor | None) -> Tensor:
        drawings, rows, width = joint.shape
        given = {"joint": joint.contiguous()}
        if lengths is not None:
            assert lengths.shape == (drawings,)
            given["lengths"] = lengths.long().contiguous()
        made = {
            "attended": joint.new_empty(drawings, rows, width // 3),
            "log_sums": joint.new_empty(drawings, heads, rows, dtype=torch.float32),
        }
        _pass("forward", heads, given | made)
        ctx.heads, ctx.names = heads, [*given, *made]
        ctx.save_for_backward(*given.values(), *made.values())
        return made["attended"]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        tensors = dict(zip(ctx.names, ctx.saved_tensors, strict=True)) | {"grad": grad.contiguous()}
        grad_joint = torch.empty_like(tensors["joint"])
        _pass("backward", ctx.heads, tensors | {"grad_joint": grad_joint})
        return grad_joint, None, None


def _kernel_takes(width: int) -> bool:
    """Whether heads of so many channels are for the kernel."""
    built = kernels.compiled()
    return built is not None and bool(built.self_attention_takes(ctypes.c_int64(width)))


def _pass(way: str, heads: int, tensors: dict[str, Tensor]) -> None:
    drawings, rows, width = tensors["joint"].shape
    sizes = (
        drawings,
        rows,
        heads,
        width // (3 * heads),
        int("lengths" not in tensors),
        torch.get_num_threads(),
    )
    addresses = {name: tensor.data_ptr() for name, tensor in tensors.items()}
    getattr(kernels.compiled(), f"self_attention_{way}")(ctypes.byref(SelfAttention(*sizes, **addresses)))
