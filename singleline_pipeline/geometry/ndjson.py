"""QuickDraw's simplified `.ndjson`: a JSON object a line, a drawing as [[xs, ys], ...] a stroke."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from singleline_pipeline.geometry._atomic import atomic_writer
from singleline_pipeline.geometry.strokes import Stroke, StrokeError, validate_stroke, validate_strokes


def save_ndjson(
    file: str | Path,
    drawings: Sequence[Sequence[ArrayLike]],
    keys: Sequence[str] | None = None,
    *,
    word: str = "singleline",
) -> None:
    """Write drawings (lists of strokes) as QuickDraw does; `keys` become key_id, by default the row's number.

    Whole numbers are written as such. The file takes its place at once or not at all.
    """
    names = [str(row) for row in range(len(drawings))] if keys is None else list(keys)
    if len(names) != len(drawings):
        raise StrokeError(f"{file}: {len(drawings)} drawings, but {len(names)} keys")
    with atomic_writer(Path(file)) as out:
        for row, (name, drawing) in enumerate(zip(names, drawings, strict=True)):
            try:
                strokes = [
                    [_numbers(stroke[:, 0]), _numbers(stroke[:, 1])] for stroke in validate_strokes(drawing)
                ]
            except StrokeError as error:
                raise StrokeError(f"drawing {row} ({name}): {error}") from error
            line = {"word": word, "key_id": name, "recognized": True, "drawing": strokes}
            out.write(json.dumps(line, separators=(",", ":")).encode() + b"\n")


def load_ndjson(file: str | Path) -> list[list[Stroke]]:
    """The drawings of a QuickDraw `.ndjson`, simplified or raw (the times of raw files are left out).

    StrokeError names the file and the line of a drawing that is none.
    """
    drawings: list[list[Stroke]] = []
    with open(file, encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            name = f"{file}: line {number}"
            try:
                raw = json.loads(line)["drawing"]
                strokes = [np.column_stack([stroke[0], stroke[1]]) for stroke in raw]
            except (ValueError, KeyError, TypeError, IndexError) as error:
                raise StrokeError(
                    f"{name} is no QuickDraw drawing: {type(error).__name__}: {error}"
                ) from error
            if not strokes:
                raise StrokeError(f"{name} is an empty drawing")
            drawings.append(
                [validate_stroke(stroke, f"{name}, stroke {i}") for i, stroke in enumerate(strokes)]
            )
    return drawings


def _numbers(values: Any) -> list[float | int]:
    return [int(value) if value == int(value) else value for value in values.tolist()]
