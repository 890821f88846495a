"""A lecture hall: many visitors at once on this machine. python -m app.tools.load [--visitors 30] [--pack emoji]

Serves the page to this machine alone and lets every visitor press Run at the same moment, each with a seed of its own.
The visitors are a process of their own: what they do with an answer is not the server's work.
Prints one JSON object:
  first_frame_seconds   from the request to the first step of both lanes: median and worst over the visitors
  longest_gap_seconds   the longest wait of any visitor between two lines
  run_seconds           to the last line: median and worst
  steps_per_second      of all visitors together
  sampler_share         the same, as a share of what the bare sampler does alone before and after
  wrong                 visitors whose run was not whole
"""

from __future__ import annotations

import argparse
import itertools
import json
import statistics
import sys
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any
from urllib.request import Request, urlopen

from engine import cli

MAX_VISITORS = 64
PATIENCE = 600  # seconds


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m app.tools.load", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pack", default="emoji", help="model pack: a name under weights/ or a folder")
    parser.add_argument("--visitors", type=int, default=30, help=f"how many, 1 to {MAX_VISITORS}")
    given = parser.parse_args(argv)
    if not 1 <= given.visitors <= MAX_VISITORS:
        raise ValueError(f"--visitors {given.visitors}: expected 1 to {MAX_VISITORS}")
    from app.packs import Packs
    from app.tools.browser import serve_page

    packs = Packs(given.pack)
    with serve_page(packs) as address, ProcessPoolExecutor(1, get_context("spawn")) as visitors:
        packs.session(packs.first)  # loaded
        visitors.submit(visit, address, 0).result()
        before = time_sampler(packs)
        seen = visitors.submit(visit_together, address, given.visitors).result()
        after = time_sampler(packs)
    print(json.dumps(summarise(seen, (before + after) / 2), indent=1))


def visit_together(address: str, visitors: int, **controls: Any) -> list[dict[str, Any]]:
    """All visitors press Run at the same moment, with these controls changed. Returns what each saw."""
    seen: list[dict[str, Any]] = []
    gate = threading.Barrier(visitors)

    def one(seed: int) -> None:
        gate.wait()
        seen.append(visit(address, seed, **controls))

    threads = [threading.Thread(target=one, args=(seed,)) for seed in range(visitors)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    return seen


def visit(address: str, seed: int, **controls: Any) -> dict[str, Any]:
    """One run, read line by line. Times are in seconds since the request."""
    headers = {"Content-Type": "application/json", "X-Visitor": f"load-visitor-{seed}"}
    request = Request(f"{address}run", json.dumps({"seed": seed, **controls}).encode(), headers)
    start, times, steps, why = time.monotonic(), [0.0], 0, ""
    first = float("inf")
    with urlopen(request, timeout=PATIENCE) as answer:
        for line in answer:
            frame = json.loads(line)
            times.append(time.monotonic() - start)
            steps += len(frame.get("steps", []))
            first = min(first, times[-1]) if steps else first
            why = frame.get("why", why)
    gaps = [after - before for before, after in itertools.pairwise(times)]
    return {
        "first": first,
        "gap": max(gaps),
        "end": times[-1],
        "steps": steps,
        "why": why,
        "at": (start, start + times[-1]),
    }


def time_sampler(packs: Any) -> float:
    """Steps a second of the bare sampler, each decoded to a picture, on the thread that the page uses."""
    from app.request import initial_configs

    session = packs.session(packs.first)
    configs = initial_configs(session)[:2]

    def run() -> float:
        start, steps = time.monotonic(), 0
        for config in configs:
            for step in session.run(config):
                session.decode(step.proposal)
                steps += 1
        return steps / (time.monotonic() - start)

    return statistics.median(packs.worker.submit(run).result() for _ in range(3))


def summarise(seen: list[dict[str, Any]], plain: float) -> dict[str, Any]:
    def both(name: str) -> dict[str, float]:
        values = [one[name] for one in seen]
        return {"median": round(statistics.median(values), 2), "worst": round(max(values), 2)}

    began, ended = min(one["at"][0] for one in seen), max(one["at"][1] for one in seen)
    rate = sum(one["steps"] for one in seen) / (ended - began)
    return {
        "visitors": len(seen),
        "first_frame_seconds": both("first"),
        "longest_gap_seconds": both("gap"),
        "run_seconds": both("end"),
        "steps_per_second": round(rate, 1),
        "sampler_share": round(rate / plain, 3),
        "wrong": sum(one["why"] != "done" or one["steps"] != seen[0]["steps"] for one in seen),
    }


if __name__ == "__main__":
    cli.run(main, sys.argv[1:])
