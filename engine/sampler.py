"""The one sampling loop. It imports no model and knows no rule by name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from engine import MASK
from engine.noise import Noise
from engine.rules import Proposal, Rule, Scorer
from engine.step import State, Step

TOP = 5
COLDEST = 1e-6  # below it logits / temperature may overflow, and only the likeliest is ever drawn


@torch.no_grad()
def sample(
    predict: Scorer,
    rule: Rule,
    *,
    labels: Tensor,
    places: int,
    seed: int,
    samples: Sequence[int] | None = None,
    start: Tensor | None = None,
    first_step: int = 0,
    score_last: bool = False,
) -> Iterator[Step]:
    """Yield one Step after another: MaskGIT's parallel decoding and Token-Critic's Algorithm 2 alike.

    predict(tokens (B, N), labels (B,)) -> logits (B, N, V). `samples` are the indices whose noise
    is used (0 .. B-1 by default), `start` the tokens to begin with (all MASK by default) and
    `first_step` the step they stand before, so that any run can be taken up where another was.
    The last step keeps everything: its scores are not needed, and where they would cost a pass
    they are left out unless `score_last`.
    """
    noise = Noise(seed, tuple(range(len(labels)) if samples is None else samples))
    tokens = torch.full((len(labels), places), MASK, device=labels.device) if start is None else start
    for s in range(first_step, rule.steps):
        masked = tokens == MASK
        logits = predict(tokens, labels)  # (B, N, V)
        temperature = rule.temperature(s)
        proposal = torch.where(masked, _draw(logits, temperature, noise, s), tokens)
        log_p = logits.log_softmax(-1)
        chosen_log_p = log_p.gather(-1, proposal[..., None])[..., 0]
        look = Proposal(s=s, tokens=proposal, masked=masked, log_p=chosen_log_p, labels=labels, noise=noise)
        last = s == rule.steps - 1
        scores = ranked = torch.full_like(chosen_log_p, torch.nan)
        if not last or score_last or not rule.scored_by_pass:
            scores = rule.scores(look)
            ranked = rule.ranked(scores, look)
            if not rule.revisits:
                scores, ranked = scores.where(masked, torch.nan), ranked.where(masked, torch.nan)
        hide = _lowest(ranked, masked, rule, s) if not last else torch.zeros_like(masked)
        top = log_p.topk(min(TOP, log_p.shape[-1]), -1)
        yield _step(rule, s, temperature, tokens, proposal, scores, ranked, chosen_log_p, top, masked, hide)
        tokens = proposal.masked_fill(hide, MASK)


def _draw(logits: Tensor, temperature: float, noise: Noise, s: int) -> Tensor:
    """One sample per place, (B, N): argmax(logits / temperature + gumbel); temperature 0 takes the likeliest."""
    if temperature < COLDEST:
        return logits.argmax(-1)
    gumbel = noise.gumbel(s, "token", logits.shape[1:], logits.device)
    return (logits / temperature + gumbel).argmax(-1)


def _lowest(ranked: Tensor, masked: Tensor, rule: Rule, s: int) -> Tensor:
    """(B, N) bool: the places to mask. Stable sort, so that the lower index goes first where ranks tie."""
    count = torch.tensor([rule.masked_after(s, now) for now in masked.sum(1).tolist()], device=ranked.device)
    order = ranked.nan_to_num(nan=torch.inf).argsort(dim=1, stable=True)
    rank = torch.empty_like(order).scatter_(
        1, order, torch.arange(order.shape[1], device=order.device).expand_as(order)
    )
    hide = rank < count[:, None]
    return hide if rule.revisits else hide & masked


def _step(
    rule: Rule,
    s: int,
    temperature: float,
    tokens: Tensor,
    proposal: Tensor,
    scores: Tensor,
    ranked: Tensor,
    log_p: Tensor,
    top: tuple[Tensor, Tensor],
    masked: Tensor,
    hide: Tensor,
) -> Step:
    state = torch.full(masked.shape, int(State.KEPT), dtype=torch.uint8, device=masked.device)
    state[masked & ~hide] = int(State.NEW)
    state[masked & hide] = int(State.MASKED)
    state[~masked & hide] = int(State.REVOKED)
    floats = {"scores": scores, "ranked": ranked, "confidence": log_p.exp(), "top_probs": top[0].exp()}
    ints = {"tokens": tokens, "proposal": proposal, "top_tokens": top[1]}
    return Step(
        s=s,
        steps=rule.steps,
        temperature=temperature,
        state=state.cpu().numpy(),
        **{name: value.float().cpu().numpy().copy() for name, value in floats.items()},
        **{name: value.to(torch.int32).cpu().numpy() for name, value in ints.items()},
    )
