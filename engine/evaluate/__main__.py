"""Measure a pack; one JSON object on stdout, progress on stderr.

    python -m engine.evaluate tokenizer pack=emoji    PSNR per split and class, codes used, white patches
    python -m engine.evaluate auc pack=emoji          contested AUC of the critic and of the generator itself
    python -m engine.evaluate sheets pack=emoji       classes x seeds for maskgit and critic, as PNG in out=DIR
    python -m engine.evaluate blind pack=emoji        critic pictures in unknown order, and the key in another file
    python -m engine.evaluate copies pack=emoji       how near samples come to training pictures
    python -m engine.evaluate sweep pack=emoji        the best settings of each rule, and heat maps of KID
    python -m engine.evaluate table1 pack=emoji       FID, KID, IS, precision, recall, seconds of every rule
    python -m engine.evaluate ratios pack=emoji       from table1's report: FID of each row over that of each other one
    python -m engine.evaluate classes pack=emoji      from table1's report: the share of samples found, by class
    python -m engine.evaluate draw pack=emoji         samples of rules=ONE as PNG files in out=DIR, for other tools
    python -m engine.evaluate exact pack=avatars      the share of samples that break a rule of their style
    python -m engine.evaluate steps pack=emoji        quality against steps, at equal steps and equal passes
    python -m engine.evaluate curve pack=emoji        FID against IS as temperature and noise vary
    python -m engine.evaluate rejection pack=emoji    rejection sampling at several acceptance rates
    python -m engine.evaluate refine pack=emoji       MaskGIT's pictures refined by the critic
    python -m engine.evaluate ablate pack=emoji       the rules, and critics that are trained anew
    python -m engine.evaluate calibration pack=emoji  the critic's score against the share that is real
    python -m engine.evaluate tradeoff pack=avatars   faults against KID at the settings that the sweep tried

Each takes what it reads, and refuses the rest.
n is pictures per split (auc), per class (sheets), per row (table1, exact: 5,000 and 2,000 unless given), per rule
(copies), per row (steps to ablate), in all (blind, calibration), or the fewest of a row (tradeoff). sweep, table1,
exact and what follows write into out=DIR, by default reports/ in the pack, where ratios and classes read. They keep
samples in runs=DIR; the same command again goes on where it stopped. They also take:
  rules=maskgit,critic   sweep, table1, draw, exact: some of the rules
  workers=2              pictures drawn at once; default: one per core
  dtype=bfloat16         products in bf16, if the machine is faster in it
  seed=                  seed of the noise; not of a sweep, which has its own
  against=DIR            ratios: another report, whose rows those of this one are compared with
  settings=[54,12,4], pictures=[128,512,2000]   sweep: how many settings, and pictures of each, in its rounds
  micro_batch=64         pictures that go through a network together on an accelerator
  preset=true            sweep: make the best settings the pack's
  npz=true               draw: also all pictures and their classes in one file, for ADM's evaluator
  data=FOLDER            auc: class folders of pictures, for a pack that carries none; those held out are measured
  training="..."         ablate: words for engine.train critic, e.g. training="iterations=300 data=FOLDER"
sweep, table1, draw, exact and what follows can share out their samples:
accelerate launch --multi_gpu -m engine.evaluate ...
The figures are those of one process bit for bit.
"""

from __future__ import annotations

import json
import re
import shlex
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from engine import cli
from engine.config import MAX_STEPS
from engine.device import prepare
from engine.distributed import join_group, let_first_speak
from engine.evaluate.auc import measure_auc
from engine.evaluate.classes import read_classes
from engine.evaluate.copies import measure_copies
from engine.evaluate.evaluator import Evaluator
from engine.evaluate.exact import measure_exact
from engine.evaluate.experiments import EXPERIMENTS
from engine.evaluate.experiments.experiment import Setup, run_experiment
from engine.evaluate.metrics import NEIGHBOURS
from engine.evaluate.ratios import measure_ratios
from engine.evaluate.report import Report
from engine.evaluate.samples import SampleStore
from engine.evaluate.sheets import draw_blind, draw_sheets
from engine.evaluate.sweep import ROUNDS, Round, best_config, set_presets, sweep
from engine.evaluate.table1 import table1
from engine.evaluate.tokenizer import measure_tokenizer
from engine.session import Session, pack_name

DEFAULT_N = {
    "tokenizer": 0,
    "auc": 100_000,
    "sheets": 8,
    "blind": 50,
    "copies": 130,
    "sweep": 0,
    "table1": None,
    "ratios": 0,
    "classes": 0,
    "draw": 5000,
    "exact": None,
    **dict.fromkeys(EXPERIMENTS, 1000),
}
FEWEST_SAMPLES = NEIGHBOURS + 1  # precision and recall need so many pictures
ALWAYS = ("pack", "device", "dtype", "micro_batch")  # options that every action reads
STORE = ("out", "runs", "workers")  # those of an action that stores samples
READS = {  # the others that an action reads
    "tokenizer": ("threads",),
    "auc": ("n", "data", "threads"),
    "sheets": ("n", "steps", "out", "threads"),
    "blind": ("n", "steps", "out", "threads"),
    "copies": ("n", "steps", "threads"),
    "sweep": ("steps", "rules", "settings", "pictures", "preset", *STORE),
    "ratios": ("out", "against"),
    "classes": ("out",),
    **dict.fromkeys(("table1", "exact"), ("n", "steps", "rules", "seed", *STORE)),
    "draw": ("n", "steps", "rules", "seed", "npz", *STORE),
    **dict.fromkeys(EXPERIMENTS, ("n", "steps", "seed", *STORE)),
    "steps": ("n", "seed", *STORE),
    "calibration": ("n", "seed", *STORE),
    "ablate": ("n", "steps", "seed", "training", *STORE),
    "tradeoff": ("n", *STORE),
}
DRAWS = [action for action, keys in READS.items() if "workers" in keys]  # several processes can share them
MULTI_THREADED = [action for action, keys in READS.items() if "threads" in keys]  # others: one thread a picture


def main(argv: list[str]) -> None:
    let_first_speak()
    defaults = {"pack": "emoji", "n": None, "steps": 18, "out": "", "device": "auto", "threads": 0}
    defaults |= {
        "rules": "",
        "seed": 0,
        "workers": 0,
        "settings": None,
        "pictures": None,
        "micro_batch": 0,
        "preset": False,
        "dtype": "float32",
        "runs": "runs",
        "against": "",
        "training": "",
        "data": "",
        "npz": False,
    }
    action, options, given = cli.parse(argv, __doc__ or "", defaults, tuple(ACTIONS))
    fewest = 1 if action in MULTI_THREADED else FEWEST_SAMPLES
    if action == "sweep" and "n" in given:
        raise ValueError("n: a sweep has rounds, give pictures=[128,512,2000]")
    for key in given:
        if key not in (*ALWAYS, *READS[action]):
            raise ValueError(f"{action} does not read {key}=: it takes {', '.join((*ALWAYS, *READS[action]))}")
    options["n"] = (
        DEFAULT_N[action] if options["n"] is None else cli.check_integer("n", options["n"], fewest, 1_000_000)
    )
    for name, low, high in (
        ("steps", 1, MAX_STEPS),
        ("workers", 0, 256),
    ):
        cli.check_integer(name, options[name], low, high)
    for switch in ("preset", "npz"):
        cli.check_bool(switch, options[switch])
    threads = options["threads"] if action in MULTI_THREADED else 1
    with join_group(prepare(options["device"], threads)) as group:
        if group.size > 1 and action not in DRAWS:
            raise ValueError(f"{action} is measured by one process: leave out accelerate launch")
        options["group"], options["command"] = group, _repeat(action, options, given)
        session = Session.open(options["pack"], options["device"], threads, options["dtype"], options["micro_batch"])
        if group.is_first:
            found = ACTIONS[action](session, options)
            group.first(None)  # nothing more is asked for
            print(json.dumps(found, indent=1, allow_nan=False, ensure_ascii=False))
        else:
            _open_helper(action, session, options).help()


def _open_helper(action: str, session: Session, options: Mapping[str, Any]) -> SampleStore:
    """What a process uses that is not the first."""
    if action == "draw":
        return _open_samples(session, options)
    return _open_evaluator(session, options, classifies=action != "exact")[0].samples


def _repeat(action: str, options: Mapping[str, Any], given: Collection[str]) -> str:
    """The command that gives the same figures, for its report: without what is private to a machine.

    A pack is named as it would be under weights/, and any other folder is FOLDER.
    """
    kept = [key for key in given if key not in (*STORE, "device", "threads")]
    values = {key: pack_name(options[key]) if key == "pack" else options[key] for key in kept}
    if "data" in values:
        values["data"] = "FOLDER"
    if "training" in values:
        values["training"] = re.sub(r"\b(data|runs|perceptual)=\S+", r"\1=FOLDER", values["training"])
    return shlex.join(["python", "-m", "engine.evaluate", action, *(f"{key}={value}" for key, value in values.items())])


def _tokenizer(session: Session, options: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**_name_sources(session, options, ("tokenizer",)), **measure_tokenizer(session)}


def _auc(session: Session, options: Mapping[str, Any]) -> Mapping[str, Any]:
    figures = measure_auc(session, options["n"], options["data"])
    return {**_name_sources(session, options, ("tokenizer", "generator", "critic")), **figures}


def _name_sources(session: Session, options: Mapping[str, Any], kinds: Sequence[str]) -> dict[str, Any]:
    """What figures that are only printed were made by: the command and the weights."""
    return {"command": options["command"], "weights_sha256": {kind: session.pack.digest(kind) for kind in kinds}}


def _sweep(session: Session, options: Mapping[str, Any]) -> Mapping[str, Any]:
    evaluator, folder = _open_evaluator(session, options)
    found = sweep(evaluator, _rules(session, options), options["steps"], _rounds(options), folder)
    if options["preset"]:
        set_presets(session.pack, found["best"])
    return found


def _rounds(options: Mapping[str, Any]) -> list[Round]:
    """The rounds of the sweep, with the numbers of settings and pictures that were given."""
    rounds = []
    for i, one in enumerate(ROUNDS):
        given = {name: options[name] for name in ("settings", "pictures") if options[name]}
        for name, value in given.items():
            if not isinstance(value, list) or len(value) != len(ROUNDS):
                raise ValueError(f"{name}={value}: expected {len(ROUNDS)} numbers, as in [{_numbers(name)}]")
            cli.check_integer(name, value[i], 1 if name == "settings" else FEWEST_SAMPLES, 1_000_000)
        rounds.append(one._replace(**{name: value[i] for name, value in given.items()}))
    return rounds


def _numbers(name: str) -> str:
    return ",".join(str(getattr(one, name)) for one in ROUNDS)


def _table1(session: Session, options: Mapping[str, Any]) -> Mapping[str, Any]:
    evaluator, folder = _open_evaluator(session, options)
    asked = {key: options[key] for key in ("n", "steps", "seed", "command")}
    return table1(evaluator, _rules(session, options), folder=folder, **asked)


def _exact(session: Session, options: Mapping[str, Any]) -> Mapping[str, Any]:
    evaluator, folder = _open_evaluator(session, options, classifies=False)
    asked = {key: options[key] for key in ("n", "steps", "seed", "command")}
    return measure_exact(evaluator, _rules(session, options), folder=folder, **asked)


def _draw(session: Session, options: Mapping[str, Any]) -> Mapping[str, Any]:
    rules = _rules(session, options)
    if len(rules) > 1:
        raise ValueError(f"draw takes one rule: give rules={rules[0]}")
    samples = _open_samples(session, options)
    config = best_config(session, rules[0], options["steps"], n=options["n"], seed=options["seed"])
    samples.save(config, _out(options), options["npz"])
    return {"settings": config.flat(), "folder": str(_out(options))}


def _experiment(name: str, session: Session, options: Mapping[str, Any]) -> Mapping[str, Any]:
    experiment = EXPERIMENTS[name]
    evaluator, folder = _open_evaluator(session, options)
    setup = Setup(
        evaluator=evaluator,
        report=Report(folder / f"{name}.json", evaluator.provenance(), experiment.figure, options["command"]),
        **{key: options[key] for key in ("n", "steps", "seed")},
        folder=cli.expand_path(options["runs"]) / session.pack.name / name,
        training=tuple(shlex.split(options["training"])),
    )
    return run_experiment(experiment, setup, folder)


def _open_samples(session: Session, options: Mapping[str, Any]) -> SampleStore:
    return SampleStore.open(session, _store(session, options), options["workers"], options["group"])


def _open_evaluator(session: Session, options: Mapping[str, Any], classifies: bool = True) -> tuple[Evaluator, Path]:
    """The evaluator, and the folder of its report."""
    given = _store(session, options), options["workers"], classifies, options["group"]
    return Evaluator.open(session, *given), _report_folder(session, options)


def _store(session: Session, options: Mapping[str, Any]) -> Path:
    return cli.expand_path(options["runs"]) / session.pack.name / "draws"


def _report_folder(session: Session, options: Mapping[str, Any]) -> Path:
    return cli.expand_path(options["out"]) if options["out"] else session.pack.path / "reports"


def _ratios(session: Session, options: Mapping[str, Any]) -> Mapping[str, Any]:
    folder = _report_folder(session, options)
    return measure_ratios(folder, cli.expand_path(options["against"]) if options["against"] else folder)


def _rules(session: Session, options: Mapping[str, Any]) -> tuple[str, ...]:
    """The rules to measure. ValueError for a rule that the pack cannot run."""
    chosen = tuple(name.strip() for name in options["rules"].split(",")) if options["rules"] else session.rules
    for name in chosen:
        session.settings(rule=name)
    return tuple(dict.fromkeys(chosen))


def _out(options: Mapping[str, Any]) -> Path:
    return cli.expand_path(options["out"] or "out")


ACTIONS: Mapping[str, Callable[[Session, Mapping[str, Any]], Mapping[str, Any]]] = {
    "tokenizer": _tokenizer,
    "auc": _auc,
    "sheets": lambda session, options: draw_sheets(session, options["n"], options["steps"], _out(options)),
    "blind": lambda session, options: draw_blind(session, options["n"], options["steps"], _out(options)),
    "copies": lambda session, options: measure_copies(session, options["n"], options["steps"]),
    "sweep": _sweep,
    "table1": _table1,
    "ratios": _ratios,
    "classes": lambda session, options: read_classes(_report_folder(session, options)),
    "draw": _draw,
    "exact": _exact,
    **{name: partial(_experiment, name) for name in EXPERIMENTS},
}

if __name__ == "__main__":
    cli.run(main, sys.argv[1:])
