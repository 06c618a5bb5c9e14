"""Drawing with the token variant: codes until they end the drawing, handed back as rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from singleline_pipeline.sketch_models.codebook import Role
from singleline_pipeline.sketch_models.features import Rows
from singleline_pipeline.sketch_models.sampling import PenClock, Sample, check_request
from singleline_pipeline.sketch_models.tokens import MOST_TOKENS, decode_tokens

if TYPE_CHECKING:
    from singleline_pipeline.sketch_models.token_transformer import TokenTransformer

_SPARE = 1.5  # tokens a point that the cache has room for before it has to grow


def choose(
    log_probability: Tensor, allowed: Tensor, temperature: float, generator: torch.Generator
) -> Tensor:
    """One of the allowed codes for each row of log probabilities (b, k), sharpened: (b,)."""
    sharpened = (log_probability / temperature).masked_fill(~allowed, float("-inf"))
    return torch.multinomial(sharpened.softmax(dim=-1), 1, generator=generator).squeeze(1)


@torch.no_grad()
def sample_tokens(
    model: TokenTransformer,
    n: int,
    *,
    temperature: float,
    max_points: int | None,
    generator: torch.Generator | None,
    prefix: np.ndarray | None,
    z: Tensor | None,
) -> list[Sample]:
    """See `TokenTransformer.sample`.

    The lift and the end come by `PenClock`, as in the continuous variant, and so does a code that carries: each has the
    probability of all codes of its role. Which of them it is comes from the sharpened softmax. Sharpened together, the
    few codes that carry would win over the many that close, and cold drawings be made of long lines.
    """
    asked = check_request(model, n, temperature, max_points, generator, prefix, z)
    device, generator = model.device, asked.generator
    begun = model.prefix_tokens(asked.begun) if len(asked.begun) else np.empty(0, np.int64)
    written = [
        torch.from_numpy(begun).to(device).expand(n, -1)
    ]  # parts of (n, steps); -1 where a drawing is over

    points = torch.full((n,), len(asked.begun), device=device)
    carried = torch.zeros(n, dtype=torch.int64, device=device)  # codes of the row that is not closed yet
    ended = torch.zeros(n, dtype=torch.bool, device=device)
    ends, lifts, carries = (PenClock(n, temperature, generator, device) for _ in range(3))
    active = torch.arange(n, device=device)
    is_down, is_up, is_carry = (model.code_roles == role for role in Role)

    rows = model.token_rows(written[0])
    features = model.features_from_start(written[0])
    cache = model.start_cache(
        asked.latent, n, features.shape[1] + int(_SPARE * (asked.limit - len(asked.begun)))
    )
    while True:
        cache.make_room(features.shape[1])
        hidden = model.advance(features, cache)[:, -1]
        log_probability = model.code_head(hidden, carried[active] > 0)
        # A drawing has at least one point; within a row the end has no probability.
        may_end = (points[active] > 0) & (carried[active] == 0)
        over = torch.zeros_like(may_end)
        over[may_end] = ends.strikes(active[may_end], log_probability[may_end, -1].exp())
        ended[active[over]] = True
        going_on = torch.nonzero(~over & ~((points[active] == asked.limit) & may_end)).squeeze(1)
        if len(going_on) == 0:
            break
        if len(going_on) < len(active):
            active, log_probability = active[going_on], log_probability[going_on]
            rows = Rows(*(part[going_on] for part in rows))
            cache.select(going_on)
        codes = log_probability[:, :-1].log_softmax(dim=-1)
        up, carry = (codes[:, role].exp().sum(dim=-1) for role in (is_up, is_carry))
        lift = lifts.strikes(active, up)
        lifts.wind(active[lift])
        # A row that was just closed by a lift had no choice to carry: its clock stands still.
        down = torch.nonzero(~lift).squeeze(1)
        on = torch.zeros_like(lift)
        on[down] = carries.strikes(active[down], (carry / (1 - up).clamp(min=1e-7))[down])
        carries.wind(active[on])
        on &= carried[active] < MOST_TOKENS - 1
        allowed = torch.where(lift.unsqueeze(1), is_up, torch.where(on.unsqueeze(1), is_carry, is_down))
        token = choose(codes, allowed, temperature, generator)
        step = token.new_full((n, 1), -1)
        step[active, 0] = token
        written.append(step)
        closes = ~is_carry[token]
        points[active] += closes
        carried[active] = torch.where(closes, 0, carried[active] + 1)
        rows = model.token_rows(token.unsqueeze(1), rows)
        features = model.token_features(rows, token.unsqueeze(1))

    samples = []
    for tokens, by_itself in zip(torch.cat(written, dim=1).cpu().numpy(), ended.tolist(), strict=True):
        stroke3 = decode_tokens(model.codebook, tokens[tokens >= 0])
        _put_back(stroke3, asked.begun)
        stroke3[-1, 2] = 1
        samples.append(Sample(stroke3, by_itself))
    return samples


def _put_back(stroke3: np.ndarray, begun: np.ndarray) -> None:
    """The prefix in place of what its tokens made of it; what comes after it stays where it is on the page."""
    given = len(begun)
    if len(stroke3) > given:
        stroke3[given, :2] += stroke3[:given, :2].sum(axis=0) - begun[:, :2].sum(axis=0)
    stroke3[:given] = begun
