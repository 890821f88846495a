"""Draw pictures: python -m engine.sample pack=emoji rule=critic label=Smileys seed=0 n=16 steps=18 out=DIR

Writes to DIR:
  sheet.png            all pictures side by side, 1,024 at most
  0000.png ...         each picture
  trace.json           every step of every picture (not with trace=false)

trace.json is one object: "format" 1; "settings", the keys below; "made_by", pack, weights, device,
threads and versions; "labels", the class of each picture; "digest", SHA-256 over the digests of the
steps; and "steps", one object a step: "s" of "steps", "temperature", and lists of B rows with N = 256
entries each, row by row from the top left:
  tokens      what went in, -1 where masked        proposal    the filled picture
  scores      high = keep, null where not scored   ranked      the scores after noise
  confidence  the generator's probability of the proposal, temperature 1
  top_tokens, top_probs   the five likeliest tokens of each place
  state       0 kept, 1 newly kept, 2 masked again, 3 revoked
  digest      SHA-256 over tokens and proposal (int32), scores (float32, -1 for null), state (uint8)
engine.step.Trace.from_json reads it back and checks the digests.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from engine import cli
from engine.config import SampleConfig
from engine.session import Session
from engine.step import Step, Trace

AT_ONCE = 16  # pictures sampled together
MOST_TRACED = 8192  # steps in a trace.json: some 250 MB of text
MOST_ON_SHEET = 1024  # pictures
OWN = {"pack": "emoji", "out": "out", "trace": True, "device": "auto", "threads": 0}


def main(argv: list[str]) -> None:
    defaults = {field.name: field.default for field in dataclasses.fields(SampleConfig)} | {"label": ""}
    helps = {f.name: f.metadata["help"] for f in dataclasses.fields(SampleConfig)}
    usage = (__doc__ or "") + "\n" + "\n".join(f"  {name:20}{text}" for name, text in helps.items())
    _, options = cli.parse(argv, usage, {**OWN, **defaults})
    given = cli.overrides(argv, {**OWN, **defaults})
    chosen = {name: value for name, value in given.items() if name not in OWN}
    chosen["label"] = options["label"] or None
    cli.yes_or_no("trace", options["trace"])
    session = Session.open(options["pack"], options["device"], options["threads"])
    config = session.settings(**chosen)
    if options["trace"] and config.n * config.steps > MOST_TRACED:
        raise ValueError(f"a trace of n={config.n} times steps={config.steps} would fill the memory: give trace=false")
    out = cli.path(options["out"])
    out.mkdir(parents=True, exist_ok=True)
    images, traces = draw(session, config, keep=options["trace"], out=out)
    Image.fromarray(sheet(images[:MOST_ON_SHEET])).save(out / "sheet.png")
    if traces:
        (out / "trace.json").write_text(joined(traces).to_json(), encoding="utf-8")
    print(f"{config.n} pictures by {config.rule}, {config.passes} network passes each -> {out}")


def draw(
    session: Session, config: SampleConfig, keep: bool = False, out: Path | None = None
) -> tuple[np.ndarray, list[Trace]]:
    """Pictures uint8 (n, S, S, 3), each stored in `out` once it is drawn; their traces by AT_ONCE where `keep`."""
    images, traces = [], []
    with tqdm(total=config.n * config.steps, unit="step", disable=None, file=sys.stderr) as bar:
        for first in range(0, config.n, AT_ONCE):
            samples = range(first, min(first + AT_ONCE, config.n))
            steps: list[Step] = []
            for step in session.run(config, samples=samples):
                steps = [*steps, step] if keep else [step]
                bar.update(len(samples))
            images.append(session.decode(steps[-1].proposal))
            for i, image in zip(samples, images[-1], strict=True):
                if out is not None:
                    Image.fromarray(image).save(out / f"{i:04d}.png")
            if keep:
                traces.append(session.trace(config, steps, samples))
    return np.concatenate(images), traces


def joined(traces: list[Trace]) -> Trace:
    """One trace of all pictures, from traces of some each."""
    steps: Iterator[tuple[Step, ...]] = zip(*(trace.steps for trace in traces), strict=True)
    whole = tuple(Step.join(parts) for parts in steps)
    labels = tuple(label for trace in traces for label in trace.labels)
    return dataclasses.replace(traces[0], steps=whole, labels=labels)


def sheet(images: np.ndarray, columns: int = 0, gap: int = 2) -> np.ndarray:
    """Pictures (M, S, S, 3) in rows with white between them."""
    columns = columns or min(len(images), 8)
    rows = -(-len(images) // columns)
    cell = images.shape[1] + gap
    canvas = np.full((rows * cell - gap, columns * cell - gap, 3), 255, np.uint8)
    for i, image in enumerate(images):
        top, left = i // columns * cell, i % columns * cell
        canvas[top : top + cell - gap, left : left + cell - gap] = image
    return canvas


if __name__ == "__main__":
    cli.run(main, sys.argv[1:])
