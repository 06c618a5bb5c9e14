"""SketchRNN (Ha and Eck 2017): a bidirectional LSTM encoder, a latent, and a layer-norm LSTM that draws."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from singleline_pipeline.sketch_models.features import point_rows
from singleline_pipeline.sketch_models.lstm import LSTM, LSTMState
from singleline_pipeline.sketch_models.mixture import MixtureHead
from singleline_pipeline.sketch_models.sketch_model import Posterior, SketchConfig, SketchModel, input_size


class SketchRNNConfig(SketchConfig):
    """Sizes of a SketchRNN; the defaults are the story's.

    Attributes:
        encoder_size: Hidden units of the encoder in each direction.
        decoder_size: Hidden units of the decoder.
        layer_norm: Whether the decoder normalises gates and cell (Ba et al. 2016).
        recurrent_dropout: Share of the decoder's candidate cells that is dropped at every step of training.
    """

    model_type = "sketch_rnn"

    encoder_size: int = 256
    decoder_size: int = 512
    layer_norm: bool = True
    recurrent_dropout: float = 0.1


def reverse_rows(sequence: Tensor, lengths: Tensor) -> Tensor:
    """Each drawing's own rows in reverse, padding after them: (b, t, f) -> (b, t, f).

    By index: packed sequences do the same, and are slow backwards on the CPU.
    """
    steps = torch.arange(sequence.shape[1], device=sequence.device)
    index = (lengths.unsqueeze(1) - 1 - steps).clamp(min=0)
    return sequence.gather(1, index.unsqueeze(-1).expand_as(sequence))


class RNNEncoder(nn.Module):
    """Reads a drawing from both ends; the rows after its end come after the states that are used."""

    def __init__(self, config: SketchRNNConfig) -> None:
        super().__init__()
        size = config.encoder_size
        self.inputs = nn.ModuleList(nn.Linear(input_size(config), 4 * size) for _ in range(2))
        self.lstm = LSTM(size, directions=2, layer_norm=False)
        self.posterior = nn.Linear(2 * size, 2 * config.latent_size)
        for linear in self.inputs:  # forget bias 1, as in the decoder
            nn.init.zeros_(cast(nn.Linear, linear).bias)
            nn.init.ones_(cast(nn.Linear, linear).bias.data.chunk(4)[1])

    def forward(self, features: Tensor, lengths: Tensor) -> Posterior:
        """features: (b, t, f) of the drawing's points."""
        ways = (features, reverse_rows(features, lengths))
        projected = torch.stack([
            linear(way.transpose(0, 1)) for linear, way in zip(self.inputs, ways, strict=True)
        ], dim=1)  # fmt: skip
        zero = projected.new_zeros(2, len(features), self.lstm.hidden_size, dtype=torch.float32)
        hidden, _ = self.lstm(projected, LSTMState(zero, zero))
        drawing = torch.arange(len(lengths), device=lengths.device)
        ends = hidden[lengths - 1, :, drawing].flatten(1)
        mean, log_variance = self.posterior(ends).float().chunk(2, dim=-1)
        return Posterior(mean, log_variance)


class RNNCache:
    """State of the decoder while it draws, and the share of its input that the latent contributes."""

    def __init__(self, state: LSTMState, constant: Tensor) -> None:
        self.state, self.constant = state, constant

    def select(self, rows: Tensor) -> None:
        """Go on with these drawings of the batch only."""
        self.state = LSTMState(self.state.hidden[:, rows], self.state.cell[:, rows])
        self.constant = self.constant[rows]


class SketchRNN(SketchModel):
    """Encoder, latent and decoder; `latent_size` 0 leaves the decoder alone."""

    config_class = SketchRNNConfig
    config: SketchRNNConfig

    def __init__(self, config: SketchRNNConfig) -> None:
        super().__init__(config)
        width = 4 * config.decoder_size
        self.inputs = nn.Linear(input_size(config), width)
        self.decoder = LSTM(
            config.decoder_size, layer_norm=config.layer_norm, recurrent_dropout=config.recurrent_dropout
        )
        if not config.layer_norm:  # the norms have biases of their own
            nn.init.ones_(self.inputs.bias.data.chunk(4)[1])
        self.head = MixtureHead(config.decoder_size, config.components)
        if config.latent_size:
            self.encoder = RNNEncoder(config)
            self.latent_to_state = nn.Linear(config.latent_size, 2 * config.decoder_size)
            self.latent_to_inputs = nn.Linear(config.latent_size, width, bias=False)
        self.post_init()

    def posterior(
        self, points: Tensor, lengths: Tensor, generator: torch.Generator | None = None
    ) -> Posterior:
        return self.encoder(self.features(point_rows(points)), lengths)

    def _start(self, latent: Tensor | None, batch: int) -> tuple[LSTMState, Tensor]:
        """State before the first row, and what the latent adds to the projected inputs, (b, 4 * hidden)."""
        size = self.config.decoder_size
        if latent is None:
            zero = self.inputs.weight.new_zeros(1, batch, size)
            return LSTMState(zero, zero), zero.new_zeros(batch, 4 * size)
        hidden, cell = torch.tanh(self.latent_to_state(latent)).unsqueeze(0).chunk(2, dim=-1)
        return LSTMState(hidden, cell), self.latent_to_inputs(latent)

    def decode(
        self, features: Tensor, latent: Tensor | None, generator: torch.Generator | None = None
    ) -> Tensor:
        state, constant = self._start(latent, len(features))
        projected = self.inputs(features.transpose(0, 1)).unsqueeze(1) + constant
        hidden, _ = self.decoder(projected, state, generator)
        return hidden.squeeze(1).transpose(0, 1)

    def start_cache(self, latent: Tensor | None, batch: int, max_rows: int) -> RNNCache:
        return RNNCache(*self._start(latent, batch))

    def advance(self, features: Tensor, cache: RNNCache) -> Tensor:
        projected = self.inputs(features.transpose(0, 1)).unsqueeze(1) + cache.constant
        hidden, cache.state = self.decoder(projected, cache.state)
        return hidden.squeeze(1).transpose(0, 1)
