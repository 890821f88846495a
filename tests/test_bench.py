"""The benchmark: what it compares is the same work, and one packed step is all that crosses from a device."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from engine.bench import __main__ as bench
from engine.bench import scale
from engine.bench.memory import run_alone
from engine.bench.products import head_products, run_products, trunk_products
from engine.bench.scale import Size
from engine.bench.timing import time_call
from engine.bench.waits import STAND_IN, CountWaits
from engine.config import CriticConfig, TrunkConfig
from engine.generator import Generator
from engine.models import build_model
from engine.pack import save_model
from engine.precision import Precision
from engine.rules import RULES
from engine.session import Session
from engine.train import probe
from tests.tiny import TRUNK, make_pack

CPU = torch.device("cpu")


def on_stand_in(path: Path, counted: CountWaits) -> Session:
    """The tiny pack as a session on the stand-in for a device, two pictures at a time."""
    session = Session(pack=make_pack(path), device=STAND_IN, micro_batch=2)
    for name in ("generator", "critic"):
        model = session.pack.load(name)
        model.trunk.use_explicit_attention(explicit=True)
        session.__dict__[name] = counted.move(model)
    return session


@pytest.mark.parametrize("rule", RULES)
def test_one_packed_step_is_all_that_the_host_waits_for(rule: str, tmp_path: Path) -> None:
    with CountWaits() as counted:
        session = on_stand_in(tmp_path / "tiny", counted)
        waits = []
        for _ in range(2):  # the first run of a process copies constants
            counted.waits.clear()
            for _step in session.run(session.settings(rule=rule, n=3, steps=4)):
                waits.append(dict(counted.waits))
                counted.waits.clear()
    assert waits[4:] == [{"_to_copy": 1}] * 4


def test_on_a_device_the_steps_are_those_of_the_cpu(tmp_path: Path) -> None:
    with CountWaits() as counted:
        there = on_stand_in(tmp_path / "tiny", counted)
        found = [step.digest() for step in there.run(there.settings(rule="critic", steps=3))]
    here = Session.open(tmp_path / "tiny", "cpu", micro_batch=2)
    for model in (here.generator, here.critic):
        assert model is not None
        model.trunk.use_explicit_attention(explicit=True)
    assert found == [step.digest() for step in here.run(here.settings(rule="critic", steps=3))]


@pytest.mark.parametrize(
    ("waits", "work"),
    [
        ("_local_scalar_dense", lambda x: x.sum().item()),
        ("_local_scalar_dense", lambda x: bool((x > 1).any())),
        ("nonzero", lambda x: (x > 1).nonzero()),
        ("index", lambda x: x[x > 1]),
        ("equal", lambda x: torch.equal(x, x + 1)),
        ("_to_copy", lambda x: x.cpu()),
        ("_to_copy", lambda x: torch.arange(3).to(x.device)),
        ("copy_", lambda x: x.copy_(torch.arange(3.0))),
        ("", lambda x: torch.arange(3).to(x.device, non_blocking=True)),
        ("", lambda x: torch.where(x > 1, x * 2, 0).clamp_(max=1).softmax(0)),
    ],
)
def test_what_waits_is_counted(waits: str, work: Callable[[Tensor], object]) -> None:
    with CountWaits() as counted:
        work(torch.arange(3.0, device=STAND_IN))
    assert dict(counted.waits) == ({waits: 1} if waits else {})


def test_the_products_are_those_of_a_pass() -> None:
    model = Generator(TrunkConfig(**TRUNK), num_tokens=16, codes=32, classes=2)
    model.trunk.use_explicit_attention(explicit=True)
    with torch.no_grad(), FlopCounterMode(display=False) as of_pass:
        model(torch.zeros(3, 16, dtype=torch.int64), torch.zeros(3, dtype=torch.int64))
    products = trunk_products(model.config, 3, 16) + head_products(model.config, 3, 16, 32)
    run = run_products(products, torch.float32, CPU)
    with FlopCounterMode(display=False) as of_products:
        run()
    assert of_pass.get_total_flops() == of_products.get_total_flops() > 0


def test_a_pack_of_other_products_than_are_counted_is_refused(tmp_path: Path) -> None:
    pack = make_pack(tmp_path / "tiny")
    sizes = {"layers": 1, "width": 8, "heads": 1, "mlp": 8, "norm": "adaptive"}
    save_model(pack.path, "generator", build_model("generator", sizes, pack.tokenizer_config, 2))
    with pytest.raises(ValueError, match="'tiny': its generator has adaptive norms"):
        bench.main([f"pack={pack.path}", "device=cpu"])


def test_on_cuda_each_measurement_has_its_own_peak(monkeypatch: pytest.MonkeyPatch) -> None:
    peak = [0]

    class Growing:
        def steps(self, batch: int, *rest: object) -> Iterator[None]:
            peak[0] = max(peak[0], batch * 2**20)
            yield

    monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", lambda device: peak.clear() or peak.append(0))
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda device: peak[0])
    assert [scale._memory(cast(Any, Growing()), batch, torch.device("cuda")) for batch in (8, 2)] == [8, 2]


PEAKS = """
from engine.bench.memory import peak_memory, run_alone

def peak(megabytes):
    bytearray(b"x") * (megabytes * 2**20)
    return peak_memory()

if __name__ == "__main__":
    print(run_alone(peak, 300), run_alone(peak, 0))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not tell a process its peak")
def test_elsewhere_each_measurement_has_a_process_and_its_peak(tmp_path: Path) -> None:
    (tmp_path / "peaks.py").write_text(PEAKS)
    root = Path(__file__).resolve().parent.parent
    done = subprocess.run(
        [sys.executable, tmp_path / "peaks.py"],
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=True,
    )
    large, small = map(float, done.stdout.split())
    assert large > 300 and small < large - 200


def test_a_measurement_that_the_machine_ends_is_one_line() -> None:
    with pytest.raises(ValueError, match="give a smaller batch="):
        run_alone(os._exit, 1)


def test_a_call_is_timed_until_whatever_device_there_is_has_done_it(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: True)
    monkeypatch.setattr(torch.accelerator, "synchronize", lambda: done.append("waited"))
    time_call(lambda: done.append("called"))
    assert done == ["called", "waited"]


def test_sampling_with_networks_of_a_size_is_measured(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tiny = Size(generator=TrunkConfig(**TRUNK), critic=CriticConfig(**TRUNK), num_tokens=16, codes=32)
    monkeypatch.setattr(Size, "read", lambda name: tiny)
    monkeypatch.setattr(bench, "run_alone", lambda call, *given: call(*given))  # another process knows no `tiny`
    bench.main(["model=emoji", "batch=2", "seconds=1", "dtype=float32", "device=cpu"])
    (figures,) = json.loads(capsys.readouterr().out)["models"]["emoji"]["batches"]
    assert figures["batch"] == 2 and figures["host_waits_per_step"] == 1
    assert 0 < figures["share_of_limit"] == figures["products_seconds"] / figures["step_seconds"]
    for wrong in ("model=paper", "batch=0", "batch=1,x", "seconds=0", "steps=0", "dtype=half"):
        with pytest.raises(ValueError, match=r"expected|unknown"):
            bench.main(["model=emoji", wrong])


def test_the_dtype_of_all_batches_is_that_of_the_largest(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A GPU that waits for launches at batch 1 would be measured in float32 at 64, too."""
    tiny = Size(generator=TrunkConfig(**TRUNK), critic=CriticConfig(**TRUNK), num_tokens=16, codes=32)
    monkeypatch.setattr(Size, "read", lambda name: tiny)
    asked: list[int] = []
    monkeypatch.setattr(bench, "run_alone", lambda call, *given: call(*given))  # another process knows no `tiny`
    monkeypatch.setattr(scale, "measure_precision", lambda trunk, batch: asked.append(batch) or Precision())
    for batches in ("1,4,2", "1,65"):
        bench.main(["model=emoji", f"batch={batches}", "seconds=1", "steps=2", "device=cpu"])
    assert asked == [4, scale.FULL_BATCH] and "float32" in capsys.readouterr().out


def test_the_peak_is_that_of_products_between_which_nobody_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """On CUDA many large ones for each wait: small ones one by one would measure how fast they are launched."""
    flops = {}

    def count(work: dict[str, Callable[[], object]], *rest: object) -> dict[str, float]:
        for name, call in work.items():
            with FlopCounterMode(display=False) as counter:
                call()
            flops[name] = counter.get_total_flops()
        return dict.fromkeys(work, 2.0)

    width, times = probe.PRODUCTS_OF_DEVICE["cuda"]
    assert 2 * width**3 > 1e12 and times > 1
    monkeypatch.setitem(probe.PRODUCTS_OF_DEVICE, "cpu", (64, 5))
    monkeypatch.setattr(probe, "best_seconds", count)
    found = probe.measure_machine(CPU).gflops
    assert set(flops.values()) == {5 * 2 * 64**3}
    assert found == {name: of / 2.0 / 1e9 for name, of in flops.items()}
