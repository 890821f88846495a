"""Take the screenshots of README.md: python -m app.tools.shots [--pack emoji] [--out assets/shots]

Each is taken in a real browser from live runs with the page's first settings, and stored as WebP; run.webp moves: it
shows the page at every step of the recorded run that it opens with.
"""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from PIL import Image

from app.tools.browser import PAGE_READY, open_browser, run_page, serve_page
from engine import cli

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

QUALITY, FILM_QUALITY = 88, 70
STEP_MS, LAST_STEP_MS = 500, 3000
PATIENCE = 120_000  # ms


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m app.tools.shots", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pack", default="emoji", help="model pack: a name under weights/ or a folder")
    parser.add_argument("--out", default="assets/shots", type=Path, help="folder of the pictures")
    given = parser.parse_args(argv)
    from app.packs import Packs

    given.out.mkdir(parents=True, exist_ok=True)
    with open_browser() as opened, serve_page(Packs(given.pack)) as address:
        for name, (size, dark, arrange) in STATES.items():
            scheme: Literal["dark", "light"] = "dark" if dark else "light"
            page = opened.new_page(viewport={"width": size[0], "height": size[1]}, color_scheme=scheme)
            page.set_default_timeout(PATIENCE)
            page.goto(address)
            page.wait_for_function(PAGE_READY)
            arrange(page)
            page.wait_for_timeout(600)
            Image.open(io.BytesIO(page.screenshot())).save(given.out / f"{name}.webp", quality=QUALITY, method=6)
            print(given.out / f"{name}.webp", flush=True)
            page.close()
        film_run(opened, address, given.out / "run.webp")


def film_run(browser: Browser, address: str, path: Path) -> None:
    """Store the page at each step of the recorded run as an animation."""
    page = browser.new_page(viewport={"width": 1280, "height": 800}, reduced_motion="reduce")
    page.set_default_timeout(PATIENCE)
    page.goto(address)
    page.wait_for_function(PAGE_READY)
    count = page.evaluate("() => Math.max(...tokenCritic.state.frames.map((lane) => lane.length))")
    frames = []
    for at in range(count):
        show_step(page, at)
        page.wait_for_function(
            "(at) => document.querySelector('.tc-now').textContent.includes(`step ${at + 1} `)", arg=at
        )
        frames.append(Image.open(io.BytesIO(page.screenshot())).convert("RGB"))
    times = [STEP_MS] * (count - 1) + [LAST_STEP_MS]
    frames[0].save(
        path, save_all=True, append_images=frames[1:], duration=times, loop=0, quality=FILM_QUALITY, method=6
    )
    print(path, flush=True)
    page.close()


def show_step(page: Page, at: int) -> None:
    page.evaluate("(at) => tokenCritic.player.take(at)", at)


def show_lanes(page: Page) -> None:
    run_page(page)
    show_step(page, 11)


def pin_token(page: Page) -> None:
    show_lanes(page)
    page.evaluate("() => tokenCritic.stage.cells.pin(7 * 16 + 8)")


def show_projector(page: Page) -> None:
    show_lanes(page)
    page.evaluate("() => document.activeElement.blur()")
    page.keyboard.press("p")


def show_paper_layout(page: Page) -> None:
    show_lanes(page)
    page.click("[data-drawer=view]")
    page.select_option("[data-view=layout]", "chain")
    page.click("[data-drawer=view]")


def show_refinement(page: Page) -> None:
    run_page(page)
    show_step(page, 17)
    page.wait_for_timeout(300)
    run_page(page, "[data-lane='0'] button:text('Refine')")


def play_game(page: Page) -> None:
    page.click("[data-to=fakes]")
    page.click("button:text('Another picture')")
    page.wait_for_function("() => window.tokenCritic?.game.open")
    page.evaluate("""() => { // every third fake found, and as many real ones accused
        const game = window.tokenCritic.game, places = [...game.dealt.fake.keys()];
        for (const fake of [1, 0]) places.filter((i) => game.dealt.fake[i] === fake)
            .filter((_, i) => i % (fake ? 3 : 9) === 0).forEach((i) => game.marks.add(i));
        game.check();
    }""")


def show_results(page: Page) -> None:
    page.click("[data-to=results]")
    page.click("[data-chart=table1]")
    page.wait_for_selector("#tc-results .js-plotly-plot .legend")
    page.wait_for_timeout(1000)  # Plotly draws in several goes


State = tuple[tuple[int, int], bool, Callable[["Page"], None]]  # size in CSS pixels, dark theme, what to do
STATES: dict[str, State] = {
    "page": ((1280, 800), False, show_lanes),
    "dark": ((1280, 800), True, show_lanes),
    "phone": ((390, 844), False, show_lanes),
    "projector": ((1920, 1080), False, show_projector),
    "paper": ((1280, 800), False, show_paper_layout),
    "token": ((1440, 900), False, pin_token),
    "refine": ((1440, 920), False, show_refinement),
    "game": ((1280, 760), False, play_game),
    "results": ((1280, 920), False, show_results),
}

if __name__ == "__main__":
    cli.run(main, sys.argv[1:])
