"""Figures without a classifier: how many samples break a rule that every real picture of their style keeps.

Each check is first tested on held-out real pictures, where it must find next to nothing, and on pictures joined from
two halves, where it must find faults. A style that fails is left out of the check, and the report says so.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from engine.binomial import clopper_pearson, mcnemar, ratio_interval
from engine.checks import APART, AREA, Check, checks_digest, open_checks
from engine.config import SampleConfig
from engine.evaluate.evaluator import Evaluator
from engine.evaluate.exact_report import ANY_CHECK, find, format_report
from engine.evaluate.paper import PAPER_RULES
from engine.evaluate.report import Report
from engine.evaluate.sweep import check_seed, list_rows, list_unsearched
from engine.reports import name_with_passes

NAME = "exact"
MAX_FALSE_ALARMS = 0.02  # share of a style's reconstructed real pictures in which a check may find a fault
MIN_FOUND = 0.1  # share of the joined pictures in which it must find a fault
DEFINITIONS = {
    "fault": "a sample that breaks a rule which every real picture of its style keeps, decided by its pixels alone",
    "identicon": "5 x 5 cells, each plainly ground or filled, none of its rows empty, left mirrors right, one colour "
    "on white",
    "skin, hair": f"two of the style's tones that differ by {APART} or more in RGB each cover more than {AREA:.1%} of "
    "the picture, counted in pixels that lie inside such an area, and in colours that no other part has",
    "eyes": "the two eyes differ in a cell that is never under hair: they are not the same part",
    ANY_CHECK: "samples of all styles of the checks above; faults are samples that any check finds wrong",
    "false alarms": "the share of held-out real pictures that a check finds wrong, as they are and as the tokenizer "
    f"shows them; where the latter is above {MAX_FALSE_ALARMS:.0%}, the style is left out of the check",
    "found": "the share of pictures that it finds wrong among those whose left half is one held-out picture and whose "
    f"right half is another that differs; below {MIN_FOUND:.0%}, the style is left out",
    "other rules": "the critic is compared with each over the first samples, as many as both have",
    "intervals": "95 %, Clopper-Pearson; of ratios, the same for the critic's share of all faults",
    "p": "McNemar's exact test of the samples in which only one of the two is wrong; same classes, same noise",
}
Checks = Mapping[str, Mapping[str, Check]]


def measure_exact(
    evaluator: Evaluator, rules: Sequence[str], n: int | None, steps: int, seed: int, folder: Path, command: str = ""
) -> dict[str, Any]:
    """Fill `folder`/exact.json and .md. Returns the share of faults of each row, and the comparison."""
    check_seed(seed)
    checks = open_checks(evaluator.pictures)  # raises now for pictures that cannot be checked
    report = Report(
        folder / f"{NAME}.json",
        {**evaluator.provenance(judged=False), "definitions": {**DEFINITIONS, "checks_sha256": checks_digest()}},
        "checks",
        command,
    )
    kept = usable_checks(evaluator, report, checks)
    # the locked critic with the critic's settings, too: there nothing but the right to take tokens back differs
    configs = list_rows(evaluator.session, rules, n, steps, seed, matched="critic-locked")
    rows = [_get_row(evaluator, report, kept, config) for config in configs]
    report.content["compared"] = compare_rules(rows)
    report.content["others"] = compare_others(rows, _find_checked(evaluator, kept, rows))
    unsearched = list_unsearched(evaluator.session.pack, rows)
    report.content["findings"] = find(report.content["compared"], report.content["others"], unsearched)
    report.show(rows)
    report.save()
    (folder / f"{NAME}.md").write_text(format_report(rows, report.content), encoding="utf-8")
    shares = {name_with_passes(row): _shares(row) for row in rows}
    return {"shares": shares, "compared": report.content["compared"], "report": str(report.file)}


def usable_checks(evaluator: Evaluator, report: Report, checks: Checks) -> Checks:
    """The checks of the styles that pass on real pictures. The report keeps what was measured of those."""
    if report.content.get("real_checked_by") != checks_digest():
        report.content["real"] = measure_real_pictures(evaluator, checks)
        report.content["real_checked_by"] = checks_digest()
    real = report.content["real"]
    usable = {
        check: {name: one for name, one in styles.items() if not real[check][name]["left_out"]}
        for check, styles in checks.items()
    }
    return {check: styles for check, styles in usable.items() if styles}


def measure_real_pictures(evaluator: Evaluator, checks: Checks) -> dict[str, dict[str, dict[str, Any]]]:
    """Check -> class -> false alarms, share found, and why it is left out ("" if it is used)."""
    figures: dict[str, dict[str, dict[str, Any]]] = {check: {} for check in checks}
    tokens = evaluator.session.pack.tokens().numpy()
    for name in dict.fromkeys(name for styles in checks.values() for name in styles):
        held = np.flatnonzero((evaluator.pictures.splits != "train") & _has_class(evaluator, name))
        if not len(held):
            raise ValueError(f"pack {evaluator.session.pack.name!r} carries no held-out picture of {name}")
        images, shown = evaluator.pictures.read(held), evaluator.samples.decode(tokens[held])
        recipes = [json.loads(evaluator.pictures.recipes[i]) for i in held]
        halved = join_halves(tokens[held], evaluator.session.tokenizer.config.grid)
        for check, styles in checks.items():
            if name in styles:
                pairs = zip(recipes, np.roll(np.array(recipes), -1), strict=True)
                unlike = np.array([styles[name].differ(one, other) for one, other in pairs])
                broken = evaluator.samples.decode(halved[unlike]) if unlike.any() else shown[:0]
                found = [styles[name].faults(some) for some in (images, shown, broken)]
                figures[check][name] = _rate_check(styles[name], *found)
    return figures


def join_halves(tokens: np.ndarray, grid: int) -> np.ndarray:
    """Tokens (M, N) with the left half of each picture and the right half of the next one."""
    rows = tokens.reshape(-1, grid, grid)
    left, right = np.split(rows, [grid // 2], axis=2)
    return np.concatenate([left, np.roll(right, -1, axis=0)], axis=2).reshape(tokens.shape)


def _rate_check(check: Check, images: np.ndarray, shown: np.ndarray, broken: np.ndarray) -> dict[str, Any]:
    """Figures of the faults (M, parts) in real pictures, in reconstructed ones, and in joined ones."""
    figures: dict[str, Any] = {
        "as_they_are": _share_figures(images, check.parts),
        "as_shown": _share_figures(shown, check.parts),
    }
    figures["found"] = _share_figures(broken, check.parts) if len(broken) else None
    left_out = ""
    if figures["as_shown"]["share"] > MAX_FALSE_ALARMS:
        left_out = "too many false alarms"
    elif figures["found"] is None or figures["found"]["share"] < MIN_FOUND:
        left_out = "finds too little"
    return {**figures, "left_out": left_out}


def _get_row(evaluator: Evaluator, report: Report, checks: Checks, config: SampleConfig) -> dict[str, Any]:
    """The report's row of these settings. It is measured now if the report does not have it."""
    return report.get_or_measure(evaluator.identity(config), lambda: _measure_row(evaluator, checks, config))


def _measure_row(evaluator: Evaluator, checks: Checks, config: SampleConfig) -> dict[str, Any]:
    tokens = evaluator.draw(config)
    return {
        **evaluator.identity(config),
        "passes": config.passes,
        "checks": count_faults(evaluator, checks, tokens, evaluator.samples.labels(config.n)),
        "made_by": evaluator.session.made_by(),
    }


def count_faults(
    evaluator: Evaluator, checks: Checks, tokens: np.ndarray, labels: np.ndarray
) -> dict[str, dict[str, Any]]:
    """Check -> figures of the faults in pictures of known class, tokens (M, N) and labels (M,), and of any check."""
    numbers: dict[str, dict[str, tuple[np.ndarray, np.ndarray]]] = {check: {} for check in checks}
    for label, name in enumerate(evaluator.session.classes):
        mine = np.flatnonzero(labels == label)
        asked = {check: styles[name] for check, styles in checks.items() if name in styles}
        if asked and len(mine):
            images = evaluator.samples.decode(tokens[mine])
            for check, one in asked.items():
                numbers[check][name] = mine, one.faults(images)
    found = {check: _check_figures(styles, checks[check]) for check, styles in numbers.items() if styles}
    every = np.unique([i for styles in numbers.values() for mine, _ in styles.values() for i in mine])
    wrong = np.unique([i for one in found.values() for i in one["samples"]]).astype(int)
    found[ANY_CHECK] = {**_interval_figures(len(wrong), len(every)), "samples": wrong.tolist()}
    for figures in found.values():
        figures["samples"] = " ".join(str(i) for i in figures["samples"])  # keeps the report's JSON short
    return found


def _check_figures(styles: Mapping[str, tuple[np.ndarray, np.ndarray]], checks: Mapping[str, Check]) -> dict[str, Any]:
    """Figures of one check over all its styles. `samples` are the indices of the faulty ones."""
    mine, faults = (np.concatenate(parts) for parts in zip(*styles.values(), strict=True))
    parts = next(iter(checks.values())).parts
    each = {name: _share_figures(wrong, checks[name].parts) for name, (_, wrong) in styles.items()}
    return {**_share_figures(faults, parts), "styles": each, "samples": sorted(mine[faults.any(1)].tolist())}


def _share_figures(faults: np.ndarray, parts: Sequence[str]) -> dict[str, Any]:
    """Count, share and interval of pictures with any fault, and counts by part, from faults (M, parts)."""
    by_part = {part: int(count) for part, count in zip(parts, faults.sum(0), strict=True)}
    return {**_interval_figures(int(faults.any(1).sum()), len(faults)), "parts": by_part}


def _interval_figures(count: int, n: int) -> dict[str, Any]:
    if not n:
        return {"n": 0, "faults": 0, "share": None, "share_ci": None}
    return {"n": n, "faults": count, "share": count / n, "share_ci": clopper_pearson(count, n)}


def compare_rules(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Compare the critic with maskgit at equal steps and at equal passes, for each check."""
    mine, result = _find_critic(rows), dict[str, Any]()
    for name in ("steps", "passes"):
        other = next((r for r in rows if mine is not None and r["rule"] == "maskgit" and r[name] == mine[name]), None)
        if mine is not None and other is not None:
            both = mine["checks"].keys() & other["checks"].keys()
            pairs = {
                check: (mine["checks"][check], other["checks"][check]) for check in mine["checks"] if check in both
            }
            result[f"equal_{name}"] = {check: _compare_check(*pair) for check, pair in pairs.items()}
    return result


def compare_others(rows: Sequence[Mapping[str, Any]], checked: np.ndarray) -> dict[str, Any]:
    """Compare the critic with each rule besides maskgit, by the samples that any check finds wrong.

    Only the first samples count, as many as both have. `checked` (n,): whether a sample's class has a check.
    """
    mine, result = _find_critic(rows), dict[str, Any]()
    for row in rows:
        if mine is not None and row["rule"] not in PAPER_RULES:
            n = min(mine["n"], row["n"])
            found = _compare_check(*(_first_samples(one["checks"][ANY_CHECK], checked[:n]) for one in (mine, row)))
            result[name_with_passes(row)] = {key: found[key] for key in ("n", "ratio", "ratio_ci", "p")}
    return result


def _find_checked(evaluator: Evaluator, checks: Checks, rows: Sequence[Mapping[str, Any]]) -> np.ndarray:
    """(n,) bool: whether the class of samples 0 .. n-1 has a check, n as in the row that has most."""
    classes = evaluator.session.classes
    styles = {classes.index(name) for styles in checks.values() for name in styles}
    return np.isin(evaluator.samples.labels(max(row["n"] for row in rows)), list(styles))


def _first_samples(figures: Mapping[str, Any], checked: np.ndarray) -> dict[str, Any]:
    """Number of the checked ones and indices of the faulty ones among the first samples, `checked` (n,)."""
    faulty = (i for i in figures["samples"].split() if int(i) < len(checked))
    return {"n": int(checked.sum()), "samples": " ".join(faulty)}


def _find_critic(rows: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    return next((row for row in rows if row["rule"] == "critic"), None)


def _compare_check(mine: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Compare two rows in one check. Their samples have the same classes and noise, index by index."""
    ours, theirs = (set(one["samples"].split()) for one in (mine, other))
    return {
        "n": mine["n"],
        "critic": len(ours),
        "maskgit": len(theirs),
        "ratio": len(ours) / len(theirs) if theirs else None,
        "ratio_ci": ratio_interval(len(ours), len(theirs)),
        "only_critic": len(ours - theirs),
        "only_maskgit": len(theirs - ours),
        "p": mcnemar(len(ours - theirs), len(theirs - ours)),
    }


def _shares(row: Mapping[str, Any]) -> dict[str, Any]:
    return {check: [one["share"], one["share_ci"]] for check, one in row["checks"].items()}


def _has_class(evaluator: Evaluator, name: str) -> np.ndarray:
    """(M,) bool: which pictures of the pack have this class."""
    of_class: np.ndarray = evaluator.pictures.labels == evaluator.pictures.classes.index(name)
    return of_class
