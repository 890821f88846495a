"""Many samples of one kind: drawn on all cores, stored as they come, taken up again after a kill.

A sample is a function of its settings, its class, its number and the machine. On a CPU each is
computed by one thread, several at once, so that it does not matter how many cores share the work.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import sys
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import closing
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from engine.config import SampleConfig
from engine.data.pictures import Pictures
from engine.device import cores
from engine.evaluate.behaviour import rule_digest
from engine.pack import Pack, write_atomic
from engine.rules import RULES
from engine.session import Session

SPAN = 20  # pictures in a file; on an accelerator, which wants them side by side:
SPAN_DEVICE = 500
OUTPUTS_SHOWN = 8  # numbers of each network in a report
GOLDEN = (5**0.5 - 1) / 2
Span = tuple[int, int]  # first sample and the one after the last


@dataclasses.dataclass(frozen=True, kw_only=True)
class SampleStore:
    """Samples of one pack. `store` keeps the tokens of each kind in a folder of its own."""

    session: Session
    pictures: Pictures
    store: Path
    workers: int = 0  # samples computed at once; 0: one per core on a CPU, one on an accelerator

    def tokens(self, config: SampleConfig, what: str = "") -> np.ndarray:
        """Tokens (n, N) uint16 of samples 0 .. n-1 of these settings, whose labels are `labels(n)`."""
        folder = self.store / self.key(config)
        size = SPAN if self.session.device.type == "cpu" else SPAN_DEVICE
        spans = [(first, min(first + size, config.n)) for first in range(0, config.n, size)]
        found = {span: self._read_span(folder, span) for span in spans}
        missing = [span for span, tokens in found.items() if tokens is None]
        folder.mkdir(parents=True, exist_ok=True)
        with (
            tqdm(total=config.n, unit="picture", desc=what, disable=None, file=sys.stderr) as bar,
            closing(self._sample_spans(config, missing)) as drawn,
        ):
            bar.update(config.n - sum(stop - first for first, stop in missing))
            for span, tokens in drawn:
                with write_atomic(_span_file(folder, span)) as out:
                    np.save(out, tokens, allow_pickle=False)
                found[span] = tokens
                bar.update(len(tokens))
        return np.concatenate([tokens for tokens in found.values() if tokens is not None])

    def decode(self, tokens: np.ndarray) -> np.ndarray:
        """Pictures uint8 (n, S, S, 3) of tokens (n, N)."""
        with ThreadPoolExecutor(self._num_workers) as pool:
            parts = list(pool.map(self.session.decode, np.array_split(tokens, -(-len(tokens) // SPAN))))
        return np.concatenate(parts)

    def labels(self, n: int) -> np.ndarray:
        """Classes (n,) of samples 0 .. n-1: each as often as the training draws it, evenly along the way.

        A low-discrepancy sequence, so that every part of the samples has about the same classes.
        """
        at = np.arange(1, n + 1) * GOLDEN % 1
        return np.searchsorted(np.cumsum(self._shares)[:-1], at, side="right")

    @cached_property
    def _shares(self) -> np.ndarray:
        """(C,) of all training draws those of each class."""
        train = self.pictures.indices("train")
        weight = np.bincount(self.pictures.labels[train], self.pictures.weights[train], len(self.session.classes))
        return weight / weight.sum()

    def key(self, config: SampleConfig) -> str:
        """Names these samples: by settings, what they are made of, the classes' shares and this machine's arithmetic.

        Only of the models that the rule asks: another critic leaves the samples of MaskGIT what they are.
        """
        settings = {k: v for k, v in config.flat().items() if k not in ("n", "label")}
        what = [
            settings,
            digest_sources(self.session.pack, config.rule, config.schedule),
            self.session.micro_batch,
            self._shares.round(9).tolist(),
            [self.numerics[kind] for kind in _models_of(config.rule)],
        ]
        digest = hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()
        return f"{config.rule}-{config.steps}-{digest[:16]}"

    def probe_outputs(self, rule: str) -> dict[str, list[float]]:
        """Some of what a rule's models give for fixed tokens: two machines agree to some digits."""
        return {kind: [float(x) for x in self._probe[kind].ravel()[:OUTPUTS_SHOWN]] for kind in _models_of(rule)}

    @cached_property
    def numerics(self) -> dict[str, str]:
        """SHA-256 of what each network gives for fixed tokens: equal where two machines agree to the last bit."""
        threads = str(torch.get_num_threads()).encode()
        return {kind: hashlib.sha256(threads + given.tobytes()).hexdigest() for kind, given in self._probe.items()}

    @cached_property
    @torch.no_grad()
    def _probe(self) -> dict[str, np.ndarray]:
        """What each network gives for fixed tokens."""
        session = self.session
        tokens = torch.arange(session.num_tokens, device=session.device)[None] % session.tokenizer.config.codes
        label = torch.zeros(1, dtype=torch.int64, device=session.device)
        given = {"tokenizer": session.decode(tokens.cpu().numpy())}
        for kind, model in (("generator", session.generator), ("critic", session.critic)):
            if model is not None:
                given[kind] = model(tokens, label).cpu().numpy()
        return given

    @property
    def _num_workers(self) -> int:
        return self.workers or (cores() if self.session.device.type == "cpu" else 1)

    def _sample_spans(self, config: SampleConfig, spans: list[Span]) -> Generator[tuple[Span, np.ndarray]]:
        """Each span with its tokens, as they are done; those not begun are dropped when the caller stops."""
        labels = self.labels(config.n)
        pool = ThreadPoolExecutor(self._num_workers)
        try:
            waiting = {pool.submit(self._sample_span, config, span, labels): span for span in spans}
            for done in as_completed(waiting):
                yield waiting[done], done.result()
        finally:
            pool.shutdown(cancel_futures=True)

    def _sample_span(self, config: SampleConfig, span: Span, labels: np.ndarray) -> np.ndarray:
        *_, last = self.session.run(config, samples=range(*span), labels=labels[slice(*span)].tolist(), candidates=0)
        return last.proposal.astype(np.uint16)

    def _read_span(self, folder: Path, span: Span) -> np.ndarray | None:
        """The tokens of a span, or None where they have to be drawn: there is no file, or a damaged one."""
        try:
            tokens: np.ndarray = np.load(_span_file(folder, span), mmap_mode="r", allow_pickle=False)  # no memory yet
        except (OSError, ValueError, EOFError, OverflowError):
            return None
        right = tokens.shape == (span[1] - span[0], self.session.num_tokens) and tokens.dtype == np.uint16
        return np.array(tokens) if right and tokens.max() < self.session.tokenizer.config.codes else None


def digest_sources(pack: Pack, rule: str, schedule: str) -> dict[str, str]:
    """SHA-256 of all that decides a rule's samples, besides settings: what the rule does, and its models' weights."""
    return {"rule": rule_digest(rule, schedule), **{kind: pack.digest(kind) for kind in _models_of(rule)}}


def _models_of(rule: str) -> list[str]:
    return [kind for kind in ("generator", RULES[rule].requires) if kind]


def _span_file(folder: Path, span: Span) -> Path:
    return folder / f"{span[0]:07d}-{span[1]:07d}.npy"
