"""The speed of a pack, as the page and the commands use it."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from typing import Any

import torch

from engine import MASK
from engine.bench.products import head_products, reference_encoder, run_products, trunk_products
from engine.bench.timing import median_time, time_call
from engine.session import Session

ROUNDS = 15


def pack_figures(session: Session, steps: int) -> dict[str, Any]:
    """All figures of a pack. ValueError for a generator of which the products are not counted here."""
    if session.pack.config["generator"].get("norm") == "adaptive":
        raise ValueError(
            f"pack {session.pack.name!r}: its generator has adaptive norms, of which the matrix products are not "
            "counted: give another pack=, or model="
        )
    return {**run_figures(session, steps), **pass_figures(session), **session.made_by()}


def run_figures(session: Session, steps: int) -> dict[str, object]:
    """Seconds of a run with two lanes, sampled and decoded step by step as on the page."""
    lanes = {}
    for rule in ("maskgit", "critic" if session.critic is not None else "self-revoking"):
        config = session.settings(rule=rule, steps=steps)

        def lane(config: object = config) -> None:
            for step in session.run(config):  # type: ignore[arg-type]
                session.decode(step.proposal)

        lanes[rule] = median_time(lane, 5)
    return {"run_seconds": sum(lanes.values()), "lane_seconds": lanes, "steps": steps}


@torch.no_grad()
def pass_figures(session: Session) -> dict[str, float]:
    """Time a generator pass and its matrix products alone. They take turns, so that both meet the same load."""
    model = session.generator
    tokens = torch.full((1, session.num_tokens), MASK, device=session.device)
    labels = torch.zeros(1, dtype=torch.int64, device=session.device)
    config, dtype = model.config, getattr(torch, session.dtype)
    trunk = run_products(trunk_products(config, 1, session.num_tokens), dtype, session.device)
    head = run_products(head_products(config, 1, session.num_tokens, model.codes), torch.float32, session.device)
    encoder = reference_encoder(config, dtype, session.device)
    x = torch.zeros(1, session.num_tokens + 1, config.width, dtype=dtype, device=session.device)
    code = torch.zeros(1, session.num_tokens, dtype=torch.int64).numpy()
    work: dict[str, Callable[[], object]] = {
        "pass": lambda: model(tokens, labels),
        "trunk": trunk,
        "head": head,
        "encoder": lambda: encoder(x),
        "decode": lambda: session.decode(code),
    }
    times: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(ROUNDS + 1):
        for name, call in work.items():
            times[name].append(time_call(call))
    seconds = {name: statistics.median(values[1:]) for name, values in times.items()}
    limit = seconds["trunk"] + seconds["head"]
    return {
        "pass_seconds": seconds["pass"],
        "limit_seconds": limit,
        "share_of_limit": limit / seconds["pass"],
        "encoder_share": seconds["trunk"] / seconds["encoder"],
        "decode_seconds": seconds["decode"],
    }
