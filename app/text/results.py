"""Words of the results, in English. What a report shows, it says itself (engine/reports.py)."""

from typing import Any

from app.text import en

RESULTS: dict[str, Any] = {
    "title": "Results",
    "charts": "What was measured",
    "none": "No report is stored with this model yet.",
    "loading": "Reading the reports …",
    "failed": "The server did not answer. Is it still running? Fold this section and open it again.",
    "hint": "Choose a point, or Load in the table: its settings go into a lane above.",
    "series": "what",
    "point": "how",
    "load": "Load",
    "load_help": "set the {lane} to {series}, {point}",
    "cannot": "no run here draws like this: it needs other weights, or no sampling",
    "lanes": ("left lane", "right lane"),
    "loaded": "The {lane} is set to {series}, {point}. Press Run above, or draw 16 of each below.",
    "left_out": "{n} more points are in the chart.",
    "paper": "ImageNet, as reported elsewhere",
    "paper_columns": ("FID", "IS", "passes"),
    "paper_note": "Those figures use Inception's features and far larger models. Only their order compares with ours.",
    "brackets": "In brackets 95 % intervals.",
}
MINIATURE = {
    **en.GALLERY,
    "title": "Draw 16 of each now",
    "draw": "16 of each now",
    "empty": "Draws 16 pictures with the settings of each lane, live, for one seed after another.",
    "no_answer": "The server did not answer. Is it still running? Press the button to try again.",
}
VOTE = {
    "title": "Which is better? A blind vote",
    "what": "Two pictures of one class and one seed, one of each lane, in an order by lot. At the end you are told "
    "which rule drew which.",
    "start": "Start a vote",
    "again": "Vote again",
    "stop": en.STOP,
    "starting": "Starting …",
    "drawing": "Drawing the next pair …",
    "asks": "Pair {n} of {whole}: which picture of {label} is better? (← → or ↓)",
    "left": "The left one",
    "right": "The right one",
    "same": "No difference",
    "result": "You chose {first} {a} times and {second} {b} times; {same} times you saw no difference.",
    "chance": "Without a preference so clear a result comes up in {p} of such votes.",
    "no_votes": "No vote was cast.",
    "no_answer": "The server did not answer. Is it still running? Press the button to try again.",
    "lane": "{name} ({lane})",
}
