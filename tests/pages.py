"""What tests of the page do with it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from urllib.request import Request, urlopen

from app.browser import run

PATIENCE = 60_000


def back_to_two_lanes(page: Any) -> None:
    page.click('[data-lane="2"] button:text("Remove this lane")')
    page.wait_for_function("() => !document.documentElement.classList.contains('tc-three')")
    run(page)


def at(page: Any, lane: int, panel: str, place: int) -> tuple[float, float]:
    """The middle of a cell on the screen."""
    box = page.locator(f'[data-lane="{lane}"] canvas[data-panel="{panel}"]').bounding_box()
    cell = box["width"] / 16
    return box["x"] + (place % 16 + 0.5) * cell, box["y"] + (place // 16 + 0.5) * cell


def called(address: str, name: str, data: Sequence[Any]) -> list[str]:
    """What an event of the page answers through Gradio's API, line by line."""
    url = f"{address}gradio_api/call/{name}"
    body, kind = json.dumps({"data": data}).encode(), {"Content-Type": "application/json"}
    with urlopen(Request(url, body, kind)) as answer:
        event = json.load(answer)["event_id"]
    with urlopen(f"{url}/{event}") as lines:
        return [line.decode().rstrip("\n") for line in lines]
