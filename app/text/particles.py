"""Korean particles after words that are filled in: 을(를) becomes 을 or 를, by how the word before it ends.

assets/js/lib/particles.js does the same; tests/fixtures/particles.json holds both to the same cases.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

AFTER = {  # as it stands in a sentence -> after a final consonant, after none
    "은(는)": ("은", "는"),
    "이(가)": ("이", "가"),
    "을(를)": ("을", "를"),
    "과(와)": ("과", "와"),
    "(으)로": ("으로", "로"),
    "(이)": ("이", ""),
}
BOTH = re.compile("|".join(map(re.escape, AFTER)))
NUMBERS = {
    "0": "ㅇ",
    "1": "ㄹ",
    "3": "ㅁ",
    "6": "ㄱ",
    "7": "ㄹ",
    "8": "ㄹ",
}  # 영, 일, 삼, 육, 칠, 팔; the others end open
LETTERS = {"l": "ㄹ", "m": "ㅁ", "n": "ㄴ", "r": "ㄹ"}  # 엘, 엠, 엔, 알
ENDINGS = (
    ("ng", "ㅇ"),
    ("l", "ㄹ"),
    ("m", "ㅁ"),
    ("n", "ㄴ"),
    ("b", "ㅂ"),
    ("c", "ㄱ"),
    ("k", "ㄱ"),
    ("p", "ㅂ"),
    ("t", "ㅅ"),
)
SPELT = re.compile(r"(?:^|[^A-Za-z])(?:[A-Za-z]|[B-DF-HJ-NP-TV-Z]+)$|[a-z][A-Z]$")  # read letter by letter
FINALS = 28  # of a syllable in Unicode: none, then 27 consonants
RIEUL = 8
JOINER = "\u2060"  # the word joiner, which has no width
IN_BRACKETS = re.compile(rf"(?<=\S)\s*\([^()]*\)[\s{JOINER}]*$")
# Behind a bracket that is none of a particle, and before the asterisks that end bold text
CUT = re.compile(r"(?<=[)”])(?<!\((?:으|이)\))(\**)(?=[가-힣])")


def choose_particles(sentence: str) -> str:
    """Replace each particle that is written in both forms by the one that fits the word before it."""

    def choose(found: re.Match[str]) -> str:
        closed, open_ = AFTER[found[0]]
        final = final_consonant(sentence[: found.start()])
        return closed if final and not (final == "ㄹ" and found[0] == "(으)로") else open_

    return BOTH.sub(choose, sentence)


def final_consonant(text: str) -> str:
    """Return the consonant with which a text ends when it is read aloud in Korean, "" where it ends in a vowel.

    Of a Korean syllable only ㄹ is told from the others ("ㅇ"). Closing quotes are not read, nor what stands in
    brackets after a word.
    """
    text = IN_BRACKETS.sub("", text)
    text = re.sub(rf"[\s{JOINER})\]}}”’\"'»」』]+$", "", text)
    if not text:
        return ""
    last = text[-1]
    if "가" <= last <= "힣":
        final = (ord(last) - ord("가")) % FINALS
        return "" if not final else "ㄹ" if final == RIEUL else "ㅇ"
    if last in NUMBERS or not last.isascii() or not last.isalpha():
        return NUMBERS.get(last, "")
    if SPELT.search(text):
        return LETTERS.get(last.lower(), "")
    return next((final for ending, final in ENDINGS if text.lower().endswith(ending)), "")


def hold_particles(tree: Any) -> Any:
    """Let no line of these texts end between a bracket and the particle after it, where browsers break lines."""
    if isinstance(tree, str):
        return CUT.sub(rf"{JOINER}\1", tree)
    if isinstance(tree, Mapping):
        return {key: hold_particles(one) for key, one in tree.items()}
    return [hold_particles(one) for one in tree] if isinstance(tree, list | tuple) else tree
