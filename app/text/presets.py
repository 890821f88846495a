"""Words of the presets, in English."""

ROW = {"label": "Look at"}
TITLES_AND_HINTS = {  # key -> title, what to look for
    "first-look": (
        "First look",
        "The right lane takes tokens back that it had accepted (orange); the left one never does.",
    ),
    "early": (
        "Kept too early",
        "What the left lane kept early no longer fits what grew around it; the right lane takes such tokens back.",
    ),
    "locked": (
        "Without the right to revoke",
        "Both lanes ask the critic, but the left one may not take a token back: what it kept early stays. Over many "
        "pictures both have the same FID here.",
    ),
    "self": (
        "The generator judges itself",
        "Both lanes revoke with the same settings, but on the left by the generator's own probability: what is likely "
        "everywhere wins. With four times the noise, the best of the settings tried, its FID is twice the critic's.",
    ),
    "sure": (
        "Sure of itself",
        "MaskGIT twice: with the choice temperature of its paper, 4.5 (left), it keeps what it is surest of, and that "
        "is plain.",
    ),
    "noise": ("Too much noise", "At K = 4 (right) chance decides what is kept for most of the run."),
    "no-noise": (
        "No noise",
        "At K = 0 (right) the commonest tokens win from the start: often a plainer picture.",
    ),
    "hot": ("Too hot", "At b = 1.5 (right) the proposals are wild, and no critic can save what is not proposed."),
    "passes": ("Equal passes", "Both lanes have 35 network passes: MaskGIT takes 35 steps, Token-Critic 18."),
}
RECORDED = (
    "Recorded. {look} {shows} of {tried} seeds show it ({against} the opposite): {how}. Press Run to run it live."
)
SHOWS = {  # {lane}: the lane that the preset speaks for; {other}: the other lane
    "named": "the pack's classifier finds the class in the {lane} picture and not in the {other} one",
    "plainer": "the {other} picture has fewer than {plain:.0%} of the different tokens of the {lane} one",
    "revokes": "the {lane} lane takes back {tokens} tokens or more, the {other} one none",
}
SIDES = ("left", "right")
