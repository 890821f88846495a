"""Labels and messages of the page, in English."""

TITLE = "Token-Critic explorer"
DICE = "New seed"
RUN = "Run"
STOP = "Stop"
DIALS = "Settings"
MORE = "More settings"

CURVES = {
    "title": "Curves of this run",
    "masked": "Masked after each step (dashed: planned)",
    "revoked": "Revoked tokens",
    "scores": "Mean score of the kept (dotted: of the masked)",
    "noise": "Ranking noise · t/T (dotted: temperature)",
    "step": "step",
}

LINK_CUT = (
    "This link was cut off: its end is missing. The settings that it still says are set; ask for the whole link, or "
    "press Run."
)
FILES = {
    "title": "Keep and share",
    "format": "File",
    "lanes": "Lanes",
    "scale": "Scale",
    "too_large": "That would be a picture of {width} x {height} pixels: choose a smaller scale.",
    "branch": "A lane that leaves another one is part of it: make the file of all lanes.",
    "make": "Make the file",
    "making": "Making the file …",
    "made": "Saved:",
    "open": "Open a run (JSON)",
    "no_answer": "The server did not answer. Is it still running?",
    "stop_first": "A run is under way: stop it, then open the file again.",
    "none": "There is no finished run here to make a file of: press Run first.",
}
FILES_WHICH = {"all": "all", "1": "left", "2": "right", "3": "third"}
FILE_SCALES = {"1": "original", "2": "2 times", "4": "4 times"}
OPENED = {
    "made": "From a file, made with {pack} on {device} ({cpu}, torch {torch}). ",
    "again": "Press Run to see whether this machine gets the same.",
    "other": "Its weights were others than those here: Run will not give the same.",
    "older": "It was made by another version of the sampler: it plays as it was, but Run will not give the same.",
}
FILE_FORMATS = {
    "gif": "animation (GIF, 128 colours: for looking)",
    "webp": "animation (WebP, exact)",
    "png": "pictures of all steps (PNG, exact)",
    "pdf": "figure of this step (PDF)",
    "svg": "figure of this step (SVG)",
    "json": "the whole run (JSON, exact; can be opened here)",
}
FILE_PANELS = ("goes in", "proposal", "scores", "decision")
FILE_LANE = "{name}, steps: {steps}, passes: {passes}"
FILE_COUNTS = "{kept} kept, {new} new, {masked} masked, {revoked} revoked"

ABOUT = {"title": "About", "code": "Use it from code", "card": "The model “{name}”: how it was made and measured"}
MACHINE = {
    "line": "**This server** runs the networks on {device} ({hardware}, torch {torch}) in {dtype} with {attention} "
    "attention. ",
    "measured": "Measured at its start, on one layer: {times}. bfloat16 is taken where it is {worth:g} times as fast.",
    "told": "It was told to.",
}
SNIPPETS = {"copy": "Copy", "copied": "Copied"}
GALLERY = {
    "title": "Many at once",
    "count": "Pictures per lane",
    "draw": "Draw",
    "stop": STOP,
    "starting": "Starting …",
    "no_answer": "The server did not answer. Is it still running? Press Draw to try again.",
    "not_kept": "These pictures are not kept any more: draw them again.",
    "empty": "Draws the lanes' settings for one seed after another, beginning with the one above.",
    "progress": "{done} of {whole} pictures …",
    "done": {
        "done": "{done} pictures of {label}. Choose one to see how it came about.",
        "stopped": "Stopped after {done} of {whole} pictures.",
        "late": "Stopped after {done} of {whole} pictures: it took too long.",
        "failed": "Failed after {done} of {whole} pictures.",
    },
    "order": "Order",
    "orders": {
        "drawn": "as drawn",
        "score": "by the critic's score",
        "named": "by how surely the classifier names the class",
        "nearest": "by distance to the training pictures",
    },
    "nearest": "Nearest training picture",
    "nearest_help": "how far each picture is from the nearest one that was trained on: root mean square difference, "
    "0 to 255",
    "measuring": "Comparing with all training pictures …",
    "seed": "seed {seed}",
    "score": "critic's mean score {p}",
    "named": "class named with {p}",
    "distance": "{d} of 255 from the nearest training picture",
}
OWN = {
    "title": "Refine a picture of your own",
    "what": "The centre square of any picture is shrunk to the model's size and becomes tokens. The critic scores them "
    "as the class that is chosen above; what scores lowest is masked and drawn anew (section 4.2 of the paper).",
    "choose": "Choose a picture",
    "drop": "or drop one here",
    "picture": "Your picture",
    "shown": "As {n} tokens",
    "scores": "The critic's scores",
    "said": "As {label}: the critic's mean score is {score}.",
    "refine": "Refine",
    "fraction": "share of the tokens to mask, in percent",
    "begin": "No picture yet.",
    "no_picture": "That is no picture that can be read: PNG, JPEG, WebP or GIF of at most 16 MB.",
    "too_large": "That picture is too large: at most 50 megapixels as a JPEG (25 as a progressive one), 16 as any "
    "other kind, and 8,192 on a side.",
    "no_critic": "This model has no critic, which would have to find what to refine.",
    "failed": "The server did not answer. Try again.",
}
GAME = {
    "title": "Spot the fakes",
    "what": "This is what the critic is trained on: a real picture that it has never seen, in which the generator has "
    "filled in some of the tokens. Mark those that you take for fakes, and compare with the critic.",
    "share": "Share of fakes",
    "percent": "{n} % fakes",
    "deal": "Deal a picture",
    "check": "Check",
    "begin": "Deal a picture to begin.",
    "board": "Mark the fakes: click, drag, or arrow keys and Enter",
    "scores": "The critic's scores",
    "real": "The real picture",
    "riddle": "{label}: {fakes} of its tokens are fakes. Marked: {marks}. Who guesses blindly is right {chance} of the "
    "time.",
    "result": "{name}. Of your {marks} marks {mine} are fakes ({mine_share}); of the critic's {marks} lowest scores "
    "{theirs} ({theirs_share}); blind guesses would be right {chance} of the time. There were {fakes} fakes; {same} "
    "more tokens were sampled and came out as the real one, so they do not count.",
    "total_one": "After one round: you {mine}, the critic {theirs}.",
    "total_many": "After {n} rounds: you {mine}, the critic {theirs}.",
    "roc": "Fakes found against real ones accused",
    "roc_said": "ROC curves: area under yours {mine}, under the critic's {theirs}",
    "areas": "Area: yours {mine} (blue), the critic's {theirs} (purple, dashed)",
    "failed": "The server did not answer. Try again.",
}

STAGE = {
    "welcome": "Press Run: both lanes draw the same class from the same seed. "
    "Step by step you see which tokens each one keeps.",
    "run": RUN,
    "run_live": "Run it live",
    "starting": "Starting …",
    "waiting": {
        "first": "Waiting for a free place: you are next.",
        "later": "Waiting for a free place: {n} before you.",
        "about": " About {seconds} s.",
    },
    "stopping": "Stopping …",
    "no_answer": "The server did not answer. Is it still running? Press Run to try again.",
    "lanes": ("Left lane", "Right lane", "Third lane"),
    "branches": {
        "add": "Add a lane",
        "add_help": "a third run from the same noise",
        "remove": "Remove this lane",
        "remove_help": "back to two lanes",
        "branch": "Branch here",
        "branch_help": "run on from this step with other settings, as a third lane",
        "by_hand": "Be the critic",
        "by_hand_help": "mask tokens of this step by hand, and run on with fresh noise",
        "refine": "Refine",
        "refine_help": "mask the tokens of this picture that the critic finds least real, and run on with fresh noise "
        "(section 4.2 of the paper); once more draws another one",
        "fraction": "share of the tokens to mask, in percent",
        "judge": "Score it",
        "judge_help": "ask the critic once more, not telling it how many tokens are new: the last step keeps every "
        "token, so sampling needs no scores there",
        "scored": "The critic's mean score of {name}'s picture, not told how many of its tokens are new: {score}.",
        "unscored": "This run is not kept any more: press Run first.",
        "repaint": "Repaint a part",
        "repaint_help": "mark tokens of this picture, and have them drawn anew",
        "refined": "The critic's mean score of the picture: {theirs} before, {mine} after.",
        "paint": "Mark what shall be drawn anew: {chosen} tokens.",
        "advice": "The third lane starts after step {step}: change its settings, then run.",
        "from": "as the {lane} until step {step}",
        "refines": "goes on from the {lane}: {share} % masked",
        "from_own": "from your picture",
        "count": "Mask {wanted} tokens: {chosen} chosen.",
        "rest": "Rest as the rule",
        "rest_help": "choose what is still missing in the order in which the rule masks",
        "go": "Run on",
        "go_help": "with these tokens masked",
        "stale": "The settings have changed: run first, then this lane is what they ask for.",
        "unasked": "This run is from a file that does not say what was asked for: run first.",
        "cancel": "Cancel",
        "cancel_help": "leave the step as it was",
        "overlap": "Of {wanted} tokens you and {name} masked {both} alike at step {step}.",
        "judged": " The critic's mean score of the final picture: yours {mine}, the other {theirs}.",
    },
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
        "decision": {
            "number": "4",
            "name": "Decision",
            "symbol": "mₜ₋₁",
            "next": {"name": "Goes in next", "symbol": "xₜ₋₁"},
        },
    },
    "tabs": "Panel shown in both lanes",
    "steps": {"one": "{n} step", "many": "{n} steps"},
    "passes": {"one": "{n} pass", "many": "{n} passes"},
    "taken": "{n} taken back so far",
    "line": "Step {s} of {steps}: |{kept} kept, |{fresh} new, |{masked} masked, |{revoked} revoked",
    "odd": {
        "nothing": "Nothing is kept yet: the schedule masks every token again.",
        "last": "The last step keeps every token.",
    },
    "link": {
        "copy": "Copy link",
        "copied": "Copied",
        "help": "an address that runs these lanes again, and says whether the other machine got the same",
        "none": "When a run is finished, its address can be copied here.",
        "address": "Address of this run",
        "older": "This address was made with another version of the sampler: the run is live, and not the same.",
        "same": "Reproduced exactly: this machine computed the same run, step by step.",
        "differs": "This machine parts from that run at step {s} of {name}: two machines can differ in the last "
        "bits, and so can other weights.",
    },
    "views": {
        "layout": "Panels",
        "proposal": "Proposal",
        "kinds": {
            "loop": "as a loop",
            "chain": "as in the paper",
            "picture": "as a picture",
            "masked": "masked places hatched",
            "heat": "under its scores",
            "tokens": "as token numbers",
        },
        "asOrder": "order after noise",
        "compares": "where the lanes differ",
        "projector": "Projector",
        "leave": "End (Esc)",
        "projector_help": "one panel of each lane, large, for a lecture hall (key P; 1 to 4: which panel; Esc: end)",
    },
    "finished": "{label}, seed {seed}",
    "finished_score": " · the critic's mean score: {score}",
    "idle": "Every token is masked.",
    "empty": "nothing yet",
    "unscored": "No scores: the last step keeps every token.",
    "unscored_marked": "No scores: these tokens were marked by hand.",
    "states": {"kept": "kept", "new": "newly kept", "masked": "masked", "revoked": "revoked"},
    "judges": {  # whose scores they are, by rule
        "maskgit": "Generator's scores",
        "confidence": "Generator's scores",
        "self-revoking": "Generator's scores",
        "critic": "Critic's scores",
        "critic-locked": "Critic's scores",
        "random": "Scores by lot",
        "halton": "Scores by order",
        "other": "Scores",
    },
    "scale_help": "dark: suspected, masked first; light: trusted",
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
    "skip": {"lanes": "Skip to the lanes", "play": "Skip to Play"},
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
