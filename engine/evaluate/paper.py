"""What papers report for ImageNet, to show beside our figures.

Read from follow-up papers' tables and from reviews, not from the paper's own text: shown as "reported elsewhere".
They use Inception's features and models of another size, so no value compares with ours.
"""

from __future__ import annotations

from typing import NamedTuple

PAPER_RULES = ("maskgit", "critic")  # the paper compares these two; they get more pictures and more rows
PICTURES_MAIN = 5000  # of the paper's comparison, at equal steps and at equal passes
PICTURES_OTHER = 2000  # of all other rows
SHORT_STEPS = 8  # the two are also measured with so few steps, as MaskGIT's paper does


def default_pictures(rule: str) -> int:
    """How many pictures of a rule, at the steps that were asked for, are measured unless told."""
    return PICTURES_MAIN if rule in PAPER_RULES else PICTURES_OTHER


class Reported(NamedTuple):
    name: str
    fid: float | None
    inception_score: float | None
    passes: int | None = None


MASKGIT = Reported("MaskGIT, 256 px, published", 6.18, 182.1, 8)
MASKGIT_AGAIN = Reported("MaskGIT, 256 px, as reproduced by the Token-Critic authors", 6.56, 203.6)
CRITIC = Reported("Token-Critic, 256 px", 4.69, 174.5, 36)
REPORTED: dict[str, tuple[Reported, ...]] = {
    "steps": (MASKGIT, MASKGIT_AGAIN, CRITIC),
    "curve": (MASKGIT_AGAIN, CRITIC),
    "rejection": (
        MASKGIT_AGAIN,
        Reported("MaskGIT, 256 px, acceptance 0.05", 4.02, 355.6),
        CRITIC,
        Reported("Token-Critic, 256 px, acceptance 0.05", 3.75, 287.0),
    ),
    "refine": (
        Reported("MaskGIT, 512 px", 8.48, 167.0),
        Reported("the same, refined by the critic at 60 %", 7.64, 182.4),
    ),
    "ablate": (MASKGIT_AGAIN, CRITIC),
    "calibration": (),
    "tradeoff": (),
}
