"""Turn a public checkpoint into a pack.

    python -m engine.convert maskgit TRANSFORMER TOKENIZER out=weights/maskgit-imagenet256
    python -m engine.convert halton  TRANSFORMER TOKENIZER out=weights/halton-imagenet256
    python -m engine.convert vqgan   TOKENIZER             out=weights/NAME     a tokenizer alone

maskgit: the official flax checkpoints, of 256 or 512 pixels. halton: Halton-MaskGIT's, with LlamaGen's tokenizer.
vqgan: a tokenizer of taming-transformers or of LlamaGen, to train a generator and a critic for.
Sizes are read off the shapes. classes=FILE names the classes, one a line; 1000 classes are ImageNet's otherwise.
The pack has no critic: python -m engine.train critic pack=... data=... trains one. Weights stay in float32.
engine/convert/README.md says where the checkpoints are, and their licences.
"""

from __future__ import annotations

import sys

from engine import cli
from engine.convert.job import FILES, Job, convert
from engine.convert.limited import run_limited
from engine.pack import pack_path

KEYS = {"out": "", "classes": "", "image_size": 256, "heads": 0}


def main(argv: list[str]) -> None:
    """Check the command line, then convert in a process of its own, whose memory is limited."""
    job = parse(argv)
    run_limited(convert, job, more=job.memory)


def parse(argv: list[str]) -> Job:
    """What a command line asks for. ValueError or OSError for what cannot be done."""
    words = [word for word in argv if "=" not in word and not word.startswith("-")]
    kind, options, _ = cli.parse([word for word in argv if word not in words[1:]], __doc__ or "", KEYS, tuple(FILES))
    files = tuple(cli.expand_path(word) for word in words[1:])
    if len(files) != len(FILES[kind]):
        raise ValueError(f"{kind}: expected {' '.join(FILES[kind])}, got {len(files)} files")
    if not options["out"]:
        raise ValueError("out=: expected the folder of the new pack, as out=weights/NAME")
    out = pack_path(options["out"])
    if out.exists():
        raise ValueError(f"{out} is there already: remove it, or give another out=")
    classes = cli.expand_path(options["classes"]) if options["classes"] else None
    for file in (*files, *([classes] if classes else [])):
        if not file.is_file():
            raise FileNotFoundError(f"{file}: no such file")
    return Job(
        kind=kind,
        files=files,
        out=out,
        classes=classes,
        image_size=cli.check_integer("image_size", options["image_size"], 8, 1024),
        heads=cli.check_integer("heads", options["heads"], 0, 64),
    )


if __name__ == "__main__":
    cli.run(main, sys.argv[1:])
