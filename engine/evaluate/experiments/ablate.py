"""What matters: the score, the right to revoke, and how the critic is made and trained."""

from __future__ import annotations

import dataclasses
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

import engine
from engine.config import MAX_STEPS
from engine.contested import critic_scorer, generator_scorer, measure_contested
from engine.evaluate.auc import number_concepts
from engine.evaluate.evaluator import Evaluator
from engine.evaluate.experiments.experiment import (
    CLASSES,
    DISTANCES,
    Experiment,
    Row,
    Setup,
    is_apart,
    own,
    say,
    say_faults,
    say_ratio,
)
from engine.evaluate.sweep import best_config
from engine.pack import open_pack
from engine.reports import PASSES, Axis, Column, join_words
from engine.rules import RULES
from engine.session import Session

LOCKED = "critic-locked"  # the critic's scores without the right to take tokens back
RULES_COMPARED = ("maskgit", "critic", LOCKED, "self-revoking")
BASE = "as shipped"
VARIANTS: Mapping[str, tuple[str, ...]] = {  # what differs from the recipe of the pack's critic
    BASE: (),
    "wrong-token target": ("target=wrong",),
    "wrong-token target, not told the count": ("target=wrong", "share_offset=false"),
    "sees the mask before": ("sees_mask=true",),
    "half the layers": ("layers={half}",),
    "linear head": ("head=linear",),
    "not told the count": ("share_offset=false",),
    "from scratch": ("init=scratch",),
    "the paper's": ("init=scratch", "head=linear", "share_offset=false"),
}
OF_LAUNCHERS = ("WORLD_SIZE", "RANK", "LOCAL_", "GROUP_", "ROLE_", "MASTER_", "TORCHELASTIC_", "ACCELERATE_")
OF_RULES, OF_CRITICS = "the rule", "the critic"
AUC = "auc"
AUC_PICTURES = 192  # held-out pictures


def measure(setup: Setup) -> Iterator[Row]:
    session = setup.evaluator.session
    for rule in RULES_COMPARED:
        one = best_config(session, rule, setup.steps, n=setup.n, seed=setup.seed)
        yield setup.draw(one, series=OF_RULES, point=f"{RULES[rule].label}, {own(one)}")
    config = best_config(session, "critic", setup.steps, n=setup.n, seed=setup.seed)
    locked = best_config(session, LOCKED, setup.steps, n=setup.n, seed=setup.seed)
    if locked.parameters != config.parameters:
        alike = locked.replace(**config.parameters)
        yield setup.draw(alike, series=OF_RULES, point=f"{RULES[LOCKED].label}, as the critic: {own(alike)}")
    if config.passes > MAX_STEPS:
        raise ValueError(f"steps={setup.steps}: MaskGIT cannot have as many passes as the critic, {config.passes}")
    greedy = best_config(session, "maskgit", config.passes, n=setup.n, seed=setup.seed)
    yield setup.draw(greedy, series=OF_RULES, point=f"MaskGIT, {greedy.passes} passes, {own(greedy)}")
    for name, changes in VARIANTS.items():
        with_variant = dataclasses.replace(setup, evaluator=_train_variant(setup, name, changes))

        def figures(its: Setup = with_variant, label: str = name) -> dict[str, Any]:
            samples = its.evaluator.samples
            tokens = samples.tokens(config, f"critic, {label}")
            return {**its.measure_samples(tokens, samples.labels(config.n)), **_measure_auc(its.evaluator)}

        yield with_variant.row(config, {**setup.checked_by, "critic": name}, figures, series=OF_CRITICS, point=name)


def _train_variant(setup: Setup, name: str, changes: Sequence[str]) -> Evaluator:
    """An evaluator of the pack with a critic trained anew, by the command that trains the pack's own."""
    pack = setup.evaluator.session.pack
    made_of = "".join(pack.digest(kind)[:4] for kind in ("tokenizer", "generator", "classifier"))
    folder = setup.folder / made_of / name.replace(" ", "-").replace("'", "")
    target, unfinished = folder / pack.name, folder / f".partial-{os.getpid()}"
    if not target.is_dir():
        shutil.copytree(pack.path, unfinished, ignore=shutil.ignore_patterns("reports", "critic.safetensors"))
        unfinished.rename(target)
    half = max(1, pack.config["generator"]["layers"] // 2)
    words = [one.format(half=half) for one in (*setup.training, *changes)]
    command = [sys.executable, "-m", "engine.train", "critic", f"pack={target}", f"runs={folder / 'runs'}", *words]
    print(f"critic, {name}: {' '.join(words)}", file=sys.stderr)
    # From whatever folder this command was started, and alone where it was started as one of several processes.
    found = {name: value for name, value in os.environ.items() if not name.startswith(OF_LAUNCHERS)}
    found["PYTHONPATH"] = str(Path(engine.__file__).parent.parent)
    if subprocess.run(command, stdout=subprocess.DEVNULL, env=found, check=False).returncode:
        raise ValueError(f"the critic {name!r} could not be trained: see above")
    session = setup.evaluator.session
    device = session.device.type
    other = Session.open(open_pack(target).path, device, torch.get_num_threads(), session.dtype, session.micro_batch)
    return Evaluator.open(other, setup.evaluator.samples.store, setup.evaluator.samples.workers)


def _measure_auc(evaluator: Evaluator) -> dict[str, Any]:
    """The contested AUC of critic and generator on held-out pictures, half of whose tokens are sampled; {} without."""
    session, pictures = evaluator.session, evaluator.pictures
    chosen = evaluator.choose_held_out(AUC_PICTURES)
    if not len(chosen) or (session.critic is not None and session.critic.config.sees_mask):
        return {}  # which places were hidden before would give the answer away
    tokens = session.pack.tokens()[chosen].long().to(session.device)
    labels = torch.from_numpy(pictures.labels[chosen]).to(session.device)
    assert session.critic is not None
    scorers = {"critic": critic_scorer(session.critic), "generator": generator_scorer(session.generator)}
    cell = measure_contested(tokens, labels, session.generator, scorers, fraction=0.5)
    intervals, _ = cell.intervals(number_concepts(pictures, chosen))
    return {"auc": cell.auc("critic"), "auc_ci": intervals["critic"], "auc_generator": cell.auc("generator")}


def find(rows: Sequence[Row]) -> list[str]:
    rules = [row for row in rows if row["series"] == OF_RULES]
    by_rule: dict[str, Row] = {}
    for row in rules:
        by_rule.setdefault(row["rule"], row)  # the first of a rule is the one at its own settings
    critic = by_rule["critic"]
    equal = next(row for row in rules if row["rule"] == "maskgit" and row["passes"] == critic["passes"])
    alike = [row for row in rules if row["rule"] == LOCKED][1:]  # the one at the critic's settings, if others are best
    ratios = join_words(
        [
            f"{say_ratio(critic, row)} of {name}"
            for name, row in (
                ("MaskGIT's at equal passes", equal),
                ("that of the same scores without the right to revoke", by_rule[LOCKED]),
                ("that of the generator judging itself", by_rule["self-revoking"]),
            )
        ]
    )
    same = f" With the critic's own settings and no right to revoke it is {say(alike[0])}." if alike else ""
    variants = {row["point"]: row for row in rows if row["series"] == OF_CRITICS}
    base = variants.pop(BASE)
    signs = {name: is_apart(row, base) for name, row in variants.items()}
    groups = [
        f"{words}: {', '.join(name for name, sign in signs.items() if sign == wanted) or 'none'}"
        for words, wanted in (("A lower FID than it", -1), ("A higher one", 1), ("Not to be told from it", 0))
    ]
    return [
        f"With the same generator and noise, each at its own settings, Token-Critic's FID of {say(critic)} is "
        f"{ratios}.{same}",
        *say_faults(
            {
                "of Token-Critic's pictures": critic,
                "of MaskGIT's with as many passes": equal,
                "of the critic's without the right to revoke": by_rule[LOCKED],
                "of those of the generator judging itself": by_rule["self-revoking"],
            }
        ),
        f"The critics differ in what their names say. Each was trained once, and sampled with the settings that were "
        f"found for the shipped one. The one made like the shipped one has "
        f"{f'an AUC of {say(base, AUC, 3)} and ' if AUC in base else ''}an FID of {say(base)}. "
        f"{'. '.join(groups)}.",
    ]


ABLATE = Experiment(
    name="ablate",
    title="Ablations",
    method="First the rules: the learned score against the right to revoke, with the pack's own weights. Then critics "
    "that are trained anew, all for as many pictures, each differing from the recipe in what its name says. All are "
    "sampled with the settings that were found for the shipped critic: one whose scores lie elsewhere is at a "
    "disadvantage in FID, not in AUC (contested, on held-out pictures with half of the tokens sampled). So they "
    "compare with each other only, and first by AUC. With the wrong-token target the network is still told how many "
    "tokens are new, but not how many of them are wrong: this changes two things, unless it is not told the count. The "
    "one that sees the mask before was trained on masks that only shrink: a token that was just taken back is a case "
    "that it never met.",
    measure=measure,
    find=find,
    columns=(PASSES, *DISTANCES, *CLASSES, Column(heading="AUC ↑", figure="auc", digits=3)),
    x=Axis(figure="point", label=""),
    y=Axis(figure="fid", label="FID, lower is better", log=True),
    definitions={
        "AUC ↑": "contested (engine/contested.py): how often a real token scores higher than a sampled one, at places "
        "where both occur; its interval is of what other pictures would give: 2,000 resamples of their concepts"
    },
    lines=False,
)
