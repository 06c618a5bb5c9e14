"""Memory that a step of training frees is kept for the next one."""

from __future__ import annotations

import contextlib
import ctypes
import platform
from collections.abc import Iterator

# Options of glibc's mallopt, with their values while memory is kept and as a process begins (malloc.h, mallopt(3)).
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_MAX = -1, -2, -4
_KEPT = {_MMAP_MAX: 0, _TRIM_THRESHOLD: -1, _TOP_PAD: 64 * 2**20}
_USUAL = {_MMAP_MAX: 65536, _TRIM_THRESHOLD: 128 * 1024, _TOP_PAD: 128 * 1024}


@contextlib.contextmanager
def kept() -> Iterator[None]:
    """While it lasts, large tensors come from a heap that does not shrink; on other C libraries than glibc, nothing.

    Left alone, glibc maps every tensor over 32 MB anew, and the kernel clears its pages one by one: at the story's
    sizes that is up to a third of a step.
    """
    if platform.libc_ver()[0] != "glibc":
        yield
        return
    libc = ctypes.CDLL(None)

    def choose(options: dict[int, int]) -> None:
        for option, value in options.items():
            libc.mallopt(option, value)

    choose(_KEPT)
    try:
        yield
    finally:
        choose(_USUAL)
        libc.malloc_trim(0)
