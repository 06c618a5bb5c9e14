"""Every step of every run pays for what is imported: heavy packages load where they are used, and not before."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import singleline_pipeline

PACKAGE = Path(singleline_pipeline.__file__).parent
PURE = (
    "scans",
    "tracing",
    "geometry",
    "embedding",
    "corrections",
    "private",
    "comparison",
    "sketch_models",
    "rendering",
    "lake",
)


def modules_after(code: str) -> set[str]:
    """Top-level names in sys.modules of a fresh interpreter that ran the code."""
    script = f"{code}\nimport sys\nprint(*sorted({{name.split('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_loading_the_definitions_brings_nothing_heavy() -> None:
    """dagster alone costs 2-3 s; torch would add 2, transformers 3-4, on every step."""
    heavy = {"torch", "transformers", "cv2", "sklearn", "skimage", "matplotlib", "shapely"}
    assert not modules_after("import singleline_pipeline.definitions") & heavy


def test_the_command_line_answers_without_dagster_or_torch() -> None:
    """`singleline --help` is what somebody types first."""
    assert not modules_after("import singleline_pipeline.cli") & {"dagster", "torch", "cv2", "transformers"}


@pytest.mark.parametrize("name", PURE)
def test_pure_packages_run_without_dagster(name: str) -> None:
    """They are used from notebooks, where nobody wants an orchestrator."""
    modules = [f"singleline_pipeline.{name}"] + [
        f"singleline_pipeline.{name}.{file.stem}"
        for file in (PACKAGE / name).glob("*.py")
        if file.stem != "__init__"
    ]
    assert "dagster" not in modules_after("\n".join(f"import {module}" for module in modules))


def test_nothing_private_of_dagster_is_used() -> None:
    """Private modules move with every release."""
    private = re.compile(r"dagster\._|dagster_shared")
    assert [file for file in PACKAGE.rglob("*.py") if private.search(file.read_text())] == []
