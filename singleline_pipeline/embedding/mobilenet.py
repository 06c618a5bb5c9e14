"""MobileNetV2 with ImageNet weights that a Python package holds.

Sandler et al. 2018 (arXiv:1801.04381), table 2. Its modules have the names that they have in the checkpoint of
torchvision (mobilenet_v2-b0353104.pth), which is what the package holds; the preprocessing is torchvision's, too.
"""

from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from singleline_pipeline.embedding.images import as_bgr, in_batches, shrink_to
from singleline_pipeline.embedding.pointwise import Pointwise
from singleline_pipeline.embedding.weights import packaged_weights, read_weights

CODE_VERSION = "1"
"""Raised with every change of this file that changes vectors."""

STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
"""Expansion, channels, blocks, and stride of the first block."""

INPUT_SIZE = 224
BATCH = 4

MEAN = np.array([0.485, 0.456, 0.406], np.float32)
SPREAD = np.array([0.229, 0.224, 0.225], np.float32)
"""Of ImageNet's pixels, RGB from 0 to 1."""


class MobileNetV2:
    """The 1280 values before the classifier, averaged over the picture."""

    id = "mobilenet-v2"
    version: str
    size = 1280
    network: "_Network"
    """Normalization is folded into its convolutions: it has no training mode."""

    def __init__(self, weights: Path | None = None) -> None:
        """Load the packaged weights, or those of another file of the same network.

        Raises EmbeddingError where the package is not installed, or the file damaged or of another network.
        """
        network = _Network()
        digest = read_weights(self.id, weights or packaged_weights(self.id), network)
        self.version = f"{digest}.{CODE_VERSION}"
        _fuse(network.eval())
        self.network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def embed(self, images: Iterable[np.ndarray]) -> np.ndarray:
        """Embed pictures, uint8 (h, w, 3) BGR or (h, w) grey, to float32 (n, 1280).

        A vector depends on its picture alone: not on those beside it, nor on their order.
        """
        parts = [np.zeros((0, self.size), np.float32)]
        for batch in in_batches(images, BATCH):
            pixels = torch.from_numpy(np.stack([_pixels_of(image) for image in batch])).permute(0, 3, 1, 2)
            with torch.inference_mode():
                parts.append(self.network.features(pixels).mean(dim=(2, 3)).numpy())
        return np.concatenate(parts)


class _Network(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = [_convolution(3, 32, 3, stride=2)]
        channels = 32
        for expansion, wanted, blocks, stride in STAGES:
            for number in range(blocks):
                layers.append(_InvertedResidual(channels, wanted, expansion, stride if number == 0 else 1))
                channels = wanted
        layers.append(_convolution(channels, MobileNetV2.size, 1))
        self.features = nn.Sequential(*layers)
        # Not needed for a vector: a file fits the network as a whole, or is not of this network.
        self.classifier = nn.Sequential(nn.Dropout(), nn.Linear(MobileNetV2.size, 1000))


class _InvertedResidual(nn.Module):
    """Widen, look around in each channel by itself, narrow without an activation; a shortcut where shapes allow it."""

    def __init__(self, inputs: int, outputs: int, expansion: int, stride: int) -> None:
        super().__init__()
        hidden = inputs * expansion
        widen = [_convolution(inputs, hidden, 1)] if expansion > 1 else []
        self.conv = nn.Sequential(
            *widen,
            _convolution(hidden, hidden, 3, stride=stride, groups=hidden),
            nn.Conv2d(hidden, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        self.shortcut = stride == 1 and inputs == outputs

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        return pixels + self.conv(pixels) if self.shortcut else self.conv(pixels)


def _convolution(inputs: int, outputs: int, side: int, *, stride: int = 1, groups: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, side, stride, padding=side // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU6(inplace=True),
    )


def _fuse(network: nn.Module) -> None:
    """Fold each batch normalization into the convolution before it."""
    for layers in [part for part in network.modules() if isinstance(part, nn.Sequential)]:
        for place in range(1, len(layers)):
            convolution, normalization = layers[place - 1], layers[place]
            if isinstance(convolution, nn.Conv2d) and isinstance(normalization, nn.BatchNorm2d):
                fused = fuse_conv_bn_eval(convolution, normalization)
                layers[place - 1] = Pointwise(fused) if fused.kernel_size == (1, 1) else fused
                layers[place] = nn.Identity()


def _pixels_of(image: np.ndarray) -> np.ndarray:
    """Return a picture as the network takes it, float32 (224, 224, 3) RGB of mean 0 and spread 1."""
    small = shrink_to(as_bgr(image), INPUT_SIZE, INPUT_SIZE)
    return (cv2.cvtColor(small, cv2.COLOR_BGR2RGB).astype(np.float32) / 255 - MEAN) / SPREAD
