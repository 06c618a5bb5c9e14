"""What tensor operations are slow at on a CPU, in C++: built by the machine's own compiler when it is first needed.

The library lies in the user's cache, under a name that holds the source, the compiler and the processor. Where
there is no compiler, or it fails, tensor operations take its place, slower, and that is said once.
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

_SOURCES = ("numbers.hpp", "lstm.cpp", "attention.cpp")
# Sums may be reordered, so that they vectorise. Not -ffast-math: it would take NaN for impossible, and a library linked
# with it makes the whole process flush subnormal numbers to zero.
_REORDER = (
    "-fno-math-errno", "-fno-trapping-math", "-fno-signed-zeros", "-fassociative-math", "-freciprocal-math"
)  # fmt: skip
_FLAGS = ("-O3", "-march=native", *_REORDER, "-fPIC", "-shared", "-std=c++17", "-pthread")
SWITCH = "SINGLELINE_KERNELS"
"""Environment variable; 0 leaves the compiled kernels out."""

_log = logging.getLogger(__name__)


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
def compiled() -> ctypes.CDLL | None:
    """The kernels, built where it has not been yet; None where it cannot be had."""
    if os.environ.get(SWITCH) == "0":
        return None
    compiler = next(filter(None, map(shutil.which, ("c++", "g++", "clang++"))), None)
    if compiler is None:
        _log.info(
            "There is no C++ compiler, so there are no kernels: models train and draw about half as fast."
        )
        return None
    try:
        version = subprocess.run([compiler, "--version"], capture_output=True, check=True, timeout=60).stdout
        sources = [Path(__file__).with_name(name) for name in _SOURCES]
        told = [version, " ".join(_FLAGS).encode(), _processor().encode()]
        key = b"\0".join([source.read_bytes() for source in sources] + told)
        built = _cache() / f"kernels-{hashlib.sha256(key).hexdigest()[:16]}.so"
        if not built.is_file():
            _build(compiler, [source for source in sources if source.suffix == ".cpp"], built)
        return ctypes.CDLL(str(built))
    except (OSError, subprocess.SubprocessError) as error:
        said = getattr(error, "stderr", None)
        detail = said.decode(errors="replace").strip() if said else str(error)
        _log.warning(
            "The kernels could not be compiled: models train and draw about half as fast. %s", detail
        )
        return None


def _build(compiler: str, sources: list[Path], built: Path) -> None:
    built.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=built.parent) as staging:
        fresh = Path(staging) / built.name
        command = [compiler, *_FLAGS, "-o", str(fresh), *map(str, sources)]
        subprocess.run(command, capture_output=True, check=True, timeout=300)
        os.replace(fresh, built)
