"""English."""

TITLE = "Token-Critic explorer"

CONTROLS = {
    "pack": "Model",
    "label": "Class",
    "seed": "Seed",
    "equal_passes": "Equal passes",
    "matched": "Matched",
    "rule": "Rule",
    "steps": "Steps T",
    "noise_K": "Noise K",
    "temp_a": "Temp. a",
    "temp_b": "Temp. b",
    "choice_temperature": "Choice temp.",
    "eta": "Revoking η",
    "schedule": "Schedule γ",
}
HELP = {
    "equal_passes": "a critic step costs two network passes: give the other lane as many",
    "matched": "everything but the rule equal: counts, temperature and ranking noise",
}
DICE = "New seed"
RUN = "Run"
STOP = "Stop"

STAGE = {
    "welcome": "Press Run: both lanes draw the same class from the same seed. "
    "Step by step you see which tokens each one keeps.",
    "starting": "Starting …",
    "stopping": "Stopping …",
    "lanes": ("Left lane", "Right lane"),
    "changed": "Settings changed: run again.",
    "ended": {
        "done": "",
        "stopped": "Stopped. The steps so far are kept.",
        "late": "Stopped: this run took too long. The steps so far are kept.",
        "failed": "This run failed. What came before is kept; press Run to try again.",
    },
    "panels": {
        "input": {"number": "1", "name": "Goes in", "symbol": "xₜ"},
        "proposal": {"number": "2", "name": "Proposal", "symbol": "x̂₀"},
        "scores": {"number": "3", "name": "Scores", "symbol": "p(m=1)"},
        "decision": {"number": "4", "name": "Decision", "symbol": "mₜ₋₁"},
    },
    "tabs": "Panel shown in both lanes",
    "steps": {"one": "{n} step", "many": "{n} steps"},
    "passes": {"one": "{n} pass", "many": "{n} passes"},
    "line": "Step {s} of {steps}: {kept} kept, {fresh} new, {masked} masked, |{revoked} revoked",
    "odd": {
        "nothing": ". Nothing is kept yet: the schedule masks every token again.",
        "last": ". The last step keeps every token.",
    },
    "differ": "where the lanes differ",
    "differ_help": "frame the places of the proposals at which the other lane has another token",
    "idle": "Every token is masked.",
    "empty": "nothing yet",
    "unscored": "No scores: the last step keeps every token.",
    "states": {"kept": "kept", "new": "newly kept", "masked": "masked", "revoked": "revoked"},
    "score": "Score",
    "order": "order after noise",
    "order_help": "colour by the order in which tokens are masked, after the ranking noise",
    "first_masked": "masked first",
    "last_masked": "last",
    "token": {
        "title": "The pinned token",
        "hint": "Point at a cell to see its token, click to follow it through all steps (or Tab to a lane, arrow keys, "
        "Enter).",
        "cells": "Cells of {name}: arrow keys move, Enter pins",
        "close": "Unpin (Esc)",
        "named": "Row {row}, column {column}",
        "at": "row {row}, column {column}",
        "token": "Token {token}",
        "no_score": "not scored",
        "step": "Step {s}: token {token} proposed, score {score}, {state}",
        "states": ("kept", "newly kept", "masked", "revoked"),
        "masked": "Step {s}: it was masked. The generator gave the proposed token {p}; its likeliest:",
        "visible": "Step {s}: it was visible, and copied. The generator gives it {p}; its likeliest here:",
        "warning": "Read with care: the generator is never trained on visible places.",
    },
    "play": "Play",
    "pause": "Pause",
    "first": "First step",
    "back": "Step back",
    "next": "Step on",
    "last": "Last step",
    "slider": "Step",
    "speed": "Speed",
    "per_second": "{n} steps/s",
    "now": "step {s} of {steps}",
}
