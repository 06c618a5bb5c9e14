"""Memory that a step of training frees is kept for the next one."""

from __future__ import annotations

import contextlib
import ctypes
import platform
from collections.abc import Iterator

# Options of glibc's mallopt and their values at the start of a process (malloc.h, mallopt(3)).
_TRIM_THRESHOLD, _MMAP_MAX = -1, -4
_USUAL_TRIM, _USUAL_MMAPS = 128 * 1024, 65536
_NEVER = -1


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
    libc.mallopt(_MMAP_MAX, 0)
    libc.mallopt(_TRIM_THRESHOLD, _NEVER)
    try:
        yield
    finally:
        libc.mallopt(_MMAP_MAX, _USUAL_MMAPS)
        libc.mallopt(_TRIM_THRESHOLD, _USUAL_TRIM)
        libc.malloc_trim(0)
