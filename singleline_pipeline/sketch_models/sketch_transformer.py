"""Sketch transformer, after Sketchformer (Ribeiro et al. 2020): attention instead of recurrence.

Sketchformer regresses points and so cannot be sampled; here the causal decoder ends in the same mixture head as
SketchRNN. The encoder's rows are pooled by attention, with the padding masked, into a variational bottleneck.
"""

from __future__ import annotations

import math
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from singleline_pipeline.sketch_models import kernels
from singleline_pipeline.sketch_models.attention import (
    attend,
    attend_next,
    join_heads,
    self_attention,
    split_heads,
)
from singleline_pipeline.sketch_models.features import point_rows
from singleline_pipeline.sketch_models.mixture import MixtureHead
from singleline_pipeline.sketch_models.sketch_model import Posterior, SketchConfig, SketchModel, input_size


class SketchTransformerConfig(SketchConfig):
    """Sizes of a sketch transformer; the defaults are the story's.

    Attributes:
        width: Width of the residual stream.
        heads: Attention heads; they divide the width.
        feed_forward: Width of the feed-forward layers.
        encoder_layers: Blocks of the encoder.
        decoder_layers: Blocks of the decoder.
        residual_dropout: Share of a block's output channels that is dropped for a whole drawing in training.
        tokens: Codes of the token variant at most; 0 is the continuous one.
        codebook: The codes, as `Codebook.to_config` gives them; training fits them to the train split.
    """

    model_type = "sketch_transformer"

    latent_size: int = 256
    width: int = 128
    heads: int = 8
    feed_forward: int = 512
    encoder_layers: int = 4
    decoder_layers: int = 4
    residual_dropout: float = 0.1
    tokens: int = 0
    codebook: dict | None = None


def order_encoding(start: int, rows: int, width: int, device: torch.device) -> Tensor:
    """Sines of the rows' order (Vaswani et al. 2017, section 3.5), (rows, width). No length is too long for it."""
    order = torch.arange(start, start + rows, device=device, dtype=torch.float32).unsqueeze(1)
    frequency = torch.exp(
        torch.arange(0, width, 2, device=device, dtype=torch.float32) * (-math.log(10_000.0) / width)
    )
    return torch.cat([torch.sin(order * frequency), torch.cos(order * frequency)], dim=1)


class KeyValueCache:
    """Keys and values of the rows that a decoder has seen, (b, heads, max_rows, d) in each block.

    latent_share: what the latent adds to every row
    """

    def __init__(self, latent_share: Tensor | None, keys: list[Tensor], values: list[Tensor]) -> None:
        self.latent_share, self.keys, self.values = latent_share, keys, values
        self.rows = 0

    def attend(self, layer: int, joint: Tensor, heads: int) -> Tensor:
        """Store the next rows of a block, and attend from them to all of its rows so far.

        joint: (b, rows, 3 * width), query, key and value; more than one row where none have gone before
        returns: (b, rows, width)
        """
        query, key, value = split_heads(joint, heads)
        end = self.rows + key.shape[2]
        self.keys[layer][:, :, self.rows : end] = key
        self.values[layer][:, :, self.rows : end] = value
        keys, values = self.keys[layer][:, :, :end], self.values[layer][:, :, :end]
        return join_heads(attend(query, keys, values, is_causal=query.shape[2] > 1))

    def make_room(self, rows: int) -> None:
        """Grow by half where the next rows do not fit."""
        room = self.keys[0].shape[2]
        if self.rows + rows > room:
            more = max(room // 2, self.rows + rows - room)
            self.keys = [functional.pad(key, (0, 0, 0, more)) for key in self.keys]
            self.values = [functional.pad(value, (0, 0, 0, more)) for value in self.values]

    def _moved(self, whole: Tensor, rows: Tensor) -> Tensor:
        """These drawings, moved to the front of the same memory: what has not been written yet is not copied."""
        left = whole[: len(rows)]
        left[:, :, : self.rows] = whole[rows, :, : self.rows]
        return left

    def select(self, rows: Tensor) -> None:
        """Go on with these drawings of the batch only."""
        self.keys = [self._moved(key, rows) for key in self.keys]
        self.values = [self._moved(value, rows) for value in self.values]
        if self.latent_share is not None:
            self.latent_share = self.latent_share[rows]


class CompiledCache(KeyValueCache):
    """The same on the CPU with the compiled kernel: in bf16, and nothing is moved when a drawing has ended.

    slots: where the drawings that go on lie among those that it began with
    """

    def __init__(self, latent_share: Tensor | None, keys: list[Tensor], values: list[Tensor]) -> None:
        super().__init__(latent_share, keys, values)
        self.slots = torch.arange(len(keys[0]))

    def attend(self, layer: int, joint: Tensor, heads: int) -> Tensor:
        if joint.shape[1] == 1:
            return attend_next(joint, heads, self.keys[layer], self.values[layer], self.slots, self.rows)
        _, key, value = split_heads(joint, heads)
        end = self.rows + key.shape[2]
        self.keys[layer][self.slots, :, self.rows : end] = key.bfloat16()
        self.values[layer][self.slots, :, self.rows : end] = value.bfloat16()
        return self_attention(joint, heads, None)

    def select(self, rows: Tensor) -> None:
        self.slots = self.slots[rows]
        if self.latent_share is not None:
            self.latent_share = self.latent_share[rows]


class Block(nn.Module):
    """Attention and feed-forward, each normalised before and added to the stream (pre-norm)."""

    def __init__(self, config: SketchTransformerConfig, layers: int) -> None:
        super().__init__()
        self.heads, self.dropout = config.heads, config.residual_dropout
        self.attention_norm = nn.LayerNorm(config.width)
        self.query_key_value = nn.Linear(config.width, 3 * config.width, bias=False)
        self.attention_out = nn.Linear(config.width, config.width, bias=False)
        self.feed_norm = nn.LayerNorm(config.width)
        self.feed_in = nn.Linear(config.width, config.feed_forward)
        self.feed_out = nn.Linear(config.feed_forward, config.width)
        # Outputs into the stream start smaller the more blocks there are (GPT-2).
        for linear in (self.query_key_value, self.feed_in):
            nn.init.normal_(linear.weight, std=linear.in_features**-0.5)
        for linear in (self.attention_out, self.feed_out):
            nn.init.normal_(linear.weight, std=(2 * layers * linear.in_features) ** -0.5)
        for linear in (self.feed_in, self.feed_out):
            nn.init.zeros_(linear.bias)

    def _add(self, stream: Tensor, update: Tensor, generator: torch.Generator | None) -> Tensor:
        """The stream with a block's update, and residual dropout, one mask for all rows of a drawing (Gal and
        Ghahramani 2016).

        A mask for every element costs as much on the CPU as an attention layer, and dropout inside of the
        attention would leave its fast path.
        """
        if not self.training or self.dropout == 0:
            return stream + update
        shape = (update.shape[0], 1, update.shape[2])
        keep = torch.rand(shape, generator=generator, device=update.device) >= self.dropout
        return torch.addcmul(stream, update, keep / (1 - self.dropout))

    def _finish(self, stream: Tensor, attended: Tensor, generator: torch.Generator | None) -> Tensor:
        stream = self._add(stream, self.attention_out(attended), generator)
        update = self.feed_out(functional.relu(self.feed_in(self.feed_norm(stream))))
        return self._add(stream, update, generator)

    def forward(
        self, stream: Tensor, lengths: Tensor | None, generator: torch.Generator | None = None
    ) -> Tensor:
        """stream: (b, t, width); lengths: (b,), rows from there on are not read, or None for causal attention."""
        joint = self.query_key_value(self.attention_norm(stream))
        return self._finish(stream, self_attention(joint, self.heads, lengths), generator)

    def advance(self, stream: Tensor, cache: KeyValueCache, layer: int) -> Tensor:
        """The next rows (b, t, width), after those in the cache: many rows at the start, then one at a time."""
        joint = self.query_key_value(self.attention_norm(stream))
        return self._finish(stream, cache.attend(layer, joint, self.heads), None)


class TransformerEncoder(nn.Module):
    """Blocks that see the whole drawing, pooled by one learned query into the posterior."""

    def __init__(self, config: SketchTransformerConfig) -> None:
        super().__init__()
        self.inputs = nn.Linear(input_size(config), config.width)
        self.blocks = nn.ModuleList(
            Block(config, config.encoder_layers) for _ in range(config.encoder_layers)
        )
        self.norm = nn.LayerNorm(config.width)
        self.weigh = nn.Linear(config.width, config.heads)
        self.value = nn.Linear(config.width, config.width)
        self.posterior = nn.Linear(config.width, 2 * config.latent_size)

    def forward(self, features: Tensor, lengths: Tensor, generator: torch.Generator | None) -> Posterior:
        """features: (b, t, f) of the drawing's points."""
        rows = features.shape[1]
        real = torch.arange(rows, device=features.device) < lengths.unsqueeze(1)
        stream = self.inputs(features).float()
        stream = stream + order_encoding(0, rows, stream.shape[-1], stream.device)
        for block in self.blocks:
            stream = block(stream, lengths, generator)
        stream = self.norm(stream)
        # Masked attention pooling: each head weighs the real rows, and padding has weight zero.
        weights = self.weigh(stream).float().masked_fill(~real.unsqueeze(-1), float("-inf")).softmax(dim=1)
        values = self.value(stream).float().unflatten(-1, (weights.shape[-1], -1))
        pooled = (weights.unsqueeze(-1) * values).sum(1).flatten(1)
        mean, log_variance = self.posterior(pooled).float().chunk(2, dim=-1)
        return Posterior(mean, log_variance)


class SketchTransformer(SketchModel):
    """Encoder, latent and causal decoder; `latent_size` 0 leaves the decoder alone, `tokens` makes a token variant."""

    config_class = SketchTransformerConfig
    config: SketchTransformerConfig

    def __new__(cls, config: SketchTransformerConfig | None = None, *_: object) -> SketchTransformer:
        # One folder, one model type: the config says which variant it holds, here and in from_pretrained. A copy of a
        # model is made without one.
        if cls is SketchTransformer and config is not None and config.tokens:
            from singleline_pipeline.sketch_models.token_transformer import TokenTransformer

            return super().__new__(TokenTransformer)
        return super().__new__(cls)

    def __init__(self, config: SketchTransformerConfig) -> None:
        super().__init__(config)
        self.inputs = nn.Linear(input_size(config), config.width)
        self.blocks = nn.ModuleList(
            Block(config, config.decoder_layers) for _ in range(config.decoder_layers)
        )
        self.norm = nn.LayerNorm(config.width)
        self.head = MixtureHead(config.width, config.components)
        if config.latent_size:
            self.encoder = TransformerEncoder(config)
            self.latent_to_inputs = nn.Linear(config.latent_size, config.width, bias=False)
        self.post_init()

    def posterior(
        self, points: Tensor, lengths: Tensor, generator: torch.Generator | None = None
    ) -> Posterior:
        return self.encoder(self.features(point_rows(points)), lengths, generator)

    def hidden_matrices(self) -> list[nn.Parameter]:
        blocks = [*self.blocks, *(self.encoder.blocks if self.config.latent_size else [])]
        return [parameter for block in blocks for parameter in block.parameters() if parameter.ndim == 2]

    def _stream(self, features: Tensor, latent_share: Tensor | None, seen: int) -> Tensor:
        """The blocks' input for rows of features (b, t, f), `seen` rows having gone before."""
        stream = self.inputs(features).float()
        stream = stream + order_encoding(seen, features.shape[1], stream.shape[-1], stream.device)
        return stream if latent_share is None else stream + latent_share

    def _latent_share(self, latent: Tensor | None) -> Tensor | None:
        """What the latent adds to every row: (b, 1, width)."""
        return None if latent is None else self.latent_to_inputs(latent).float().unsqueeze(1)

    def decode(
        self, features: Tensor, latent: Tensor | None, generator: torch.Generator | None = None
    ) -> Tensor:
        # Padding lies after a drawing's last row, where the causal mask keeps the real rows from seeing it.
        stream = self._stream(features, self._latent_share(latent), 0)
        for block in self.blocks:
            stream = block(stream, None, generator)
        return self.norm(stream)

    def start_cache(self, latent: Tensor | None, batch: int, max_rows: int) -> KeyValueCache:
        config = self.config
        shape = (batch, config.heads, max_rows, config.width // config.heads)
        compiled = self.device.type == "cpu" and kernels.compiled() is not None
        dtype = torch.bfloat16 if compiled else torch.float32
        keys, values = (
            [torch.zeros(shape, device=self.device, dtype=dtype) for _ in range(config.decoder_layers)]
            for _ in range(2)
        )
        return (CompiledCache if compiled else KeyValueCache)(self._latent_share(latent), keys, values)

    def advance(self, features: Tensor, cache: KeyValueCache) -> Tensor:
        stream = self._stream(features, cache.latent_share, cache.rows)
        for layer, block in enumerate(self.blocks):
            stream = cast(Block, block).advance(stream, cache, layer)
        cache.rows += features.shape[1]
        return self.norm(stream)
