"""EfficientNet-Lite0, 1 and 2 with the ImageNet weights of their packages: encoders that need no network.

Tan & Le 2019 (arXiv:1905.11946); the Lite variants (no squeeze-and-excitation, ReLU6) come from the TensorFlow TPU
repository, and so does their preprocessing: 224, 240, 260 px, RGB, (x - 127) / 128.
"""

from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
import torch
from efficientnet_lite_pytorch import EfficientNet
from torch.nn.utils.fusion import fuse_conv_bn_eval

from singleline_pipeline.embedding.images import as_bgr, in_batches, shrink_to
from singleline_pipeline.embedding.pointwise import Pointwise
from singleline_pipeline.embedding.weights import packaged_weights, read_weights

CODE_VERSION = "1"
"""Raised with every change of this file that changes vectors."""

BATCH = 4
"""Small, because on a CPU the activations of few images stay in the cache: 1 to 4 take 15 ms an image, 16 take 21."""

WIDE_BLOCKS = 5
"""The first blocks, whose maps are so large that those of one image alone stay in the cache: a tenth of the time."""


class EfficientNetLite0:
    """The 1280 values before the classifier, averaged over the picture."""

    id = "efficientnet-lite0"
    version: str
    size = 1280
    input_size = 224
    """Side in px of the square that a picture is made."""
    network: EfficientNet
    """Normalization is folded into its convolutions: it has no training mode."""

    def __init__(self, weights: Path | None = None) -> None:
        """Load the packaged weights, or those of another file of the same network.

        Raises EmbeddingError where the package is not installed, or the file damaged or of another network.
        """
        network = EfficientNet.from_name(self.id)
        digest = read_weights(self.id, weights or packaged_weights(self.id), network)
        self.version = f"{digest}.{CODE_VERSION}"
        self.network = _fused(network.eval()).to(memory_format=torch.channels_last)

    def embed(self, images: Iterable[np.ndarray]) -> np.ndarray:
        """Embed pictures, uint8 (h, w, 3) BGR or (h, w) grey, to float32 (n, 1280).

        A vector depends on its picture alone: not on those beside it, nor on their order.
        """
        parts = [np.zeros((0, self.size), np.float32)]
        for batch in in_batches(images, BATCH):
            pixels = np.stack([pixels_of(image, self.input_size) for image in batch])
            tensor = torch.from_numpy(pixels).permute(0, 3, 1, 2)  # NHWC in memory: channels_last
            with torch.inference_mode():
                parts.append(self._features(tensor).numpy())
        return np.concatenate(parts)

    def _features(self, pixels: torch.Tensor) -> torch.Tensor:
        """Return the values before the classifier, (n, 1280), of pixels (n, 3, side, side)."""
        network, blocks = self.network, list(self.network._blocks)
        first: list[torch.Tensor] = []
        for picture in pixels.split(1):
            maps = network._swish(network._conv_stem(picture))
            for block in blocks[:WIDE_BLOCKS]:
                maps = block(maps)
            first.append(maps)
        maps = torch.cat(first)
        for block in blocks[WIDE_BLOCKS:]:
            maps = block(maps)
        return network._swish(network._conv_head(maps)).mean(dim=(2, 3))


class EfficientNetLite1(EfficientNetLite0):
    """The same of a network with more layers, which sees more pixels."""

    id = "efficientnet-lite1"
    input_size = 240


class EfficientNetLite2(EfficientNetLite0):
    """The same of a wider one."""

    id = "efficientnet-lite2"
    input_size = 260


def pixels_of(image: np.ndarray, side: int = EfficientNetLite0.input_size) -> np.ndarray:
    """Return a picture as the network takes it, float32 (side, side, 3) RGB from about -1 to 1."""
    small = shrink_to(as_bgr(image), side, side)
    return (cv2.cvtColor(small, cv2.COLOR_BGR2RGB).astype(np.float32) - 127) / 128


def untrained_network() -> EfficientNet:
    """Return the network as `EfficientNetLite0.network` is, normalization folded in, for weights that were saved so."""
    return _fused(EfficientNet.from_name(EfficientNetLite0.id).eval())


def _fused(network: EfficientNet) -> EfficientNet:
    """Fold each batch normalization into the convolution before it, and padding into kernels: the same function, for
    half the time."""
    network._conv_stem = fuse_conv_bn_eval(network._conv_stem, network._bn0)
    network._conv_head = fuse_conv_bn_eval(network._conv_head, network._bn1)
    network._bn0 = network._bn1 = torch.nn.Identity()
    for block in network._blocks:
        if hasattr(block, "_expand_conv"):
            block._expand_conv = fuse_conv_bn_eval(block._expand_conv, block._bn0)
        block._depthwise_conv = fuse_conv_bn_eval(block._depthwise_conv, block._bn1)
        block._project_conv = fuse_conv_bn_eval(block._project_conv, block._bn2)
        block._bn0 = block._bn1 = block._bn2 = torch.nn.Identity()
        if hasattr(block, "_expand_conv"):
            block._expand_conv = Pointwise(block._expand_conv)
        block._project_conv = Pointwise(block._project_conv)
    network._conv_head = Pointwise(network._conv_head)
    for module in network.modules():
        if isinstance(module, torch.nn.ReLU6):
            module.inplace = True
        elif isinstance(module, torch.nn.Conv2d):
            _pad_within(module)
    return network


def _pad_within(convolution: torch.nn.Conv2d) -> None:
    """Let a convolution pad by itself, where the package copies its whole input into a padded one first.

    A stride of 2 pads one more at the right and at the bottom, which PyTorch's convolutions cannot: a row and a column
    of zeros at the top left of the kernel make the padding even.
    """
    padding = convolution.static_padding
    if not isinstance(padding, torch.nn.ZeroPad2d):
        return
    left, right, _, _ = padding.padding
    uneven = right - left
    convolution.weight = torch.nn.Parameter(
        torch.nn.functional.pad(convolution.weight.detach(), (uneven, 0, uneven, 0))
    )
    convolution.padding = (right, right)
    convolution.static_padding = torch.nn.Identity()
