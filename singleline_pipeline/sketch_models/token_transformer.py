"""The token variant of the sketch transformer: a softmax over the codes of a codebook in place of the mixture.

Sketchformer's discrete form (Ribeiro et al. 2020, section 3.1), with the encoder, the latent, the blocks and the cache
of the continuous variant. The decoder reads a code's embedding, and where the pen is after it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from singleline_pipeline.sketch_models import token_sampling
from singleline_pipeline.sketch_models.batches import collate
from singleline_pipeline.sketch_models.codebook import Codebook, Role
from singleline_pipeline.sketch_models.drawings import check_drawings
from singleline_pipeline.sketch_models.errors import SketchModelError
from singleline_pipeline.sketch_models.features import WINDOW, Rows, recent_steps
from singleline_pipeline.sketch_models.sampling import Sample
from singleline_pipeline.sketch_models.sketch_model import SketchOutput, evaluating
from singleline_pipeline.sketch_models.sketch_transformer import SketchTransformer, SketchTransformerConfig
from singleline_pipeline.sketch_models.tokens import encode_drawings

_EMBEDDING = 64  # width of a code's embedding
_OCTAVES = 6  # of the sines that tell codes apart by their offsets, from the tolerance upwards


class TokenBatch(NamedTuple):
    """Tokens padded to the longest: those past a drawing's length stand for nothing and are not to be read."""

    tokens: Tensor  # (b, m) int64
    lengths: Tensor  # (b,) int64


def pad_tokens(tokens: Sequence[np.ndarray]) -> TokenBatch:
    """A batch of (m,) arrays."""
    lengths = torch.tensor([len(written) for written in tokens], dtype=torch.int64)
    padded = torch.zeros(len(tokens), int(lengths.max()), dtype=torch.int64)
    for row, written in enumerate(tokens):
        padded[row, : len(written)] = torch.from_numpy(written)
    return TokenBatch(padded, lengths)


@dataclass
class TokenOutput(SketchOutput):
    """As `SketchOutput`, with `code` in place of xy and pen: the negative log probability of the codes, END apart.

    tokens: codes in the batch
    """

    code: Tensor | None = None
    tokens: Tensor | None = None


def code_geometry(codebook: Codebook) -> np.ndarray:
    """What is known of each code before anything is learned, (k, f) float32: its role, its offset in several scales."""
    relative = codebook.offsets.astype(np.float64) / codebook.tolerance
    length = np.hypot(relative[:, 0], relative[:, 1])
    unit = relative / np.maximum(length, 1e-9)[:, None]
    waves = [relative * (math.pi / 2 / 2.0**octave) for octave in range(1, 1 + _OCTAVES)]
    parts = [
        np.eye(len(Role))[codebook.roles], unit, np.log1p(length)[:, None], *map(np.sin, waves), *map(np.cos, waves)
    ]  # fmt: skip
    return np.concatenate(parts, axis=1).astype(np.float32)


def drawn_tokens(role: Tensor, before: Tensor) -> Tensor:
    """1 where a token is drawn, 0 where the pen moves above the paper, for roles (b, m): (b, m).

    before: (b,), what holds for the first of them; a closed row says what holds for those after it
    """
    states = torch.cat([before.unsqueeze(1), (role == Role.DOWN).to(before.dtype)], dim=1)
    order = torch.arange(1, role.shape[1] + 1, device=role.device)
    closed = functional.pad(torch.where(role == Role.CARRY, 0, order), (1, 0)).cummax(dim=1).values
    return states.gather(1, closed[:, :-1])


class CodeHead(nn.Module):
    """Hidden vectors to log probabilities of the codes and, last, of the end.

    A code's weights are a linear map of its geometry and what is learned for it alone, so that a code that is rare
    takes part in what its neighbours learn.
    """

    geometry: Tensor

    def __init__(self, width: int, codebook: Codebook) -> None:
        super().__init__()
        geometry = torch.from_numpy(code_geometry(codebook))
        self.register_buffer("geometry", geometry)
        self.shared = nn.Linear(geometry.shape[1], width, bias=False)
        self.own = nn.Parameter(torch.empty(len(codebook) + 1, width))
        self.bias = nn.Parameter(torch.zeros(len(codebook) + 1))
        nn.init.normal_(self.shared.weight, std=0.02)
        nn.init.normal_(self.own, std=0.02)
        # As often as in the drawings, before anything of them is known.
        used = torch.from_numpy(codebook.counts).float() + 1
        self.bias.data[:-1] = torch.log(used / used.sum())
        self.bias.data[-1] = -5.0

    def forward(self, hidden: Tensor, within_row: Tensor) -> Tensor:
        """hidden: (..., width); within_row: (...,) bool, where a row is not closed yet and nothing can end."""
        weight = torch.cat([self.shared(self.geometry), torch.zeros_like(self.own[:1])]) + self.own
        logits = functional.linear(hidden, weight, self.bias).float()
        impossible = torch.zeros_like(logits[..., :-1], dtype=torch.bool)
        logits = logits.masked_fill(torch.cat([impossible, within_row.unsqueeze(-1)], dim=-1), float("-inf"))
        return functional.log_softmax(logits, dim=-1)


class TokenTransformer(SketchTransformer):
    """What `SketchTransformer(config)` makes where the config has tokens and their codebook."""

    score_kind = "probability"
    score_name = "token_nats_per_point"
    logged_parts = ("nats_per_token", "tokens_per_point")
    logged_sums = ("token_nats_per_point",)
    code_offsets: Tensor
    code_roles: Tensor

    def __init__(self, config: SketchTransformerConfig) -> None:
        super().__init__(config)
        if not config.codebook:
            raise SketchModelError(
                "The config asks for tokens but holds no codebook: give it codebook=fit_codebook(drawings).to_config()."
            )
        self.codebook = Codebook.from_config(config.codebook)
        del self.head  # the mixture
        # In the weights, to move with them to a device.
        self.register_buffer("code_offsets", torch.from_numpy(self.codebook.offsets))
        self.register_buffer("code_roles", torch.from_numpy(self.codebook.roles.astype(np.int64)))
        self.embedding = nn.Embedding(len(self.codebook) + 1, _EMBEDDING)  # the last one: the start
        self.inputs = nn.Linear(self.inputs.in_features + _EMBEDDING, config.width)
        self.code_head = CodeHead(config.width, self.codebook)
        self.post_init()

    @property
    def comparable(self) -> str:
        """Probabilities are of drawings up to the tolerance, so they depend on it."""
        return f"probability within {self.codebook.tolerance:g}"

    # ---- what the decoder reads

    def token_rows(self, tokens: Tensor, last: Rows | None = None) -> Rows:
        """Rows of tokens (b, m), after the last of these rows; at the beginning one for the start comes before them.

        The position is the reconstructed one, the order counts points, and the pen is neither down nor lifted in a row
        that is not closed.
        """
        offset = self.code_offsets[tokens]
        role = self.code_roles[tokens]
        pen = torch.stack([role == Role.DOWN, role == Role.UP, torch.zeros_like(role)], dim=-1).to(
            offset.dtype
        )
        order = (role != Role.CARRY).to(offset.dtype).unsqueeze(-1).cumsum(1)
        if last is not None:
            carried = last.pen[:, -1].sum(-1) == 0
            drawn = drawn_tokens(role, torch.where(carried, last.recent[:, -1, 0, 2], last.pen[:, -1, 0]))
            return Rows(
                offset, pen, last.position[:, -1:] + offset.cumsum(1), last.order[:, -1:] + order,
                recent_steps(offset, drawn, last.recent[:, -1]),
            )  # fmt: skip
        drawn = drawn_tokens(role, offset.new_zeros(len(tokens)))
        nothing = offset.new_zeros(len(tokens), 1, 2)
        start = offset.new_tensor([0.0, 0.0, 1.0]).expand(len(tokens), 1, 3)
        return Rows(
            torch.cat([nothing, offset], dim=1),
            torch.cat([start, pen], dim=1),
            torch.cat([nothing, offset.cumsum(1)], dim=1),
            torch.cat([nothing[..., :1], order], dim=1),
            torch.cat([offset.new_zeros(len(tokens), 1, WINDOW, 3), recent_steps(offset, drawn)], dim=1),
        )

    def token_features(self, rows: Rows, tokens: Tensor) -> Tensor:
        """Features of rows and of the tokens that they are of, (b, t, f); the start's token is the last of all."""
        return torch.cat([self.features(rows), self.embedding(tokens)], dim=-1)

    def features_from_start(self, tokens: Tensor) -> Tensor:
        """Features of the start and of tokens (b, m): (b, m + 1, f)."""
        begin = tokens.new_full((len(tokens), 1), len(self.codebook))
        return self.token_features(self.token_rows(tokens), torch.cat([begin, tokens], dim=1))

    # ---- the loss

    def tokenise(self, points: Tensor, lengths: Tensor) -> TokenBatch:
        """The tokens of a batch, on its device."""
        rows = points.detach().cpu().numpy()
        drawings = [drawing[:length] for drawing, length in zip(rows, lengths.tolist(), strict=True)]
        batch = pad_tokens(encode_drawings(self.codebook, drawings))
        return TokenBatch(batch.tokens.to(points.device), batch.lengths.to(points.device))

    def collate(self, items: list[tuple[int, np.ndarray, np.ndarray]]) -> dict[str, Any]:
        """As `batches.collate`, with the tokens of the variants that were made for this step."""
        rows, variants = [row for row, _, _ in items], [drawing for _, drawing, _ in items]
        batch = pad_tokens(encode_drawings(self.codebook, variants, rows))
        return collate(items) | {"tokens": batch.tokens, "token_lengths": batch.lengths}

    def forward(
        self,
        points: Tensor,
        lengths: Tensor,
        target_noise: Tensor | None = None,
        kl_weight: float = 1.0,
        generator: torch.Generator | None = None,
        tokens: Tensor | None = None,
        token_lengths: Tensor | None = None,
    ) -> TokenOutput:
        """Teacher-forced loss of a batch, in nats a point as `SketchModel.forward` has it, but of probabilities.

        target_noise: for the continuous variants; a code has no density that could grow without end
        tokens, token_lengths: (b, m) and (b,), those of the points; found here where they are not given
        """
        if tokens is None or token_lengths is None:
            tokens, token_lengths = self.tokenise(points, lengths)
        latent, kl = self.latent_of(points, lengths, generator)
        real = torch.arange(tokens.shape[1], device=tokens.device) < token_lengths.unsqueeze(1)
        tokens = tokens * real
        hidden = self.decode(self.features_from_start(tokens), latent, generator)
        closed = self.code_roles[tokens] != Role.CARRY
        within_row = functional.pad(~closed, (1, 0))  # after the start and after every token
        predicted = self.code_head(hidden[:, :-1][real], within_row[:, :-1][real])
        code = functional.nll_loss(predicted, tokens[real], reduction="sum")
        rows = torch.arange(len(tokens), device=tokens.device)
        end = -self.code_head(hidden[rows, token_lengths], within_row[rows, token_lengths])[:, -1].sum()
        count = lengths.sum()
        paid = self.paid_kl(kl)
        return TokenOutput(
            loss=(code + end + kl_weight * paid) / count, code=code.detach(), end=end.detach(),
            kl=kl.sum().detach(), points=count, tokens=token_lengths.sum(), drawings=count.new_tensor(len(points)),
        )  # fmt: skip

    @staticmethod
    def scores(sums: Mapping[str, float]) -> dict[str, float]:
        """In nats of probabilities, which no density can be compared with:

        nats_per_token: negative log probability of a code; tokens_per_point: codes a row takes
        eos_per_drawing, kl_per_drawing: as in the continuous variants
        token_nats_per_point: all of them summed over the drawings, divided by the number of real points: what it costs
            to say the drawing up to the codebook's tolerance
        """
        return {
            "nats_per_token": sums["code"] / sums["tokens"],
            "tokens_per_point": sums["tokens"] / sums["points"],
            "eos_per_drawing": sums["end"] / sums["drawings"],
            "kl_per_drawing": sums["kl"] / sums["drawings"],
            "token_nats_per_point": (sums["code"] + sums["end"] + sums["kl"]) / sums["points"],
        }

    # ---- drawing

    def sample(
        self,
        n: int,
        *,
        temperature: float = 0.4,
        max_points: int | None = None,
        generator: torch.Generator | None = None,
        prefix: np.ndarray | None = None,
        z: Tensor | None = None,
    ) -> list[Sample]:
        """As `SketchModel.sample`; a prefix is held as it is, and gone on from at most a tolerance beside its end."""
        with evaluating(self):
            return token_sampling.sample_tokens(
                self, n,
                temperature=temperature, max_points=max_points, generator=generator, prefix=prefix, z=z,
            )  # fmt: skip

    def prefix_tokens(self, prefix: np.ndarray) -> np.ndarray:
        """The tokens of what somebody began, (m,)."""
        return encode_drawings(self.codebook, check_drawings([prefix], "prefix"))[0]
