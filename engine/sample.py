"""Sample pictures: python -m engine.sample pack=emoji rule=critic label=Smileys seed=0 n=16 steps=18 out=DIR

Writes to DIR:
  sheet.png            all pictures side by side, 1,024 at most
  0000.png ...         each picture
  trace.json           every step of every picture (not with trace=false)

trace.json is one object: "format" 1; "settings", the keys below; "made_by", pack, weights, device,
threads and versions ("sampling" is that of rules and noise); "labels", the class of each picture;
"digest", SHA-256 over the digests of the steps; and "steps", one object a step: "s" of "steps",
"temperature", and lists of B rows with N = 256 entries each, row by row from the top left:
  tokens      the input, -1 where masked           proposal    the filled picture
  scores      high = keep, null where not scored   ranked      the scores after noise
  confidence  the generator's probability of the proposal, temperature 1
  top_tokens, top_probs   the five likeliest tokens at each position
  state       0 kept, 1 newly kept, 2 masked again, 3 revoked
  digest      SHA-256 over tokens and proposal (int32), scores (float32, -1 for null), state (uint8)
engine.step.Trace.from_json reads it back and checks the digests.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from tqdm import tqdm

from engine import cli
from engine.config import SETTINGS, SampleConfig
from engine.rule import Rule
from engine.rules import RULES, all_parameters
from engine.session import Session
from engine.sheet import make_sheet
from engine.step import CANDIDATES, Step, Trace

BATCH = 16  # pictures sampled together
MAX_TRACED_STEPS = 8192  # steps in a trace.json, some 250 MB of text
MAX_ON_SHEET = 1024  # pictures
COMMAND_KEYS = {"pack": "emoji", "out": "out", "trace": True, "device": "auto", "threads": 0, "dtype": "float32"}


def main(argv: list[str]) -> None:
    settings = {spec.name: spec for spec in dataclasses.fields(SampleConfig) if spec.name in SETTINGS}
    defaults = {name: spec.default for name, spec in settings.items()} | {"label": ""}
    defaults |= dict.fromkeys(all_parameters())  # None: the pack's preset, else the rule's default
    _, options, given = cli.parse(argv, f"{__doc__}\n{describe_keys(settings)}", {**COMMAND_KEYS, **defaults})
    chosen = {name: value for name, value in given.items() if name not in COMMAND_KEYS}
    chosen["label"] = options["label"] or None
    cli.check_bool("trace", options["trace"])
    session = Session.open(options["pack"], options["device"], options["threads"], options["dtype"])
    config = session.settings(**chosen)
    if options["trace"] and config.n * config.steps > MAX_TRACED_STEPS:
        raise ValueError(f"a trace of n={config.n} times steps={config.steps} would fill the memory: give trace=false")
    out = cli.expand_path(options["out"])
    out.mkdir(parents=True, exist_ok=True)
    images, traces = draw_pictures(session, config, keep=options["trace"], out=out)
    Image.fromarray(make_sheet(images[:MAX_ON_SHEET])).save(out / "sheet.png")
    if traces:
        (out / "trace.json").write_text(join_traces(traces).to_json(), encoding="utf-8")
    print(f"{config.n} pictures by {config.rule}, {config.passes} network passes each -> {out}")


def describe_keys(settings: Mapping[str, dataclasses.Field[Any]]) -> str:
    """Help on each key, and which rules read it."""
    lines = []
    for name, spec in settings.items():
        choices = ", ".join(spec.metadata["choices"])
        lines.append(f"  {name:20}{spec.metadata['help']}{choices and '; '}{choices}")
    lines += ["", "Parameters of rules, with the range and the default where the pack has no preset:"]
    for name, spec in all_parameters().items():
        low, high, text = (spec.metadata[key] for key in ("low", "high", "help"))
        readers = [rule for rule, kind in RULES.items() if name in kind.parameters()]
        if name in Rule.parameters(matched=True):
            readers = ["every rule"] if len(readers) == len(RULES) else [*readers, "any rule when matched"]
        who = ", ".join(readers)
        lines.append(f"  {name:20}{text}; {low:g} to {high:g}, {spec.default:g}; {who}")
    return "\n".join(lines)


def draw_pictures(
    session: Session, config: SampleConfig, keep: bool = False, out: Path | None = None
) -> tuple[np.ndarray, list[Trace]]:
    """Sample pictures uint8 (n, S, S, 3). Writes each to `out`, if given. With `keep` also returns traces."""
    images, traces = [], []
    with tqdm(total=config.n * config.steps, unit="step", disable=None, file=sys.stderr) as bar:
        for first in range(0, config.n, BATCH):
            samples = range(first, min(first + BATCH, config.n))
            steps: list[Step] = []
            for step in session.run(config, samples=samples, candidates=CANDIDATES if keep else 0):
                steps = [*steps, step] if keep else [step]
                bar.update(len(samples))
            images.append(session.decode(steps[-1].proposal))
            for i, image in zip(samples, images[-1], strict=True):
                if out is not None:
                    Image.fromarray(image).save(out / f"{i:04d}.png")
            if keep:
                traces.append(session.trace(config, steps, samples))
    return np.concatenate(images), traces


def join_traces(traces: list[Trace]) -> Trace:
    """Join the traces of batches into one trace of all pictures."""
    steps: Iterator[tuple[Step, ...]] = zip(*(trace.steps for trace in traces), strict=True)
    joined = tuple(Step.join(parts) for parts in steps)
    labels = tuple(label for trace in traces for label in trace.labels)
    return dataclasses.replace(traces[0], steps=joined, labels=labels)


if __name__ == "__main__":
    cli.run(main, sys.argv[1:])
