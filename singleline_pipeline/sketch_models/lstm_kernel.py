"""The compiled half of the LSTM: `lstm_kernel.cpp`, built by the machine's own compiler when it is first needed.

The library lies in the user's cache, under a name that holds the source, the compiler and the processor. Where
there is no compiler, or it fails, training runs without it, slower, and says so once.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import logging
import os
import platform
import shutil
import subprocess
import tempfile
from pathlib import Path

_SOURCE = Path(__file__).with_name("lstm_kernel.cpp")
# Sums may be reordered, so that they vectorise. Not -ffast-math: it would take NaN for impossible, and a library linked
# with it makes the whole process flush subnormal numbers to zero.
_REORDER = (
    "-fno-math-errno", "-fno-trapping-math", "-fno-signed-zeros", "-fassociative-math", "-freciprocal-math"
)  # fmt: skip
_FLAGS = ("-O3", "-march=native", *_REORDER, "-fPIC", "-shared", "-std=c++17")
SWITCH = "SINGLELINE_LSTM_KERNEL"
"""Environment variable; 0 leaves the compiled kernel out."""

_log = logging.getLogger(__name__)


class Step(ctypes.Structure):
    """What a step reads and writes, as `struct Step` in the source."""

    _fields_ = [(name, ctypes.c_int64) for name in ("directions", "batch", "hidden", "layer_norm")] + [
        (name, ctypes.c_void_p)
        for name in (
            "gain", "bias", "cell_gain", "cell_bias", "grad_gain", "grad_bias", "grad_cell_gain", "grad_cell_bias",
            "projected", "keep", "normal", "reciprocal", "gates", "cells", "cell_moments", "squashed", "hiddens",
            "carried", "recurrent", "grad_hidden", "grad_cell", "grad_pre", "scratch",
        )
    ]  # fmt: skip


def _cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "singleline_pipeline"


def _processor() -> str:
    """What -march=native goes by: a cache may be shared by machines that differ."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return f"{platform.machine()} {platform.processor()}"
    return "".join(sorted({line for line in lines if line.startswith(("flags", "Features", "model name"))}))


@functools.cache
def library() -> ctypes.CDLL | None:
    """The kernel, built where it has not been yet; None where it cannot be had."""
    if os.environ.get(SWITCH) == "0":
        return None
    compiler = next(filter(None, map(shutil.which, ("c++", "g++", "clang++"))), None)
    if compiler is None:
        _log.info(
            "There is no C++ compiler: LSTMs train without their compiled kernel, about three times slower."
        )
        return None
    try:
        version = subprocess.run([compiler, "--version"], capture_output=True, check=True, timeout=60).stdout
        key = b"\0".join((_SOURCE.read_bytes(), version, " ".join(_FLAGS).encode(), _processor().encode()))
        built = _cache() / f"lstm-{hashlib.sha256(key).hexdigest()[:16]}.so"
        if not built.is_file():
            _build(compiler, built)
        return ctypes.CDLL(str(built))
    except (OSError, subprocess.SubprocessError) as error:
        said = getattr(error, "stderr", None)
        detail = said.decode(errors="replace").strip() if said else str(error)
        _log.warning(
            "The LSTM's kernel could not be compiled, so training is about three times slower: %s", detail
        )
        return None


def _build(compiler: str, built: Path) -> None:
    built.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=built.parent) as staging:
        fresh = Path(staging) / built.name
        subprocess.run(
            [compiler, *_FLAGS, "-o", str(fresh), str(_SOURCE)], capture_output=True, check=True, timeout=300
        )
        os.replace(fresh, built)
