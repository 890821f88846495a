"""Faults against KID at the settings that the pack's search tried: is a rule ahead only because of how it was set?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from engine.config import SampleConfig
from engine.evaluate.experiments.experiment import KID, Experiment, Row, Setup, own
from engine.evaluate.paper import PAPER_RULES
from engine.evaluate.samples import digest_sources, digest_tokens
from engine.evaluate.sweep import read_sweep, sweep_file
from engine.reports import FAULTS, PASSES, Axis, row_name


def measure(setup: Setup) -> Iterator[Row]:
    """Rows of the search's own pictures, `setup.n` or more of each settings. ValueError where they differ here."""
    session, pack = setup.evaluator.session, setup.evaluator.session.pack
    if not setup.checks:
        raise ValueError(f"pack {pack.name!r} has no exact checks that hold on its real pictures: tradeoff needs some")
    for row in _searched(setup):
        config = session.settings(rule=row["rule"], steps=row["steps"], n=row["n"], **row["settings"])
        series = f"{row_name(row)}, {config.passes} passes"

        def figures(config: SampleConfig = config, row: Row = row, series: str = series) -> dict[str, Any]:
            samples = setup.evaluator.samples
            tokens = samples.tokens(config, series)
            if digest_tokens(tokens) != row["tokens_sha256"]:
                raise ValueError(
                    f"{series}, {own(config)}: this machine draws other pictures than the one that searched"
                )
            found = setup.count_faults(tokens, samples.labels(config.n))
            return {"kid": row["kid"], "kid_ci": row["kid_ci"], "measured": config.n, **found}

        yield setup.row(config, setup.checked_by, figures, series=series, point=own(config))


def _searched(setup: Setup) -> list[Row]:
    """The settings of the pack's sweep with enough pictures, by these weights and this dtype. ValueError for none."""
    session, pack = setup.evaluator.session, setup.evaluator.session.pack
    found = [
        row
        for row in read_sweep(pack)["rows"]
        if row["n"] >= setup.n
        and row["dtype"] == session.dtype
        and row["made_of"] == digest_sources(pack, row["rule"], row["settings"]["schedule"])
    ]
    if not found:
        raise ValueError(
            f"{sweep_file(pack)} has no settings with {setup.n} pictures or more, of these weights and "
            f"dtype={session.dtype}: run the sweep first, or give another n= or dtype="
        )
    return sorted(found, key=_order)


def _order(row: Row) -> tuple[Any, ...]:
    return row["rule"] != "maskgit", row["rule"], row["steps"], -row["n"], row["kid"]


def find(rows: Sequence[Row]) -> list[str]:
    papers, others = list[str](), list[str]()
    for name, some in groupby(rows, key=lambda row: str(row["series"])):
        mine = list(some)
        shares = [f"{100 * end(row['faults'] for row in mine):.1f}" for end in (min, max)]
        said = papers if mine[0]["rule"] in PAPER_RULES else others
        said.append(f"{' to '.join(dict.fromkeys(shares))} % at the {len(mine)} settings of {name}")
    found = {"The exact checks find a fault in": papers, "Of the other rules' pictures they find one in": others}
    return [f"{words} {'; '.join(said)}." for words, said in found.items() if said]


TRADEOFF = Experiment(
    name="tradeoff",
    title="Faults against KID",
    method="The search chose settings by KID, which hardly sees a speck or an odd cell. Here its own pictures are "
    "looked at again, at all settings that came into its last round, and the exact checks count their faults. A point "
    "that lies lower and further left is better in both.",
    measure=measure,
    find=find,
    columns=(PASSES, KID, FAULTS),
    x=Axis(figure="kid", label="KID, lower is better"),
    y=Axis(figure="faults", label="share of samples with a fault"),
    figure="faults",
    searched=False,
    lines=False,
)
