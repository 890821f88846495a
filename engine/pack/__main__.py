"""Publish a pack on the Hugging Face Hub.

    python -m engine.pack push NAME repo=OWNER/NAME [private=true]

NAME is a pack under weights/ or a path. Log in first: hf auth login, or HF_TOKEN. The pack's card becomes the
repository's. Whoever has this program opens it by: python launch.py --pack hub:OWNER/NAME
"""

from __future__ import annotations

import sys

from engine import cli
from engine.pack import open_pack
from engine.pack.hub import PREFIX, push_pack

KEYS = {"repo": "", "private": False}


def main(argv: list[str]) -> None:
    words = [word for word in argv if "=" not in word and not word.startswith("-")]
    _, options, _ = cli.parse([word for word in argv if word not in words[1:]], __doc__ or "", KEYS, ("push",))
    if len(words) != 2 or not options["repo"]:
        raise ValueError("expected push NAME repo=OWNER/NAME (see --help)")
    cli.check_bool("private", options["private"])
    address = push_pack(open_pack(words[1]), options["repo"], private=options["private"])
    print(f"{address}\npython launch.py --pack {PREFIX}{options['repo']}")


if __name__ == "__main__":
    cli.run(main, sys.argv[1:])
