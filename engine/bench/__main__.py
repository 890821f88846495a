"""Measure speed, memory and their limits: python -m engine.bench [pack=emoji] [model=paper256] [noise=true] ...

Prints one JSON object. Without `model`: a pack, median over repetitions after one run to warm up.
  run_seconds      MaskGIT and the critic (or self-revoking if there is no critic), decoded step by step
  lane_seconds     the same for each of the two
  pass_seconds     one generator pass of one picture
  limit_seconds    only the matrix products of that pass, in the same shapes and dtypes
  share_of_limit   limit_seconds / pass_seconds; at 1 only matrix products cost time
  encoder_share    the same for torch.nn.TransformerEncoder of the same size in evaluation mode
  decode_seconds   tokens of one picture to pixels
With model=paper256, paper512, emoji, avatars or several of them (a,b): sampling with untrained networks of these
sizes, for each number of pictures in `batch`. With dtype=auto the dtype is chosen once, at the largest of these (at 64
if that is more). The best of what `seconds` allow; all that is compared takes turns.
  step_seconds           one step of Token-Critic: generator, critic and all between them, the noise, the record
  pictures_per_second    of runs of `steps` such steps, without decoding
  memory_mb              peak: of a GPU's memory in a step; elsewhere of a process that samples with this model alone,
                         torch included, up to this batch
  share_of_limit         products_seconds, its matrix products alone, / step_seconds
  trunk_share            the same of both trunks without embeddings, heads and sampling
  encoder_share          the same of torch.nn.TransformerEncoder in the same dtype (its sums are in it, too)
  encoder_seconds        of it in each dtype, to compare with trunks_seconds; encoder_fast_path: was it on?
  host_waits_per_step    how often a step waits for the device. Off CUDA it is counted on a stand-in for a device
On CUDA, a pack is measured together with all models, in batches of 1, 16, 64 and 256, if nothing else is said.
With noise=true only the noise of one picture's tokens, on the device where it is used:
  draw_ms          as used: by numpy on a CPU, by one kernel on CUDA with Triton (`kernel`)
  tensors_ms       by tensors alone; `equal` and `tensors_equal`: does each give the CPU's bits?
With shared=true only whether pictures of several visitors gain by a common pass, for 2, 4 and 8 pictures of a pack:
  equal            of each network: has every picture the bits that it has alone?
  gain             of each network: pictures a second, in units of those one by one
  step_gain        of a whole step, where the networks that keep the bits share passes and all else is done one by one
"""

from __future__ import annotations

import json
import sys
from typing import Any

import torch

from engine import cli
from engine.bench.memory import run_alone
from engine.bench.noise import noise_figures
from engine.bench.runs import pack_figures
from engine.bench.scale import scale_figures
from engine.bench.shared import shared_figures
from engine.config import MAX_STEPS
from engine.device import describe, prepare
from engine.precision import DTYPES
from engine.session import Session

MODELS = {"emoji": "emoji", "avatars": "avatars", "paper256": "imagenet256", "paper512": "imagenet512"}
BATCHES = {"cuda": (1, 16, 64, 256)}
BATCHES_CPU = (1, 8)
MAX_BATCH = 4096
DEFAULTS: dict[str, Any] = {
    **{"pack": "emoji", "model": "", "batch": "", "steps": 18, "seconds": 30},
    **{"device": "auto", "threads": 0, "dtype": "", "noise": False, "shared": False},
}


def main(argv: list[str]) -> None:
    options = cli.parse(argv, __doc__ or "", DEFAULTS).options
    for switch in ("noise", "shared"):
        cli.check_bool(switch, options[switch])
    steps = cli.check_integer("steps", options["steps"], 1, MAX_STEPS)
    seconds = cli.check_integer("seconds", options["seconds"], 1, 3600)
    device = prepare(options["device"], options["threads"])
    if options["noise"]:
        return print(json.dumps({**noise_figures(device), **describe(device)}))
    dtype = options["dtype"] or "float32"
    if options["shared"]:
        session = Session.open(options["pack"], options["device"], options["threads"], dtype)
        return print(json.dumps({**shared_figures(session), **session.made_by()}, indent=1))
    models = read_models(options["model"]) or (list(MODELS) if device.type == "cuda" else [])
    batches = read_batches(options["batch"]) or BATCHES.get(device.type, BATCHES_CPU)
    figures: dict[str, Any] = {}
    if not options["model"]:
        figures = pack_figures(Session.open(options["pack"], options["device"], options["threads"], dtype), steps)
    if models:
        dtype = options["dtype"] or "auto"
        if dtype not in ("auto", *DTYPES):
            raise ValueError(f"unknown dtype {dtype!r}: one of auto, {', '.join(DTYPES)}")
        how = (batches, device.type, options["threads"], dtype, steps, seconds)
        found = {one: run_alone(scale_figures, MODELS[one], *how) for one in models}
        fast = torch.backends.mha.get_fastpath_enabled()
        figures |= {"models": found, "steps": steps, "encoder_fast_path": fast, **describe(device)}
    print(json.dumps(figures, indent=1))


def read_models(text: str) -> list[str]:
    """Names of MODELS, separated by commas. ValueError for another."""
    names = [word for word in text.split(",") if word]
    for name in names:
        if name not in MODELS:
            raise ValueError(f"unknown model {name!r}: one of {', '.join(MODELS)}")
    return names


def read_batches(text: str) -> tuple[int, ...]:
    """Numbers of pictures, separated by commas. ValueError for anything else."""
    words = [word for word in text.split(",") if word]
    numbers = tuple(int(word) if word.isdecimal() else 0 for word in words)
    if any(not 1 <= number <= MAX_BATCH for number in numbers):
        raise ValueError(f"batch={text}: expected whole numbers from 1 to {MAX_BATCH}, separated by commas")
    return numbers


if __name__ == "__main__":
    cli.run(main, sys.argv[1:])
