"""Name the emoji of the game in a language: python -m app.tools.picture_names LANGUAGE ...

Writes app/text/LANGUAGE/pictures/emoji.yaml: the pictures that the emoji pack holds out, as Unicode's CLDR names them
(Debian's package unicode-cldr-core; licence: app/text/UNICODE.txt). What stands there already stays, so emoji that
CLDR does not know yet are named by hand.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from xml.etree import ElementTree

import yaml

from app.text.words import ENGLISH, FOLDER, picture_names
from engine import cli
from engine.session import Session

CLDR = Path("/usr/share/unicode/cldr/common")
PACK = "emoji"
HEAD = f"""\
# Pictures of the {PACK} pack in this language, from Unicode CLDR (licence: app/text/UNICODE.txt), made by
# python -m app.tools.picture_names {{language}}, which keeps what stands here, so a name can be put right by hand.
"""


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m app.tools.picture_names", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("languages", nargs="+", metavar="LANGUAGE", help="as in app/text, and in CLDR")
    parser.add_argument("--cldr", type=Path, default=CLDR, help=f"folder of CLDR; default: {CLDR}")
    given = parser.parse_args(argv)
    for language in given.languages:
        known = {**name_pictures(language, given.cldr), **picture_names(language).get(PACK, {})}
        held_out = list_held_out()
        file = FOLDER / language / "pictures" / f"{PACK}.yaml"
        file.parent.mkdir(exist_ok=True)
        named = {name: known[name] for name in held_out if name in known}
        text = yaml.safe_dump(named, allow_unicode=True, sort_keys=False, width=1000)
        file.write_text(HEAD.format(language=language) + text, encoding="utf-8")
        print(f"{file}: {len(named)} of {len(held_out)}")
        print("".join(f"without a name: {name}\n" for name in held_out if name not in known), end="")


def name_pictures(language: str, cldr: Path) -> dict[str, str]:
    """Return English name -> name in a language: the pack has the English ones of CLDR, too."""
    said = read_annotations(language, cldr)
    return {name: said[emoji] for emoji, name in read_annotations(ENGLISH, cldr).items() if emoji in said}


def read_annotations(language: str, cldr: Path) -> dict[str, str]:
    """Return emoji -> name in a language. FileNotFoundError says which Debian package is missing."""
    said = {}
    for folder in ("annotations", "annotationsDerived"):
        file = cldr / folder / f"{language}.xml"
        if not file.is_file():
            raise FileNotFoundError(f"{file} is missing: install the package unicode-cldr-core")
        for one in ElementTree.parse(file).iter("annotation"):
            if one.get("type") == "tts":
                said[str(one.get("cp"))] = str(one.text)
    return said


def list_held_out() -> list[str]:
    """Return the names of the pictures that the game shows, in the pack's order."""
    pictures = Session.open(PACK, "cpu", load=False).pack.pictures()
    return [name for name, split in zip(pictures.names, pictures.splits, strict=True) if split != "train"]


if __name__ == "__main__":
    cli.run(main, sys.argv[1:])
