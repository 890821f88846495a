"""The record of one sampling step, and of a whole run."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np

from engine import MASK

TRACE_FORMAT = 1
CANDIDATES = 5  # default number of likeliest tokens that a step records at each position


class State(IntEnum):
    """What a step did to a token."""

    KEPT = 0  # accepted before, still accepted
    NEW = 1  # masked before, accepted now
    MASKED = 2  # masked before, still masked
    REVOKED = 3  # accepted before, masked now


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of B pictures of N tokens. Arrays are read-only. Scores are NaN where the rule gives none."""

    s: int  # 0 .. steps - 1
    steps: int
    temperature: float  # of the softmax the proposal was drawn from
    tokens: np.ndarray  # (B, N) int32, the input x_t, MASK where hidden
    proposal: np.ndarray  # (B, N) int32, the filled picture x̂_0; visible tokens are copied
    scores: np.ndarray  # (B, N) float32, high = keep
    ranked: np.ndarray  # (B, N) float32, the score after noise: the lowest are masked
    confidence: np.ndarray  # (B, N) float32: the generator's probability of the proposal at temperature 1
    top_tokens: np.ndarray  # (B, N, candidates) int32, the generator's most probable tokens
    top_probs: np.ndarray  # (B, N, candidates) float32
    state: np.ndarray  # (B, N) uint8, a State

    def __post_init__(self) -> None:
        for name in ARRAYS:
            getattr(self, name).setflags(write=False)

    @property
    def masked(self) -> np.ndarray:
        """(B, N) bool: hidden when the step began."""
        return self.tokens == MASK

    @property
    def tokens_out(self) -> np.ndarray:
        """The output x_(t-1), (B, N): the proposal, MASK where this step masked."""
        return np.where(self.state >= State.MASKED, np.int32(MASK), self.proposal)

    @property
    def nbytes(self) -> int:
        """Bytes of memory that the arrays take."""
        return sum(getattr(self, name).nbytes for name in ARRAYS)

    def with_masked(self, positions: Sequence[int]) -> Step:
        """The same step of one picture, if exactly these positions had been masked."""
        hide = np.isin(np.arange(self.state.shape[1]), positions)[None]
        shown = np.where(hide, State.REVOKED, State.KEPT)
        return self._with(
            {"state": np.where(self.masked, np.where(hide, State.MASKED, State.NEW), shown).astype(np.uint8)}
        )

    def count(self, state: State) -> np.ndarray:
        """Number of tokens in a state, (B,)."""
        return (self.state == state).sum(1)

    def only(self, sample: int) -> Step:
        """The step of one picture of the batch, B = 1."""
        return self._with({name: getattr(self, name)[sample : sample + 1].copy() for name in ARRAYS})

    @staticmethod
    def join(parts: Sequence[Step]) -> Step:
        """Join the same step of several batches to one batch."""
        return parts[0]._with({name: np.concatenate([getattr(part, name) for part in parts]) for name in ARRAYS})

    def _with(self, arrays: dict[str, Any]) -> Step:
        return dataclasses.replace(self, **arrays)

    def digest(self) -> str:
        """SHA-256 over tokens, proposal, scores and state, in this order, little-endian."""
        digest = hashlib.sha256()
        digest.update(self.tokens.astype("<i4").tobytes() + self.proposal.astype("<i4").tobytes())
        digest.update(np.nan_to_num(self.scores, nan=-1.0).astype("<f4").tobytes())
        digest.update(self.state.astype("u1").tobytes())
        return digest.hexdigest()

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON. null means no score."""
        plain: dict[str, Any] = {"s": self.s, "steps": self.steps, "temperature": self.temperature}
        for name in ARRAYS:
            plain[name] = _plain(getattr(self, name))
        return plain | {"digest": self.digest()}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Step:
        """The inverse of `to_dict`. ValueError if an entry is missing or the digest differs."""
        try:
            arrays = {name: np.array(plain[name], dtype=kind) for name, kind in ARRAYS.items()}
            step = cls(s=int(plain["s"]), steps=int(plain["steps"]), temperature=float(plain["temperature"]), **arrays)
        except (KeyError, TypeError) as error:
            raise ValueError(f"this is not a step of a trace: {error}") from error
        shape = step.state.shape
        if len(shape) != 2 or not all(
            array.shape[: array.ndim - (name in TOP)] == shape for name, array in arrays.items()
        ):
            raise ValueError(f"step {step.s} of this trace has arrays of different shapes")
        step.check_values()
        if plain.get("digest") != step.digest():
            raise ValueError(f"step {step.s} of this trace does not fit its digest: it was changed")
        return step

    def check_values(self) -> None:
        """ValueError for values that no run has. The number of codes is not known here."""
        scores = (self.scores, self.ranked)
        fits = (
            math.isfinite(self.temperature)
            and 0 <= self.s < self.steps
            and not any(np.isinf(array).any() for array in scores)
            and all(((array >= 0) & (array <= LARGEST)).all() for array in (self.confidence, self.top_probs))
            and self.tokens.min(initial=0) >= MASK
            and min(self.proposal.min(initial=0), self.top_tokens.min(initial=0)) >= 0
            and self.state.max(initial=0) <= max(State)
        )
        if not fits:
            raise ValueError(f"step {self.s} of this trace has values that no run has")


LARGEST = 1.001  # of a probability, with what rounding may add
ARRAYS: dict[str, Any] = {
    "tokens": np.int32,
    "proposal": np.int32,
    "scores": np.float32,
    "ranked": np.float32,
    "confidence": np.float32,
    "top_tokens": np.int32,
    "top_probs": np.float32,
    "state": np.uint8,
}


TOP = ("top_tokens", "top_probs")  # arrays with several entries per position


@dataclass(frozen=True, kw_only=True)
class Trace:
    """The record of a run: settings, origin, and steps."""

    settings: Mapping[str, Any]
    made_by: Mapping[str, Any]  # pack, weights' fingerprint, device, dtype, threads, versions
    labels: tuple[str, ...]
    steps: tuple[Step, ...]

    def digest(self) -> str:
        return digest_of(step.digest() for step in self.steps)

    def to_json(self) -> str:
        return json.dumps(
            {
                "format": TRACE_FORMAT,
                "settings": dict(self.settings),
                "made_by": dict(self.made_by),
                "labels": list(self.labels),
                "digest": self.digest(),
                "steps": [step.to_dict() for step in self.steps],
            },
            allow_nan=False,
        )

    @classmethod
    def from_json(cls, text: str) -> Trace:
        """The inverse of `to_json`. ValueError if the text is not a trace, or tokens, scores or states were changed."""
        try:
            plain = json.loads(text)
            if plain["format"] != TRACE_FORMAT:
                raise ValueError(f"trace format {plain['format']!r}: this version reads {TRACE_FORMAT}")
            for name in ("settings", "made_by"):
                if not isinstance(plain[name], dict):
                    raise TypeError(f"{name} is no object")
            steps = tuple(Step.from_dict(step) for step in plain["steps"])
            trace = cls(
                settings=plain["settings"], made_by=plain["made_by"], labels=tuple(plain["labels"]), steps=steps
            )
        except (json.JSONDecodeError, KeyError, TypeError, OverflowError) as error:
            raise ValueError(f"this is not a trace: {error}") from error
        if plain.get("digest") != trace.digest():
            raise ValueError("this trace does not fit its digest: steps were changed or left out")
        return trace


def digest_of(digests: Iterable[str]) -> str:
    """The hash of a run: SHA-256 over the digests of its steps."""
    return hashlib.sha256("".join(digests).encode()).hexdigest()


def _plain(array: np.ndarray) -> Any:
    """Nested lists. Floats get the fewest digits that give the same float32 back; NaN becomes None."""
    if array.dtype != np.float32:
        return array.tolist()
    shortest = [None if np.isnan(x) else float(str(x)) for x in array.ravel()]
    width = max(1, array.shape[-1])
    rows = [shortest[i : i + width] for i in range(0, len(shortest), width)]
    if array.ndim == 2:
        return rows
    per = array.shape[1]
    return [rows[i : i + per] for i in range(0, len(rows), per)]
