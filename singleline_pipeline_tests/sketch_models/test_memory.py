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
    pages = MEGABYTES * 2**20 // resource.getpagesize()
    allocate()
    assert cost() > pages // 2  # without it, each is mapped anew
    with memory.kept():
        # The heap grows until it holds what is asked for.
        assert min(cost() for _ in range(6)) < pages // 10
    gc.collect()
    assert resident() < 2048
    settled = resident()
    allocate()
    assert resident() < settled + MEGABYTES / 2
