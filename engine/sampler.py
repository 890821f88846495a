"""The one sampling loop. It imports no model and knows no rule by name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from engine import MASK
from engine.noise import Noise
from engine.rules import Proposal, Rule, Scorer
from engine.step import ARRAYS, CANDIDATES, State, Step

COLDEST = 1e-6  # below it logits / temperature may overflow, and only the likeliest is ever drawn
TORCH_TYPES = {np.int32: torch.int32, np.float32: torch.float32, np.uint8: torch.uint8}


@torch.no_grad()
def sample(
    predict: Scorer,
    rule: Rule,
    *,
    labels: Tensor,
    num_tokens: int,
    seed: int,
    samples: Sequence[int] | None = None,
    round: int = 0,
    start: Tensor | None = None,
    first_step: int = 0,
    score_last: bool = False,
    candidates: int = CANDIDATES,
) -> Iterator[Step]:
    """Yield one Step after another: MaskGIT's parallel decoding and Token-Critic's Algorithm 2 alike.

    predict(tokens (B, N), labels (B,)) -> logits (B, N, V). `samples` are the indices whose noise is used
    (0 .. B-1 by default) and `round` tells this use of it from another one. `start` are the tokens to begin with
    (all MASK by default) and `first_step` the step they stand before, so that any run can be taken up where another
    was. The last step keeps everything: its scores are not needed, and where they would cost a pass they are left
    out unless `score_last`. `candidates` likeliest tokens of each place are noted.

    A step waits for the device once, when it is brought to the host.
    """
    device = labels.device
    noise = Noise(seed, tuple(range(len(labels)) if samples is None else samples), round)
    tokens = torch.full((len(labels), num_tokens), MASK) if start is None else start
    counts = _plan_counts(rule, (tokens == MASK).sum(1).tolist(), first_step)
    hidden_after = torch.tensor(counts).to(device, non_blocking=True)  # (T - first_step, B)
    tokens = tokens.to(device, non_blocking=True)
    for s in range(first_step, rule.steps):
        masked = tokens == MASK
        logits = predict(tokens, labels)  # (B, N, V)
        temperature = rule.temperature(s)
        proposal = torch.where(masked, _sample_tokens(logits, temperature, noise, s), tokens)
        log_p = logits.log_softmax(-1)
        chosen_log_p = log_p.gather(-1, proposal[..., None])[..., 0]
        seen = Proposal(s=s, filled=proposal, masked=masked, log_p=chosen_log_p, labels=labels, noise=noise)
        last = s == rule.steps - 1
        scores = ranked = torch.full_like(chosen_log_p, torch.nan)
        if not last or score_last or rule.passes_per_step == 1:
            scores = rule.scores(seen)
            ranked = rule.ranked(scores, seen)
            if not rule.can_revoke:
                scores, ranked = scores.where(masked, torch.nan), ranked.where(masked, torch.nan)
        hide = _choose_masked(ranked, masked, rule, hidden_after[s - first_step])
        top = log_p.topk(min(candidates, log_p.shape[-1]), -1)
        after = proposal.masked_fill(hide, MASK)
        arrays = {
            "tokens": tokens,
            "proposal": proposal,
            "scores": scores,
            "ranked": ranked,
            "confidence": chosen_log_p.exp(),
            "top_tokens": top.indices,
            "top_probs": top.values.exp(),
            "state": _label_states(masked, hide),
        }
        yield Step(s=s, steps=rule.steps, temperature=temperature, **_to_host(arrays))
        tokens = after


def _plan_counts(rule: Rule, masked: Sequence[int], first_step: int) -> list[list[int]]:
    """How many places each picture has masked after each step, (T - first_step, B): 0 after the last."""
    planned, now = [], list(masked)
    for s in range(first_step, rule.steps):
        if s == rule.steps - 1:
            now = [0] * len(now)
        else:
            after = [rule.masked_after(s, count) for count in now]
            now = after if rule.can_revoke else [min(a, b) for a, b in zip(after, now, strict=True)]
        planned.append(now)
    return planned


def _sample_tokens(logits: Tensor, temperature: float, noise: Noise, s: int) -> Tensor:
    """One sample per place, (B, N), from the softmax of logits (B, N, V) / temperature; at 0 the likeliest.

    The first of V exponential clocks whose rates are the probabilities: argmax(p / E). The same draw as
    argmax(logits / temperature + gumbel), with one logarithm less.
    """
    if temperature < COLDEST:
        return logits.argmax(-1)
    clocks = noise.exponential(s, "token", logits.shape[1:], logits.device)
    return (logits if temperature == 1 else logits / temperature).softmax(-1).div_(clocks).argmax(-1)


def _choose_masked(ranked: Tensor, masked: Tensor, rule: Rule, count: Tensor) -> Tensor:
    """(B, N) bool: the `count` (B,) places to mask. Stable sort, so that the lower index goes first where ranks tie."""
    order = ranked.nan_to_num(nan=torch.inf).argsort(dim=1, stable=True)
    rank = torch.empty_like(order).scatter_(
        1, order, torch.arange(order.shape[1], device=order.device).expand_as(order)
    )
    hide = rank < count[:, None]
    return hide if rule.can_revoke else hide & masked


def _label_states(masked: Tensor, hide: Tensor) -> Tensor:
    """(B, N) uint8, a State each."""
    fresh = torch.where(hide, int(State.MASKED), int(State.NEW))
    accepted = torch.where(hide, int(State.REVOKED), int(State.KEPT))
    return torch.where(masked, fresh, accepted).to(torch.uint8)


def _to_host(arrays: dict[str, Tensor]) -> dict[str, np.ndarray]:
    """All arrays of a step in one transfer, as the types of ARRAYS."""
    typed = {name: array.to(TORCH_TYPES[ARRAYS[name]]).contiguous() for name, array in arrays.items()}
    packed = torch.cat([array.view(-1).view(torch.uint8) for array in typed.values()]).cpu().numpy()
    result, at = {}, 0
    for name, array in typed.items():
        size = array.numel() * array.element_size()
        result[name] = packed[at : at + size].view(ARRAYS[name]).reshape(tuple(array.shape))
        at += size
    return result
