"""Fine-tuning: what is learned, when there is too little for it, and the folder that comes of it."""

import hashlib
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from singleline_pipeline.embedding import EmbeddingError, encoder, finetuning
from singleline_pipeline.embedding.finetuned import FineTunedEncoder, save_finetuned
from singleline_pipeline.embedding.finetuning import LEAST_ROWS, Trained, enough_classes, split_pages


def picture(seed: int, filled: bool) -> np.ndarray:
    """A shape on grey paper, its outline or filled, somewhere."""
    rng = np.random.default_rng(seed)
    image = np.full((120, 90, 3), 235, np.uint8)
    centre = (int(rng.integers(25, 65)), int(rng.integers(30, 90)))
    axes = (int(rng.integers(10, 22)), int(rng.integers(10, 28)))
    cv2.ellipse(image, centre, axes, float(rng.uniform(0, 180)), 0, 360, (60, 50, 50), -1 if filled else 2)
    return cv2.add(image, rng.integers(0, 8, image.shape, np.uint8))


PAGES = [hashlib.sha256(bytes([number])).hexdigest() for number in range(36)]
LABELS = ["filled" if number % 3 == 0 else "outline" for number in range(36)]


def train(seed: int = 0) -> Trained:
    pictures = (picture(number, label == "filled") for number, label in enumerate(LABELS))
    return finetuning.finetune(pictures, LABELS, PAGES, seed=seed)


@pytest.fixture(scope="module")
def trained() -> Trained:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(finetuning, "MOST_EPOCHS", 2)
        return train()


@pytest.fixture(scope="module")
def folder(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_finetuned(trained, None, tmp_path_factory.mktemp("models"), "pages", {"seed": 0})


def test_classes_are_learned_and_measured_on_pages_that_were_not_seen(trained: Trained) -> None:
    """The report must be of held-out pages, or it would praise what was learned by heart."""
    assert trained.classes == ["filled", "outline"]
    assert sum(sum(rows.values()) for rows in trained.rows.values()) == 36
    assert trained.rows["test"] == {
        label: sum(
            split_pages(LABELS, PAGES)[page] == "test"
            for page, said in zip(PAGES, LABELS, strict=True)
            if said == label
        )
        for label in trained.classes
    }
    assert trained.after >= 0.9
    assert trained.head_right >= 0.9


def test_the_last_blocks_move_and_the_first_do_not(trained: Trained) -> None:
    """Edges and lines are as ImageNet knew them; only what is made of them is learned anew."""
    packaged = encoder()._network.network.state_dict()
    moved = {
        name
        for name, weights in trained.network.state_dict().items()
        if not torch.equal(weights, packaged[name])
    }
    assert moved
    assert all(
        name.startswith("_conv_head") or int(name.split(".")[1]) >= finetuning.FIXED_BLOCKS for name in moved
    )


def test_the_same_seed_gives_the_same_weights(trained: Trained, monkeypatch: pytest.MonkeyPatch) -> None:
    """An encoder's version is a hash of its weights: who trains again must get the same vectors."""
    monkeypatch.setattr(finetuning, "MOST_EPOCHS", 2)
    again = train().network.state_dict()
    assert all(torch.equal(weights, again[name]) for name, weights in trained.network.state_dict().items())


def test_a_page_is_on_one_side_and_a_class_on_all() -> None:
    """Drawings of one page would give each other away; and a class that is not held out cannot be judged."""
    pages = [PAGES[number // 3] for number in range(90)]
    labels = ["exclude" if number % 7 == 0 else "include" for number in range(90)]
    split = split_pages(labels, pages)
    assert set(split) == set(pages)
    assert split == split_pages(labels[::-1], pages[::-1])
    for label in ("exclude", "include"):
        sides = [split[page] for page, said in zip(pages, labels, strict=True) if said == label]
        assert set(sides) == {"train", "valid", "test"}
        assert 0.45 < sides.count("train") / len(sides) < 0.75


def test_too_little_is_refused_and_few_are_left_out() -> None:
    """A class of three pages teaches nothing, and must not stop the others from being learned either."""
    few = [hashlib.sha256(f"few {number}".encode()).hexdigest() for number in range(LEAST_ROWS - 1)]
    classes, left_out = enough_classes(LABELS + ["covers"] * len(few), PAGES + few)
    assert classes == ["filled", "outline"]
    assert left_out == {"covers": LEAST_ROWS - 1}
    for labels in ([], ["filled"] * 36, ["filled"] * 30 + ["outline"] * 6):
        with pytest.raises(EmbeddingError, match=r"too little to fine-tune on.*found were.*Label more"):
            enough_classes(labels, PAGES[: len(labels)])
    with pytest.raises(EmbeddingError, match="too little"):  # all drawings of a class are from one page
        enough_classes(
            LABELS,
            [PAGES[0] if label == "filled" else page for page, label in zip(PAGES, LABELS, strict=True)],
        )


def test_a_folder_gives_the_trained_vectors_under_its_own_name(trained: Trained, folder: Path) -> None:
    """What stands in the rows must say which weights made them, and be what training ended with."""
    made = encoder(str(folder))
    config = json.loads((folder / "config.json").read_text())
    assert made.id == "efficientnet-lite0-pages+statistics"
    assert made.version.startswith(config["version"])
    assert folder.name == f"encoder-pages-{config['version']}"
    assert config["classes"] == ["filled", "outline"]
    assert config["held_out_right_after"] >= 0.9
    pictures = [picture(number, number % 2 == 0) for number in range(3)]
    vectors = FineTunedEncoder(folder).embed(pictures)
    packaged = encoder()._network
    assert not np.allclose(vectors, packaged.embed(pictures), atol=1e-3)
    packaged.network = trained.network
    np.testing.assert_allclose(vectors, packaged.embed(pictures), atol=1e-5)


def test_a_folder_is_never_written_over(trained: Trained, folder: Path, tmp_path: Path) -> None:
    """Vectors that an encoder made stay in the lake: under its name there must never be another one."""
    before = (folder / "config.json").read_bytes()
    with pytest.raises(EmbeddingError, match=r"is there already.*--out"):
        save_finetuned(trained, folder, tmp_path, "pages", {})
    assert (folder / "config.json").read_bytes() == before
    (tmp_path / "file").write_text("")
    with pytest.raises(EmbeddingError, match="cannot be written"):
        save_finetuned(trained, tmp_path / "file" / "encoder", tmp_path, "pages", {})
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("damage", ["cut", "other bytes", "gone", "another network"])
def test_a_damaged_folder_is_refused(folder: Path, tmp_path: Path, damage: str) -> None:
    """A copy that broke off would give vectors like any others."""
    copy = tmp_path / "encoder"
    copy.mkdir()
    config = json.loads((folder / "config.json").read_text())
    weights = (folder / "model.safetensors").read_bytes()
    if damage == "cut":
        weights = weights[:-100]
    elif damage == "other bytes":
        weights = weights[:-4] + b"\0\0\0\0"
    elif damage == "another network":
        from safetensors.torch import save

        weights = save({"weight": torch.zeros(3)})
        config["version"] = hashlib.sha256(weights).hexdigest()[:12]
    if damage != "gone":
        (copy / "model.safetensors").write_bytes(weights)
    (copy / "config.json").write_text(json.dumps(config))
    with pytest.raises(EmbeddingError, match=r"encoder.*(again|Make)"):
        encoder(str(copy))
