"""Rejection sampling at several acceptance rates (Token-Critic, table 2)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from engine.evaluate.experiments.accept import ACCEPT, draw_accepted, pool_size
from engine.evaluate.experiments.experiment import (
    CLASSES,
    DISTANCES,
    Experiment,
    Row,
    Setup,
    say,
    say_faults,
    say_ratio,
)
from engine.evaluate.sweep import list_bases
from engine.reports import Axis, Column, percent
from engine.rules import RULES

SHARES = (1.0, 0.5, 0.25, 0.1, 0.05)


def measure(setup: Setup) -> Iterator[Row]:
    for config in list_bases(setup.evaluator.session, setup.steps, n=pool_size(setup.n, SHARES[-1]), seed=setup.seed):
        name = f"{RULES[config.rule].label}, {config.passes} passes"
        for share in SHARES:
            yield draw_accepted(setup, config, share, series=name, point=f"{percent(share)} kept")


def find(rows: Sequence[Row]) -> list[str]:
    critic = {row["accepted"]: row for row in rows if row["rule"] == "critic"}
    whole, few = max(critic), min(critic)
    passes = max(row["passes"] for row in rows if row["rule"] == "maskgit")  # the critic's, where that many are allowed
    greedy = {row["accepted"]: row for row in rows if row["rule"] == "maskgit" and row["passes"] == passes}
    return [
        f"From keeping all pictures to keeping {percent(few)}, the FID of MaskGIT with {passes} passes goes from "
        f"{say(greedy[whole])} to {say(greedy[few])} and its IS from {say(greedy[whole], 'is')} to "
        f"{say(greedy[few], 'is')}; Token-Critic's FID, with {critic[whole]['passes']}, goes from {say(critic[whole])} "
        f"to {say(critic[few])} and its IS from {say(critic[whole], 'is')} to {say(critic[few], 'is')}.",
        f"Token-Critic's FID is {say_ratio(critic[whole], greedy[whole])} of that of this MaskGIT where all are kept "
        f"and {say_ratio(critic[few], greedy[few])} where {percent(few)} are, and a kept picture then costs "
        f"{critic[few]['passes_per_accepted']:.0f} passes against {greedy[few]['passes_per_accepted']:.0f}.",
        *say_faults(
            {
                "of all Token-Critic pictures": critic[whole],
                "of all those of this MaskGIT": greedy[whole],
                f"of the {percent(few)} of Token-Critic's": critic[few],
                f"of the {percent(few)} of MaskGIT's": greedy[few],
            }
        ),
    ]


REJECTION = Experiment(
    name="rejection",
    title="Rejection sampling",
    method=f"More pictures than needed are drawn, and a share of them is kept. {ACCEPT}",
    measure=measure,
    find=find,
    columns=(Column(heading="passes per kept picture", figure="passes_per_accepted", digits=0), *DISTANCES, *CLASSES),
    x=Axis(figure="passes_per_accepted", label="network passes of a kept picture", log=True),
    y=Axis(figure="fid", label="FID, lower is better", log=True),
)
