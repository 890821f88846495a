"""Measure how fast the page is, in a real browser: python -m app.tools.bench [--pack emoji] [--device auto] [--runs 5]

Prints one JSON object. Each figure is the median over the runs, after one run that is not counted.
A run is the page's first one: two lanes, MaskGIT and Token-Critic, 18 steps each.
  first_frame_seconds   from the click on Run to the first step painted in a lane
  yield_to_paint_ms     from the moment the server has a step to the moment the browser has painted it
  run_seconds           from the click to the last step painted
  plain_seconds         the same steps by the same sampler, each decoded to a picture, and nothing sent
  stream_overhead       run_seconds / plain_seconds - 1; plain, read and painted runs take turns
  read_overhead         the same for a client that reads the frames and paints nothing: the cost of streaming
                        where the browser is on another machine and takes no time from the networks
  scrub_ms              from the browser's event that the slider moves to the end of the repaint
  hover_ms              the same for the pointer that moves over the cells
  usable_seconds        from the first request to the recorded run playing (without one: until Run is ready)
The last three have a 95th percentile, too: _p95.
Without a browser it prints one line that says how to get one, and exits with code 2.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import statistics
import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.request import Request, urlopen

from app.tools.browser import open_browser, serve_page
from engine import cli

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from app.packs import Packs

TIMEOUT = 300_000  # ms that a run may take on a busy machine
POLL_MS = 100  # Playwright's default polls at every frame, and so keeps the browser painting 60 times a second
MOVES = 120  # of the pointer, for scrub_ms and hover_ms
# Chromium dispatches pointer moves at the start of a frame. Handling, drawing, layout and paint follow; a message that
# is posted from the frame arrives when they are done.
NOTE_PAINT = """([kind, within]) => {
    window.notedPaints = [];
    document.querySelector(within).addEventListener(kind, () => {
        const began = performance.now(), { port1, port2 } = new MessageChannel();
        port1.onmessage = () => window.notedPaints.push(performance.now() - began);
        requestAnimationFrame(() => port2.postMessage(0));
    }, { capture: true });
}"""
USABLE = """(() => {
    const look = () => {
        const state = window.tokenCritic?.state, preset = document.querySelector("[data-preset]");
        const isReady = state && document.querySelector(".tc-stage") && document.querySelector("#tc-run");
        if (isReady && (preset ? state.playhead.playing : state.planned)) window.usableAt = performance.now();
        else setTimeout(look, 10);
    };
    look();
})()"""
# The page marks when a run was asked for, when each step arrived, and which step of each lane was painted when.
RUN_TIMES = """() => {
    const marks = (name) => performance.getEntriesByName(name, "mark"), painted = marks("stage-painted");
    const seen = ({ startTime, detail: { lane, s } }) => painted.find(
        (one) => one.startTime >= startTime && one.detail[lane] >= s)?.startTime;
    const frames = marks("step-arrived").map((mark) => ({ sent: mark.detail.sent, painted: seen(mark) }));
    return { pressed: marks("run-asked").at(-1)?.startTime, frames };
}"""
RUN_PAINTED = f"""(expected) => {{
    const {{ frames }} = ({RUN_TIMES})();
    return !tokenCritic.state.run.going && frames.length === expected && frames.every(({{ painted }}) => painted);
}}"""


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m app.tools.bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pack", default="emoji", help="model pack: a name under weights/ or a folder")
    parser.add_argument("--device", default="auto", choices=("auto", "cuda", "mps", "cpu"))
    parser.add_argument("--threads", type=int, default=0, help="CPU threads of the networks, 0 = all cores")
    parser.add_argument("--runs", type=int, default=5, help="runs that are counted")
    given = parser.parse_args(argv)
    if given.runs < 1:
        parser.error(f"--runs {given.runs}: expected at least 1")
    with open_browser() as opened:
        print(json.dumps(measure(opened.new_page(), given.pack, given.device, given.threads, given.runs)))


def measure(page: Page, pack: str, device: str, threads: int, runs: int) -> dict[str, Any]:
    """Start the page, press Run repeatedly, and compare with the sampler alone."""
    from app.packs import Packs
    from app.request import initial_configs

    packs = Packs(pack, device, threads)
    with serve_page(packs) as address:
        usable = [time_opening(page, address) for _ in range(runs + 1)][1:]
        page.set_default_timeout(TIMEOUT)
        page.goto(address)
        page.wait_for_selector("#tc-run")
        page.wait_for_function("() => window.tokenCritic")
        expected = sum(lane.steps for lane in initial_configs(packs.session(packs.first))[:2])
        turns = []
        for _ in range(runs + 1):
            plain = packs.worker.submit(time_sampler, packs).result()
            turns.append((plain, time_reading(address), time_run(page, expected)))
        moved = {"scrub_ms": time_scrub(page), "hover_ms": time_hover(page)}
    samples = {"usable_seconds": usable, **moved}
    return {
        **summarise(turns[1:]),
        **{name: round(statistics.median(values), 2) for name, values in samples.items()},
        **{f"{name}_p95": round(sorted(values)[int(0.95 * len(values))], 2) for name, values in samples.items()},
        "runs": runs,
        **packs.session(packs.first).made_by(),
    }


def time_opening(page: Page, address: str) -> float:
    """Return the seconds until a browser with an empty cache can use the page."""
    opened = page.context.browser.new_context()  # type: ignore[union-attr]
    try:
        fresh = opened.new_page()
        fresh.set_default_timeout(TIMEOUT)
        fresh.add_init_script(USABLE)
        fresh.goto(address)
        fresh.wait_for_function("() => window.usableAt", polling=POLL_MS)
        return float(fresh.evaluate("() => window.usableAt")) / 1000
    finally:
        opened.close()


def time_scrub(page: Page) -> list[float]:
    """Return the milliseconds of each move of the slider, dragged from end to end."""
    page.evaluate(NOTE_PAINT, ["input", ".tc-transport"])
    box = _get_box(page, ".tc-transport input[type=range]")
    page.mouse.move(box["x"] + 8, box["y"] + box["height"] / 2)
    page.mouse.down()
    for i in range(MOVES):
        share = 1 - abs(1 - 2 * i / MOVES)  # there and back
        page.mouse.move(box["x"] + 8 + share * (box["width"] - 16), box["y"] + box["height"] / 2)
    page.mouse.up()
    return _get_noted(page)


def time_hover(page: Page) -> list[float]:
    """Return the milliseconds of each move over the cells of a panel."""
    page.evaluate(NOTE_PAINT, ["pointermove", ".tc-lanes"])
    box = _get_box(page, '[data-lane="1"] canvas[data-panel="scores"]')
    for i in range(MOVES):
        x, y = (i * 5 % 16 + 0.5) / 16, (i // 8 % 16 + 0.5) / 16
        page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])
    return _get_noted(page)


def _get_box(page: Page, selector: str) -> Any:
    node = page.locator(selector).first
    node.scroll_into_view_if_needed()
    return node.bounding_box()


def _get_noted(page: Page) -> list[float]:
    page.wait_for_timeout(500)
    found: list[float] = page.evaluate("() => window.notedPaints")
    if not found:
        raise ValueError("the page did not answer the pointer")
    return found


def summarise(turns: list[tuple[float, float, dict[str, Any]]]) -> dict[str, float]:
    streamed = [times for _, _, times in turns]
    plain = statistics.median(seconds for seconds, _, _ in turns)
    read_only = statistics.median(seconds for _, seconds, _ in turns)
    total = statistics.median((max(f["painted"] for f in t["frames"]) - t["pressed"]) / 1000 for t in streamed)
    first = statistics.median((min(f["painted"] for f in t["frames"]) - t["pressed"]) / 1000 for t in streamed)
    lag = statistics.median(f["painted"] - f["sent"] for t in streamed for f in t["frames"])
    return {
        "first_frame_seconds": round(first, 3),
        "yield_to_paint_ms": round(lag, 1),
        "run_seconds": round(total, 3),
        "plain_seconds": round(plain, 3),
        "stream_overhead": round(total / plain - 1, 3),
        "read_overhead": round(read_only / plain - 1, 3),
    }


def time_run(page: Page, expected: int) -> dict[str, Any]:
    """Press Run. Return the times of the click and of the frames, in ms of the page's clock."""
    page.click("#tc-run")
    page.wait_for_function(RUN_PAINTED, arg=expected, polling=POLL_MS)
    times: dict[str, Any] = page.evaluate(RUN_TIMES)
    return times


def time_reading(address: str) -> float:
    """Return the seconds from the request to the last frame, for a client of the HTTP API."""
    start = time.perf_counter()
    *_, last = request_run(address)
    if last.get("why") != "done":
        raise ValueError("the page's API did not run to the end")
    return time.perf_counter() - start


def request_run(address: str, **controls: Any) -> Iterator[dict[str, Any]]:
    """Yield the frames of a run by the HTTP API."""
    body, headers = json.dumps(controls).encode(), {"Content-Type": "application/json"}
    with urlopen(Request(f"{address.rstrip('/')}/run", body, headers)) as lines:
        yield from map(json.loads, lines)


def time_sampler(packs: Packs) -> float:
    """Return the seconds that the sampler and the decoder take alone."""
    from app.interleave import interleave
    from app.request import Lane, initial_configs

    session = packs.session(packs.first)
    lanes = [
        Lane(config=dataclasses.replace(config, label=session.classes[0])) for config in initial_configs(session)[:2]
    ]
    start = time.perf_counter()
    for _ in interleave(session, lanes):
        pass
    return time.perf_counter() - start


if __name__ == "__main__":
    cli.run(main, sys.argv[1:])
