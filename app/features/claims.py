"""Claims about a recorded run: sentences that a lesson makes, and that can be checked on its recording.

A claim compares a quantity with a number or with another quantity ("revoked in the right lane > 30"), or says what
holds at a place ("row 5 column 7 is revoked at step 9 in the right lane"). Steps, rows and columns are counted from 1,
as on the page. assets/lessons/README.md lists all forms.
"""

from __future__ import annotations

import colorsys
import operator
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from app.features.presets import Recording
from engine.config import TokenizerSizes
from engine.step import State, Step

LANES = ("left", "right", "third")
WHITE, DARK, PALE = 0.92, 0.25, 0.18  # of value, value and saturation: above, below and below which there is no hue
HUES = ((0.03, "red"), (0.11, "orange"), (0.19, "yellow"), (0.47, "green"), (0.7, "blue"), (0.95, "purple"), (1, "red"))
COMPARE: dict[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}
STATES = {"kept": State.KEPT, "new": State.NEW, "masked": State.MASKED, "revoked": State.REVOKED}
LANE = rf"in the (?P<lane>{'|'.join(LANES)}) lane"
STEP = r"at step (?P<step>\d+)"
PLACE = r"row (?P<row>\d+) column (?P<column>\d+)"


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What claims are checked on."""

    recording: Recording
    tokenizer: TokenizerSizes

    def lane(self, name: str) -> int:
        """The number of a lane. Raises ValueError where the run has none of that name."""
        number, count = LANES.index(name), len(self.recording.steps)
        if number >= count:
            raise ValueError(f"recording {self.recording.key!r} has no {name} lane: it has {count}")
        return number

    def info(self, name: str) -> dict[str, Any]:
        return self.recording.frames[0]["lanes"][self.lane(name)]  # type: ignore[no-any-return]

    def step(self, name: str, step: str) -> tuple[Step, np.ndarray]:
        """A step, counted from 1, with its picture. Raises ValueError where there is none."""
        steps = self.recording.steps[self.lane(name)]
        if not 1 <= int(step) <= len(steps):
            raise ValueError(f"no step {step}: the {name} lane of {self.recording.key!r} has steps 1 to {len(steps)}")
        return steps[int(step) - 1]

    def place(self, row: str, column: str) -> int:
        """A position in the flat grid. Raises ValueError where it is outside."""
        grid = self.tokenizer.grid
        if not (1 <= int(row) <= grid and 1 <= int(column) <= grid):
            raise ValueError(f"no row {row}, column {column}: the grid has {grid} rows and columns")
        return (int(row) - 1) * grid + int(column) - 1

    def colours(self, name: str, step: str) -> np.ndarray:
        """(N, 3) float, 0 to 1: the mean colour of each token's patch in the decoded proposal."""
        picture, grid = self.step(name, step)[1], self.tokenizer.grid
        side = picture.shape[0] // grid
        patches = picture[: grid * side, : grid * side].reshape(grid, side, grid, side, 3)
        return patches.mean((1, 3)).reshape(grid * grid, 3) / 255.0  # type: ignore[no-any-return]


Found = dict[str, str]  # the named parts of a claim
Quantity = Callable[[Evidence, Found], float]


def _count(evidence: Evidence, found: Found) -> float:
    step = evidence.step(found["lane"], found["step"])[0]
    return int((step.state == STATES[found["state"]]).sum())


def _hidden(evidence: Evidence, found: Found) -> float:
    step = evidence.step(found["lane"], found["step"])[0]
    return int(np.isin(step.state, (State.MASKED, State.REVOKED)).sum())


def _total(evidence: Evidence, found: Found) -> float:
    steps = evidence.recording.steps[evidence.lane(found["lane"])]
    return sum(int((step.state == State.REVOKED).sum()) for step, _ in steps)


def _at_place(array: str) -> Quantity:
    def read(evidence: Evidence, found: Found) -> float:
        step = evidence.step(found["lane"], found["step"])[0]
        return float(getattr(step, array)[0, evidence.place(found["row"], found["column"])])

    return read


def _setting(name: str) -> Quantity:
    def read(evidence: Evidence, found: Found) -> float:
        settings = evidence.info(found["lane"])["settings"]
        if name not in settings:
            raise ValueError(f"the {found['lane']} lane of {evidence.recording.key!r} has no {name}")
        return float(settings[name])

    return read


def _mean_of_state(evidence: Evidence, found: Found) -> float:
    step = evidence.step(found["lane"], found["step"])[0]
    return float(step.scores[step.state == STATES[found["state"]]].mean())


def _columns(evidence: Evidence, found: Found) -> float:
    step = evidence.step(found["lane"], found["step"])[0]
    visible = np.isin(step.state[0], (State.KEPT, State.NEW)).reshape(evidence.tokenizer.grid, -1)
    return int(visible.any(0).sum())


def _white(evidence: Evidence, found: Found) -> float:
    return sum(name_colour(one) == "white" for one in evidence.colours(found["lane"], found["step"]))


def _differing(evidence: Evidence, found: Found) -> float:
    left, right = (evidence.step(lane, found["step"])[0].proposal for lane in LANES[:2])
    return int((left != right).sum())


QUANTITIES: dict[str, Quantity] = {
    rf"(?P<state>{'|'.join(STATES)}) {STEP} {LANE}": _count,
    rf"hidden after step (?P<step>\d+) {LANE}": _hidden,
    rf"revoked {LANE}": _total,
    rf"different tokens {STEP} {LANE}": lambda e, f: np.unique(e.step(f["lane"], f["step"])[0].proposal).size,
    rf"white patches {STEP} {LANE}": _white,
    rf"score of {PLACE} {STEP} {LANE}": _at_place("scores"),
    rf"ranked score of {PLACE} {STEP} {LANE}": _at_place("ranked"),
    rf"probability of {PLACE} {STEP} {LANE}": _at_place("confidence"),
    rf"token of {PLACE} {STEP} {LANE}": _at_place("proposal"),
    rf"mean score of (?P<state>{'|'.join(STATES)}) {STEP} {LANE}": _mean_of_state,
    rf"final score {LANE}": lambda e, f: float(e.recording.frames[-1]["scores"][e.lane(f["lane"])]),
    rf"temperature {STEP} {LANE}": lambda e, f: float(e.step(f["lane"], f["step"])[0].temperature),
    rf"steps {LANE}": lambda e, f: int(e.info(f["lane"])["steps"]),
    rf"passes {LANE}": lambda e, f: int(e.info(f["lane"])["passes"]),
    rf"K {LANE}": _setting("noise_K"),
    rf"a {LANE}": _setting("temp_a"),
    rf"b {LANE}": _setting("temp_b"),
    rf"choice temperature {LANE}": _setting("choice_temperature"),
    rf"columns with visible tokens {STEP} {LANE}": _columns,
    r"seeds tried": lambda e, _: e.recording.tried,
    r"seeds that show it": lambda e, _: e.recording.shows,
    r"seeds that show the opposite": lambda e, _: e.recording.against,
    r"chance of such counts": lambda e, _: e.recording.p,
    r"places where the lanes differ at step (?P<step>\d+)": _differing,
    r"tokens in the picture": lambda e, _: e.tokenizer.grid**2,
    r"tokens on a side": lambda e, _: e.tokenizer.grid,
    r"pixels on a side": lambda e, _: e.tokenizer.image_size,
    r"codes in the codebook": lambda e, _: e.tokenizer.codes,
    r"-?\d+(?:\.\d+)?": lambda e, f: float(f["all"]),
}


def _is_in_state(evidence: Evidence, found: Found) -> bool:
    step = evidence.step(found["lane"], found["step"])[0]
    return bool(step.state[0, evidence.place(found["row"], found["column"])] == STATES[found["state"]])


def _has_colour(evidence: Evidence, found: Found) -> bool:
    place = evidence.place(found["row"], found["column"])
    return name_colour(evidence.colours(found["lane"], found["step"])[place]) == found["colour"]


def _stays(evidence: Evidence, found: Found) -> bool:
    """Visible in all steps after the first one, with the same token."""
    first, last, place = int(found["first"]), int(found["last"]), evidence.place(found["row"], found["column"])
    steps = [evidence.step(found["lane"], str(s))[0] for s in range(first, last + 1)]
    same = len({int(step.proposal[0, place]) for step in steps}) == 1
    return same and all(step.state[0, place] in (State.KEPT, State.NEW) for step in steps)


COLOURS = ("white", "black", "grey", *dict.fromkeys(name for _, name in HUES))
STATEMENTS: dict[str, Callable[[Evidence, Found], bool]] = {
    rf"{PLACE} is (?P<state>{'|'.join(STATES)}) {STEP} {LANE}": _is_in_state,
    rf"{PLACE} is (?P<colour>{'|'.join(COLOURS)}) {STEP} {LANE}": _has_colour,
    rf"{PLACE} stays from step (?P<first>\d+) to step (?P<last>\d+) {LANE}": _stays,
}


def name_colour(colour: np.ndarray) -> str:
    """The name of a colour, (3,) in 0 to 1: coarse, so that what it says is what anybody sees."""
    hue, saturation, value = colorsys.rgb_to_hsv(*map(float, colour))
    if value < DARK:
        return "black"
    if saturation < PALE:
        return "white" if value > WHITE and saturation < PALE / 3 else "grey"
    return next(name for end, name in HUES if hue <= end)


def check_claim(claim: str, evidence: Evidence) -> str:
    """Return "" where a claim holds, else what is so instead.

    Raises ValueError where it is no claim, or speaks of what the recording does not have.
    """
    text = " ".join(claim.split())
    for pattern, holds in STATEMENTS.items():
        if found := re.fullmatch(pattern, text):
            return "" if holds(evidence, found.groupdict()) else "it is not so"
    parts = re.fullmatch(r"(?P<one>.+?) (?P<how>>=|<=|=|>|<) (?P<other>.+)", text)
    if parts is None:
        raise ValueError(f"no claim: {claim!r}. assets/lessons/README.md lists what can be claimed")
    one, other = (_measure(parts[side], evidence) for side in ("one", "other"))
    if parts["how"] == "=":
        digits = len(parts["other"].partition(".")[2]) if parts["other"][0].isdigit() else 9
        holds_now = abs(one - other) <= 0.5 * 10**-digits + 1e-9
    else:
        holds_now = COMPARE[parts["how"]](one, other)
    return "" if holds_now else f"{parts['one']} is {one:.4g}, {parts['other']} is {other:.4g}"


def _measure(text: str, evidence: Evidence) -> float:
    for pattern, quantity in QUANTITIES.items():
        if found := re.fullmatch(pattern, text):
            return quantity(evidence, {**found.groupdict(), "all": text})
    raise ValueError(f"unknown quantity {text!r}. assets/lessons/README.md lists what can be claimed")


def list_forms() -> Iterator[str]:
    """Every form of a claim, as an author writes it: names in capitals stand for what differs."""
    for pattern in (*STATEMENTS, *list(QUANTITIES)[:-1]):
        yield re.sub(r"\(\?P<(\w+)>[^)]*\)", lambda found: found[1].upper(), pattern)
