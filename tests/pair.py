"""What tests/test_distributed.py runs in two processes: python -m tests.pair FOLDER, with a launcher's variables."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import threading
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import torch

from engine.config import TrainConfig
from engine.data.folder import read_folder
from engine.distributed import ALONE, Group, join_group, let_first_speak
from engine.pack import open_pack
from engine.train import loop
from engine.train.__main__ import make_task
from engine.train.probe import Probe

CPU = torch.device("cpu")
PROBE = Probe(dtype="float32", explicit_attention=True, gflops={}, attention_ms={})
CONFIG = TrainConfig(iterations=8, batch=8, micro_batch=2, warmup=2, evaluate_every=100, save_every=1000, shift=1)
PARTS = "parts"
VQGAN = {
    **{"style": "maskgit", "image_size": 16, "patch": 2, "codes": 16, "code_width": 6},
    **{"filters": 32, "multipliers": "1 2", "blocks": 1},
}


WITHOUT_MUON = replace(CONFIG, muon=False, evaluate_every=4)


def run(folder: Path, kind: str, name: str, config: TrainConfig = CONFIG, group: Group = ALONE) -> None:
    """Train a tiny model. The row of each iteration and the last checkpoint are in FOLDER/NAME."""
    pack = open_pack(folder / "tiny")
    if kind in ("vqgan", "generator"):
        config = replace(config, crop=0.3)
    if kind == "vqgan":
        kind, sizes, config = "tokenizer", dict(VQGAN), replace(config, adversarial_start=3, beta1=0.5)
    else:
        sizes = {**pack.config[kind], **({"dropout": 0.1} if kind != "tokenizer" else {})}
    if kind == "critic" and not config.muon:
        sizes["head"] = "linear"  # FSDP cannot shard the other one's single number
    task = make_task(kind, pack, sizes, read_folder(folder / "own", 16), config, CPU)
    with patch.object(loop, "LOG_EVERY", 1):
        loop.train(task, config, folder / name, PROBE, CPU, {}, group=group)


def shard(folder: Path, sharding: Group) -> None:
    """The same by DDP and by FSDP, in one piece and in parts, whose last goes on by either."""
    group = replace(sharding, shards=False)
    for kind in ("generator", "critic"):
        run(folder, kind, f"{kind}-ddp", WITHOUT_MUON, group)
        run(folder, kind, f"{kind}-fsdp", WITHOUT_MUON, sharding)
    for _ in range(3):
        run(folder, "critic", f"{PARTS}-fsdp", replace(WITHOUT_MUON, minutes=1e-9 if group.rank else 0), sharding)
    if group.is_first:
        shutil.copytree(folder / f"{PARTS}-fsdp", folder / f"{PARTS}-ddp")
    group.wait()
    run(folder, "critic", f"{PARTS}-fsdp", WITHOUT_MUON, sharding)
    run(folder, "critic", f"{PARTS}-ddp", WITHOUT_MUON, group)


def main(folder: Path) -> None:
    torch.set_num_threads(1)
    let_first_speak()
    with join_group(CPU) as sharding:  # the launcher asks for FSDP
        group = replace(sharding, shards=False)
        for kind in ("tokenizer", "vqgan", "generator", "critic"):
            run(folder, kind, f"{kind}-2", group=group)
        late = replace(CONFIG, minutes=1e-9 if group.rank else 0)  # on one of the two; stops after each iteration
        for _ in range(3):
            run(folder, "critic", PARTS, late, group)
        run(folder, "critic", PARTS, group=group)
        shard(folder, sharding)
        if group.rank:
            threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGKILL)).start()
        run(folder, "critic", "long", replace(CONFIG, iterations=10**6, minutes=2), group)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
