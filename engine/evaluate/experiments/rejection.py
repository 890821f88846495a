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
from engine.evaluate.paper import PAPER_RULES
from engine.evaluate.sweep import best_config
from engine.reports import Axis, Column, percent
from engine.rules import RULES

SHARES = (1.0, 0.5, 0.25, 0.1, 0.05)


def measure(setup: Setup) -> Iterator[Row]:
    for rule in PAPER_RULES:
        pool = pool_size(setup.n, SHARES[-1])
        config = best_config(setup.evaluator.session, rule, setup.steps, n=pool, seed=setup.seed)
        name = f"{RULES[rule].label}, {config.passes} passes"
        for share in SHARES:
            yield draw_accepted(setup, config, share, series=name, point=f"{percent(share)} kept")


def find(rows: Sequence[Row]) -> list[str]:
    greedy, critic = ({row["accepted"]: row for row in rows if row["rule"] == rule} for rule in PAPER_RULES)
    whole, few = max(critic), min(critic)
    return [
        f"From keeping all pictures to keeping {percent(few)}, MaskGIT's FID goes from {say(greedy[whole])} to "
        f"{say(greedy[few])} and its IS from {say(greedy[whole], 'is')} to {say(greedy[few], 'is')}; Token-Critic's "
        f"FID goes from {say(critic[whole])} to {say(critic[few])} and its IS from {say(critic[whole], 'is')} to "
        f"{say(critic[few], 'is')}.",
        f"Token-Critic's FID is {say_ratio(critic[whole], greedy[whole])} of MaskGIT's where all are kept and "
        f"{say_ratio(critic[few], greedy[few])} where {percent(few)} are, and a kept picture then costs "
        f"{critic[few]['passes_per_accepted']:.0f} passes against {greedy[few]['passes_per_accepted']:.0f}.",
        *say_faults(
            {
                "of all Token-Critic pictures": critic[whole],
                "of all MaskGIT pictures": greedy[whole],
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
