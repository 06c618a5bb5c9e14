"""Models side by side: what is found, what is left out and why, and the same again from the same seed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from singleline_pipeline.comparison import (
    Comparison,
    ComparisonError,
    ComparisonSettings,
    as_json,
    compare_folders,
    compare_models,
    current_models,
    write_report,
)
from singleline_pipeline.comparison.compare import HELD_OUT, TRAIN
from singleline_pipeline.comparison.report import report_html, report_markdown, samples_sheet, score_markdown
from singleline_pipeline.geometry import save_npz
from singleline_pipeline.sketch_models import (
    SketchModelError,
    SketchTransformer,
    SketchTransformerConfig,
    evaluate,
    fit_codebook,
)
from singleline_pipeline.sketch_models.folders import save_model
from singleline_pipeline.sketch_models.sampling import Sample
from singleline_pipeline.sketch_models.sketch_model import SketchModel
from singleline_pipeline_tests.sketch_models.conftest import TINY, tiny_model, wheels

SETTINGS = ComparisonSettings(temperatures=(0.4, 0.8), samples=20, limit=30, pictures=4, pairs=2, seed=3)
NAMES = ("sketch_rnn", "sketch_transformer")


def token_model() -> SketchModel:
    """The transformer's token variant, whose score is of probabilities."""
    sizes = TINY["sketch_transformer"] | {"scale": 20.0, "canvas": 120.0, "max_points": 30, "tokens": 120}
    codebook = fit_codebook(list(TRAINING.values()), 120).to_config()
    return SketchTransformer(SketchTransformerConfig(**sizes, codebook=codebook)).eval()


def named(drawings: list[np.ndarray], kind: str) -> dict[str, np.ndarray]:
    return {f"{kind}{number:02d}": drawing for number, drawing in enumerate(drawings)}


TRAINING, OTHERS = named(wheels(40), "t"), named(wheels(24, seed=1), "h")


@pytest.fixture(scope="module")
def whole() -> Comparison:
    """Two untrained models on drawings enough for everything."""
    models = {name: tiny_model(name) for name in NAMES}
    return compare_models(models, TRAINING, OTHERS, SETTINGS, dataset_fingerprint="these")


def test_every_figure_is_there_for_both_models(whole: Comparison) -> None:
    """What the report promises, for each model and temperature, with a spread."""
    for name in NAMES:
        for metric, part in (("nats_per_point", "total"), ("long_range", "gain")):
            assert whole.find(name, metric, part) is not None
        for part in ("to_source", "to_others", "source_is_nearest"):
            assert np.isfinite(whole.find(name, "reconstruction", part).value)
        for temperature in SETTINGS.temperatures:
            for metric, part in (
                ("endings", "ended"), ("endings", "points"), ("endings", "strokes"), ("two_sample", "frechet"),
                ("two_sample", "precision"), ("two_sample", "recall"), ("copying", "lines"), ("copying", "vectors"),
                ("copying", "lines_suspected"), ("copying", "vectors_suspected"),
            ):  # fmt: skip
                found = whole.find(name, metric, part, temperature)
                assert found is not None, (name, metric, part)
                assert np.isfinite([found.value, found.spread]).all()
    for part in ("frechet", "precision", "recall"):
        assert whole.find(TRAIN, "two_sample", part) is not None
    assert whole.find(HELD_OUT, "endings", "points").value == np.median([len(one) for one in OTHERS.values()])
    keys = [(one.model, one.metric, one.part, one.temperature) for one in whole.figures]
    assert len(keys) == len(set(keys))


def test_totals_are_those_of_evaluate_and_the_difference_is_paired(whole: Comparison) -> None:
    scores = {
        name: compare_scale(evaluate(tiny_model(name), list(OTHERS.values()), seed=3), name) for name in NAMES
    }
    for name in NAMES:
        assert whole.find(name, "nats_per_point", "total").value == pytest.approx(scores[name], rel=1e-5)
    difference = whole.find("sketch_transformer - sketch_rnn", "nats_per_point", "total")
    expected = scores["sketch_transformer"] - scores["sketch_rnn"]
    assert difference.value == pytest.approx(expected, rel=1e-4)
    assert difference.low < difference.value < difference.high


def compare_scale(score: dict[str, float], name: str) -> float:
    """A score in the units of the train drawings, which are not those of the untrained models."""
    from singleline_pipeline.sketch_models.drawings import offset_scale

    scale = offset_scale(list(TRAINING.values()))
    return score["nats_per_point"] + 2 * np.log(tiny_model(name).config.scale / scale)


def test_what_the_models_learned_from_is_told_where_it_is_not_these_drawings(whole: Comparison) -> None:
    """Held-out drawings that a model has learned make every figure a lie."""
    assert sum("did not learn from these 40 train drawings" in note for note in whole.notes) == 2
    model = tiny_model("sketch_rnn")
    model.config.dataset_fingerprint = "these"
    few = ComparisonSettings(temperatures=(0.4,), samples=1)
    said = compare_models({"a": model}, TRAINING, OTHERS, few, dataset_fingerprint="these").notes
    assert not any("did not learn" in note for note in said)


def test_the_same_seed_gives_the_same_comparison_and_each_model_stands_alone(whole: Comparison) -> None:
    """What one model scores must not depend on what it is compared with."""
    models, once = (
        {"sketch_transformer": tiny_model("sketch_transformer")},
        replace(SETTINGS, temperatures=(0.4,)),
    )
    alone = compare_models(models, TRAINING, OTHERS, once)
    for figure in alone.figures:
        same = whole.find(figure.model, figure.metric, figure.part, figure.temperature)
        assert figure.estimate == same, figure


def test_with_few_drawings_the_rest_is_left_out_and_said() -> None:
    """A new sketchbook has three held-out drawings: their scores are worth something, a Fréchet distance is not."""
    models = {"sketch_rnn": tiny_model("sketch_rnn", latent_size=0)}
    found = compare_models(models, TRAINING, dict(list(OTHERS.items())[:3]), SETTINGS)
    assert found.find("sketch_rnn", "nats_per_point", "total").n == 3
    assert found.find("sketch_rnn", "nats_per_point", "latent").value == 0
    assert not any(figure.metric in ("two_sample", "copying") for figure in found.figures)
    [why] = [note for note in found.notes if "Fréchet" in note]
    assert "there are 3 held-out drawings, and at least 20 are needed" in why
    assert any("has no latent" in note for note in found.notes)


def test_without_held_out_drawings_the_samples_are_still_looked_at() -> None:
    found = compare_models({"sketch_rnn": tiny_model("sketch_rnn")}, TRAINING, {}, SETTINGS)
    assert {figure.metric for figure in found.figures} == {"endings", "closing"}
    assert any("no drawing is held out" in note for note in found.notes)
    assert report_html(found)
    assert samples_sheet(found, 0.4)


def test_nothing_to_compare_is_an_error() -> None:
    with pytest.raises(ComparisonError, match="no model"):
        compare_models({}, TRAINING, OTHERS)
    with pytest.raises(ComparisonError, match="no drawings"):
        compare_models({"a": tiny_model("sketch_rnn")}, {}, {})


def test_a_model_of_probabilities_or_of_another_canvas_keeps_its_samples() -> None:
    """The likelihoods cannot stand side by side; what is drawn can."""
    models = {"tokens": token_model(), "small": tiny_model("sketch_rnn", scale=0.05)}
    few = dict(list(OTHERS.items())[:4])
    found = compare_models(models, TRAINING, few, SETTINGS)
    assert not any(figure.metric in ("nats_per_point", "long_range") for figure in found.figures)
    [tokens] = [note for note in found.notes if "The score of tokens is left out. " in note]
    assert "probabilities" in tokens
    assert f"{evaluate(models['tokens'], list(few.values()), seed=3)['token_nats_per_point']:.3f}" in tokens
    assert any(
        "The score of small is left out. " in note and "another canvas" in note for note in found.notes
    )
    for name in models:
        assert found.find(name, "endings", "ended", 0.4) is not None


def test_reconstructions_are_compared_with_what_they_are_of(monkeypatch: pytest.MonkeyPatch) -> None:
    """A latent that is not used gives drawings like any other; one that says everything, the drawing itself."""
    model = tiny_model("sketch_rnn")
    settings = ComparisonSettings(temperatures=(0.4,), samples=24)
    shift = {"true": 0, "mixed up": 1}
    found = {}
    for name, by in shift.items():

        def again(self: SketchModel, drawings: list[np.ndarray], by: int = by, **_: object) -> list[Sample]:
            return [Sample(drawings[(row + by) % len(drawings)], True) for row in range(len(drawings))]

        monkeypatch.setattr(type(model), "reconstruct", again)
        found[name] = compare_models({"it": model}, TRAINING, OTHERS, settings)
    true, mixed = (found[name].find("it", "reconstruction", "to_source").value for name in shift)
    assert true == 0 < mixed
    assert found["true"].find("it", "reconstruction", "source_is_nearest").value == 1
    assert found["mixed up"].find("it", "reconstruction", "source_is_nearest").value == 0
    assert "Drawn again" in report_html(found["true"])


def test_a_held_out_drawing_that_was_learned_too_does_not_hide_copies(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The distance that samples are held against is then 0, which is that of a copy."""
    model = tiny_model("sketch_rnn")
    learned = list(TRAINING.values())
    monkeypatch.setattr(
        type(model), "sample", lambda self, n, **_: [Sample(learned[row % 40], True) for row in range(n)]
    )
    both = dict(list(TRAINING.items())[:2]) | OTHERS
    settings = ComparisonSettings(temperatures=(0.4,), samples=26)
    found = compare_models({"parrot": model}, TRAINING, both, settings)
    assert found.find(HELD_OUT, "copying", "lines_limit").value == 0
    assert found.find("parrot", "copying", "lines_suspected", 0.4).value == 1


def test_a_model_that_copies_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """The search is for models that draw train drawings again; this one does nothing else."""
    model = tiny_model("sketch_rnn")
    learned = list(TRAINING.values())
    copies = [Sample(learned[row % 40] * np.float32([1.5, 1.5, 1]), True) for row in range(20)]
    monkeypatch.setattr(type(model), "sample", lambda self, n, **options: copies[:n])
    settings = ComparisonSettings(temperatures=(0.4,), samples=20, pairs=2)
    found = compare_models({"parrot": model}, TRAINING, OTHERS, settings)
    assert found.find("parrot", "copying", "lines_suspected", 0.4).value == 1
    assert found.find("parrot", "copying", "vectors_suspected", 0.4).value == 1
    for pair in found.pairs:
        assert pair.distance <= pair.limit
        np.testing.assert_array_equal(pair.train, TRAINING[pair.train_name])
        assert len(pair.sample) == len(pair.train)
    assert "suspected" in report_html(found)


# the report


def test_the_report_shows_everything_and_loads_nothing(whole: Comparison) -> None:
    page = report_html(whole)
    assert page.startswith("<!doctype html>")
    assert "<script" not in page
    assert "http://" not in page.replace("http://www.w3.org/2000/svg", "")
    assert "https://" not in page
    # Four held-out drawings and four of each model at two temperatures, and two pictures for each nearest pair.
    assert page.count("<svg") == 2 * 3 * 4 + 2 * len(whole.pairs)
    assert len(whole.pairs) >= 8
    for words in ("offsets of the line", "what the first half saves", "Fréchet distance", "suspected copies"):
        assert words in page
    assert page == report_html(whole)


def test_the_drawings_of_the_report_are_named(whole: Comparison) -> None:
    """A page that is made private is looked for by its name in everything that was written."""
    page = report_html(whole)
    shown = {name for name in OTHERS if f"<title>{name}</title>" in page}
    assert len(shown) == SETTINGS.pictures
    for pair in whole.pairs:
        assert f"<title>{pair.train_name}</title>" in page


def test_the_markdown_report_has_the_same_tables(whole: Comparison) -> None:
    text = report_markdown(whole)
    assert score_markdown(whole).splitlines()[0] in text
    assert text.count("data:image/svg+xml") == 2 * 3 * 4 + 2 * len(whole.pairs)


def test_a_report_is_written_whole_as_one_of_two_kinds(whole: Comparison, tmp_path: Path) -> None:
    file = write_report(whole, tmp_path / "new" / "report.html", title="Mine & <yours>")
    assert "Mine &amp; &lt;yours&gt;" in file.read_text("utf-8")
    assert write_report(whole, tmp_path / "report.md").read_text("utf-8").startswith("# Models compared")
    with pytest.raises(ComparisonError, match=r"\.html or \.md"):
        write_report(whole, tmp_path / "report.pdf")
    assert {one.name for one in tmp_path.iterdir()} == {"new", "report.md"}


def test_the_sheet_for_the_user_interface_is_small(whole: Comparison) -> None:
    sheet = samples_sheet(whole, 0.4)
    assert sheet[:4] == b"\x89PNG"
    assert len(sheet) < 74_000


def test_headline_figures_are_of_one_temperature(whole: Comparison) -> None:
    said = whole.headline(SETTINGS.headline)
    assert SETTINGS.headline == 0.8
    assert said["sketch_rnn_recall"] == whole.find("sketch_rnn", "two_sample", "recall", 0.8).value
    assert {name.removeprefix("sketch_rnn_") for name in said if name.startswith("sketch_rnn_")} >= {
        "nats_per_point", "frechet", "precision", "recall", "suspected_copies", "ended",
    }  # fmt: skip


# folders


@pytest.fixture
def folder(tmp_path: Path) -> Callable[..., Path]:
    def make(name: str, kind: str = "sketch_rnn") -> Path:
        save_model(tiny_model(kind), tmp_path / name)
        return tmp_path / name

    return make


def test_folders_are_named_by_what_they_hold_or_else_by_themselves(
    folder: Callable[..., Path], tmp_path: Path
) -> None:
    """Two runs of the same model are what one compares after changing a setting."""
    save_npz(tmp_path / "d.npz", {"train": list(TRAINING.values()), "valid": list(OTHERS.values())[:3]})
    quick = ComparisonSettings(temperatures=(0.4,), samples=2)

    def names(*folders: Path) -> list[str]:
        return compare_folders(folders, tmp_path / "d.npz", settings=quick).models

    assert names(folder("a"), folder("b", "sketch_transformer")) == ["sketch_rnn", "sketch_transformer"]
    assert names(folder("a"), folder("c")) == ["a", "c"]
    with pytest.raises(ComparisonError, match="twice"):
        names(folder("a"), folder("a"))


@pytest.mark.parametrize(
    ("split", "says"), [("train", "learned from the train split"), ("test", "holds train")]
)
def test_a_split_that_is_none_to_compare_on_is_refused(
    folder: Callable[..., Path], tmp_path: Path, split: str, says: str
) -> None:
    save_npz(tmp_path / "d.npz", {"train": list(TRAINING.values())})
    with pytest.raises(ComparisonError, match=says):
        compare_folders([folder("a")], tmp_path / "d.npz", split)


def test_current_models_that_are_missing_are_named(tmp_path: Path) -> None:
    save_model(tiny_model("sketch_rnn"), tmp_path / "sketch_rnn" / "20260101-run")
    (tmp_path / "sketch_rnn" / "current").symlink_to("20260101-run")
    found = current_models(tmp_path)
    assert (list(found.models), found.runs) == (["sketch_rnn"], {"sketch_rnn": "20260101-run"})
    [missing] = found.missing
    assert missing.startswith("sketch_transformer is left out. There are no trained weights")


def test_json_is_plain(whole: Comparison) -> None:
    import json

    said = json.loads(json.dumps(as_json(whole)))
    assert said["models"] == list(NAMES)
    assert set(said["figures"][0]) == {
        "model", "metric", "part", "temperature", "value", "spread", "low", "high", "n", "unit",
    }  # fmt: skip


def test_errors_of_sampling_are_not_hidden() -> None:
    with pytest.raises(SketchModelError, match="temperature"):
        compare_models(
            {"a": tiny_model("sketch_rnn")}, TRAINING, OTHERS, ComparisonSettings(temperatures=(2.0,))
        )
