"""Where the nats go, and what the far past is worth."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from singleline_pipeline.comparison.errors import ComparisonError
from singleline_pipeline.comparison.likelihood import (
    END,
    FIRST_POINT,
    LATENT,
    PARTS,
    PEN_DOWN,
    PEN_STATE,
    PEN_UP,
    SETTLED,
    measure_likelihood,
    unit_shift,
)
from singleline_pipeline.sketch_models import evaluate
from singleline_pipeline_tests.sketch_models.conftest import tiny_model, wheels

MODELS = pytest.mark.parametrize("name", ["sketch_rnn", "sketch_transformer"])


@MODELS
@pytest.mark.parametrize("latent_size", [6, 0])
def test_the_parts_are_those_of_the_score_and_add_up_to_it(name: str, latent_size: int) -> None:
    """A report whose parts do not add up to the score that training is judged by would explain something else."""
    model, drawings = tiny_model(name, latent_size=latent_size), wheels(11)
    found = measure_likelihood(model, drawings, scale=model.config.scale, seed=5)
    score = evaluate(model, drawings, seed=5)
    points, count = sum(map(len, drawings)), len(drawings)
    sums = {part: found.parts[part].sum() for part in PARTS}
    assert found.total.sum() / points == pytest.approx(score["nats_per_point"], rel=1e-5)
    xy = sums[FIRST_POINT] + sums[PEN_DOWN] + sums[PEN_UP]
    assert xy / points == pytest.approx(score["xy"], rel=1e-5)
    assert sums[PEN_STATE] / points == pytest.approx(score["pen"], rel=1e-5)
    assert sums[END] / count == pytest.approx(score["eos_per_drawing"], rel=1e-5)
    assert sums[LATENT] / count == pytest.approx(score["kl_per_drawing"], rel=1e-5)


@MODELS
def test_each_offset_is_counted_under_what_it_is(name: str) -> None:
    """Worse targets for the jump alone must raise the part of the jumps and no other part of that drawing."""
    model, drawing = tiny_model(name, latent_size=0), wheels(1)[0]
    lift = int(np.flatnonzero(drawing[:, 2])[0])
    assert lift < len(drawing) - 2
    before = measure_likelihood(model, [drawing], scale=20.0)
    # The last offset of all is read by no other prediction than that of the end.
    for row, part in ((len(drawing) - 1, PEN_DOWN), (0, FIRST_POINT), (lift + 1, PEN_UP)):
        moved = drawing[: row + 1].copy()
        moved[-1, 2] = 1
        base = measure_likelihood(model, [moved], scale=20.0)
        moved[row, :2] += 900
        far = measure_likelihood(model, [moved], scale=20.0)
        changed = {
            name
            for name in (FIRST_POINT, PEN_DOWN, PEN_UP)
            if not np.allclose(far.parts[name], base.parts[name])
        }
        assert changed == {part}
        assert far.parts[part] > base.parts[part] + 5
    assert before.points.tolist() == [len(drawing)]


def test_order_and_company_of_drawings_do_not_matter() -> None:
    """Standard errors are over drawings: each must keep its own nats, whatever batch it was in."""
    model, drawings = tiny_model("sketch_transformer"), wheels(7)
    together = measure_likelihood(model, drawings, scale=20.0)
    assert len(set(together.total.round(6))) == 7
    # Same noise needs the same row: the first drawing is the one that can be scored alone.
    alone = measure_likelihood(model, drawings[:1], scale=20.0)
    assert alone.total[0] == pytest.approx(together.total[0], rel=1e-5)
    assert alone.given_nothing[0] == pytest.approx(together.given_nothing[0], rel=1e-5)


def test_units_of_another_scale_are_brought_to_the_one_that_is_asked_for() -> None:
    """The same density, told in other units, must give the same figure, or the model with the larger unit wins."""
    model, drawings = tiny_model("sketch_rnn"), wheels(6)
    own = measure_likelihood(model, drawings, scale=20.0)
    other = measure_likelihood(model, drawings, scale=16.0)
    points = own.points
    np.testing.assert_allclose(other.total - own.total, points * 2 * math.log(20 / 16), rtol=1e-4)
    np.testing.assert_array_equal(other.parts[PEN_STATE], own.parts[PEN_STATE])
    assert unit_shift(20.0, 20.0) == 0


def test_a_model_of_another_canvas_is_refused() -> None:
    with pytest.raises(ComparisonError, match="another canvas"):
        measure_likelihood(tiny_model("sketch_rnn"), wheels(2), scale=0.1)


def test_a_score_of_probabilities_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tokens have probabilities, not densities: beside each other the two would only look comparable."""
    model = tiny_model("sketch_transformer")
    monkeypatch.setattr(type(model), "score_kind", "probability")
    with pytest.raises(ComparisonError, match="probabilities"):
        measure_likelihood(model, wheels(2), scale=20.0)


def long_wheels(count: int) -> list[np.ndarray]:
    """Three wheels after another, so that much lies after the cut."""
    return [np.concatenate(wheels(3, seed=seed)) for seed in range(count)]


@MODELS
def test_given_the_first_half_is_what_the_whole_score_says_of_the_second(name: str) -> None:
    """Checked against the difference of two evaluations: of the whole drawing, and of its first half."""
    model, drawings = tiny_model(name, latent_size=0, max_points=80), long_wheels(3)
    found = measure_likelihood(model, drawings, scale=20.0)
    halves = [drawing[: len(drawing) // 2] for drawing in drawings]

    def nats(of: list[np.ndarray], row: int) -> float:
        only = measure_likelihood(model, of, scale=20.0)
        return float(only.total[row] - only.parts[END][row])

    # The noise of the first drawing is the same in both.
    assert found.given_half[0] == pytest.approx(nats(drawings, 0) - nats(halves, 0), rel=1e-4)
    assert found.half_points.tolist() == [len(one) - len(one) // 2 for one in drawings]
    assert found.far_points.tolist() == [len(one) - len(one) // 2 - SETTLED for one in drawings]
    assert (found.far_given_half < found.given_half).all()


@MODELS
def test_given_nothing_does_not_see_the_first_half_but_for_its_end(name: str) -> None:
    """Another first half that ends in the same place must change what is given it, and not what is given nothing."""
    model, drawing = tiny_model(name, latent_size=0, max_points=80), long_wheels(1)[0]
    other, cut = drawing.copy(), len(drawing) // 2
    other[1, :2] += 30
    other[cut - 3, :2] -= 30
    one, two = (measure_likelihood(model, [each], scale=20.0) for each in (drawing, other))
    assert one.given_nothing == pytest.approx(two.given_nothing, rel=1e-5)
    assert one.given_half != pytest.approx(two.given_half, rel=1e-5)


@MODELS
def test_given_nothing_knows_the_place_of_the_cut(name: str) -> None:
    """The position is kept: what is measured is the loss of the line, not of the place on the paper."""
    model, drawing = tiny_model(name, latent_size=0, max_points=80), long_wheels(1)[0]
    elsewhere = drawing.copy()
    elsewhere[0, :2] += 60
    one, two = (measure_likelihood(model, [each], scale=20.0) for each in (drawing, elsewhere))
    assert one.given_nothing != pytest.approx(two.given_nothing, rel=1e-4)


def test_the_shortest_drawing_has_a_second_half_and_nothing_far() -> None:
    model = tiny_model("sketch_rnn")
    found = measure_likelihood(model, [np.array([[3, 4, 1]], np.float32)], scale=20.0)
    assert (found.half_points.tolist(), found.far_points.tolist()) == ([1], [0])
    assert found.far_given_nothing.tolist() == [0]
    assert np.isfinite(found.total).all()


def test_the_same_model_gives_the_same_figures() -> None:
    model = tiny_model("sketch_transformer").train()
    torch.manual_seed(1)
    first = measure_likelihood(model, wheels(3), scale=20.0)
    torch.manual_seed(2)
    np.testing.assert_array_equal(measure_likelihood(model.train(), wheels(3), scale=20.0).total, first.total)
