"""Variants of drawings: the pen must stay right, and nothing may change that was not asked for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from singleline_pipeline.geometry import from_stroke3, reverse_stroke3
from singleline_pipeline.sketch_models import (
    AugmentationSettings,
    DatasetError,
    TrainSettings,
    augment_drawing,
)

from .conftest import wheels

NOTHING = AugmentationSettings(0.0, 1.0, 0.0, 0.0)


@st.composite
def drawings(draw: st.DrawFn) -> np.ndarray:
    """Stroke-3 of 1 to 5 strokes of 1 to 9 points."""
    lengths = draw(st.lists(st.integers(1, 9), min_size=1, max_size=5))
    seed = draw(st.integers(0, 2**16))
    rows = np.zeros((sum(lengths), 3), np.float32)
    rows[:, :2] = np.random.default_rng(seed).integers(-20, 21, (len(rows), 2))
    rows[np.cumsum(lengths) - 1, 2] = 1
    return rows


@given(drawings(), st.integers(0, 999))
@settings(max_examples=60, deadline=None)
def test_a_variant_is_a_drawing_of_as_many_strokes(drawing, seed):
    variant, record = augment_drawing(drawing, np.random.default_rng(seed), AugmentationSettings())
    assert variant.dtype == np.float32
    assert np.isfinite(variant).all()
    before, after = from_stroke3(drawing), from_stroke3(variant)
    assert len(after) == len(before)
    assert variant[-1, 2] == 1
    if record.reversed:
        after = [stroke[::-1] for stroke in after[::-1]]
    for old, new in zip(before, after, strict=True):
        assert min(len(old), 2) <= len(new) <= len(old)
    corner = np.concatenate(before).min(axis=0)
    np.testing.assert_allclose(np.concatenate(after).min(axis=0), corner, atol=1e-3)


@given(drawings(), st.integers(0, 999))
@settings(max_examples=60, deadline=None)
def test_stretch_and_warp_keep_points_pens_and_their_order(drawing, seed):
    """They move points and nothing else: as many, finite, in the same strokes, none far from where it was."""
    settings_ = AugmentationSettings(0.0, 1.0, 0.0, 0.0, max_stretch=0.3, max_warp=0.1)
    variant, record = augment_drawing(drawing, np.random.default_rng(seed), settings_)
    assert np.isfinite(variant).all()
    np.testing.assert_array_equal(
        variant[:, 2], np.where(np.arange(len(drawing)) == len(drawing) - 1, 1, drawing[:, 2])
    )
    assert abs(record.stretch) <= 0.3
    assert 0 <= record.warp <= 0.1
    before = drawing[:, :2].cumsum(axis=0, dtype=np.float64)
    after = variant[:, :2].cumsum(axis=0, dtype=np.float64)
    np.testing.assert_allclose(after.min(axis=0), before.min(axis=0), atol=1e-3)
    side = np.ptp(before, axis=0).max()
    # The stretch about the corner, and twice the amplitude: the corner itself moved too.
    stretched = (before - before.min(axis=0)) * np.exp([record.stretch, -record.stretch])
    moved = np.abs(after - after.min(axis=0) - stretched).max()
    assert moved <= 2 * record.warp * side * np.exp(0.3) + 1e-3


@given(st.integers(0, 999))
@settings(max_examples=40, deadline=None)
def test_a_warp_folds_nothing(seed):
    """A fine grid stays a grid: every cell keeps its orientation, or lines would cross that did not."""
    x, y = np.meshgrid(np.arange(30.0), np.arange(30.0))
    points = np.stack([x.ravel(), y.ravel()], 1)
    grid = np.zeros((900, 3), np.float32)
    grid[:, :2] = np.diff(points, axis=0, prepend=np.zeros((1, 2)))
    settings_ = AugmentationSettings(0.0, 1.0, 0.0, 0.0, max_warp=0.1)
    variant, record = augment_drawing(grid, np.random.default_rng(seed), settings_)
    cells = variant[:, :2].cumsum(axis=0, dtype=np.float64).reshape(30, 30, 2)
    right, down = cells[:-1, 1:] - cells[:-1, :-1], cells[1:, :-1] - cells[:-1, :-1]
    assert (right[..., 0] * down[..., 1] - right[..., 1] * down[..., 0]).min() > 0
    assert record.stretch == 0


@given(drawings())
@settings(max_examples=40, deadline=None)
def test_mirrored_twice_is_the_drawing_itself(drawing):
    """Left and right change places, on the same spot, and neither pen nor order is touched."""
    mirror = AugmentationSettings(0.0, 1.0, 0.0, 0.0, mirrored_share=1.0)
    once, record = augment_drawing(drawing, np.random.default_rng(0), mirror)
    assert record.mirrored
    np.testing.assert_array_equal(once[1:, 0], -drawing[1:, 0])
    np.testing.assert_array_equal(once[:, 1], drawing[:, 1])
    twice, _ = augment_drawing(once, np.random.default_rng(0), mirror)
    np.testing.assert_allclose(twice[:, :2], drawing[:, :2], atol=1e-4)


def test_what_is_off_changes_no_variant_and_what_is_on_is_another_training():
    """Stretch, warp and mirror draw no numbers where they are off: variants are what they were before them."""
    drawing = wheels(1)[0]
    plain, _ = augment_drawing(drawing, np.random.default_rng(4), AugmentationSettings())
    off, _ = augment_drawing(
        drawing, np.random.default_rng(4), AugmentationSettings(max_stretch=0.0, mirrored_share=0.0)
    )
    on, record = augment_drawing(
        drawing, np.random.default_rng(4), AugmentationSettings(max_stretch=0.2, max_warp=0.05)
    )
    np.testing.assert_array_equal(plain, off)
    assert record.stretch != 0
    assert record.warp > 0
    assert on.tobytes() != plain.tobytes()

    def identity(**augmentation: float) -> str:
        return TrainSettings(augmentation=AugmentationSettings(**augmentation)).identity("sketch_rnn")

    assert identity() == identity(max_stretch=0.0)
    changed = [identity(max_stretch=0.1), identity(max_warp=0.1), identity(mirrored_share=0.1)]
    assert len({identity(), *changed}) == 4


@given(drawings())
@settings(max_examples=40, deadline=None)
def test_nothing_asked_for_is_nothing_done(drawing):
    variant, record = augment_drawing(drawing, np.random.default_rng(0), NOTHING)
    np.testing.assert_allclose(variant, drawing, atol=1e-4)
    assert not record.reversed
    assert record.scale == 1
    assert record.rotation_degrees == 0


@given(drawings())
@settings(max_examples=40, deadline=None)
def test_reversal_is_the_one_of_the_geometry(drawing):
    """The original reversed the rows, and the pen flags with them, so strokes ran into each other."""
    settings_ = AugmentationSettings(0.0, 1.0, 0.0, 1.0)
    variant, record = augment_drawing(drawing, np.random.default_rng(0), settings_)
    assert record.reversed
    np.testing.assert_allclose(variant, reverse_stroke3(drawing), atol=1e-3)


def test_rotation_and_scale_are_what_the_record_says():
    drawing = wheels(1)[0]
    rng = np.random.default_rng(5)
    variant, record = augment_drawing(drawing, rng, AugmentationSettings(15.0, 1.2, 0.0, 0.0))
    assert abs(record.rotation_degrees) <= 15
    assert 1 <= record.scale <= 1.2
    inner = variant[1:, :2].astype(float) @ np.array([1, 1j])
    before = drawing[1:, :2].astype(float) @ np.array([1, 1j])
    # y points down: a turn of the complex plane by a positive angle is clockwise on the page.
    turn = record.scale * np.exp(1j * np.deg2rad(record.rotation_degrees))
    np.testing.assert_allclose(inner, before * turn, atol=1e-3)


def test_dropping_spares_the_ends_of_strokes_and_keeps_the_rest_in_place():
    rows = np.zeros((200, 3), np.float32)
    rows[:, :2] = np.random.default_rng(1).integers(-5, 6, (200, 2))
    rows[[99, 199], 2] = 1
    settings_ = AugmentationSettings(0.0, 1.0, 0.9, 0.0)
    variant, record = augment_drawing(rows, np.random.default_rng(3), settings_)
    kept = 2 + (len(variant) - 4) / 196 * 2
    assert record.drop_probability > 0.2
    assert (len(variant) - 4) / 196 == pytest.approx(1 - record.drop_probability, abs=0.12), kept
    for old, new in zip(from_stroke3(rows), from_stroke3(variant), strict=True):
        shift = new[0] - old[0]
        np.testing.assert_allclose(new[-1] - old[-1], shift, atol=1e-3)
        places = {tuple(point) for point in np.round(old).astype(int)}
        assert {tuple(point) for point in np.round(new - shift).astype(int)} <= places


def test_the_same_generator_makes_the_same_variant():
    drawing = wheels(1)[0]
    first, second, third = (
        augment_drawing(drawing, np.random.default_rng([7, 1, index]), AugmentationSettings())
        for index in (0, 0, 1)
    )
    np.testing.assert_array_equal(first[0], second[0])
    assert first[1] == second[1] != third[1]


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"max_rotation": 200.0}, "max_rotation is 200"),
        ({"max_scale": 0.5}, "max_scale is 0.5"),
        ({"max_drop": 1.0}, "max_drop is 1"),
        ({"reversed_share": -0.1}, "reversed_share is -0.1"),
        ({"max_stretch": 2.0}, "max_stretch is 2"),
        ({"max_warp": 0.2}, "max_warp is 0.2"),
    ],
)
def test_settings_out_of_bounds_are_refused(wrong, says):
    with pytest.raises(DatasetError, match=says):
        AugmentationSettings(**wrong)
