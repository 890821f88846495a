"""Many samples of some settings, drawn on all cores and stored at once, so that a killed run can continue.

A sample is a function of its settings, class, index and machine. On a CPU each is computed by a single
thread, several of them at once. So the number of cores does not change the result.

Of several processes (engine.distributed) that of rank 0 measures. The others draw and decode their share of what it
asks for.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import sys
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import closing
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from engine.classifier import extract_features
from engine.config import SampleConfig
from engine.data.atomic import write_atomic
from engine.data.pictures import Pictures
from engine.device import cores
from engine.distance import nearest_distance
from engine.distributed import ALONE, Group
from engine.evaluate.behaviour import rule_digest
from engine.evaluate.files import begin_folder, png_file, write_arrays, write_png
from engine.pack import Pack
from engine.refine import refine
from engine.rules import RULES
from engine.session import Session
from engine.step import Step

SPAN = 20  # samples in a file. On an accelerator, which samples them together:
SPAN_DEVICE = 512
PART = 500  # pictures that are in memory at once to be measured or written
OUTPUTS_SHOWN = 8  # outputs of each network that a report stores
GOLDEN = (5**0.5 - 1) / 2
T = TypeVar("T")
Span = tuple[int, int]  # first sample, last sample + 1


@dataclasses.dataclass(frozen=True, kw_only=True)
class SampleStore:
    """Samples of one pack. The folder `store` holds one folder of tokens for each settings."""

    session: Session
    pictures: Pictures | None  # the pack's; None where it carries none
    store: Path
    workers: int = 0  # spans computed at once. 0: one per core on a CPU, one on an accelerator
    group: Group = ALONE

    @classmethod
    def open(cls, session: Session, store: Path, workers: int = 0, group: Group = ALONE) -> SampleStore:
        """The samples of a session's pack. On a CPU the session must use one thread. ValueError for wrong pictures."""
        pictures = session.pack.pictures() if session.pack.has_pictures else None
        if pictures is not None and pictures.classes != session.classes:
            raise ValueError(f"pack {session.pack.name!r}: its pictures have other classes than its config")
        return cls(session=session, pictures=pictures, store=store, workers=workers, group=group)

    def tokens(self, config: SampleConfig, what: str = "") -> np.ndarray:
        """Tokens (n, N) uint16 of samples 0 .. n-1 of these settings. Their classes are `labels(n)`."""
        return self._do_together("_tokens", config, what)

    def refined(self, first: SampleConfig, config: SampleConfig, fraction: float, what: str = "") -> np.ndarray:
        """Tokens (n, N) of the samples of `first` after refinement (engine.refine) with the settings `config`."""
        return self._do_together("_refined", first, config, fraction, what)

    def features(self, tokens: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The classifier's features (M, D) and logits (M, L) of pictures given as tokens (M, N), in their order."""
        features, logits = zip(*self._do_together("_features", tokens), strict=True)
        return np.concatenate(features), np.concatenate(logits)

    def distances(self, tokens: np.ndarray) -> np.ndarray:
        """(M,) distance (engine.distance) of pictures given as tokens (M, N) to the nearest training picture, as the
        tokenizer shows it.
        """
        return np.concatenate(self._do_together("_distances", tokens))

    def save(self, config: SampleConfig, folder: Path, arrays: bool = False) -> None:
        """Write samples 0 .. n-1 into a folder as PNG files, named by their indices. Those that are there stay.

        With `arrays` also all of them, with their classes, in one .npz file.
        """
        settings = {name: value for name, value in config.flat().items() if name != "n"}
        begin_folder(folder, config.n, {"samples": self.key(config), **settings})
        self._do_together("_save", config, folder)
        if arrays:
            write_arrays(folder, self.labels(config.n))

    def help(self) -> None:
        """Do a share of all that rank 0 asks for, until it asks no more. For all other ranks."""
        while (asked := self.group.first(None)) is not None:
            name, given = asked
            getattr(self, name)(*given)

    def _do_together(self, name: str, *given: Any) -> Any:
        self.group.first((name, given))
        return getattr(self, name)(*given)

    def _tokens(self, config: SampleConfig, what: str) -> np.ndarray:
        labels = self.labels(config.n).tolist()

        def draw(span: Span) -> Iterator[Step]:
            return self.session.run(config, samples=range(*span), labels=labels[slice(*span)], candidates=0)

        return self._draw_missing(self.key(config), config.n, draw, what)

    def _refined(self, first: SampleConfig, config: SampleConfig, fraction: float, what: str) -> np.ndarray:
        tokens, labels = self._tokens(first, f"{what}: before"), self.labels(first.n).tolist()

        def draw(span: Span) -> Iterator[Step]:
            part = slice(*span)
            return refine(self.session, config, tokens[part], fraction, samples=range(*span), labels=labels[part])

        made_of = json.dumps([self.key(first), self.key(config), fraction])
        key = f"refined-{hashlib.sha256(made_of.encode()).hexdigest()[:16]}"
        return self._draw_missing(key, first.n, draw, what)

    def _draw_missing(self, key: str, n: int, draw: Callable[[Span], Iterator[Step]], what: str) -> np.ndarray:
        """The final tokens (n, N) of the runs of all spans. Those that are stored in the folder `key` are read."""
        folder = self.store / key
        spans = [(first, min(first + self._span, n)) for first in range(0, n, self._span)]
        found = {span: self._read_span(folder, span) for span in spans}
        missing = [span for span in self.group.share(spans) if found[span] is None]
        folder.mkdir(parents=True, exist_ok=True)
        mine = sum(stop - first for first, stop in self.group.share(spans))
        with (
            tqdm(total=mine, unit="picture", desc=what, disable=None, file=sys.stderr) as bar,
            closing(self._run_spans(draw, missing)) as drawn,
        ):
            bar.update(mine - sum(stop - first for first, stop in missing))
            for span, tokens in drawn:
                with write_atomic(_span_file(folder, span)) as out:
                    np.save(out, tokens, allow_pickle=False)
                found[span] = tokens
                bar.update(len(tokens))
        self.group.wait()  # until all spans are stored
        return np.concatenate([self._reread_span(folder, span, tokens) for span, tokens in found.items()])

    def _features(self, tokens: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
        return self._measure_parts(tokens, lambda images: extract_features(self.session.classifier, images))

    def _distances(self, tokens: np.ndarray) -> list[np.ndarray]:
        return self._measure_parts(tokens, lambda images: nearest_distance(images, self.train_reconstructed))

    def _measure_parts(self, tokens: np.ndarray, measure: Callable[[np.ndarray], T]) -> list[T]:
        """What `measure` says of pictures given as tokens (M, N), PART of them decoded at once, in their order.

        The parts do not depend on how many processes share them, so that neither does a bit of the figures.
        """
        parts = range(0, len(tokens), PART)
        mine = {first: measure(self.decode(tokens[first : first + PART])) for first in self.group.share(parts)}
        found = {first: value for one in self.group.gather(mine) for first, value in one.items()}
        return [found[first] for first in parts]

    @cached_property
    def reconstructed(self) -> np.ndarray:
        """All pictures of the pack after encoding and decoding, uint8 (M, S, S, 3)."""
        return self.decode(self.session.pack.tokens().numpy())

    @cached_property
    def train_reconstructed(self) -> np.ndarray:
        """The training pictures among them."""
        assert self.pictures is not None  # tokens of pictures were read
        return self.reconstructed[self.pictures.indices("train")]

    def _save(self, config: SampleConfig, folder: Path) -> None:
        tokens = self._tokens(config, f"{config.rule} {config.passes} passes")
        parts = self.group.share([range(first, min(first + PART, config.n)) for first in range(0, config.n, PART)])
        with (
            ThreadPoolExecutor(cores()) as pool,
            tqdm(total=sum(map(len, parts)), unit="picture", desc="files", disable=None, file=sys.stderr) as bar,
        ):
            for part in parts:
                missing = [i for i in part if not png_file(folder, i).is_file()]
                if missing:
                    files = [png_file(folder, i) for i in missing]
                    list(pool.map(write_png, files, self.decode(tokens[missing])))
                bar.update(len(part))
        self.group.wait()

    def decode(self, tokens: np.ndarray) -> np.ndarray:
        """Pictures uint8 (n, S, S, 3) of tokens (n, N)."""
        with ThreadPoolExecutor(self._num_workers) as pool:
            parts = list(pool.map(self.session.decode, np.array_split(tokens, -(-len(tokens) // self._span))))
        return np.concatenate(parts)

    def labels(self, n: int) -> np.ndarray:
        """Classes (n,) of samples 0 .. n-1, each as frequent as in training, or all equally in a pack without pictures.

        They follow a low-discrepancy sequence (golden ratio), so that any part of the samples has about the same mix.
        """
        at = np.arange(1, n + 1) * GOLDEN % 1
        return np.searchsorted(np.cumsum(self._shares)[:-1], at, side="right")

    @cached_property
    def _shares(self) -> np.ndarray:
        """(C,) share of each class among the pictures drawn in training. All are equal where the pack carries none."""
        if self.pictures is None:
            return np.full(len(self.session.classes), 1 / len(self.session.classes))
        train = self.pictures.indices("train")
        weight = np.bincount(self.pictures.labels[train], self.pictures.weights[train], len(self.session.classes))
        return weight / weight.sum()

    def key(self, config: SampleConfig) -> str:
        """The folder name of these samples: a hash of settings, sources, class shares and this machine's arithmetic.

        Only models that the rule uses count: a new critic does not change the samples of MaskGIT.
        """
        settings = {k: v for k, v in config.flat().items() if k not in ("n", "label")}
        what = [
            settings,
            digest_sources(self.session.pack, config.rule, config.schedule),
            self.session.micro_batch,
            self._shares.round(9).tolist(),
            [self.numerics[kind] for kind in _models_of(config.rule)],
            *([self._told_critic] if RULES[config.rule].requires == "critic" else []),
        ]
        digest = hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()
        return f"{config.rule}-{config.steps}-{digest[:16]}"

    def probe_outputs(self, rule: str) -> dict[str, list[float]]:
        """A few outputs of the rule's models for fixed tokens. Two machines agree in them to some digits."""
        return {kind: [float(x) for x in self._probe[kind].ravel()[:OUTPUTS_SHOWN]] for kind in _models_of(rule)}

    @cached_property
    def numerics(self) -> dict[str, str]:
        """SHA-256 of each network's outputs for fixed tokens. Equal if two machines agree in every bit."""
        threads = str(torch.get_num_threads()).encode()
        return {kind: hashlib.sha256(threads + given.tobytes()).hexdigest() for kind, given in self._probe.items()}

    @property
    def _probe_input(self) -> tuple[Tensor, Tensor]:
        """A picture's tokens (1, N), all different codes as far as there are, and class 0."""
        session = self.session
        tokens = torch.arange(session.num_tokens, device=session.device)[None] % session.tokenizer.config.codes
        return tokens, torch.zeros(1, dtype=torch.int64, device=session.device)

    @cached_property
    @torch.no_grad()
    def _told_critic(self) -> str:
        """SHA-256 of what the critic says where it is told which tokens are new, and which were hidden before."""
        critic, (tokens, label) = self.session.critic, self._probe_input
        assert critic is not None
        logits = critic(tokens, label, tokens % 4 == 0, tokens % 2 == 0)
        return hashlib.sha256(logits.cpu().numpy().tobytes()).hexdigest()

    @cached_property
    @torch.no_grad()
    def _probe(self) -> dict[str, np.ndarray]:
        """Outputs of each network for fixed tokens."""
        session, (tokens, label) = self.session, self._probe_input
        given = {"tokenizer": session.decode(tokens.cpu().numpy())}
        for kind, model in (("generator", session.generator), ("critic", session.critic)):
            if model is not None:
                given[kind] = model(tokens, label).cpu().numpy()
        return given

    @property
    def _span(self) -> int:
        """Samples in a file, and pictures decoded at once."""
        return SPAN if self.session.device.type == "cpu" else SPAN_DEVICE

    @property
    def _num_workers(self) -> int:
        return self.workers or (cores() if self.session.device.type == "cpu" else 1)

    def _run_spans(
        self, draw: Callable[[Span], Iterator[Step]], spans: list[Span]
    ) -> Generator[tuple[Span, np.ndarray]]:
        """Yield each span with its tokens once done. If the caller stops, spans that have not begun are dropped."""
        pool = ThreadPoolExecutor(self._num_workers)
        try:
            waiting = {pool.submit(_final_tokens, draw, span): span for span in spans}
            for done in as_completed(waiting):
                yield waiting[done], done.result()
        finally:
            pool.shutdown(cancel_futures=True)

    def _reread_span(self, folder: Path, span: Span, tokens: np.ndarray | None) -> np.ndarray:
        """The tokens of a span that this or another process has drawn. OSError where its file cannot be read."""
        again = self._read_span(folder, span) if tokens is None else tokens
        if again is None:
            raise OSError(f"{_span_file(folder, span)} was drawn by another process, and cannot be read here")
        return again

    def _read_span(self, folder: Path, span: Span) -> np.ndarray | None:
        """The stored tokens of a span. None if there is no file, or it is damaged."""
        try:
            tokens: np.ndarray = np.load(
                _span_file(folder, span), mmap_mode="r", allow_pickle=False
            )  # maps: a damaged header takes no memory
        except (OSError, ValueError, EOFError, OverflowError):
            return None
        right = tokens.shape == (span[1] - span[0], self.session.num_tokens) and tokens.dtype == np.uint16
        return np.array(tokens) if right and tokens.max() < self.session.tokenizer.config.codes else None


def _final_tokens(draw: Callable[[Span], Iterator[Step]], span: Span) -> np.ndarray:
    *_, last = draw(span)
    return last.proposal.astype(np.uint16)


def digest_sources(pack: Pack, rule: str, schedule: str) -> dict[str, str]:
    """SHA-256 of what decides a rule's samples besides settings: the rule's behaviour and its models' weights."""
    return {"rule": rule_digest(rule, schedule), **{kind: pack.digest(kind) for kind in _models_of(rule)}}


def digest_tokens(tokens: np.ndarray) -> str:
    """SHA-256 of tokens (n, N): are these the same pictures?"""
    return hashlib.sha256(tokens.astype("<u2").tobytes()).hexdigest()


def _models_of(rule: str) -> list[str]:
    return [kind for kind in ("generator", RULES[rule].requires) if kind]


def _span_file(folder: Path, span: Span) -> Path:
    return folder / f"{span[0]:07d}-{span[1]:07d}.npy"
