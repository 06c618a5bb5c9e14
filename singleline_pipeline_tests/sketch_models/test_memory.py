"""Freed memory stays with a training, and goes back to the system after it."""

from __future__ import annotations

import gc
import platform
import resource
from pathlib import Path

import pytest
import torch

from singleline_pipeline.sketch_models import memory

MEGABYTES = 256


def faults() -> int:
    """Pages that the kernel has had to hand out so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt


def resident() -> float:
    """Megabytes of this process that lie in memory."""
    pages = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[1])
    return pages * resource.getpagesize() / 2**20


def allocate() -> None:
    torch.ones(MEGABYTES * 2**20 // 4)


def cost() -> int:
    """Pages that it takes to allocate."""
    began = faults()
    allocate()
    return faults() - began


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc gives memory back eagerly")
def test_a_tensor_made_again_costs_no_pages_and_it_goes_back_afterwards():
    """Page faults were a third of a step; a worker that goes on for days must not keep a training's memory."""
    pages = MEGABYTES * 2**20 // resource.getpagesize()
    allocate()
    assert cost() > pages // 2  # without it, each is mapped anew
    with memory.kept():
        # The heap grows until it holds what is asked for.
        assert min(cost() for _ in range(6)) < pages // 10
        held = resident()
    gc.collect()
    assert resident() < held - MEGABYTES / 2
