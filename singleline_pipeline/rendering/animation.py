"""Lines that draw themselves: animated SVG that plays as a plain image.

Each stroke is one path with `stroke-dashoffset` animated by SMIL, which browsers run inside <img>, where
scripts are not allowed, and which cannot leak into the page around it as a style sheet would. Without
animation (in an editor, in a thumbnailer) the finished drawing is seen.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .canvas import RenderError, Strokes, canvas_for, check_strokes, place, stroke_lengths
from .markdown import PREVIEW_BYTES
from .palette import FAINT, INK, MAT
from .svg import check_size, document, dot, number, path_data, text_line

SPEED = 1.0  # how much line an unhurried pen draws a second, in longer sides of the drawing
SHORTEST, LONGEST = 1.5, 20.0  # seconds for a drawing whose time is not given
HOLD = 1.5  # seconds that the finished drawing stays before it starts again

# Each path counts as 100 long. The dash overlaps the end of the path by a little, and starts hidden a little
# before its beginning: else rounding leaves a round cap where the pen has not been yet.
_DASHES = "100.2 300"
_HIDDEN = "100.3"

_GRIDS = (1000, 600, 350)  # whole steps along a cell of the sheet: at 350, half a pixel
_CAPTION_PX = 11
_TITLE_PX = 16


def drawing_seconds(strokes: Sequence[np.ndarray]) -> float:
    """Time to draw checked strokes at SPEED, within bounds that keep short and tangled drawings watchable."""
    if not strokes:
        return SHORTEST
    points = np.concatenate(strokes)
    longer_side = np.ptp(points, axis=0).max()
    if longer_side == 0:
        return SHORTEST
    return float(np.clip(stroke_lengths(strokes).sum() / longer_side / SPEED, SHORTEST, LONGEST))


def _self_drawing(
    strokes: Sequence[np.ndarray], *, pen: float, seconds: float, period: float, loop: bool, decimals: int
) -> str:
    """A group of placed strokes that draws itself in `seconds` of a `period`, at constant speed, in order."""
    # A dot takes the time of a line as long as the pen is wide, so that it has its turn.
    spans = np.maximum(stroke_lengths(strokes), pen)
    ends = np.cumsum(spans) / spans.sum() * (seconds / period) if len(spans) else spans
    begin = 0.0
    again = ' repeatCount="indefinite"' if loop else ""
    clock = f'dur="{number(period)}s"{again}'
    lines = []
    for stroke, end in zip(strokes, ends, strict=True):
        start, stop = number(begin, 4), number(min(float(end), 1.0), 4)
        data = path_data(stroke, decimals)
        if data is None:
            appear = ""
            if float(start) > 0:
                appear = (
                    '<animate attributeName="opacity" calcMode="discrete" values="0;1" '
                    f'keyTimes="0;{start}" {clock}/>'
                )
            lines.append(f"{dot(stroke, pen, INK, decimals)}>{appear}</circle>")
        else:
            lines.append(
                f'<path pathLength="100" d="{data}"><animate attributeName="stroke-dashoffset" '
                f'values="{_HIDDEN};{_HIDDEN};0;0" keyTimes="0;{start};{stop};1" {clock}/></path>'
            )
        begin = float(end)
    return (
        f'<g fill="none" stroke="{INK}" stroke-width="{number(pen)}" stroke-linecap="round" '
        f'stroke-linejoin="round"><set attributeName="stroke-dasharray" to="{_DASHES}"/>{"".join(lines)}</g>'
    )


def animated_svg(
    strokes: Strokes,
    *,
    seconds: float | None = None,
    loop: bool = True,
    size: float = 400.0,
    pen: float = 2.0,
    title: str = "",
) -> str:
    """A drawing that draws itself, stroke after stroke, the pen moving at one speed along all of them.

    `seconds`: time for the whole line; None goes by its length, one longer side of the drawing a second.
    `loop`: start again after the finished drawing has stood for 1.5 s; otherwise it stays.
    `size`, `pen`: longer side of the picture and width of the line, in pixels.
    """
    drawn = check_strokes(strokes)
    check_size("The size of the picture", size, 16)
    check_size("The width of the pen", pen, 0.01)
    if seconds is None:
        seconds = drawing_seconds(drawn)
    check_size("The time to draw in seconds", seconds, 0.05)
    margin = size * 0.04 + pen / 2
    width, height = canvas_for(drawn, size, margin)
    placed = place(drawn, width, height, margin)
    period = seconds + HOLD if loop else seconds
    body = _self_drawing(placed, pen=pen, seconds=seconds, period=period, loop=loop, decimals=2)
    return document(width, height, body, title=title)


def animated_sheet_svg(
    drawings: Sequence[Strokes],
    captions: Sequence[str] | None = None,
    *,
    columns: int = 4,
    cell: int = 180,
    pen: float = 1.6,
    title: str = "",
    max_bytes: int = PREVIEW_BYTES,
) -> str:
    """A grid of drawings that draw themselves, with captions, as one SVG of at most `max_bytes`.

    All pens move at one speed and start again together, so that lengths can be compared by watching. Where
    it does not fit, positions are rounded more coarsely, down to half a pixel; then the last drawings are
    left out, and a line at the foot says so. `cell` is the side of a drawing in pixels.
    """
    if captions is not None and len(captions) != len(drawings):
        raise RenderError(f"There are {len(captions)} captions for {len(drawings)} drawings.")
    check_size("The number of columns", columns, 1)
    check_size("The size of a cell", cell, 32)
    check_size("The width of the pen", pen, 0.01)
    checked = [check_strokes(drawing, name=f"Drawing {index}") for index, drawing in enumerate(drawings)]
    seconds = [drawing_seconds(drawing) for drawing in checked]
    period = max(seconds, default=SHORTEST) + HOLD
    texts = captions or [""] * len(checked)

    for grid in _GRIDS:
        factor = grid / cell
        cells = []
        for drawing, duration, text in zip(checked, seconds, texts, strict=True):
            placed = place(drawing, grid, grid, grid * 0.05)
            lines = _self_drawing(
                placed, pen=pen * factor, seconds=duration, period=period, loop=True, decimals=0
            )
            cells.append((lines, text))
        sheet = _sheet(cells, len(cells), columns, cell, factor, title)
        if len(sheet.encode()) <= max_bytes:
            return sheet
    sizes = np.cumsum([len((lines + text).encode()) for lines, text in cells])
    shown = int(np.searchsorted(sizes, max_bytes))
    for count in range(min(shown, len(cells) - 1), -1, -1):
        sheet = _sheet(cells[:count], len(cells), columns, cell, factor, title)
        if len(sheet.encode()) <= max_bytes:
            return sheet
    raise RenderError(f"No sheet of drawings fits {max_bytes} bytes: allow at least 2000.")


def _sheet(
    cells: Sequence[tuple[str, str]], total: int, columns: int, cell: int, factor: float, title: str
) -> str:
    """The grid around drawings scaled up by `factor`, with a note where fewer than `total` are shown."""
    gap = 8
    columns = max(1, min(columns, total))
    width = gap + columns * (cell + gap)
    top = gap + (_TITLE_PX + gap if title else 0)
    row_height = cell + _CAPTION_PX + 2 * gap
    parts = []
    if title:
        parts.append(text_line(gap, gap + _TITLE_PX - 2, title, INK, _TITLE_PX, width - 2 * gap))
    for index, (lines, text) in enumerate(cells):
        x = gap + index % columns * (cell + gap)
        y = top + index // columns * row_height
        parts.append(f'<rect x="{x}" y="{y}" width="{cell}" height="{cell}" fill="none" stroke="{MAT}"/>')
        parts.append(f'<g transform="translate({x} {y})scale({number(1 / factor, 4)})">{lines}</g>')
        if text:
            parts.append(text_line(x, y + cell + _CAPTION_PX + 2, text, FAINT, _CAPTION_PX, cell))
    bottom = top + -(-len(cells) // columns) * row_height
    note = ""
    if total == 0:
        note = "No drawings."
    elif len(cells) < total:
        note = f"{len(cells)} of {total} drawings: the others did not fit."
    if note:
        parts.append(text_line(gap, bottom + _CAPTION_PX, note, INK, _CAPTION_PX, 400))
        bottom += _CAPTION_PX + 2 * gap
    return document(max(width, 240), bottom, "".join(parts), title=title)
