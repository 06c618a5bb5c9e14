"""Models of the transformers library as encoders, tried on tiny ones that the tests make: no network, no downloads."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import (
    CLIPConfig,
    CLIPImageProcessor,
    CLIPModel,
    Dinov2Config,
    Dinov2Model,
    PreTrainedModel,
    ResNetConfig,
    ResNetModel,
    SiglipConfig,
    SiglipModel,
    ViTConfig,
    ViTImageProcessor,
    ViTMAEConfig,
    ViTMAEModel,
    ViTModel,
)

from singleline_pipeline.embedding.encoders import encoder
from singleline_pipeline.embedding.errors import EmbeddingError
from singleline_pipeline.embedding.images import shrink_to
from singleline_pipeline.embedding.transformers_encoder import TransformersEncoder

TINY = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "image_size": 32,
    "patch_size": 8,
}


def save(model: PreTrainedModel, folder: Path) -> Path:
    model.save_pretrained(folder)
    ViTImageProcessor(size={"height": 32, "width": 32}).save_pretrained(folder)
    return folder


@pytest.fixture
def pages() -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (90, 60, 3), np.uint8) for _ in range(10)]


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


def test_a_local_vit_embeds_pages_and_says_who_it_is(tmp_path: Path, pages: list[np.ndarray]) -> None:
    """The way in for DINOv2 and its like where there is no network: a folder."""
    made = encoder(str(save(ViTModel(ViTConfig(**TINY)), tmp_path / "my-vit")))
    vectors = made.embed(pages)
    assert made.id == "my-vit+statistics"
    assert vectors.shape == (10, made.size)
    assert vectors.dtype == np.float32
    assert np.array_equal(vectors, encoder(str(tmp_path / "my-vit")).embed(pages))


def test_vectors_do_not_depend_on_the_batch(tmp_path: Path, pages: list[np.ndarray]) -> None:
    """Ten pages cross a batch: each must get the vector that it gets alone."""
    made = TransformersEncoder(str(save(Dinov2Model(Dinov2Config(**TINY)), tmp_path / "dino")))
    together = made.embed(iter(pages))
    alone = np.concatenate([made.embed([page]) for page in pages])
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_an_untrained_pooler_is_not_used(tmp_path: Path, pages: list[np.ndarray]) -> None:
    """Checkpoints of fine-tuned ViTs have no pooler: AutoModel adds a random one, other in every process."""
    model = ViTModel(ViTConfig(**TINY), add_pooling_layer=False)
    made = TransformersEncoder(str(save(model, tmp_path / "poolerless")))
    assert np.array_equal(made.embed(pages), TransformersEncoder(str(tmp_path / "poolerless")).embed(pages))


def test_a_convolutional_network_gives_its_average_pool(tmp_path: Path, pages: list[np.ndarray]) -> None:
    """ResNets pool to (n, d, 1, 1), and have no token to take."""
    config = ResNetConfig(embedding_size=8, hidden_sizes=[8, 24], depths=[1, 1], layer_type="basic")
    made = TransformersEncoder(str(save(ResNetModel(config), tmp_path / "resnet")))
    assert made.embed(pages).shape == (10, 24)


def test_clip_gives_the_image_features_and_not_the_corner_of_the_page(tmp_path: Path) -> None:
    """AutoModel gives both halves of CLIP, and its processor crops: the left edge of a page must still count."""
    half = {k: v for k, v in TINY.items() if k not in ("image_size", "patch_size")}
    text = half | {"vocab_size": 50, "max_position_embeddings": 8, "eos_token_id": 2, "bos_token_id": 1}
    CLIPModel(CLIPConfig(text_config=text, vision_config=dict(TINY), projection_dim=12)).save_pretrained(
        tmp_path / "clip"
    )
    CLIPImageProcessor(
        size={"shortest_edge": 40}, crop_size={"height": 32, "width": 32}, do_center_crop=True
    ).save_pretrained(tmp_path / "clip")
    made = TransformersEncoder(str(tmp_path / "clip"))
    page = np.full((120, 300, 3), 240, np.uint8)
    marked = page.copy()
    marked[:, :20] = 0
    plain, with_edge = made.embed([page, marked])
    assert plain.shape == (12,)
    assert not np.allclose(plain, with_edge, atol=1e-4)


def test_another_checkpoint_is_another_version(tmp_path: Path) -> None:
    """Vectors of two trainings of one architecture must not be mixed under one name."""
    first = TransformersEncoder(str(save(ViTModel(ViTConfig(**TINY)), tmp_path / "a" / "vit")))
    second = TransformersEncoder(str(save(ViTModel(ViTConfig(**TINY)), tmp_path / "b" / "vit")))
    assert first.id == second.id
    assert first.version != second.version


def test_a_model_that_is_not_here_is_not_fetched(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An artist's machine may be offline, and nothing is downloaded unasked: the message must say what can be done."""
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(EmbeddingError, match=r"not on this machine.*allow the download.*efficientnet-lite0"):
        encoder("facebook/a-model-that-is-not-here")


def test_a_checkpoint_with_missing_weights_is_refused(tmp_path: Path) -> None:
    """transformers fills what is missing with random numbers, and only warns."""
    shallow = save(ViTModel(ViTConfig(**TINY)), tmp_path / "vit")
    ViTConfig(**(TINY | {"num_hidden_layers": 3})).save_pretrained(shallow)
    with pytest.raises(EmbeddingError, match=r"lack \d+ of its weights"):
        TransformersEncoder(str(shallow))


def test_a_model_with_chance_in_it_is_refused(tmp_path: Path) -> None:
    """A masked autoencoder hides random patches even when it is not trained: no two runs would agree."""
    config = ViTMAEConfig(**TINY, decoder_hidden_size=16, decoder_num_attention_heads=2)
    with pytest.raises(EmbeddingError, match="another vector each time"):
        TransformersEncoder(str(save(ViTMAEModel(config), tmp_path / "mae")))


def as_processed(page: np.ndarray) -> torch.Tensor:
    """A page as `save`'s processor gives it to a model, computed by hand: 32 px, RGB from -1 to 1."""
    small = shrink_to(page, 32, 32)[..., ::-1].astype(np.float32)
    return torch.from_numpy((small / 255 - 0.5) / 0.5).permute(2, 0, 1)[None]


def clip_model() -> CLIPModel:
    half = {k: v for k, v in TINY.items() if k not in ("image_size", "patch_size")}
    text = half | {"vocab_size": 50, "max_position_embeddings": 8, "eos_token_id": 2, "bos_token_id": 1}
    return CLIPModel(CLIPConfig(text_config=text, vision_config=dict(TINY), projection_dim=12))


def siglip_model() -> SiglipModel:
    half = {k: v for k, v in TINY.items() if k not in ("image_size", "patch_size")}
    text = half | {"vocab_size": 50, "max_position_embeddings": 8}
    return SiglipModel(SiglipConfig(text_config=text, vision_config=dict(TINY)))


def dinov2_pooling(model: Dinov2Model, pixels: torch.Tensor) -> torch.Tensor:
    """The CLS token after the last normalization: what its authors give to k-NN and linear classifiers (Oquab et al.
    2023)."""
    hidden = model.encoder(model.embeddings(pixels)).last_hidden_state
    return model.layernorm(hidden)[:, 0]


def clip_pooling(model: CLIPModel, pixels: torch.Tensor) -> torch.Tensor:
    """The CLS token, normalized, in the space shared with text (Radford et al. 2021)."""
    vision = model.vision_model
    hidden = vision.encoder(inputs_embeds=vision.pre_layrnorm(vision.embeddings(pixels))).last_hidden_state
    return model.visual_projection(vision.post_layernorm(hidden[:, 0]))


def siglip_pooling(model: SiglipModel, pixels: torch.Tensor) -> torch.Tensor:
    """The learned probe's attention over all patches, and the MLP after it (Zhai et al. 2023): it has no CLS."""
    vision = model.vision_model
    hidden = vision.post_layernorm(vision.encoder(inputs_embeds=vision.embeddings(pixels)).last_hidden_state)
    head = vision.head
    pooled = head.attention(head.probe.expand(len(hidden), -1, -1), hidden, hidden)[0]
    return (pooled + head.mlp(head.layernorm(pooled)))[:, 0]


@pytest.mark.parametrize(
    ("make", "pooling"),
    [
        (lambda: Dinov2Model(Dinov2Config(**TINY)), dinov2_pooling),
        (clip_model, clip_pooling),
        (siglip_model, siglip_pooling),
    ],
    ids=["DINOv2", "CLIP", "SigLIP"],
)
def test_each_family_is_pooled_as_its_authors_do(
    make: Callable[[], PreTrainedModel],
    pooling: Callable[[PreTrainedModel, torch.Tensor], torch.Tensor],
    tmp_path: Path,
    pages: list[np.ndarray],
) -> None:
    """The wrong pooling gives vectors, too, and clusters that are only somewhat worse: nobody would notice."""
    model = make().eval()
    made = TransformersEncoder(str(save(model, tmp_path / "model")))
    with torch.inference_mode():
        direct = torch.cat([pooling(model, as_processed(page)) for page in pages]).numpy()
    np.testing.assert_allclose(made.embed(pages), direct, atol=1e-5)


def test_siglip_without_its_pooling_head_is_refused(tmp_path: Path) -> None:
    """The head is trained: transformers would make up a random one, and no two processes would agree."""
    model = siglip_model()
    weights = {name: tensor for name, tensor in model.state_dict().items() if "vision_model.head" not in name}
    folder = save(model, tmp_path / "siglip")
    model.save_pretrained(folder, state_dict=weights)
    with pytest.raises(EmbeddingError, match=r"lack \d+ of its weights, vision_model.head"):
        TransformersEncoder(str(folder))
