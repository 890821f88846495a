"""Quality against the number of steps, at equal steps and at equal passes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from engine.config import MAX_STEPS
from engine.evaluate.experiments.experiment import (
    CLASSES,
    DISTANCES,
    Experiment,
    Row,
    Setup,
    is_apart,
    say,
    say_faults,
)
from engine.evaluate.sweep import nearest_config
from engine.reports import PASSES, Axis

COUNTS = (4, 8, 12, 18, 36, 64)
MASKGIT, EQUAL_PASSES, CRITIC = "MaskGIT", "MaskGIT at the critic's passes", "Token-Critic"


def measure(setup: Setup) -> Iterator[Row]:
    session, how = setup.evaluator.session, {"n": setup.n, "seed": setup.seed}
    for count in COUNTS:
        critic = nearest_config(session, "critic", count, **how)
        yield setup.draw(nearest_config(session, "maskgit", count, **how), series=MASKGIT, point=f"{count} steps")
        yield setup.draw(critic, series=CRITIC, point=f"{count} steps")
        if critic.passes <= MAX_STEPS:
            as_many = nearest_config(session, "maskgit", critic.passes, **how)
            yield setup.draw(as_many, series=EQUAL_PASSES, point=f"{critic.passes} steps")


def find(rows: Sequence[Row]) -> list[str]:
    greedy, equal, critic = (
        {row["steps"]: row for row in rows if row["series"] == name} for name in (MASKGIT, EQUAL_PASSES, CRITIC)
    )
    pairs = {
        "steps": [(row, greedy[steps]) for steps, row in critic.items() if steps in greedy],
        "passes": [(row, equal[row["passes"]]) for row in critic.values() if row["passes"] in equal],
    }
    counts = {}
    for name, compared in pairs.items():
        signs = [is_apart(*pair) for pair in compared]
        counts[name] = signs.count(-1), signs.count(1), signs.count(0)
    searched = min(critic, key=lambda steps: abs(steps - 18))  # the number of steps that all packs are searched at
    mine, same, as_many = critic[searched], greedy[searched], equal[critic[searched]["passes"]]
    return [
        f"At equal passes Token-Critic's FID is {_say_counts(*counts['passes'])}; at equal steps it is "
        f"{_say_counts(*counts['steps'])}.",
        f"With {searched} steps Token-Critic's FID is {say(mine)}; MaskGIT's is {say(same)} with as many steps and "
        f"{say(as_many)} with as many passes.",
        *say_faults(
            {
                f"of Token-Critic's pictures with {searched} steps": mine,
                "of MaskGIT's with as many steps": same,
                "of MaskGIT's with as many passes": as_many,
            }
        ),
    ]


def _say_counts(lower: int, higher: int, rest: int) -> str:
    untold = f", and cannot be told apart at {rest}" if rest else ""
    return f"lower at {lower} of {lower + higher + rest} numbers of steps and higher at {higher}{untold}"


STEPS = Experiment(
    name="steps",
    title="Steps",
    method="Each rule at several numbers of steps, with the best settings of the pack's sweep at the nearest number of "
    "steps that was searched. Elsewhere they are borrowed, and who is ahead there says less. A Token-Critic step costs "
    "two passes, so MaskGIT also runs with as many.",
    measure=measure,
    find=find,
    columns=(PASSES, *DISTANCES, *CLASSES),
    x=Axis(figure="passes", label="network passes of a picture", log=True),
    y=Axis(figure="fid", label="FID, lower is better", log=True),
    searched=False,
    borrows=True,
)
