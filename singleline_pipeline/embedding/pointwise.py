"""Convolutions of 1 x 1 px, which most of a network for small machines consists of."""

import torch


class Pointwise(torch.nn.Linear):
    """A convolution of 1 x 1 px as the matrix product that it is, which PyTorch computes faster on one thread."""

    def __init__(self, convolution: torch.nn.Conv2d) -> None:
        super().__init__(convolution.in_channels, convolution.out_channels)
        weights = convolution.state_dict()
        self.load_state_dict({"weight": weights["weight"][:, :, 0, 0], "bias": weights["bias"]})

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """(n, channels, h, w) in channels_last to the same with other channels."""
        return super().forward(pixels.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
