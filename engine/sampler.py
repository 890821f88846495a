"""The one sampling loop. It imports no model and knows no rule by name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from engine import MASK
from engine.noise import Noise
from engine.rule import Proposal, Rule, Scorer
from engine.step import ARRAYS, CANDIDATES, State, Step

COLDEST = 1e-6  # at a lower temperature logits / temperature may overflow; there the likeliest token is taken
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
    """Yield the Steps of a run: MaskGIT's parallel decoding and Token-Critic's Algorithm 2 alike.

    predict(tokens (B, N), labels (B,)) -> logits (B, N, V). `samples` are the indices that the noise depends on
    (default: 0 .. B-1); another `round` gives other noise. The run begins with the tokens `start` (B, N) (default:
    all MASK) at `first_step`, so it can continue any other run. The last step keeps all tokens and does not need
    scores. If they cost a network pass, they are computed only with `score_last`. Each step records the
    `candidates` likeliest tokens of each position. It waits for the device once, when it is copied to the CPU.
    ValueError where a network's output is not finite, or a rule ranks by a score that is none.
    """
    device = labels.device
    noise = Noise(seed, tuple(range(len(labels)) if samples is None else samples), round)
    tokens = torch.full((len(labels), num_tokens), MASK) if start is None else start
    counts = _plan_counts(rule, (tokens == MASK).sum(1).tolist(), first_step)
    hidden_after = torch.tensor(counts).to(device, non_blocking=True)  # (T - first_step, B)
    tokens = tokens.to(device, non_blocking=True)
    masked_before = torch.ones_like(tokens, dtype=torch.bool)
    for s in range(first_step, rule.steps):
        masked = tokens == MASK
        logits = predict(tokens, labels)  # (B, N, V)
        filled = torch.where(masked, _sample_tokens(logits, rule.temperature(s), noise, s), tokens)
        log_p = logits.log_softmax(-1)
        confidence = log_p.gather(-1, filled[..., None])[..., 0]
        proposal = Proposal(
            s=s,
            filled=filled,
            masked=masked,
            masked_before=masked_before,
            log_p=confidence,
            labels=labels,
            noise=noise,
        )
        scores, ranked = _score(rule, proposal, score_last)
        hide = _choose_masked(ranked, masked, rule, hidden_after[s - first_step])
        top = log_p.topk(min(candidates, log_p.shape[-1]), -1)
        arrays = {
            "tokens": tokens,
            "proposal": filled,
            "scores": scores,
            "ranked": ranked,
            "confidence": confidence.exp(),
            "top_tokens": top.indices,
            "top_probs": top.values.exp(),
            "state": _label_states(masked, hide),
        }
        tokens, masked_before = filled.masked_fill(hide, MASK), masked
        on_host = _to_host(arrays)
        ranks = ((on_host["tokens"] == MASK) | rule.can_revoke) & (s < rule.steps - 1)
        _check_finite(on_host, s, ranks)
        yield Step(s=s, steps=rule.steps, temperature=rule.temperature(s), **on_host)


def _score(rule: Rule, proposal: Proposal, score_last: bool) -> tuple[Tensor, Tensor]:
    """Scores before and after noise, both (B, N). NaN where the rule gives no score."""
    is_last = proposal.s == rule.steps - 1
    if is_last and not score_last and rule.passes_per_step > 1:
        none = torch.full_like(proposal.log_p, torch.nan)
        return none, none
    scores = rule.scores(proposal)
    ranked = rule.ranked(scores, proposal)
    if rule.can_revoke:
        return scores, ranked
    return scores.where(proposal.masked, torch.nan), ranked.where(proposal.masked, torch.nan)


def _plan_counts(rule: Rule, masked: Sequence[int], first_step: int) -> list[list[int]]:
    """Number of masked tokens of each picture after each step, (T - first_step, B). 0 after the last step."""
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
    """Sample tokens (B, N) from the softmax of logits (B, N, V) / temperature; at temperature 0 take the likeliest.

    Of V exponential clocks with the probabilities as rates, the first one to ring: argmax(p / E), E ~ Exp(1).
    This is argmax(logits / temperature + gumbel), with one logarithm less.
    """
    if temperature < COLDEST:
        return logits.argmax(-1)
    exponential = noise.exponential(s, "token", logits.shape[1:], logits.device)
    return (logits if temperature == 1 else logits / temperature).softmax(-1).div_(exponential).argmax(-1)


def _choose_masked(ranked: Tensor, masked: Tensor, rule: Rule, count: Tensor) -> Tensor:
    """Which tokens to mask, (B, N) bool: the `count` (B,) lowest ranked. Of tied tokens the lower index goes first."""
    order = ranked.nan_to_num(nan=torch.inf).argsort(dim=1, stable=True)
    rank = torch.empty_like(order).scatter_(
        1, order, torch.arange(order.shape[1], device=order.device).expand_as(order)
    )
    hide = rank < count[:, None]
    return hide if rule.can_revoke else hide & masked


def _label_states(masked: Tensor, hide: Tensor) -> Tensor:
    """The State of each token, (B, N) uint8."""
    fresh = torch.where(hide, int(State.MASKED), int(State.NEW))
    accepted = torch.where(hide, int(State.REVOKED), int(State.KEPT))
    return torch.where(masked, fresh, accepted).to(torch.uint8)


def _check_finite(arrays: dict[str, np.ndarray], s: int, ranks: np.ndarray) -> None:
    """ValueError for NaN of broken arithmetic; weights were checked when they were read.

    A score may be NaN, which means none, but not where the rule `ranks` (B, N) by it.
    """
    if not np.isfinite(arrays["confidence"]).all() or np.isnan(arrays["scores"][ranks]).any():
        raise ValueError(f"step {s + 1}: the networks' output holds NaN or infinity")


def _to_host(arrays: dict[str, Tensor]) -> dict[str, np.ndarray]:
    """Copy all arrays of a step to the CPU in one transfer, with the types of ARRAYS."""
    typed = {name: array.to(TORCH_TYPES[ARRAYS[name]]).contiguous() for name, array in arrays.items()}
    packed = torch.cat([array.view(-1).view(torch.uint8) for array in typed.values()]).cpu().numpy()
    result, at = {}, 0
    for name, array in typed.items():
        size = array.numel() * array.element_size()
        result[name] = packed[at : at + size].view(ARRAYS[name]).reshape(tuple(array.shape))
        at += size
    return result
