"""What tests of app/ run on in place of a server's packs and networks: random logits, two small packs."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch

from app.context import Context
from app.features.compare import run_lanes
from app.features.presets import FIRST, Recording
from app.request import Lane, RunRequest, control_names, lane_values, resolve
from app.turns import Turns
from engine import SAMPLING_VERSION
from engine.config import SampleConfig, TokenizerConfig
from engine.rules import RULES
from engine.sampler import sample
from engine.step import Step, Trace

N, V = 64, 8
WITHOUT_CRITIC = tuple(name for name, rule in RULES.items() if rule.requires != "critic")
MADE_BY = {
    "sampling": SAMPLING_VERSION,
    "pack": "fake",
    "device": "cpu",
    "cpu": "AVX2",
    "torch": "2.12",
    "weights": "abc",
}


@dataclass
class FakeSession:
    """Random logits in place of networks; what the features use of a Session, and no more."""

    name: str = "fake"
    classes: tuple[str, ...] = ("cat", "dog")
    rules: tuple[str, ...] = tuple(RULES)
    num_tokens: int = N
    critic: Any = "a critic"
    steps: int = 18  # the pack's own first value, for every rule
    tokenizer_config: TokenizerConfig = TokenizerConfig(image_size=32, patch=4)  # noqa: RUF009  # it is frozen

    @property
    def pack(self) -> Any:
        return SimpleNamespace(
            name=self.name,
            path=Path("no folder"),
            fingerprint=lambda: "abc",
            has=lambda kind: kind == "critic" and bool(self.critic),
            train_command=lambda kind: f"train {kind}",
        )

    def settings(self, **given: Any) -> SampleConfig:
        config = SampleConfig.of(**{"steps": self.steps, **given})
        if config.label is not None and config.label not in self.classes:
            raise ValueError(f"unknown label {config.label!r}")
        if config.rule not in self.rules:
            raise ValueError(f"rule {config.rule!r} needs a critic")
        return config

    def run(self, config: SampleConfig, start: Any = None, first_step: int = 0) -> Iterator[Step]:
        def generator(tokens: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
            return torch.sin(torch.arange(len(tokens) * N * V).reshape(len(tokens), N, V) + tokens[..., None])

        def critic(tokens: torch.Tensor, labels: torch.Tensor, *_: torch.Tensor) -> torch.Tensor:
            return torch.cos(tokens.float() * 7)

        rule = config.make_rule(num_tokens=N, generator=generator, critic=critic)
        begin = None if start is None else torch.from_numpy(start).long()
        label = torch.zeros(1, dtype=torch.long)
        return sample(generator, rule, labels=label, num_tokens=N, seed=config.seed, start=begin, first_step=first_step)

    def score(self, tokens: np.ndarray, label: str) -> np.ndarray:
        return np.broadcast_to(np.linspace(1, 0.5, N, dtype=np.float32), tokens.shape).copy()

    def encode(self, images: np.ndarray) -> np.ndarray:
        return np.full((len(images), N), int(images.sum()) % V, np.int32)

    def decode(self, tokens: np.ndarray) -> np.ndarray:
        return np.full((len(tokens), 16, 16, 3), int(tokens.sum()) % 256, np.uint8)

    def trace(self, config: SampleConfig, steps: Any, samples: Any) -> Trace:
        return Trace(settings=config.flat(), made_by=MADE_BY, labels=("cat",), steps=tuple(steps))


class FakePacks:
    """Two packs. The second one has other classes and other first settings, and no critic."""

    first = "fake"
    names = ("fake", "poor")
    worker = Turns()

    def __init__(self, make: Callable[..., FakeSession] = FakeSession) -> None:
        self.make = make

    def class_pictures(self, name: str) -> list[str]:
        return [f"data:{label}" for label in self.session(name).classes]

    def fingerprint(self, name: str) -> str:
        return f"weights of {name}"

    def patches(self, name: object) -> dict[str, Any]:
        return {"sheet": f"data:{name}", "side": 4, "across": 32, "codes": V}

    def session(self, name: object, *, loaded: bool = True) -> FakeSession:
        if name not in self.names:
            raise ValueError(f"unknown pack {name!r}: one of {', '.join(self.names)}")
        if name == "poor":
            return self.make("poor", classes=("moon", "sun"), rules=WITHOUT_CRITIC, critic=None, steps=12)
        return self.make()


def new_context(packs: Any = None) -> Context:
    return Context(packs=packs or FakePacks())


def set_controls(**changed: Any) -> dict[str, Any]:
    """All controls in their order, at the values that most tests run, but for `changed`."""
    lane = lane_values(SampleConfig()) | {"steps": 6}
    controls: dict[str, Any] = {
        "pack": "fake",
        "label": "cat",
        "seed": 3,
        "equal_passes": False,
        "matched": False,
        "third": None,
    }
    for i, rule in enumerate(("maskgit", "critic", "critic-locked"), 1):
        controls |= {f"{name}_{i}": value for name, value in (lane | {"rule": rule}).items()}
    assert set(changed) <= set(controls) and list(controls) == control_names()
    return controls | changed


def resolved(**changed: Any) -> tuple[Lane, ...]:
    """The lanes that the controls resolve to."""
    return resolve(FakeSession(), RunRequest.from_controls(set_controls(**changed)))  # type: ignore[arg-type]


def run(context: Context | None = None, **changed: Any) -> list[dict[str, Any]]:
    """All frames of a run."""
    return list(run_lanes(context or new_context(), set_controls(**changed)))


def finished(**changed: Any) -> tuple[Context, str]:
    """A server and the id of a run on it that is done."""
    context = new_context()
    last = run(context, **changed)[-1]
    assert last["why"] == "done"
    return context, last["run"]


def steps_of(frames: list[dict[str, Any]], lane: int | None = None) -> list[dict[str, Any]]:
    """The packed steps of all frames, or of one lane."""
    return [step for frame in frames for step in frame.get("steps", []) if lane in (None, step["lane"])]


def digests(frames: list[dict[str, Any]], lane: int) -> list[str]:
    return [step["digest"] for step in steps_of(frames, lane)]


def engine_digests(config: SampleConfig) -> list[str]:
    """What the engine alone computes."""
    return [step.digest() for step in FakeSession().run(config)]


def make_recording(frames: list[dict[str, Any]]) -> Recording:
    """A run as the recording of the preset that the page opens with."""
    kept = [{name: value for name, value in frame.items() if name not in ("run", "at")} for frame in frames]
    return Recording(key=FIRST, pack="fake", weights="abc", frames=kept, tried=40, shows=30, against=2)


def unpack(step: dict[str, Any], name: str, kind: str) -> np.ndarray:
    """An array of a packed step."""
    return np.frombuffer(base64.b64decode(step[name]), kind)
