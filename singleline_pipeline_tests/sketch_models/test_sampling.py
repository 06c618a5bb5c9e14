"""Drawing with a model: it must end, say whether it did, and mean the same at every temperature."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from singleline_pipeline.sketch_models import SketchModelError
from singleline_pipeline.sketch_models.sampling import PenClock, spherical_interpolation, varied

from .conftest import tiny_model, wheel, wheels


def always(model, pen: tuple[float, float, float]):
    """The model with fixed pen logits."""
    with torch.no_grad():
        model.head.linear.weight[-3:] = 0
        model.head.linear.bias[-3:] = torch.tensor(pen)
    return model


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_samples_are_stroke3_and_say_whether_they_ended(model):
    samples = model.sample(20, temperature=1.0, generator=seeded())
    assert len(samples) == 20
    for sample in samples:
        assert sample.stroke3.dtype == np.float32
        assert sample.stroke3.shape[1] == 3
        assert 1 <= len(sample.stroke3) <= model.config.max_points
        assert np.isfinite(sample.stroke3).all()
        assert set(np.unique(sample.stroke3[:, 2])) <= {0.0, 1.0}
        assert sample.stroke3[-1, 2] == 1
        assert sample.ended or len(sample.stroke3) == model.config.max_points
    assert any(sample.ended for sample in samples)


def test_a_model_that_never_ends_is_stopped_and_not_said_to_have_ended(model):
    samples = always(model, (0.0, 0.0, -50.0)).sample(3, max_points=12, generator=seeded())
    assert [len(sample.stroke3) for sample in samples] == [12, 12, 12]
    assert not any(sample.ended for sample in samples)


def test_a_drawing_that_ends_on_the_last_point_allowed_has_ended(model):
    samples = always(model, (-50.0, -50.0, 50.0)).sample(3, max_points=1, generator=seeded())
    assert all(sample.ended and len(sample.stroke3) == 1 for sample in samples)


def test_a_drawing_has_a_point_though_the_model_would_end_at_once(model):
    samples = always(model, (0.0, 0.0, 50.0)).sample(3, generator=seeded())
    assert all(sample.ended and len(sample.stroke3) == 1 for sample in samples)


@pytest.mark.parametrize("temperature", [0.1, 0.4, 1.0])
def test_the_end_comes_as_often_as_the_model_says_at_every_temperature(model, temperature):
    """Sharpened step by step, an end that has a probability of 1/20 at each step would come never at 0.1."""
    always(model, (0.0, -50.0, float(-np.log(19))))
    samples = model.sample(400, temperature=temperature, max_points=300, generator=seeded())
    lengths = np.array([len(sample.stroke3) for sample in samples])
    assert all(sample.ended for sample in samples)
    assert lengths.mean() == pytest.approx(20, abs=2)
    assert lengths.std() == pytest.approx({0.1: 2.5, 0.4: 8.3, 1.0: 19.5}[temperature], rel=0.2)


def test_the_pen_lifts_as_often_as_the_model_says_when_it_is_cold(model):
    always(model, (0.0, float(-np.log(9)), -50.0))
    samples = model.sample(50, temperature=0.1, max_points=200, generator=seeded())
    strokes = np.mean([sample.stroke3[:, 2].sum() for sample in samples])
    assert strokes == pytest.approx(200 / 10, rel=0.15)


def test_pen_clock_at_temperature_one_is_a_draw_at_every_step():
    n = 20_000
    clock = PenClock(n, 1.0, seeded(), torch.device("cpu"))
    everyone = torch.arange(n)
    first = clock.strikes(everyone, torch.full((n,), 0.2))
    left = everyone[~first]
    second = clock.strikes(left, torch.full((len(left),), 0.5))
    assert float(first.float().mean()) == pytest.approx(0.2, abs=0.01)
    assert float(second.float().mean()) == pytest.approx(0.5, abs=0.01)


def test_cold_samples_hardly_differ(model):
    """At 0.01 two seeds draw nearly the same line from the same latent; at 1 they do not."""
    z = torch.zeros(1, 6)
    # An untrained model's components weigh nearly the same, and are wider than a step is long: no direction is alike.
    components = model.config.components
    model.head.linear.bias.data[0] += 1.0
    model.head.linear.bias.data[3 * components : 5 * components] -= 4.0

    def positions(temperature: float, seed: int) -> np.ndarray:
        (sample,) = model.sample(1, temperature=temperature, generator=seeded(seed), z=z)
        return sample.stroke3[:, :2].cumsum(0)

    cold, again = positions(0.01, 1), positions(0.01, 2)
    assert len(cold) == len(again)
    assert np.abs(cold[:3] - again[:3]).max() < 0.1 * model.config.scale
    warm, other = positions(1.0, 1), positions(1.0, 2)
    assert np.abs(warm[:1] - other[:1]).max() > np.abs(cold[:1] - again[:1]).max()


def test_the_same_generator_draws_the_same(model):
    first, second = (model.sample(4, generator=seeded(5)) for _ in range(2))
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one.stroke3, other.stroke3)
    third = model.sample(4, generator=seeded(6))
    assert any(
        len(one.stroke3) != len(other.stroke3) or (one.stroke3 != other.stroke3).any()
        for one, other in zip(first, third, strict=True)
    )


def test_sampling_leaves_the_global_generator_alone(model):
    before = torch.get_rng_state()
    model.sample(3)
    assert torch.equal(torch.get_rng_state(), before)


def test_completions_begin_with_what_was_drawn(model):
    begun = wheel(np.random.default_rng(2))[:6]
    samples = always(model, (0.0, 0.0, -3.0)).sample(5, prefix=begun, generator=seeded())
    for sample in samples:
        np.testing.assert_array_equal(sample.stroke3[:5], begun[:5])
        np.testing.assert_array_equal(sample.stroke3[5, :2], begun[5, :2])
        assert len(sample.stroke3) >= 6


def test_a_completion_sees_the_prefix(model):
    """The cache is filled with the prefix: another beginning is gone on with in another way."""
    one, other = wheels(2, seed=3)
    drawn = [
        model.sample(
            1, temperature=0.01, prefix=prefix[:6], z=torch.zeros(1, 6), max_points=8, generator=seeded()
        )
        for prefix in (one, other)
    ]
    ends = [samples[0].stroke3[6:, :2] for samples in drawn]
    assert len(ends[0]) != len(ends[1]) or not np.allclose(ends[0], ends[1], atol=1e-3)


def test_reconstruction_and_interpolation_take_their_latents_from_the_drawings(model, monkeypatch):
    drawings, drawn = wheels(3), []
    monkeypatch.setattr(type(model), "sample", lambda self, n, **how: drawn.append((n, how["z"])) or [])
    latents = model.encode(drawings)
    model.reconstruct(drawings, generator=seeded())
    model.interpolate(drawings[0], drawings[1], 5, generator=seeded())
    way = spherical_interpolation(latents[0], latents[1], 5)
    torch.testing.assert_close(way[[0, -1]], latents[:2])
    for (n, z), expected in zip(drawn, (latents, way), strict=True):
        assert n == len(expected)
        torch.testing.assert_close(z, expected)


def test_a_model_in_training_goes_on_in_training_after_it_drew(model):
    """A sheet of samples in the middle would switch dropout off for the rest of an epoch."""
    model.train()
    model.sample(2, max_points=5, generator=seeded())
    model.encode(wheels(2))
    assert all(module.training for module in model.modules())


def test_variability_goes_from_the_drawing_to_any_drawing():
    """Half way there, a latent is still as likely under the prior as either end."""
    latent = torch.randn(2000, 16, generator=seeded(1))
    assert torch.equal(varied(latent, 0.0, seeded()), latent)
    for variability, kept in ((0.5, 0.5**0.5), (1.0, 0.0)):
        other = varied(latent, variability, seeded())
        assert float(other.std()) == pytest.approx(1.0, abs=0.02)
        assert float((other * latent).mean()) == pytest.approx(kept, abs=0.02)
        assert torch.equal(other, varied(latent, variability, seeded()))
    with pytest.raises(SketchModelError, match="between 0 and 1"):
        varied(latent, 1.2, seeded())


def test_a_variable_reconstruction_is_another_drawing(model):
    """What the slider is for: at 0 the dice change nothing but the line, at 1 the latent is drawn anew."""
    drawings = wheels(2)
    calm, other, free = (
        model.reconstruct(drawings, temperature=0.01, variability=variability, generator=seeded())[0].stroke3
        for variability in (0.0, 0.0, 1.0)
    )
    assert np.array_equal(calm, other)
    assert not np.array_equal(calm, free)


def test_interpolation_is_spherical():
    """Between two Gaussian latents a straight line passes near zero, where no drawing is."""
    torch.manual_seed(0)
    first, second = torch.randn(2, 64)
    path = spherical_interpolation(first, second, 7)
    torch.testing.assert_close(path[0], first)
    torch.testing.assert_close(path[-1], second)
    assert path.norm(dim=1).min() > 0.95 * min(first.norm(), second.norm())
    torch.testing.assert_close(spherical_interpolation(first, first, 3), first.expand(3, 64))
    assert torch.isfinite(spherical_interpolation(first, -first, 4)).all()


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"n": 0}, "at least one"),
        ({"n": 2, "temperature": 0.0}, "temperature is 0"),
        ({"n": 2, "temperature": 1.5}, "temperature is 1.5"),
        ({"n": 2, "max_points": 0}, "0 points"),
        ({"n": 2, "max_points": 4, "prefix": np.ones((4, 3))}, "the prefix has 4"),
        ({"n": 2, "prefix": np.ones((4, 2))}, "prefix drawing 0 has shape"),
        ({"n": 2, "z": torch.zeros(3, 6)}, r"z has shape \(3, 6\)"),
    ],
)
def test_senseless_requests_are_refused_in_words(wrong, says):
    with pytest.raises(SketchModelError, match=says):
        tiny_model("sketch_rnn").sample(**wrong)
