"""MaskGIT's finished pictures, refined by the critic (Token-Critic, section 4.2 and figure 6)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from engine.config import SampleConfig
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
from engine.evaluate.sweep import best_config
from engine.refine import entry_step
from engine.reports import PASSES, Axis, percent

FRACTIONS = (0.2, 0.4, 0.6, 0.8)
PAPERS_FRACTION = 0.6
SERIES = "MaskGIT, then the critic"


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


def _passes(config: SampleConfig, fraction: float, num_tokens: int) -> int:
    """Network passes of a refinement: one for the scores, two a step, and one in the last step."""
    return 2 * (config.steps - entry_step(config, num_tokens, round(fraction * num_tokens)))


def find(rows: Sequence[Row]) -> list[str]:
    before = next(row for row in rows if not row["fraction"])
    after = [row for row in rows if row["fraction"]]
    best = min(after, key=lambda row: abs(row["fraction"] - PAPERS_FRACTION))  # chosen before, not by what came out
    signs = [is_apart(row, before) for row in after]
    found = [
        f"Refined at {percent(best['fraction'])}, MaskGIT's pictures have {say_ratio(best, before)} of their FID "
        f"before ({say(best)} against {say(before)}); of the {len(after)} shares {signs.count(-1)} lower it and "
        f"{signs.count(1)} raise it, and the rest cannot be told from what was before."
    ]
    named = f"the classifier names the class right in {percent(before['class_accuracy'])} of them before and "
    named += f"{percent(best['class_accuracy'])} after"
    if "faults" not in before:
        return [*found, f"IS goes from {say(before, 'is')} to {say(best, 'is')}, and {named}."]
    shares = f"{say_share(before)} before and in {say_share(best)} after"
    return [*found, f"The exact checks find a fault in {shares}; {named}."]


REFINE = Experiment(
    name="refine",
    title="Refinement",
    method="MaskGIT's finished pictures; the critic masks the share of their tokens that it scores lowest, and "
    "sampling goes on with its rule and the best settings of the pack.",
    measure=measure,
    find=find,
    columns=(PASSES, *DISTANCES, *CLASSES),
    x=Axis(figure="fraction", label="share of the tokens masked again; 0: before"),
    y=Axis(figure="fid", label="FID, lower is better"),
)
