"""How fast the page is, in a real browser: python -m app.bench [--pack emoji] [--device auto] [--runs 5]

Prints one JSON object. Each figure is the median over the runs, after one run that is not counted;
a run is what the page does at first: two lanes, MaskGIT and Token-Critic, 18 steps each.
  first_frame_seconds   from the click on Run to the first step painted in a lane
  yield_to_paint_ms     from the moment the server has a step to the moment the browser has painted it
  run_seconds           from the click to the last step painted
  plain_seconds         the same steps by the same sampler, each decoded to a picture, and nothing sent
  stream_overhead       run_seconds / plain_seconds - 1; plain, read and painted runs take turns
  read_overhead         the same for a client that reads the frames and paints nothing: what streaming costs
                        where the browser is on another machine and takes no time from the networks
  scrub_ms              from the browser's hearing that the slider moves to the repaint being done
  hover_ms              the same for the pointer that moves over the cells
  usable_seconds        from the first request to the recorded run playing (where there is none: Run is ready)
and with _p95 the 95th percentile of the last three.
Without a browser: one line that says how to get one, and exit code 2.
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

from app.browser import browser, served
from engine import cli

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from app.packs import Packs

PATIENCE = 300_000  # ms a run may take on a busy machine
LOOK_EVERY = 100  # ms; Playwright's default looks at every frame, and so keeps the browser painting 60 times a second
MOVES = 120  # of the pointer, for scrub_ms and hover_ms
# Chromium tells of a moving pointer at the start of a frame, so what follows is handling, drawing, layout and paint:
# a message posted from the frame comes when that is done.
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
        const stage = window.tokenCritic?.stage, preset = document.querySelector("[data-preset]");
        if (stage && (preset ? stage.player.playing : stage.planned)) window.usableAt = performance.now();
        else setTimeout(look, 10);
    };
    look();
})()"""
SETTLED = "() => tokenCritic.stage.shown && !tokenCritic.stage.run.going && tokenCritic.stage.times.frames.length >= %d"


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m app.bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pack", default="emoji", help="model pack: a name under weights/ or a folder")
    parser.add_argument("--device", default="auto", choices=("auto", "cuda", "mps", "cpu"))
    parser.add_argument("--threads", type=int, default=0, help="CPU threads of the networks, 0 = all cores")
    parser.add_argument("--runs", type=int, default=5, help="runs that are counted")
    given = parser.parse_args(argv)
    if given.runs < 1:
        parser.error(f"--runs {given.runs}: expected at least 1")
    with browser() as opened:
        print(json.dumps(measure(opened.new_page(), given.pack, given.device, given.threads, given.runs)))


def measure(page: Page, pack: str, device: str, threads: int, runs: int) -> dict[str, Any]:
    """Start the page, press Run again and again, and compare with the sampler alone."""
    from app.lanes import at_first
    from app.packs import Packs

    packs = Packs(pack, device, threads)
    with served(packs) as address:
        usable = [opening(page, address) for _ in range(runs + 1)][1:]
        page.set_default_timeout(PATIENCE)
        page.goto(address)
        page.wait_for_selector("#tc-run")
        page.wait_for_function("() => window.tokenCritic")
        expected = sum(lane.steps for lane in at_first(packs.session(packs.first))[:2])
        turns = [
            (packs.worker.submit(plain, packs).result(), read(address), press(page, expected)) for _ in range(runs + 1)
        ][1:]
        moved = {"scrub_ms": scrub(page), "hover_ms": hover(page)}
    spread = {"usable_seconds": usable, **moved}
    return {
        **summary(turns),
        **{name: round(statistics.median(values), 2) for name, values in spread.items()},
        **{f"{name}_p95": round(sorted(values)[int(0.95 * len(values))], 2) for name, values in spread.items()},
        "runs": runs,
        **packs.session(packs.first).made_by(),
    }


def opening(page: Page, address: str) -> float:
    """Seconds until a browser that was never here can use the page."""
    opened = page.context.browser.new_context()  # type: ignore[union-attr]
    try:
        fresh = opened.new_page()
        fresh.set_default_timeout(PATIENCE)
        fresh.add_init_script(USABLE)
        fresh.goto(address)
        fresh.wait_for_function("() => window.usableAt", polling=LOOK_EVERY)
        return float(fresh.evaluate("() => window.usableAt")) / 1000
    finally:
        opened.close()


def scrub(page: Page) -> list[float]:
    """Milliseconds of each move of the slider, dragged from end to end."""
    page.evaluate(NOTE_PAINT, ["input", ".tc-transport"])
    box = _box(page, ".tc-transport input[type=range]")
    page.mouse.move(box["x"] + 8, box["y"] + box["height"] / 2)
    page.mouse.down()
    for i in range(MOVES):
        share = 1 - abs(1 - 2 * i / MOVES)  # there and back
        page.mouse.move(box["x"] + 8 + share * (box["width"] - 16), box["y"] + box["height"] / 2)
    page.mouse.up()
    return _noted(page)


def hover(page: Page) -> list[float]:
    """Milliseconds of each move over the cells of a panel."""
    page.evaluate(NOTE_PAINT, ["pointermove", ".tc-lanes"])
    box = _box(page, '[data-lane="1"] canvas[data-panel="scores"]')
    for i in range(MOVES):
        x, y = (i * 5 % 16 + 0.5) / 16, (i // 8 % 16 + 0.5) / 16
        page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])
    return _noted(page)


def _box(page: Page, selector: str) -> Any:
    node = page.locator(selector).first
    node.scroll_into_view_if_needed()
    return node.bounding_box()


def _noted(page: Page) -> list[float]:
    page.wait_for_timeout(500)
    found: list[float] = page.evaluate("() => window.notedPaints")
    if not found:
        raise ValueError("the page did not answer the pointer")
    return found


def summary(turns: list[tuple[float, float, dict[str, Any]]]) -> dict[str, float]:
    streamed = [times for _, _, times in turns]
    alone = statistics.median(seconds for seconds, _, _ in turns)
    unpainted = statistics.median(seconds for _, seconds, _ in turns)
    whole = statistics.median((max(f["painted"] for f in t["frames"]) - t["pressed"]) / 1000 for t in streamed)
    first = statistics.median((min(f["painted"] for f in t["frames"]) - t["pressed"]) / 1000 for t in streamed)
    lag = statistics.median(f["painted"] - f["sent"] for t in streamed for f in t["frames"])
    return {
        "first_frame_seconds": round(first, 3),
        "yield_to_paint_ms": round(lag, 1),
        "run_seconds": round(whole, 3),
        "plain_seconds": round(alone, 3),
        "stream_overhead": round(whole / alone - 1, 3),
        "read_overhead": round(unpainted / alone - 1, 3),
    }


def press(page: Page, expected: int) -> dict[str, Any]:
    """One run: the times of its click and of its frames, in ms of the page's clock."""
    page.evaluate("() => { tokenCritic.stage.times.frames = []; }")
    page.click("#tc-run")
    page.wait_for_function(SETTLED % expected, polling=LOOK_EVERY)
    times: dict[str, Any] = page.evaluate("() => tokenCritic.stage.times")
    return times


def read(address: str) -> float:
    """Seconds from the request to the last frame, by the page's API: what the page asks for at first."""
    start = time.perf_counter()
    *_, last = asked(address)
    if last.get("why") != "done":
        raise ValueError("the page's API did not run to the end")
    return time.perf_counter() - start


def asked(address: str, **controls: Any) -> Iterator[dict[str, Any]]:
    """The frames of a run, by the page's API."""
    body, kind = json.dumps(controls).encode(), {"Content-Type": "application/json"}
    with urlopen(Request(f"{address.rstrip('/')}/run", body, kind)) as lines:
        yield from map(json.loads, lines)


def plain(packs: Packs) -> float:
    """Seconds that the sampler and the decoder take alone."""
    from app.lanes import Lane, at_first
    from app.walk import walk

    session = packs.session(packs.first)
    lanes = [Lane(config=dataclasses.replace(one, label=session.classes[0])) for one in at_first(session)[:2]]
    start = time.perf_counter()
    for _ in walk(session, lanes):
        pass
    return time.perf_counter() - start


if __name__ == "__main__":
    cli.run(main, sys.argv[1:])
