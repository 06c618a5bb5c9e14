"""Attention of whole drawings: the formula and its derivative on both paths, and what it must never read."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from singleline_pipeline.sketch_models import attention, kernels
from singleline_pipeline.sketch_models.attention import attend_next, join_heads, self_attention, split_heads
from singleline_pipeline.sketch_models.training import has_bf16

EACH_WAY = pytest.mark.parametrize("kernel", [True, False], ids=["kernel", "plain"])
# One row, less than a tile, a tile, tiles and a rest.
EACH_SIZE = pytest.mark.parametrize(("rows", "width"), [(1, 16), (7, 32), (32, 16), (75, 16), (70, 64)])
EACH_MASK = pytest.mark.parametrize("causal", [True, False], ids=["causal", "lengths"])
HEADS, DRAWINGS = 2, 3


@pytest.fixture
def way(kernel: bool, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """With the kernel, where the processor has products of bf16, or without."""
    if not kernel:
        monkeypatch.setattr(kernels, "compiled", lambda: None)
    elif has_bf16(torch.device("cpu")):
        called = []
        original = attention._pass
        monkeypatch.setattr(attention, "_pass", lambda *given: (called.append(given), original(*given)))
        yield
        assert called, "the kernel was to be tried, and torch was"
        return
    yield


def inputs(rows: int, width: int, scale: float = 1.0) -> tuple[Tensor, Tensor, Tensor]:
    """Joint projections, lengths, and a gradient that is zero in the padding, as a loss leaves it."""
    generator = torch.Generator().manual_seed(rows)
    joint = (torch.randn(DRAWINGS, rows, 3 * HEADS * width, generator=generator) * scale).bfloat16()
    lengths = torch.tensor([rows, max(1, rows // 2), max(1, rows - 1)])
    grad = torch.randn(DRAWINGS, rows, HEADS * width, generator=generator).bfloat16()
    return joint, lengths, grad


def real_rows(rows: int, lengths: Tensor | None) -> Tensor:
    """(drawings, rows, 1), False in the padding."""
    if lengths is None:
        return torch.ones(DRAWINGS, rows, 1, dtype=torch.bool)
    return (torch.arange(rows) < lengths.unsqueeze(1)).unsqueeze(-1)


def by_the_formula(joint: Tensor, lengths: Tensor | None) -> Tensor:
    """softmax(Q K^T / sqrt(width)) V in float64, one row at a time over the rows it may see."""
    drawings, rows, _ = joint.shape
    query, key, value = joint.double().unflatten(-1, (3, HEADS, -1)).unbind(2)
    out = []
    for b in range(drawings):
        for row in range(rows):
            seen = row + 1 if lengths is None else int(lengths[b])
            scores = torch.einsum("hc,khc->hk", query[b, row], key[b, :seen]) * query.shape[-1] ** -0.5
            out.append(torch.einsum("hk,khc->hc", scores.softmax(-1), value[b, :seen]).flatten())
    return torch.stack(out).unflatten(0, (drawings, rows))


def assert_near(found: Tensor, expected: Tensor) -> None:
    """As near as bf16 holds the shares and the sums."""
    largest = float(expected.abs().max())
    torch.testing.assert_close(found.double(), expected, rtol=0.02, atol=0.01 * largest)
    assert (found.double() - expected).norm() < 0.005 * expected.norm()


def run(joint: Tensor, lengths: Tensor | None, grad: Tensor) -> tuple[Tensor, Tensor]:
    """What comes out, and the gradient of the inputs."""
    leaf = joint.clone().requires_grad_()
    attended = self_attention(leaf, HEADS, lengths)
    attended.backward(grad.to(attended.dtype))
    assert leaf.grad is not None
    return attended.detach(), leaf.grad


@EACH_WAY
@EACH_MASK
@EACH_SIZE
@pytest.mark.usefixtures("way")
def test_it_computes_the_formula_and_its_derivative(rows: int, width: int, causal: bool) -> None:
    """A wrong term in the kernel would only learn worse."""
    joint, given, grad = inputs(rows, width)
    lengths = None if causal else given
    real = real_rows(rows, lengths)
    attended, found = run(joint, lengths, grad * real)
    leaf = joint.double().requires_grad_()
    expected = by_the_formula(leaf, lengths)
    expected.backward(grad.double() * real)
    assert leaf.grad is not None
    assert_near(attended * real, expected.detach() * real)
    assert_near(found, leaf.grad)


@EACH_WAY
@pytest.mark.usefixtures("way")
def test_padding_is_never_read() -> None:
    """Whatever lies there reaches no real row, forwards or backwards, not in the last bit."""
    joint, lengths, grad = inputs(75, 16)
    real = real_rows(75, lengths)
    spoilt = joint.masked_fill(~real, 1e4)
    attended, found = run(joint, lengths, grad * real)
    again, found_again = run(spoilt, lengths, grad * real)
    torch.testing.assert_close(again * real, attended * real, rtol=0, atol=0)
    torch.testing.assert_close(found_again * real, found * real, rtol=0, atol=0)


@EACH_WAY
@pytest.mark.usefixtures("way")
def test_a_causal_row_does_not_see_those_after_it() -> None:
    joint, _, grad = inputs(75, 16)
    changed = joint.clone()
    changed[:, 41:] = 1e4
    torch.testing.assert_close(
        run(changed, None, grad)[0][:, :41], run(joint, None, grad)[0][:, :41], rtol=0, atol=0
    )


@EACH_WAY
@EACH_MASK
@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("scale", [100.0, 3e4])
def test_large_scores_leave_gradients_as_large_as_they_should_be(causal: bool, scale: float) -> None:
    """Scores in the tens of thousands, whose powers of two float32 cannot hold, and those of a training gone astray:
    made again on the way back, they differ by more than 1 in the last digit."""
    joint, given, grad = inputs(75, 16, scale=scale)
    attended, found = run(joint, None if causal else given, grad)
    assert bool(torch.isfinite(attended).all() & torch.isfinite(found).all())
    # A value's gradient is a sum of at most 75 gradients, each with a share of at most 1.
    assert float(found.unflatten(-1, (3, -1))[:, :, 2].abs().max()) < 75 * float(grad.abs().max())


@EACH_WAY
@EACH_MASK
@pytest.mark.usefixtures("way")
def test_nan_in_is_nan_out(causal: bool) -> None:
    """Training stops at a loss that is NaN; attention must not hide one."""
    joint, given, grad = inputs(33, 16)
    joint[:, 0] = float("nan")
    assert bool(run(joint, None if causal else given, grad)[0].isnan()[:, 0].all())


@pytest.mark.parametrize("kernel", [True])
@EACH_MASK
@pytest.mark.usefixtures("way")
def test_threads_change_no_bit(causal: bool) -> None:
    """Same seed, same weights, on a laptop and on a server with more cores."""
    joint, given, grad = inputs(75, 32)
    before = torch.get_num_threads()
    results = []
    try:
        for threads in (1, 2, 4, 100):
            torch.set_num_threads(threads)
            results.append(run(joint, None if causal else given, grad))
    finally:
        torch.set_num_threads(before)
    for attended, found in results[1:]:
        assert torch.equal(attended, results[0][0])
        assert torch.equal(found, results[0][1])


@EACH_WAY
@EACH_MASK
@pytest.mark.usefixtures("way")
def test_tensors_may_lie_in_memory_as_they_will(causal: bool) -> None:
    """The kernel goes by addresses: transposed, strided and expanded tensors are not what they hold."""
    joint, given, _ = inputs(33, 16)
    lengths = None if causal else torch.stack([given, given], dim=1).int()[:, 0]
    expected = run(joint, None if causal else given, torch.ones(DRAWINGS, 33, HEADS * 16).bfloat16())
    leaf = joint.transpose(0, 1).contiguous().transpose(0, 1).requires_grad_()
    attended = self_attention(leaf, HEADS, lengths)
    attended.sum().backward()
    assert leaf.grad is not None
    for found, right in zip((attended.detach(), leaf.grad), expected, strict=True):
        assert torch.equal(found, right)


@EACH_WAY
@pytest.mark.usefixtures("way")
def test_a_length_beyond_the_rows_is_all_of_them() -> None:
    joint, _, grad = inputs(33, 16)
    whole, beyond = (run(joint, torch.full((DRAWINGS,), length), grad) for length in (33, 40))
    assert torch.equal(whole[0], beyond[0])
    assert torch.equal(whole[1], beyond[1])


@pytest.mark.skipif(not has_bf16(torch.device("cpu")), reason="this processor has no products of bf16")
def test_threads_share_the_heads(monkeypatch: pytest.MonkeyPatch) -> None:
    """The number of threads reaches the kernel: nothing else would show that it works alone."""
    seen = []
    made = attention.SelfAttention
    monkeypatch.setattr(
        attention, "SelfAttention", lambda *sizes, **rest: seen.append(sizes[-1]) or made(*sizes, **rest)
    )
    monkeypatch.setattr(torch, "get_num_threads", lambda: 3)
    run(*inputs(33, 16))
    assert seen == [3, 3]


@pytest.mark.parametrize(("width", "dtype"), [(16, torch.float32), (5, torch.float32), (5, torch.bfloat16)])
def test_heads_and_types_that_it_is_not_for_go_another_way(width: int, dtype: torch.dtype) -> None:
    """Five channels a head, or float32: torch's attention, to the same formula."""
    joint, lengths, _ = inputs(9, width)
    joint = joint.to(dtype)
    real = real_rows(9, lengths)
    assert_near(self_attention(joint, HEADS, lengths) * real, by_the_formula(joint, lengths) * real)


@pytest.mark.parametrize("width", [5, 16, 32, 64])
def test_the_next_row_attends_as_the_formula_says_wherever_its_drawing_lies(width: int) -> None:
    """The kernel reads memory by itself: rows not written yet and drawings that ended must not come into it."""
    assert kernels.compiled() is not None
    generator = torch.Generator().manual_seed(0)
    joint = torch.randn(DRAWINGS, 1, 3 * HEADS * width, generator=generator) * 2
    keys, values = (torch.randn(6, HEADS, 9, width, generator=generator).bfloat16() for _ in range(2))
    slots = torch.tensor([4, 0, 3])
    query, key, value = split_heads(joint, HEADS)
    for before in (0, 1, 6, 8):
        kept, shown = (whole.clone() for whole in (keys, values))
        for whole in (kept, shown):
            whole[:, :, before:] = float("nan")
            whole[[1, 2, 5]] = float("nan")
        found = attend_next(joint, HEADS, kept, shown, slots, before)
        for whole, new in ((kept, key), (shown, value)):
            torch.testing.assert_close(whole[slots, :, before], new[:, :, 0].bfloat16(), rtol=0, atol=0)
        rows = [whole[slots, :, : before + 1].float() for whole in (kept, shown)]
        expected = torch.nn.functional.scaled_dot_product_attention(query, *rows)
        torch.testing.assert_close(found, join_heads(expected), rtol=1e-4, atol=1e-5)
