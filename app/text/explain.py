"""The name of each control, and what it means: its long name, its formula with the papers' symbols, an explanation."""

from __future__ import annotations

from typing import Any

from engine.rules import all_parameters

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
    "choice_temperature": "Choice τ",
    "eta": "Revoking η",
    "schedule": "Schedule γ",
}
EXPLAIN: dict[str, tuple[str, str, str]] = {
    "pack": ("Model", "", "A tokenizer, a generator, and where there is one a critic, trained on the same pictures."),
    "label": (
        "Class c",
        "p(x₀ | x_t, c)",
        "What to draw. Generator and critic are both told the class. The picture on each button is one of the training "
        "pictures.",
    ),
    "seed": (
        "Seed",
        "",
        "All randomness comes from it: the same seed and settings give the same picture on this machine. All lanes "
        "have the same noise at every step and place, so what differs comes from the rules.",
    ),
    "equal_passes": (
        "Equal passes",
        "passes = T (MaskGIT) or 2T − 1 (Token-Critic)",
        "A step of Token-Critic asks two networks, one of MaskGIT only one; the critic is not asked after the last "
        "step. At equal T the critic costs nearly twice as much. This gives the cheaper lanes more steps, until they "
        "cost as much (Token-Critic one pass fewer where the number is even); a lane that branches off keeps its own.",
    ),
    "matched": (
        "Matched",
        "same R(t), T(t) and K · t/T · u for every rule",
        "As published, the rules differ in more than who judges: MaskGIT rounds its counts down, draws at "
        "temperature 1 and ranks with Gumbel noise. Matched, every lane takes the critic lane's counts, temperature "
        "and noise. Only the scores and the right to revoke still differ.",
    ),
    "rule": (
        "Selection rule",
        "score → which tokens stay",
        "MaskGIT: the generator's own probability; what is kept stays. Confidence: the same without noise. "
        "Token-Critic: a second network scores the whole picture, and any token can be revoked. Critic, locked: its "
        "scores without the right to revoke. Self-revoking: the right to revoke with the generator's probability. "
        "Random and Halton order: nobody judges.",
    ),
    "steps": (
        "Steps T",
        "s = 0 … T − 1;  t = T − 1 − s",
        "How many times the generator fills in the masked tokens. More steps keep fewer tokens at once, so they fit "
        "each other better, and cost more.",
    ),
    "noise_K": (
        "Ranking noise K",
        "ranked = score + K · (t/T) · u,   u ~ U[−½, ½]",
        "Added to the critic's scores before the lowest are masked. It fades to nothing at the last step. At 0 the "
        "scores alone decide; the higher it is, the longer chance has a say.",
    ),
    "temp_a": (
        "Temperature a",
        "T(t) = a · (t/T) + b",
        "Of the softmax from which tokens are drawn: what is added to b at the start, fading to nothing. Higher "
        "proposes more varied tokens early on. Every rule has it; MaskGIT as published has a = 0 and b = 1.",
    ),
    "temp_b": (
        "Temperature b",
        "T(t) = a · (t/T) + b",
        "Of the softmax at the last step. 1 draws from the generator's distribution as it is, less favours the likely "
        "tokens, 0 takes the likeliest.",
    ),
    "choice_temperature": (
        "Choice temperature τ",
        "confidence = log p + τ · (t/T) · g,   g ~ Gumbel",
        "MaskGIT's ranking noise: how much chance has a say in which tokens are kept. 4.5 in the MaskGIT paper; the "
        "page starts with the best of the values that were tried for the model at temperature 1, where there are such.",
    ),
    "eta": (
        "Revoking η",
        "score = 1 − η · (1 − p) at tokens kept earlier",
        "Self-revoking: 1 judges all tokens alike, 0 never takes one back.",
    ),
    "schedule": (
        "Schedule γ",
        "R(t) = ⌈γ(t/T) · N⌉ masked after the step",
        "How fast the masked share falls from 1 to 0. Cosine, as in both papers, keeps few tokens at first and many "
        "at the end. Unless matched, MaskGIT and the rules like it round down instead, to at least 1 and at least one "
        "fewer than are masked now.",
    ),
    "layout": (
        "Panels",
        "x_t → x̂₀ → p(m = 1) → x_(t−1)",
        "The same four pictures of a step: as a loop, in which the fourth leads back to the first, or as the row in "
        "which the paper draws the reverse process.",
    ),
    "proposal": (
        "Proposal",
        "x̂₀ ~ p_θ(x₀ | x_t, c)",
        "The generator fills in all masked tokens at once. See it as the picture it decodes to, with the places "
        "hatched that were masked, under the scores that its tokens get, or as the numbers of its tokens.",
    ),
    "asOrder": (
        "Order after noise",
        "rank of the score after noise among those that are ranked",
        "What decides is not the score but its order after the ranking noise. 0 is masked first. Ranked scores have "
        "another scale under each rule; the order has the same in all.",
    ),
    "compares": (
        "Where the lanes differ",
        "x̂₀(left) ≠ x̂₀(right)",
        "Frames the places at which another lane proposes another token in the step that is shown.",
    ),
}


def list_explanations() -> dict[str, Any]:
    """Return all explanations for the page. A rule's parameter without one here uses the rule's own help."""
    missing = {name: spec.metadata for name, spec in all_parameters().items() if name not in EXPLAIN}
    own = {name: (facts["symbol"] or name, "", facts["help"]) for name, facts in missing.items()}
    return {"ask": "What is {name}?", "all": {key: list(text) for key, text in {**EXPLAIN, **own}.items()}}
