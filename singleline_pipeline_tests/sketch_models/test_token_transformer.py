"""The token variant: made by the config, drawn from like the others, scored apart, whole in its folder."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from singleline_pipeline.sketch_models import (
    ModelFolderError,
    SketchModelError,
    SketchTransformer,
    SketchTransformerConfig,
    TrainingError,
    TrainSettings,
    evaluate,
    fit_codebook,
    load_model,
    train,
)
from singleline_pipeline.sketch_models.codebook import Codebook, Role
from singleline_pipeline.sketch_models.drawings import pad_drawings
from singleline_pipeline.sketch_models.folders import save_model
from singleline_pipeline.sketch_models.gallery import GallerySettings, draw_gallery
from singleline_pipeline.sketch_models.runs import promote
from singleline_pipeline.sketch_models.token_transformer import TokenTransformer, pad_tokens
from singleline_pipeline.sketch_models.tokens import MOST_TOKENS, decode_tokens, encode_drawings

from .conftest import TINY, tiny_model, wheel, wheels

BOOK = fit_codebook(wheels(60), 120)
SPLITS = {"train": wheels(24), "valid": wheels(6, seed=1)}


def token_model(**overrides: object) -> TokenTransformer:
    torch.manual_seed(3)
    sizes = TINY["sketch_transformer"] | {"scale": 20.0, "canvas": 120.0, "max_points": 30, "tokens": 120}
    model = SketchTransformer(
        SketchTransformerConfig(**(sizes | {"codebook": BOOK.to_config()} | overrides))  # type: ignore[arg-type]
    )
    assert isinstance(model, TokenTransformer)
    return model.eval()


def settings(**other: object) -> TrainSettings:
    given = {
        "max_steps": 12, "evaluate_every_steps": 4, "batch_size": 8, "tokens": 120, "learning_rate": 2e-2,
        "overrides": TINY["sketch_transformer"],
    }  # fmt: skip
    return TrainSettings(**(given | other))  # type: ignore[arg-type]


def always(model: TokenTransformer, **logits: float) -> TokenTransformer:
    """The model saying the same at every step: these logits for all codes of a role and for the end."""
    with torch.no_grad():
        model.code_head.own.zero_()
        model.code_head.shared.weight.zero_()
        for role in Role:
            codes = model.code_roles == role
            model.code_head.bias[:-1][codes] = logits[role.name.lower()] - float(codes.sum().log())
        model.code_head.bias[-1] = logits["end"]
    return model


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_the_config_says_which_variant_it_is():
    assert type(token_model()) is TokenTransformer
    assert type(tiny_model("sketch_transformer")) is SketchTransformer
    assert type(copy.deepcopy(token_model())) is TokenTransformer


def test_a_folder_is_whole_and_opens_by_either_way(tmp_path):
    """The codebook is in it: nothing else has to be found again to draw."""
    model = token_model()
    save_model(model, tmp_path)
    for loaded in (load_model(tmp_path), SketchTransformer.from_pretrained(tmp_path, local_files_only=True)):
        assert type(loaded) is TokenTransformer
        np.testing.assert_array_equal(loaded.codebook.offsets, BOOK.offsets)
        torch.testing.assert_close(loaded.code_offsets, model.code_offsets, rtol=0, atol=0)
        assert evaluate(loaded, wheels(4)) == evaluate(model, wheels(4))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda config: config | {"codebook": None},
        lambda config: config | {"codebook": config["codebook"] | {"offsets": []}},
        lambda config: config | {"tokens": 0},
        lambda config: (
            config
            | {"codebook": {**config["codebook"], "offsets": [[float("nan")] * 2] * len(config["codebook"]["offsets"])}}
        ),
    ],
)  # fmt: skip
def test_a_folder_with_a_spoilt_codebook_is_refused(tmp_path, spoil):
    save_model(token_model(), tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(spoil(config)))
    with pytest.raises(ModelFolderError):
        load_model(tmp_path)


def test_tokens_without_a_codebook_are_refused():
    with pytest.raises(SketchModelError, match="holds no codebook"):
        SketchTransformer(SketchTransformerConfig(tokens=250))


def test_scores_are_probabilities_under_names_of_their_own():
    """Worked out from the definitions, for a model that says the same of every step."""
    drawings = wheels(7)
    model = always(token_model(latent_size=0), down=0.0, up=0.0, carry=0.0, end=0.0)
    tokens = encode_drawings(BOOK, drawings)
    scores = evaluate(model, drawings)
    counts = {role: int((BOOK.roles == role).sum()) for role in Role}
    code = 0.0
    for written in tokens:
        roles = BOOK.roles[written]
        within = np.append(False, roles[:-1] == Role.CARRY)
        # The end shares in the probability between rows only.
        code += sum(
            np.log(counts[Role(role)]) + np.log(3 if inside else 4)
            for role, inside in zip(roles, within, strict=True)
        )
    points, total = sum(map(len, drawings)), sum(map(len, tokens))
    assert scores["nats_per_token"] == pytest.approx(code / total, rel=1e-4)
    assert scores["tokens_per_point"] == pytest.approx(total / points)
    assert scores["eos_per_drawing"] == pytest.approx(np.log(4), rel=1e-4)
    assert scores["kl_per_drawing"] == 0
    expected = (code + 7 * np.log(4)) / points
    assert scores["token_nats_per_point"] == pytest.approx(expected, rel=1e-4)
    assert not {"nats_per_point", "nll_per_point", "xy", "pen"} & set(scores)


def test_padding_and_neighbours_change_nothing():
    model, drawings = token_model(), wheels(6)
    batch = pad_drawings(drawings)
    garbage = batch.points.clone()
    for row, length in enumerate(batch.lengths):
        garbage[row, length:] = 1e3
    tokens = pad_tokens(encode_drawings(BOOK, drawings))
    dirty = tokens.tokens.clone()
    for row, length in enumerate(tokens.lengths):
        dirty[row, length:] = 5
    with torch.no_grad():
        whole = model(batch.points, batch.lengths)
        other = model(garbage, batch.lengths, tokens=dirty, token_lengths=tokens.lengths)
        alone = [model(*pad_drawings([drawing])) for drawing in drawings]
    for part in ("code", "end", "kl", "loss"):
        torch.testing.assert_close(whole[part], other[part])
    for part in ("code", "end", "kl"):
        assert float(whole[part]) == pytest.approx(sum(float(one[part]) for one in alone), rel=1e-4)


def test_token_by_token_is_the_same_as_all_at_once():
    """Key-value cache, positions and points counted on the way: what is sampled from is what was trained."""
    model = token_model()
    (tokens,) = encode_drawings(BOOK, [max(wheels(6), key=len)])
    row = torch.from_numpy(tokens).unsqueeze(0)
    latent = torch.randn(1, 6, generator=seeded())
    with torch.no_grad():
        whole = model.decode(model.features_from_start(row), latent)
        cache = model.start_cache(latent, 1, 4)
        rows = model.token_rows(row[:, :3])
        parts = [model.advance(model.features_from_start(row[:, :3]), cache)]
        for step in range(3, row.shape[1]):
            cache.make_room(1)
            rows = model.token_rows(row[:, step : step + 1], rows)
            parts.append(model.advance(model.token_features(rows, row[:, step : step + 1]), cache))
    # As near as bf16 holds keys and values.
    torch.testing.assert_close(torch.cat(parts, dim=1), whole, rtol=0, atol=1e-2)


def test_every_weight_learns():
    model = token_model(free_nats=0.0).train()
    batch = pad_drawings(wheels(8))
    model(batch.points, batch.lengths, generator=seeded()).loss.backward()
    without = [
        key for key, value in model.named_parameters() if value.grad is None or not value.grad.abs().sum() > 0
    ]
    assert not without


def test_samples_are_stroke3_and_end_by_themselves():
    model = always(token_model(), down=0.0, up=-2.0, carry=-1.0, end=-2.0)
    samples = model.sample(30, temperature=1.0, generator=seeded())
    for sample in samples:
        assert sample.stroke3.dtype == np.float32
        assert 1 <= len(sample.stroke3) <= model.config.max_points
        assert np.isfinite(sample.stroke3).all()
        assert sample.stroke3[-1, 2] == 1
        assert sample.ended or len(sample.stroke3) == model.config.max_points
    assert np.mean([sample.ended for sample in samples]) > 0.9
    again = model.sample(30, temperature=1.0, generator=seeded())
    for one, other in zip(samples, again, strict=True):
        np.testing.assert_array_equal(one.stroke3, other.stroke3)


@pytest.mark.parametrize("temperature", [0.1, 0.4, 1.0])
def test_lift_and_end_come_as_often_as_the_model_says_at_every_temperature(temperature):
    """As in the continuous variant: sharpened with the rest, neither would ever come when it is cold."""
    model = always(token_model(), down=0.0, up=float(-np.log(9)), carry=-50.0, end=float(np.log(10 / 9 / 19)))
    samples = model.sample(200, temperature=temperature, max_points=150, generator=seeded())
    lengths = np.array([len(sample.stroke3) for sample in samples])
    assert all(sample.ended for sample in samples)
    assert lengths.mean() == pytest.approx(20, abs=3)
    lifts = np.sum([sample.stroke3[:-1, 2].sum() for sample in samples]) / lengths.sum()
    assert lifts == pytest.approx(0.1, abs=0.035)


@pytest.mark.parametrize("up", [-50.0, 0.0], ids=["one line", "lifts"])
@pytest.mark.parametrize("temperature", [0.1, 0.4, 1.0])
def test_rows_take_as_many_tokens_as_the_model_says_at_every_temperature(temperature, up, monkeypatch):
    """Of 25 codes that carry each is likelier than any of 56 that close: sharpened together, they always won."""
    written: list[int] = []

    def decode(book: Codebook, tokens: np.ndarray) -> np.ndarray:
        written.append(len(tokens))
        return decode_tokens(book, tokens)

    monkeypatch.setattr("singleline_pipeline.sketch_models.token_sampling.decode_tokens", decode)
    model = always(token_model(), down=0.0, up=up, carry=float(-np.log(3)), end=-50.0)
    model.sample(20, temperature=temperature, max_points=60, generator=seeded())
    closing = 1 + np.exp(up)
    assert sum(written) / (20 * 60) == pytest.approx((closing + 1 / 3) / closing, rel=0.05)


def test_points_are_counted_and_not_tokens():
    """Half of the tokens carry a row on; the limit is one of points all the same, and the cache grows."""
    model = always(token_model(), down=0.0, up=-3.0, carry=2.0, end=-50.0)
    samples = model.sample(3, max_points=12, generator=seeded(), temperature=1.0)
    assert [len(sample.stroke3) for sample in samples] == [12, 12, 12]
    assert not any(sample.ended for sample in samples)


def test_a_model_that_only_carries_is_made_to_close_its_rows():
    model = always(token_model(), down=0.0, up=-3.0, carry=50.0, end=-50.0)
    (sample,) = model.sample(1, max_points=3, generator=seeded())
    assert len(sample.stroke3) == 3
    assert MOST_TOKENS * np.hypot(*BOOK.offsets.T).max() > np.abs(sample.stroke3[:, :2]).max()


def test_a_drawing_has_a_point_though_the_model_would_end_at_once():
    model = always(token_model(), down=0.0, up=0.0, carry=-50.0, end=50.0)
    assert all(sample.ended and len(sample.stroke3) == 1 for sample in model.sample(3, generator=seeded()))


def test_completions_hold_the_prefix_to_the_bit_and_go_on_from_it():
    model = always(token_model(), down=0.0, up=0.0, carry=-1.0, end=-3.0)
    begun = wheel(np.random.default_rng(2))[:6]
    for sample in model.sample(5, prefix=begun, generator=seeded()):
        np.testing.assert_array_equal(sample.stroke3[:5], begun[:5])
        np.testing.assert_array_equal(sample.stroke3[5, :2], begun[5, :2])
        assert len(sample.stroke3) >= 6


def test_latents_are_used_as_in_the_other_models(tmp_path):
    drawings = wheels(4)
    model = always(token_model(max_points=15), down=0.0, up=-1.0, carry=-3.0, end=-1.5)
    assert model.encode(drawings).shape == (4, 6)
    assert len(model.reconstruct(drawings, generator=seeded())) == 4
    assert len(model.interpolate(drawings[0], drawings[1], 5, generator=seeded())) == 5
    with pytest.raises(SketchModelError, match="no latent"):
        token_model(latent_size=0).encode(drawings)
    with pytest.raises(SketchModelError, match="temperature is 2"):
        model.sample(1, temperature=2)
    save_model(model, tmp_path)
    pieces = draw_gallery(tmp_path, {f"d{n}": d for n, d in enumerate(drawings)}, GallerySettings(free=2))
    assert {piece.kind for piece in pieces} == {"free", "reconstruction", "completion", "interpolation"}


def test_drawings_of_another_scale_are_refused():
    huge = [drawing * np.float32([1e4, 1e4, 1]) for drawing in wheels(2)]
    with pytest.raises(SketchModelError, match="scale"):
        evaluate(token_model(), huge)
    tiny = [drawing * np.float32([1e-3, 1e-3, 1]) for drawing in wheels(2)]
    with pytest.raises(SketchModelError, match="scale"):
        evaluate(token_model(), tiny)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve steps with augmentation on the fly."""
    return train("sketch_transformer", SPLITS, tmp_path_factory.mktemp("run"), settings()).model_dir


def test_training_learns_and_leaves_a_card_that_says_the_kind(trained):
    model = load_model(trained)
    assert isinstance(model, TokenTransformer)
    history = json.loads(next(trained.glob("checkpoints/checkpoint-12/progress.json")).read_text())["history"]
    valid = [row["token_nats_per_point"] for row in history if row["split"] == "valid"]
    assert valid[-1] < valid[0] - 0.3
    assert all("nats_per_point" not in row for row in history)
    assert model.config.score == pytest.approx(evaluate(model, SPLITS["valid"]), rel=1e-6)
    card = (trained / "README.md").read_text()
    assert "probabilities" in card
    assert f"{min(valid):.4f}" in card
    fitted = fit_codebook(SPLITS["train"], 120)
    np.testing.assert_array_equal(model.codebook.offsets, fitted.offsets)


class StoppedError(Exception):
    """Somebody pulled the plug."""


def test_a_resumed_training_is_the_same_to_the_bit(trained, tmp_path):
    """The variants are tokenised anew after the resume, and their tokens are the same."""

    def stop(row: dict) -> None:
        if row["step"] > 4:
            raise StoppedError

    with pytest.raises(StoppedError):
        train("sketch_transformer", SPLITS, tmp_path, settings(), progress=stop)
    train("sketch_transformer", SPLITS, tmp_path, settings())
    saved = [
        torch.load(folder / "checkpoints/checkpoint-12/optimizer.pt", weights_only=False)["parts"]
        for folder in (trained, tmp_path)
    ]
    for part, same in zip(*saved, strict=True):
        for number, momenta in part["state"].items():
            for name, tensor in momenta.items():
                assert torch.equal(tensor, same["state"][number][name])
    assert load_model(trained).config.score == load_model(tmp_path).config.score


def test_tokens_and_densities_never_meet_in_a_comparison(trained, tmp_path):
    """A probability of 5 nats is not worse than a density of 1.5: whichever was trained last is in use."""
    models = tmp_path / "sketch_transformer"
    save_model(tiny_model("sketch_transformer"), models / "continuous")
    save_model(load_model(trained), models / "tokens")
    save_model(token_model(), models / "untrained")
    finer = fit_codebook(wheels(60), 120, tolerance=BOOK.tolerance / 2)
    save_model(token_model(codebook=finer.to_config()), models / "finer")
    held_out = SPLITS["valid"]
    assert promote(models, models / "continuous", held_out).score_name == "nats_per_point"
    first = promote(models, models / "tokens", held_out)
    assert (first.promoted, first.current_score, first.score_name) == (True, None, "token_nats_per_point")
    assert first.other_kind
    worse = promote(models, models / "untrained", held_out)
    assert not worse.promoted
    assert not worse.other_kind
    assert worse.current_score == pytest.approx(first.score)
    assert promote(models, models / "finer", held_out).current_score is None
    assert promote(models, models / "continuous", held_out).current_score is None


def test_tokens_of_a_model_that_has_none_are_refused(tmp_path):
    with pytest.raises(TrainingError, match="sketch_rnn has no token variant"):
        train("sketch_rnn", SPLITS, tmp_path, TrainSettings(tokens=250))
    with pytest.raises(TrainingError, match="tokens is 20; the least is 100"):
        TrainSettings(tokens=20)
