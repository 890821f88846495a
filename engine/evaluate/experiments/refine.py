"""MaskGIT's finished pictures, refined by the critic (Token-Critic, section 4.2 and figure 6)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from engine.config import MAX_STEPS, SampleConfig
from engine.evaluate.behaviour import rule_digest
from engine.evaluate.experiments.experiment import (
    CLASSES,
    DISTANCES,
    Experiment,
    Row,
    Setup,
    is_apart,
    own,
    say,
    say_ratio,
    say_share,
)
from engine.evaluate.sweep import best_config, nearest_config
from engine.refine import entry_step
from engine.reports import PASSES, Axis, join_words, percent

FRACTIONS = (0.2, 0.4, 0.6, 0.8)
PAPERS_FRACTION = 0.6
SERIES, EQUAL_PASSES = "MaskGIT, then the critic", "MaskGIT with as many passes"


def measure(setup: Setup) -> Iterator[Row]:
    session = setup.evaluator.session
    first, critic = (
        best_config(session, rule, setup.steps, n=setup.n, seed=setup.seed) for rule in ("maskgit", "critic")
    )
    # A row also depends on what it refines.
    made_of = {"of": own(first), "of_rule": rule_digest(first.rule, first.schedule)[:16], **setup.checked_by}
    for fraction in (0.0, *FRACTIONS):

        def figures(fraction: float = fraction) -> dict[str, Any]:
            samples = setup.evaluator.samples
            tokens = (
                samples.refined(first, critic, fraction, f"{SERIES}, {percent(fraction)}")
                if fraction
                else samples.tokens(first, SERIES)
            )
            labels = samples.labels(setup.n)
            passes = first.passes + (_passes(critic, fraction, session.num_tokens) if fraction else 0)
            return {"fraction": fraction, "passes": passes, **setup.measure_samples(tokens, labels)}

        yield setup.row(
            critic if fraction else first,
            {**made_of, "refined": fraction} if fraction else setup.checked_by,
            figures,
            series=SERIES,
            point=f"{percent(fraction)} masked again" if fraction else "before",
        )
    passes = first.passes + _passes(critic, PAPERS_FRACTION, session.num_tokens)
    if passes <= MAX_STEPS:
        equal = nearest_config(session, "maskgit", passes, n=setup.n, seed=setup.seed)
        at = {"fraction": PAPERS_FRACTION}  # where it stands in the figure
        yield setup.draw(equal, series=EQUAL_PASSES, point=f"{passes} passes, {own(equal)}", **at)


def _passes(config: SampleConfig, fraction: float, num_tokens: int) -> int:
    """Network passes of a refinement: one for the scores, two a step, and one in the last step."""
    return 2 * (config.steps - entry_step(config, num_tokens, round(fraction * num_tokens)))


def find(rows: Sequence[Row]) -> list[str]:
    before = next(row for row in rows if not row["fraction"])
    after = [row for row in rows if row["fraction"] and row["series"] == SERIES]
    equal = [row for row in rows if row["series"] == EQUAL_PASSES]
    best = min(after, key=lambda row: abs(row["fraction"] - PAPERS_FRACTION))  # chosen before, not by what came out
    signs = [is_apart(row, before) for row in after]
    untold = f", and {signs.count(0)} cannot be told from what was before" if 0 in signs else ""
    as_many = f", and {say_ratio(best, equal[0])} of MaskGIT's with as many passes ({say(equal[0])})" if equal else ""
    found = [
        f"Refined at {percent(best['fraction'])}, {best['passes']} passes in all, MaskGIT's pictures have "
        f"{say_ratio(best, before)} of their FID before, {before['passes']} passes ({say(best)} against "
        f"{say(before)}){as_many}; of the {len(after)} shares {signs.count(-1)} lower it and {signs.count(1)} raise "
        f"it{untold}."
    ]
    named = f"the classifier names the class right in {percent(before['class_accuracy'])} of them before and "
    named += f"{percent(best['class_accuracy'])} after"
    if "faults" not in before:
        return [*found, f"IS goes from {say(before, 'is')} to {say(best, 'is')}, and {named}."]
    shares = [f"{say_share(before)} before", f"{say_share(best)} after"]
    shares += [f"{say_share(row)} of MaskGIT's with as many passes" for row in equal]
    return [*found, f"The exact checks find a fault in {join_words(shares)}; {named}."]


REFINE = Experiment(
    name="refine",
    title="Refinement",
    method="MaskGIT's finished pictures; the critic masks the share of their tokens that it scores lowest, and "
    "sampling goes on with its rule and the best settings of the pack. This costs passes, so MaskGIT also draws with "
    "as many from the start, at the settings of the nearest number of steps that was searched.",
    measure=measure,
    find=find,
    columns=(PASSES, *DISTANCES, *CLASSES),
    x=Axis(figure="fraction", label="share of the tokens masked again; 0: before"),
    y=Axis(figure="fid", label="FID, lower is better"),
    searched=False,
    borrows=True,
)
