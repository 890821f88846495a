"""FID against IS as temperature and noise vary, with and without rejection (Token-Critic, figures 3 and 4)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from engine.config import SampleConfig
from engine.evaluate.experiments.accept import ACCEPT, draw_accepted, pool_size
from engine.evaluate.experiments.experiment import (
    CLASSES,
    DISTANCES,
    Experiment,
    Row,
    Setup,
    own,
    say,
    say_faults,
    say_ratio,
)
from engine.evaluate.sweep import list_bases
from engine.reports import Axis
from engine.rules import RULES

WARMER = (-0.2, -0.1, 0.0, 0.1, 0.2)  # added to b, the temperature at the end
NOISIER = (0.5, 2.0)  # times the ranking noise
SHARE = 0.5  # of the pictures, kept where some are rejected
KEPT = ", surer half"


def measure(setup: Setup) -> Iterator[Row]:
    for config in list_settings(setup):
        name = f"{RULES[config.rule].label}, {config.passes} passes"
        for share, label in ((1.0, name), (SHARE, name + KEPT)):
            yield draw_accepted(setup, config, share, series=label, point=own(config))


def list_settings(setup: Setup) -> Iterator[SampleConfig]:
    """The best settings of each rule, then the same with another temperature, or other ranking noise."""
    pool = pool_size(setup.n, SHARE)
    for base in list_bases(setup.evaluator.session, setup.steps, n=pool, seed=setup.seed):
        for more in WARMER:
            yield _change(base, "temp_b", base.parameters["temp_b"] + more)
        noise = next(name for name, spec in _specs(base).items() if spec.metadata["kind"] == "ranking")
        for factor in NOISIER:
            yield _change(base, noise, base.parameters[noise] * factor)


def _specs(config: SampleConfig):  # type: ignore[no-untyped-def]
    return RULES[config.rule].parameters(config.matched)


def _change(base: SampleConfig, name: str, value: float) -> SampleConfig:
    """Other settings within the parameter's range, at a step of its slider."""
    limits = _specs(base)[name].metadata
    step = limits["step"]
    return base.replace(**{name: round(min(max(round(value / step) * step, limits["low"]), limits["high"]), 6)})


def find(rows: Sequence[Row]) -> list[str]:
    def base(rule: str, passes: int, kept: str = "") -> Row:
        """The settings that others are varied from: those in the middle of the temperatures, which come first."""
        name = f"{RULES[rule].label}, {passes} passes{kept}"
        return [row for row in rows if row["series"] == name][WARMER.index(0.0)]

    passes = max(row["passes"] for row in rows if row["rule"] == "critic")
    counts = sorted({row["passes"] for row in rows if row["rule"] == "maskgit"})
    critic, greedy, equal = base("critic", passes), base("maskgit", counts[0]), base("maskgit", counts[-1])
    kept, kept_equal = base("critic", passes, KEPT), base("maskgit", counts[-1], KEPT)
    return [
        f"Each at its own settings, Token-Critic ({critic['point']}) has {say_ratio(critic, equal)} "
        f"of the FID of MaskGIT with {counts[-1]} passes ({equal['point']}) and {say_ratio(critic, greedy)} of that "
        f"with {counts[0]}, at an IS of {say(critic, 'is')} against {say(equal, 'is')} and {say(greedy, 'is')}.",
        f"With the half of the pictures that the classifier is surest of, the FID of Token-Critic is {say(kept)} "
        f"instead of {say(critic)} and that of MaskGIT with {counts[-1]} passes {say(kept_equal)} instead of "
        f"{say(equal)}.",
        *say_faults(
            {
                f"of Token-Critic's pictures at {critic['point']}": critic,
                f"of MaskGIT's with {counts[-1]} passes at {equal['point']}": equal,
                "of that half of Token-Critic's": kept,
                "of that half of MaskGIT's": kept_equal,
            }
        ),
    ]


CURVE = Experiment(
    name="curve",
    title="Temperature and noise",
    method="The best settings of each rule, then the same with another temperature b or other ranking noise. " + ACCEPT,
    measure=measure,
    find=find,
    columns=(*DISTANCES, *CLASSES),
    x=Axis(figure="is", label="inception score, higher is better"),
    y=Axis(figure="fid", label="FID, lower is better", log=True),
    lines=False,
)
