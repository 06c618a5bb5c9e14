"""The default encoder, and what every encoder's vectors must be."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from efficientnet_lite_pytorch import EfficientNet
from skimage import data

from singleline_pipeline.embedding import EmbeddingError, embed_images, encoder, require_one_encoder
from singleline_pipeline.embedding.efficientnet import (
    EfficientNetLite0,
    EfficientNetLite1,
    EfficientNetLite2,
)
from singleline_pipeline.embedding.encoders import STATISTICS_WEIGHT
from singleline_pipeline.embedding.mobilenet import MobileNetV2
from singleline_pipeline.embedding.statistics import STATISTICS_NAMES
from singleline_pipeline.embedding.weights import packaged_weights
from singleline_pipeline_tests.embedding import pages


@pytest.fixture(scope="module")
def scans() -> list[np.ndarray]:
    drawings = [pages.scanned(pages.draw(pages.blank(i), i)) for i in range(3)]
    washed = [
        pages.scanned(pages.wash(pages.blank(i), (120, 120, 230), 0.6, (400, 500), 300)) for i in range(2)
    ]
    return drawings + washed


@pytest.mark.parametrize("network", [EfficientNetLite0, EfficientNetLite1, EfficientNetLite2, MobileNetV2])
def test_the_network_knows_what_it_was_trained_on(
    network: type[EfficientNetLite0] | type[MobileNetV2],
) -> None:
    """Wrong channels, range, layers or weights still give numbers. A classifier on top must still see a cup of coffee
    (967, espresso) and a cat (281 to 285)."""
    state = torch.load(packaged_weights(network.id), weights_only=True)
    weight, bias = list(state.values())[-2:]
    assert weight.shape == (1000, network.size)
    made = network()
    for picture, classes in ((data.coffee(), {967}), (data.chelsea(), {281, 282, 285})):
        side = min(picture.shape[:2])
        top, left = (picture.shape[0] - side) // 2, (picture.shape[1] - side) // 2
        square = cv2.cvtColor(picture[top : top + side, left : left + side], cv2.COLOR_RGB2BGR)
        scores = weight @ torch.from_numpy(made.embed([square])[0]) + bias
        assert int(scores.argmax()) in classes


@pytest.mark.parametrize("network", [EfficientNetLite0, EfficientNetLite1, EfficientNetLite2])
def test_folding_the_normalization_changes_nothing(network: type[EfficientNetLite0]) -> None:
    """The network is rebuilt for speed, and each size pads in its own way: it must still be the published one."""
    original = EfficientNet.from_name(network.id)
    original.load_state_dict(torch.load(packaged_weights(network.id), weights_only=True))
    side = network.input_size
    picture = np.random.default_rng(0).integers(0, 256, (side, side, 3), np.uint8)
    pixels = (picture[None, ..., ::-1].astype(np.float32) - 127) / 128
    with torch.inference_mode():
        features = (
            original.eval().extract_features(torch.from_numpy(pixels).permute(0, 3, 1, 2)).mean(dim=(2, 3))
        )
    np.testing.assert_allclose(network().embed([picture]), features.numpy(), atol=1e-4)


def test_a_vector_depends_on_its_picture_alone(scans: list[np.ndarray]) -> None:
    """Rerunning a sketchbook that has one page more must give the other pages the same bytes."""
    vectors = embed_images(scans)
    assert vectors.dtype == np.float32
    assert vectors.shape == (5, encoder().size)
    assert np.array_equal(embed_images(iter(scans[::-1])), vectors[::-1])
    assert np.array_equal(embed_images(scans[1:2])[0], vectors[1])


def test_both_blocks_count(scans: list[np.ndarray]) -> None:
    """K-means on the network alone was at 0.957 purity, with the statistics at 0.987: neither may drown the other."""
    vectors = embed_images(scans)
    features, statistics = vectors[:, : -len(STATISTICS_NAMES)], vectors[:, -len(STATISTICS_NAMES) :]
    np.testing.assert_allclose(np.linalg.norm(features, axis=1), 1, rtol=1e-5)
    assert (statistics >= 0).all()
    assert (statistics <= STATISTICS_WEIGHT).all()
    for block in (features, statistics):
        within = np.linalg.norm(block[0] - block[1])
        between = np.linalg.norm(block[0] - block[3])
        assert between > 1.5 * within
        assert between > 0.2


def test_grey_and_colour_are_one_picture() -> None:
    """Rendered drawings are grey (h, w), scans are BGR."""
    grey = np.full((224, 224), 255, np.uint8)
    cv2.circle(grey, (112, 112), 60, 0, 2, cv2.LINE_AA)
    vectors = embed_images([grey, cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR), grey[..., None]])
    assert np.array_equal(vectors[0], vectors[1])
    assert np.array_equal(vectors[0], vectors[2])


def test_statistics_come_with_the_vectors(scans: list[np.ndarray]) -> None:
    """page_embeddings keeps both, and must not measure every page twice."""
    vectors, statistics = encoder().embed_and_measure(scans[:2])
    assert np.array_equal(vectors, embed_images(scans[:2]))
    assert [s.thick_mass for s in statistics] == [0, 0]


def test_no_pictures_give_no_vectors() -> None:
    """A sketchbook whose every page was rejected is a table without rows, not an error."""
    assert embed_images([]).shape == (0, encoder().size)


def test_damaged_weights_are_told_from_missing_ones(tmp_path: Path) -> None:
    """A half-installed package must say how to mend it."""
    damaged = tmp_path / "weights.pth"
    damaged.write_bytes(b"not weights")
    with pytest.raises(EmbeddingError, match="does not hold the weights"):
        EfficientNetLite0(damaged)
    torch.save({"another": torch.zeros(3)}, damaged)
    with pytest.raises(EmbeddingError, match="does not hold the weights"):
        EfficientNetLite0(damaged)
    with pytest.raises(EmbeddingError, match="are not at"):
        EfficientNetLite0(tmp_path / "none.pth")


def test_weights_that_run_code_are_refused(tmp_path: Path) -> None:
    """A .pth is a pickle: loading one from somewhere must not run what it says."""

    class Runs:
        def __reduce__(self) -> tuple[object, ...]:
            return Path.touch, (tmp_path / "was-run",)

    torch.save({"x": Runs()}, tmp_path / "evil.pth")
    with pytest.raises(EmbeddingError, match="does not hold the weights"):
        EfficientNetLite0(tmp_path / "evil.pth")
    assert not (tmp_path / "was-run").exists()


def test_mixed_encoders_are_an_error_that_names_them() -> None:
    """Distances between vectors of two networks are noise that looks like clusters."""
    assert require_one_encoder([("a", "1"), ("a", "1")]) == ("a", "1")
    with pytest.raises(EmbeddingError, match=r"a \(version 1\); b \(version 1\)"):
        require_one_encoder([("a", "1"), ("b", "1")])
    with pytest.raises(EmbeddingError, match=r"a \(version 1\); a \(version 2\)"):
        require_one_encoder([("a", "1"), ("a", "2")])
    with pytest.raises(EmbeddingError, match="no embeddings yet"):
        require_one_encoder([])
