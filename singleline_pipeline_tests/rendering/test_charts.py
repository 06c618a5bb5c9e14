from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from singleline_pipeline.rendering import RenderError, histogram_svg, learning_curve_svg

from .parsing import SVG, all_numbers_are_finite, parse

LIMIT = 60_000


def words(svg: str) -> list[str]:
    return ["".join(text.itertext()) for text in parse(svg).iter(f"{SVG}text")]


def history(steps: int) -> list[dict[str, object]]:
    """Rows as a training run logs them: many of train, few of valid."""
    rng = np.random.default_rng(0)
    rows: list[dict[str, object]] = []
    for step in range(steps):
        rows.append({"step": step, "split": "train", "nats_per_point": 2 + rng.normal()})
        if step % 100 == 0:
            score = 2.5 + abs(step - 700) / 1000
            rows.append({"step": step, "split": "valid", "nats_per_point": score, "seconds": 3.0})
    return rows


CHARTS = {
    "histogram": lambda: histogram_svg(
        np.arange(100) % 17, np.arange(50) % 9, title="Strokes", xlabel="strokes"
    ),
    "learning curve": lambda: learning_curve_svg(history(2000)),
    "no values": lambda: histogram_svg([]),
    "nothing now": lambda: histogram_svg([], [1, 2, 3]),
    "one value": lambda: histogram_svg([4.5], [4.5]),
    "no steps": lambda: learning_curve_svg([]),
    "one step": lambda: learning_curve_svg([{"step": 0, "split": "valid", "nats_per_point": 3.0}]),
}


@pytest.mark.parametrize("chart", CHARTS)
def test_charts_are_small_well_formed_and_repeatable(chart: str) -> None:
    """A chart is stored with every run for ever; a date or a random id in it would make each one new."""
    svg = CHARTS[chart]()
    assert len(svg.encode()) <= LIMIT
    assert all_numbers_are_finite(svg)
    assert "dc:date" not in svg
    assert svg == CHARTS[chart]()


def test_the_histogram_compares_two_versions() -> None:
    svg = histogram_svg([1, 1, 2, 3, 9], [1, 5], title="Strokes a drawing", xlabel="strokes")
    assert {"Strokes a drawing", "strokes", "drawings", "now: 5, median 2", "before: 2, median 3"} <= set(
        words(svg)
    )
    assert not any(text.startswith("before") for text in words(histogram_svg([1, 2])))


@settings(max_examples=12)
@given(st.lists(st.floats(-1e6, 1e6) | st.integers(0, 2000), max_size=30))
def test_any_finite_values_have_a_histogram(values: list[float]) -> None:
    assert len(histogram_svg(values).encode()) <= LIMIT


def test_the_learning_curve_marks_the_best_validation() -> None:
    assert "best 2.500 at step 700" in words(learning_curve_svg(history(1200)))


def test_rows_that_are_not_finite_are_counted_in_the_title() -> None:
    """A loss that became NaN is what one opens the chart for: it must not vanish from it."""
    rows = [*history(300), {"step": 300, "split": "train", "nats_per_point": float("nan")}]
    assert "Learning (1 rows are not finite)" in words(learning_curve_svg(rows))
    rows.append({"step": 301, "split": "train", "nats_per_point": None})
    assert "Learning (1 rows are not finite)" in words(learning_curve_svg(rows))


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: histogram_svg([1, np.nan], title="Points"), "Points: value 1 is nan"),
        (lambda: histogram_svg([1], [np.inf], title="Points"), "Points.*previous.*: value 0 is inf"),
    ],
)
def test_what_cannot_be_plotted_is_named(draw: object, message: str) -> None:
    with pytest.raises(RenderError, match=message):
        draw()  # type: ignore[operator]


def test_titles_are_shown_as_they_are() -> None:
    """$ opens a formula in matplotlib, and < an element in SVG."""
    shown = words(histogram_svg([1], title="a $ b $ <c>", xlabel="_x$"))
    assert {"a $ b $ <c>", "_x$"} <= set(shown)


def test_the_users_matplotlib_stays_as_it_was() -> None:
    """The charts are drawn in processes that plot other things, and no setting of theirs may show in ours."""
    import matplotlib

    before = dict(matplotlib.rcParams)
    expected = histogram_svg([1, 2, 3])
    with matplotlib.rc_context({"font.size": 30, "axes.facecolor": "red", "lines.linewidth": 9}):
        assert histogram_svg([1, 2, 3]) == expected
    assert dict(matplotlib.rcParams) == before


def test_drawing_and_sheets_come_without_matplotlib_and_pyplot() -> None:
    """Every step of a run pays for its imports: 0.8 s here, for steps that draw no chart."""
    program = (
        "import sys, singleline_pipeline.rendering as r; assert 'matplotlib' not in sys.modules; "
        "r.histogram_svg([1]); assert not {'matplotlib.pyplot', 'torch'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
