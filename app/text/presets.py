"""Words of the presets, in English."""

ROW = {"label": "Examples", "help": "recorded runs, each of which shows one thing"}
FIRST_LOOK = (
    "First look",
    "A picture is a grid of numbers from a codebook. A network guesses the hidden ones: which guesses to keep? MaskGIT "
    "never takes one back, Token-Critic does (orange).",
)
# key -> title, and how the lanes differ. {left} and {right} are their settings and passes, read from the recording.
TITLES_AND_HINTS = {
    "first-look": FIRST_LOOK,
    "early": (
        "Equal steps",
        "MaskGIT on the left, Token-Critic on the right, each with the model's own settings and {left[steps]} steps: "
        "{left[passes]} network passes against {right[passes]}.",
    ),
    "locked": (
        "Without the right to revoke",
        "Both lanes ask the critic and have the same settings. The left one may not take a token back.",
    ),
    "self": (
        "The generator judges itself",
        "Both lanes may take tokens back and have the same settings. On the left the generator's own probability "
        "decides, on the right the critic.",
    ),
    "sure": (
        "Choice temperature",
        "MaskGIT twice. Only the choice temperature differs: {left[choice_temperature]:g} on the left, which keeps the "
        "tokens that the generator is surest of, {right[choice_temperature]:g} on the right, which leaves some to "
        "chance.",
    ),
    "noise": (
        "More noise",
        "Token-Critic twice. Only the ranking noise differs: K = {left[noise_K]:g} on the left, {right[noise_K]:g} on "
        "the right.",
    ),
    "no-noise": (
        "No noise",
        "Token-Critic twice. Only the ranking noise differs: K = {left[noise_K]:g} on the left, {right[noise_K]:g} on "
        "the right.",
    ),
    "hot": (
        "Hotter",
        "Token-Critic twice. Only the softmax temperature differs: b = {left[temp_b]:g} on the left, "
        "{right[temp_b]:g} on the right.",
    ),
    "passes": (
        "Equal passes",
        "MaskGIT on the left has {left[passes]} network passes in {left[steps]} steps, Token-Critic on the right "
        "{right[passes]} in {right[steps]}. Otherwise each has the model's own settings.",
    ),
    "people": FIRST_LOOK,
    "patterns": (
        "Mirrored patterns",
        "MaskGIT on the left, Token-Critic on the right, each with the model's own settings and {left[steps]} steps. A "
        "pattern is whole where its left half mirrors the right one, in one colour.",
    ),
    "eyes": (
        "Two eyes alike",
        "MaskGIT on the left has {left[passes]} network passes, Token-Critic on the right {right[passes]}. Both eyes "
        "of a face are drawn by the same part.",
    ),
    "specks": (
        "Specks",
        "Token-Critic twice. Only the softmax temperature differs: b = {left[temp_b]:g} on the left, "
        "{right[temp_b]:g} on the right, where rare tokens are drawn as well.",
    ),
}
COUNTED = (
    "A recorded run. Counted: {how}. {shows} of {tried} seeds of {label} show it, this one most clearly, {against} the "
    "opposite; {chance}."
)
CHANCE = {True: "{p}: may be chance", False: "{p} (sign test)"}  # whether the count may be that
SHOWS = {  # {lane}: the lane that the preset speaks for; {other}: the other lane
    "named": "the pack's classifier finds the class in the {lane} picture and not in the {other} one",
    "whole": "a check of the pixels finds a fault in the {other} picture and none in the {lane} one",
    "plainer": "the {other} picture has fewer than {plain:.0%} of the different tokens of the {lane} one",
    "revokes": "the {lane} lane takes back {tokens} tokens or more, the {other} one none",
}
SIDES = ("left", "right")
