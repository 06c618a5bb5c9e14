"""SketchRNN (Ha and Eck 2017): a bidirectional LSTM encoder, a latent, and a layer-norm LSTM that draws."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from singleline_pipeline.sketch_models.features import point_rows
from singleline_pipeline.sketch_models.layer_norm_lstm import LayerNormLSTM, LSTMState
from singleline_pipeline.sketch_models.mixture import MixtureHead
from singleline_pipeline.sketch_models.sketch_model import Posterior, SketchConfig, SketchModel, input_size


class SketchRNNConfig(SketchConfig):
    """Sizes of a SketchRNN; the defaults are the story's.

    Attributes:
        encoder_size: Hidden units of the encoder in each direction.
        decoder_size: Hidden units of the decoder.
        recurrent_dropout: Share of the decoder's candidate cells that is dropped at every step of training.
    """

    model_type = "sketch_rnn"

    encoder_size: int = 256
    decoder_size: int = 512
    recurrent_dropout: float = 0.1


def last_row(sequence: Tensor, lengths: Tensor) -> Tensor:
    """Row lengths - 1 of each drawing: (b, t, f) -> (b, f)."""
    return sequence[torch.arange(len(lengths), device=sequence.device), lengths - 1]


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
        self.forwards = nn.LSTM(input_size(config), config.encoder_size, batch_first=True)
        self.backwards = nn.LSTM(input_size(config), config.encoder_size, batch_first=True)
        self.posterior = nn.Linear(2 * config.encoder_size, 2 * config.latent_size)
        for direction in (self.forwards, self.backwards):  # forget bias 1, as in the decoder
            nn.init.ones_(cast(Tensor, direction.bias_ih_l0).data.chunk(4)[1])

    def forward(self, features: Tensor, lengths: Tensor) -> Posterior:
        """features: (b, t, f) of the drawing's points."""
        ahead, _ = self.forwards(features)
        back, _ = self.backwards(reverse_rows(features, lengths))
        ends = torch.cat([last_row(ahead, lengths), last_row(back, lengths)], dim=-1)
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
        self.decoder = LayerNormLSTM(config.decoder_size, recurrent_dropout=config.recurrent_dropout)
        self.head = MixtureHead(config.decoder_size, config.components)
        if config.latent_size:
            self.encoder = RNNEncoder(config)
            self.latent_to_state = nn.Linear(config.latent_size, 2 * config.decoder_size)
            self.latent_to_inputs = nn.Linear(config.latent_size, width, bias=False)
        self.post_init()

    def posterior(self, points: Tensor, lengths: Tensor) -> Posterior:
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
