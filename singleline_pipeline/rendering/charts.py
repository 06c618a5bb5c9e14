"""Charts as small SVG files: histograms and learning curves.

matplotlib is imported when a chart is drawn (0.8 s), and only its Figure is used: no pyplot, no open
figures. Its settings are process-wide while a figure is drawn, hence the lock.
"""

from __future__ import annotations

import io
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from .canvas import RenderError
from .palette import FAINT, INK, MAT, PAPER, STROKES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LONGEST_CURVE = 400  # points; a longer curve is averaged in bins of equal numbers of rows

_STYLE = {
    "svg.hashsalt": "singleline",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 10,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
    "axes.facecolor": PAPER,
    "axes.edgecolor": FAINT,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": MAT,
    "figure.constrained_layout.w_pad": 0.12,  # inches
    "figure.constrained_layout.h_pad": 0.12,
    "figure.facecolor": PAPER,
    "savefig.facecolor": PAPER,
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "legend.frameon": False,
    "legend.fontsize": 9,
}
_DRAWING = threading.Lock()


@contextmanager
def _style() -> Iterator[None]:
    """matplotlib's own defaults with our colours, whatever the user's matplotlibrc says."""
    import matplotlib.style

    with _DRAWING, matplotlib.style.context(["default", _STYLE], after_reset=True):
        yield


def _figure(width: float = 6.4, height: float = 3.6) -> tuple[Figure, Axes]:
    """A figure of so many inches with one pair of axes."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.add_subplot()


def _svg(figure: Figure, dpi: int = 100) -> str:
    """The figure as SVG without a date or a version, so that equal charts are equal bytes."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", dpi=dpi, metadata={"Date": None, "Creator": None})
    return buffer.getvalue()


def _plain(text: str) -> str:
    """Text that matplotlib shows as it is: $ opens its formulas, and XML has no control characters."""
    return re.sub("[\x00-\x1f\ufffe\uffff\ud800-\udfff]", "\ufffd", text).replace("$", r"\$")


def _finite(values: npt.ArrayLike, name: str) -> np.ndarray:
    """The values as a float array (n,), all of them finite."""
    array = np.asarray(values, dtype=np.float64).ravel()
    bad = ~np.isfinite(array)
    if bad.any():
        raise RenderError(f"{name}: value {int(bad.argmax())} is {array[bad.argmax()]}, not a finite number.")
    return array


def _say_nothing_there(axes: Axes, text: str) -> None:
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", color=FAINT)
    axes.set_xticks([])
    axes.set_yticks([])


def histogram_svg(
    values: npt.ArrayLike,
    previous: npt.ArrayLike | None = None,
    *,
    title: str = "",
    xlabel: str = "",
    ylabel: str = "drawings",
) -> str:
    """How often each value occurs, filled, with the previous version of the dataset as an outline.

    Both share their bins; counts of whole numbers over a short range get a bar each. The legend gives the
    number of values and their median.
    """
    now = _finite(values, title or "The histogram")
    then = (
        _finite(previous, f"{title or 'The histogram'} (previous)") if previous is not None else np.array([])
    )
    both = np.concatenate([now, then])
    with _style():
        figure, axes = _figure()
        if len(both) == 0:
            _say_nothing_there(axes, f"no {ylabel}")
        else:
            edges = _bin_edges(both)
            axes.hist(now, bins=edges, color=STROKES[0], alpha=0.75, label=_summary("now", now))
            if previous is not None:
                axes.hist(
                    then,
                    bins=edges,
                    histtype="step",
                    color=INK,
                    linewidth=1.5,
                    label=_summary("before", then),
                )
            axes.legend()
            axes.locator_params(axis="y", integer=True)
        axes.set(title=_plain(title), xlabel=_plain(xlabel), ylabel=_plain(ylabel))
        return _svg(figure)


def _summary(name: str, values: np.ndarray) -> str:
    return f"{name}: {len(values)}, median {np.median(values):g}" if len(values) else f"{name}: none"


def _bin_edges(values: np.ndarray) -> list[float]:
    """Edges of 40 bins at most, of whole width and around whole numbers where the values are whole."""
    low, high = values.min(), values.max()
    if (values == np.rint(values)).all():
        width = max(1, int(np.ceil((high - low + 1) / 40)))
        return [float(edge) for edge in np.arange(low - 0.5, high + width + 0.5, width)]
    if low == high:
        return [float(low - 0.5), float(low + 0.5)]
    return [float(edge) for edge in np.linspace(low, high, 41)]


def learning_curve_svg(
    history: Sequence[Mapping[str, object]], *, title: str = "Learning", score: str = "nats_per_point"
) -> str:
    """The score over the steps for the train and the valid split, with the best validation marked.

    `history` holds rows with "step", "split" and the score; rows without a finite score are left out, and
    the title counts those that were not finite.
    """
    curves: dict[str, list[tuple[float, float]]] = {"train": [], "valid": []}
    broken = 0
    for row in history:
        value, split = row.get(score), row["split"]
        if value is None or split not in curves:
            continue
        point = (float(row["step"]), float(value))  # type: ignore[arg-type]
        if np.isfinite(point).all():
            curves[str(split)].append(point)
        else:
            broken += 1
    if broken:
        title = f"{title} ({broken} rows are not finite)"
    with _style():
        figure, axes = _figure()
        if not any(curves.values()):
            _say_nothing_there(axes, "no steps logged yet")
        for split, colour, marker in (("train", STROKES[3], ""), ("valid", STROKES[0], "o")):
            if curves[split]:
                steps, scores = _thinned(np.array(sorted(curves[split])))
                axes.plot(steps, scores, color=colour, marker=marker, markersize=4, label=split)
        if curves["valid"]:
            step, best = min(curves["valid"], key=lambda point: (point[1], point[0]))
            axes.axhline(
                best, color=INK, linewidth=0.8, linestyle=":", label=f"best {best:.3f} at step {step:g}"
            )
        if any(curves.values()):
            axes.legend()
        axes.set(title=_plain(title), xlabel="step", ylabel=_plain(score.replace("_", " ")))
        return _svg(figure)


def _thinned(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Steps and scores of sorted points (n, 2), averaged down to a curve that stays small."""
    parts = np.array_split(points, min(len(points), _LONGEST_CURVE))
    means = np.array([part.mean(axis=0) for part in parts])
    return means[:, 0], means[:, 1]
