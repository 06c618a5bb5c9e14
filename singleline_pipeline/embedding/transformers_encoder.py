"""Any `transformers` vision model as an encoder: DINOv2, CLIP, SigLIP, ViT, ConvNeXt, ... by name or local folder."""

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from transformers import AutoImageProcessor, AutoModel

from singleline_pipeline.embedding.errors import EmbeddingError
from singleline_pipeline.embedding.images import as_bgr, in_batches, shrink_to

CODE_VERSION = "1"
"""Raised with every change of this file that changes vectors."""

BATCH = 8


class TransformersEncoder:
    """The pooled output of a vision model, or of the vision half of an image-text model."""

    def __init__(self, name: str, *, download: bool = False) -> None:
        """Load a model by its name on the Hugging Face hub, or from a local folder that `save_pretrained` wrote.

        Only what is on this machine is looked at, unless `download` allows the network. Code that comes with a model
        is never run. Raises EmbeddingError where the model cannot be had, lacks weights or is not a vision model.
        """
        folder = Path(name).expanduser()
        source = str(folder) if folder.is_dir() else name
        try:
            processor = AutoImageProcessor.from_pretrained(source, local_files_only=not download)
            model, loaded = AutoModel.from_pretrained(
                source, local_files_only=not download, dtype=torch.float32, output_loading_info=True
            )
        except (OSError, ValueError, KeyError) as error:
            raise EmbeddingError(_cannot_be_had(name, download, error)) from error
        missing = sorted(key for key in loaded["missing_keys"] if "pooler" not in key)
        if missing:
            raise EmbeddingError(
                f"The files of the model {name} lack {len(missing)} of its weights, {missing[0]} among them: its "
                "vectors would be noise. Use another model, or save this one again whole."
            )
        self.id = folder.name if folder.is_dir() else name
        self._name = name
        self._processor = processor
        self._height, self._width = _input_size(processor, name)
        self._model = model.eval()
        # Checkpoints of classifiers come without the pooler that AutoModel builds: then it is random, and no use.
        self._pooler_is_trained = not any("pooler" in key for key in loaded["missing_keys"])
        self.version = f"{_hash_of_weights(model)}.{CODE_VERSION}"
        self.size = self._embed_probe()

    def embed(self, images: Iterable[np.ndarray]) -> np.ndarray:
        """Embed pictures, uint8 (h, w, 3) BGR or (h, w) grey, to float32 (n, size)."""
        parts = [np.zeros((0, self.size), np.float32)]
        parts += [self._embed_batch(batch) for batch in in_batches(images, BATCH)]
        return np.concatenate(parts)

    def _embed_batch(self, images: list[np.ndarray]) -> np.ndarray:
        # Made small here and not by the processor, which would crop the edges of the page to a square.
        rgb = [
            cv2.cvtColor(shrink_to(as_bgr(i), self._height, self._width), cv2.COLOR_BGR2RGB) for i in images
        ]
        inputs = self._processor(images=rgb, do_resize=False, do_center_crop=False, return_tensors="pt")
        with torch.inference_mode():
            return self._pooled(inputs["pixel_values"]).float().numpy()

    def _pooled(self, pixels: torch.Tensor) -> torch.Tensor:
        """Return one vector a picture, (n, d): the model's own pooling where that is trained, else the CLS token of a
        transformer that has one, else the mean over all places."""
        if hasattr(self._model, "get_image_features"):  # CLIP, SigLIP: the space shared with text
            features = self._model.get_image_features(pixel_values=pixels)
            return features if isinstance(features, torch.Tensor) else features.pooler_output
        output = self._model(pixel_values=pixels)
        pooled = getattr(output, "pooler_output", None)
        if pooled is not None and self._pooler_is_trained:
            return pooled.flatten(1)
        hidden = output.last_hidden_state
        if hidden.ndim == 4:  # (n, d, h, w)
            return hidden.mean(dim=(2, 3))
        if _has_class_token(self._model):
            return hidden[:, 0]
        return hidden.mean(dim=1)

    def _embed_probe(self) -> int:
        """Embed a picture twice and return the size of its vector.

        A masked autoencoder hides other patches each time, and a text model takes no picture: better found out here.
        """
        ramp = np.linspace(0, 255, self._height * self._width).astype(np.uint8)
        probe = [ramp.reshape(self._height, self._width)]
        try:
            first, second = self._embed_batch(probe), self._embed_batch(probe)
        except (TypeError, AttributeError, KeyError, ValueError) as error:
            raise EmbeddingError(f"The model {self._name} does not embed pictures ({error}).") from error
        if not np.array_equal(first, second):
            raise EmbeddingError(
                f"The model {self._name} gives another vector each time for the same picture (a masked autoencoder "
                "does): use one of its fine-tuned forms, or another model."
            )
        return int(first.shape[1])


def _cannot_be_had(name: str, download: bool, error: Exception) -> str:
    reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    if download:
        return f"The model {name} could not be loaded: {reason}"
    return (
        f"The model {name} is not on this machine ({reason}). Nothing is downloaded by itself: give the folder of a "
        "model that lies here, allow the download, or use efficientnet-lite0, which needs neither."
    )


def _input_size(processor: Any, name: str) -> tuple[int, int]:
    """Return the height and width in px that the model's own processor would end with."""
    sizes = [getattr(processor, "crop_size", None)] if getattr(processor, "do_center_crop", False) else []
    for size in [*sizes, getattr(processor, "size", None)]:
        if size is None:
            continue
        read = size if isinstance(size, dict) else vars(size)
        if read.get("height") and read.get("width"):
            return int(read["height"]), int(read["width"])
        if read.get("shortest_edge"):
            return int(read["shortest_edge"]), int(read["shortest_edge"])
    raise EmbeddingError(
        f"The image processor of the model {name} does not say what size of picture it takes "
        "(height and width, or shortest_edge, in preprocessor_config.json)."
    )


def _has_class_token(model: torch.nn.Module) -> bool:
    return any(
        name.rsplit(".", 1)[-1] in ("cls_token", "class_token", "class_embedding")
        for name, _ in model.named_parameters()
    )


def _hash_of_weights(model: torch.nn.Module) -> str:
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.contiguous().numpy().tobytes())
    return digest.hexdigest()[:12]
