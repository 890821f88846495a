"""Words of the places of the page, in English: their names, their headings, the drawer beside the lanes."""

from typing import Any

PLACES: dict[str, Any] = {
    "label": "Places",
    "names": {
        "compare": "Compare",
        "gallery": "Gallery",
        "refine": "Refine",
        "fakes": "Spot the fakes",
        "results": "Results",
        "use": "Use it",
    },
    "titles": {
        "gallery": "Many pictures at once",
        "refine": "Refine a picture of your own",
        "fakes": "Spot the fakes",
        "results": "What was measured",
        "use": "Use it from code",
    },
}
DRAWER: dict[str, Any] = {
    "label": "Beside the lanes",
    "close": "Close (Esc)",
    "tabs": {"curves": "Curves", "token": "Token", "view": "View", "share": "Share"},
    "help": {
        "curves": "the run as curves",
        "token": "the life of one token",
        "view": "other ways to see a step, a third lane, the projector",
        "share": "keep the run, give it away, open another one",
    },
    "no_run": "Press Run: the curves are drawn when the run has ended.",
}
