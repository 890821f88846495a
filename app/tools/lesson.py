"""Check a lesson: python -m app.tools.lesson FILE ... (without a file: all shipped ones)

Prints what is wrong, with file and line: what cannot be read, what names something that is not there, and claims that
do not hold on the recording. Exits with 2 where anything is wrong.
"""

from __future__ import annotations

import argparse
import sys
from functools import cache
from pathlib import Path

from app.features.claims import list_forms
from app.features.lesson_schema import FOLDER, read_lesson
from app.features.lessons import check_claims, list_names
from engine import cli
from engine.config import TokenizerSizes
from engine.session import Session, available_packs


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m app.tools.lesson", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("files", nargs="*", type=Path, help="lessons in YAML; default: all that are shipped")
    parser.add_argument("--claims", action="store_true", help="list what can be claimed")
    given = parser.parse_args(argv)
    if given.claims:
        print("\n".join(list_forms()))
        return
    wrong = [line for file in given.files or shipped_files() for line in check(file)]
    for line in wrong:
        print(line)
    if wrong:
        raise ValueError(f"claims that do not hold: {len(wrong)}")


def check(file: Path) -> list[str]:
    """Return a line for each claim of a lesson that does not hold. Raises ValueError for a file that is no lesson."""
    lesson = read_lesson(file.read_text(encoding="utf-8"), file.name)
    claims = sum(len(page.get("claims", ())) for page in lesson["pages"])
    print(f"{file.name}: {len(lesson['pages'])} pages, {claims} claims")
    return check_claims(lesson, file.name, read_tokenizers())


def shipped_files() -> list[Path]:
    return [FOLDER / f"{name}.yaml" for name in list_names()]


@cache
def read_tokenizers() -> dict[str, TokenizerSizes]:
    """Return what the packs say of their tokenizers, without loading them."""
    return {name: Session.open(name, "cpu", load=False).tokenizer_config for name in available_packs()}


if __name__ == "__main__":
    cli.run(main, sys.argv[1:])
