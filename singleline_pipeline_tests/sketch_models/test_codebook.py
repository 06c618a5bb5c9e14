"""The codebook: codes of both pen states, as many as there are, and the same again."""

from __future__ import annotations

import numpy as np
import pytest

from singleline_pipeline.sketch_models import DatasetError, fit_codebook

from .conftest import wheels


def test_pen_states_have_codes_of_their_own_and_every_point_is_counted():
    drawings = wheels(60)
    book = fit_codebook(drawings, down=20, up=5)
    rows = np.concatenate(drawings)
    assert len(book) == 25
    assert book.lifts.tolist() == [False] * 20 + [True] * 5
    assert book.counts[~book.lifts].sum() == (rows[:, 2] == 0).sum()
    assert book.counts[book.lifts].sum() == (rows[:, 2] == 1).sum()
    assert (np.diff(book.counts[:20]) <= 0).all()


def test_centroids_are_the_means_of_what_they_stand_for():
    drawings = wheels(60)
    book = fit_codebook(drawings, down=20, up=5)
    rows = np.concatenate(drawings)
    down = rows[rows[:, 2] == 0, :2]
    centroids = book.centroids[~book.lifts]
    nearest = np.linalg.norm(down[:, None] - centroids[None], axis=2).argmin(axis=1)
    for code, centroid in enumerate(centroids):
        np.testing.assert_allclose(down[nearest == code].mean(axis=0), centroid, atol=0.3)


def test_few_data_have_few_codes():
    square = np.array([[5, 0, 0], [0, 5, 0], [5, 0, 0], [-5, -5, 1]], float)
    book = fit_codebook([square])
    assert len(book) == 3
    assert sorted(book.counts.tolist()) == [1, 1, 2]
    only_up = fit_codebook([np.array([[3, 4, 1]], float)])
    np.testing.assert_array_equal(only_up.centroids, [[3, 4]])
    assert only_up.lifts.all()


def test_a_fit_depends_on_data_and_seed_alone():
    first, second = (fit_codebook(wheels(60), 12, 4, seed=2) for _ in range(2))
    np.testing.assert_array_equal(first.centroids, second.centroids)


def test_nothing_to_fit_is_said_so():
    with pytest.raises(DatasetError, match="no drawings"):
        fit_codebook([])
    with pytest.raises(DatasetError, match="codebook drawing 1 is empty"):
        fit_codebook([wheels(1)[0], np.zeros((0, 3))])
    with pytest.raises(DatasetError, match="both pen states"):
        fit_codebook(wheels(2), down=0)
