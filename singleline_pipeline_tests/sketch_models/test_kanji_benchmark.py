"""The public benchmark is run by hand: here, that its data are what it says, and its table is whole."""

from __future__ import annotations

import numpy as np

from singleline_pipeline.sketch_models.drawings import check_drawings
from singleline_pipeline_tests.benchmarks.kanji import EPSILON, is_kanji, kanji_dataset, split_of, table
from singleline_pipeline_tests.kanjivg import kanji_files, paths_in


def test_the_splits_hold_each_kanji_once_and_always_the_same_ones():
    """A variant of a character on the other side would be as good as the drawing itself."""
    kanji = [file for file in kanji_files() if is_kanji(file)]
    assert len({file.stem for file in kanji}) == len(kanji) > 6000
    shares = [
        sum(split_of(file) == split for file in kanji) / len(kanji) for split in ("train", "valid", "test")
    ]
    np.testing.assert_allclose(shares, [0.8, 0.1, 0.1], atol=0.02)
    assert split_of(kanji[0].with_name("04e00.svg")) == "train"
    assert split_of(kanji[0].with_name("04e0d.svg")) == split_of(kanji[0].parent / "elsewhere" / "04e0d.svg")


def test_a_kanji_is_drawn_stroke_by_stroke_on_the_usual_canvas():
    files = [file for file in kanji_files() if is_kanji(file)][:60]
    splits = kanji_dataset([*files, kanji_files()[0]])  # the last one is an exclamation mark
    drawings = [drawing for split in splits.values() for drawing in split]
    assert len(drawings) == len(files)
    check_drawings(drawings, "kanji")
    strokes = sorted(int(drawing[:, 2].sum()) for drawing in drawings)
    assert strokes == sorted(paths_in(file.read_bytes()) for file in files)
    sides = [np.ptp(drawing[:, :2].cumsum(axis=0), axis=0).max() for drawing in drawings]
    np.testing.assert_allclose(sides, 200, atol=2 * EPSILON)  # simplified at both ends


def test_the_table_has_a_row_for_each_model():
    row = {
        "model": "sketch_rnn", "seconds": 360.0, "seed": 0, "steps": 700, "valid": 2.0, "ended": 0.97,
        "test": {"nats_per_point": 2.125, "xy": 2.0, "pen": 0.1, "kl_per_drawing": 6.25},
        "median_points": 41.0, "median_points_of_test": 40.0,
    }  # fmt: skip
    head, rule, *rows = table([row, row]).splitlines()
    assert len(rows) == 2
    assert head.count("|") == rule.count("|") == rows[0].count("|")
    assert "**2.125**" in rows[0]
    assert "97%" in rows[0]
