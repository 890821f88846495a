"""A VQGAN is trained against a discriminator: each player follows its own loss, and a run resumes to the bit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
import yaml
from safetensors.torch import save_file
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from engine.config import TrainConfig
from engine.data.folder import read_folder
from engine.flops import pass_flops, training_flops
from engine.pack import open_pack
from engine.session import Session
from engine.train import __main__ as train_command
from engine.train import loop
from engine.train.checkpoint import load_checkpoint
from engine.train.codebook import CODE_DECAY
from engine.train.discriminator import Discriminator, hinge_loss
from engine.train.optim import make_optimisers
from engine.train.perceptual import SHAPES, Lpips, read_lpips
from engine.train.probe import Probe
from engine.train.vqgan import VqganTask, loss_flops, warn_if_too_short
from engine.vqgan import Vqgan
from tests.pair import VQGAN
from tests.tiny import SIZE, TRUNK, make_folder, make_pack

CPU = torch.device("cpu")
PROBE = Probe(dtype="float32", explicit_attention=True, gflops={}, attention_ms={})
CONFIG = TrainConfig(
    **{"iterations": 8, "batch": 6, "micro_batch": 4, "warmup": 2, "evaluate_every": 100, "save_every": 1000},
    **{"shift": 1, "adversarial_start": 4, "beta1": 0.5, "beta2": 0.9},
)


@pytest.fixture(scope="module")
def lpips_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The whole of LPIPS, with random weights."""
    rng = torch.Generator().manual_seed(0)
    tensors = {
        name: torch.randn(shape, generator=rng) / (3 * shape[1] ** 0.5 if len(shape) > 1 else 10)
        for name, shape in SHAPES.items()
    }
    tensors |= {name: value.abs() for name, value in tensors.items() if name.startswith("lin")}
    file = tmp_path_factory.mktemp("lpips") / "lpips.safetensors"
    save_file({**tensors, "lins.0.model.1.weight": tensors["lin0.model.1.weight"].clone()}, file)
    return file


def make_task(folder: Path, config: TrainConfig = CONFIG, perceptual: Lpips | None = None) -> VqganTask:
    """A task on small pictures. The pack is made if it is not there."""
    if not (folder / "tiny").exists():
        make_pack(folder / "tiny")
        make_folder(folder / "own")
    pack, pictures = open_pack(folder / "tiny"), read_folder(folder / "own", SIZE)
    task = train_command.make_task("tokenizer", pack, dict(VQGAN), pictures, config, CPU, perceptual)
    assert isinstance(task, VqganTask)
    return task


def run_loss(task: VqganTask, iteration: int, size: int = 4) -> tuple[Tensor, dict[str, float]]:
    return task.loss(iteration, loop.make_rng(iteration), *task.read_batch(loop.make_rng(iteration), size)())


def test_lpips_is_what_the_functions_of_torch_make_of_its_file(lpips_file: Path) -> None:
    weights = dict(read_lpips(lpips_file, SIZE, CPU).weights)
    rng = torch.Generator().manual_seed(1)
    pictures = torch.rand(2, 2, 3, SIZE, SIZE, generator=rng) * 2 - 1
    expected = torch.zeros(2)
    sides = []
    for x in pictures:
        x = (x - torch.tensor([-0.030, -0.088, -0.188]).view(3, 1, 1)) / torch.tensor([0.458, 0.448, 0.450]).view(
            3, 1, 1
        )
        maps, numbers = [], iter((0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28))
        for level, count in enumerate((2, 2, 3, 3, 3), 1):
            if level > 1:
                x = F.max_pool2d(x, 2, 2)
            for _ in range(count):
                at = f"net.slice{level}.{next(numbers)}"
                x = F.conv2d(x, weights[f"{at}.weight"], weights[f"{at}.bias"], padding=1).clamp_min(0)
            maps.append(x / (x.pow(2).sum(1, keepdim=True).sqrt() + 1e-10))
        sides.append(maps)
    for i, (a, b) in enumerate(zip(*sides, strict=True)):
        expected += F.conv2d((a - b) ** 2, weights[f"lin{i}.model.1.weight"]).mean((1, 2, 3))
    lpips = read_lpips(lpips_file, SIZE, CPU)
    assert torch.allclose(lpips(pictures[0], pictures[1]), expected, rtol=1e-4) and (expected > 1e-4).all()
    assert not lpips(pictures[0], pictures[0]).any()
    black = torch.zeros(1, 3, SIZE, SIZE, requires_grad=True)
    dark = Lpips({**lpips.weights, "net.slice1.2.bias": torch.full((64,), -1e3)})  # features that are all zero
    assert torch.autograd.grad(dark(black, pictures[0, :1]).sum(), black)[0].isfinite().all()


def test_a_file_that_is_not_lpips_is_refused_in_one_line(lpips_file: Path, tmp_path: Path) -> None:
    tensors = {name: torch.zeros(shape) for name, shape in SHAPES.items()}
    name = "net.slice3.12.weight"
    for changed, said in (
        ({k: v for k, v in tensors.items() if k != name}, rf"not LPIPS with VGG16: it lacks {name}"),
        ({**tensors, "more": torch.zeros(1)}, "it holds more"),
        ({**tensors, name: torch.zeros(256, 256, 1, 1)}, rf"{name} is \(256, 256, 1, 1\).*expected \(256, 256, 3, 3\)"),
        ({**tensors, name: torch.full((256, 256, 3, 3), torch.nan)}, f"{name} holds NaN"),
    ):
        save_file(changed, tmp_path / "other.safetensors")
        with pytest.raises(ValueError, match=said) as refused:
            read_lpips(tmp_path / "other.safetensors", SIZE, CPU)
        assert "\n" not in str(refused.value) and "other.safetensors" in str(refused.value)
    (tmp_path / "none.safetensors").write_bytes(b"no weights at all")
    with pytest.raises(ValueError, match=r"damaged|not a safetensors file"):
        read_lpips(tmp_path / "none.safetensors", SIZE, CPU)
    with pytest.raises(FileNotFoundError, match="no such file"):
        read_lpips(tmp_path / "absent", SIZE, CPU)
    with pytest.raises(ValueError, match="image_size=8, LPIPS needs 16"):
        read_lpips(lpips_file, 8, CPU)


@pytest.mark.parametrize(("side", "grid"), [(8, 2), (16, 2), (32, 2), (64, 6), (256, 30)])
def test_the_discriminator_judges_each_picture_alone_whatever_its_size(side: int, grid: int) -> None:
    net = Discriminator(side)
    pictures = torch.rand(2, 3, side, side, generator=torch.Generator().manual_seed(0))
    logits = net(pictures)
    assert logits.shape == (2, 1, grid, grid)
    assert torch.allclose(logits[:1], net(pictures[:1]), atol=1e-5)


def test_each_player_follows_its_own_loss(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    task = make_task(tmp_path)
    task.model.codebook.normal_(generator=torch.Generator().manual_seed(0))
    monkeypatch.setattr(task, "assign_codes", lambda _, __, vectors: task.model.nearest(vectors))  # no code moves
    (pictures,) = task.read_batch(loop.make_rng(4), 4)()
    parameters = list(task.discriminator.parameters())
    task.loss(3, loop.make_rng(), pictures)[0].backward()
    assert all(p.grad is not None and not p.grad.any() for p in parameters), "it has not begun"
    with torch.no_grad():
        decoded = task.model.decode(task.model.encode(pictures))
    own = hinge_loss(task.discriminator(pictures), task.discriminator(decoded))
    expected = torch.autograd.grad(own, parameters)
    gradients = {}
    last = task.model.get_parameter("decoder.conv_out.weight")
    for weight in (0.0, 0.5):
        task.zero_grad()
        task.config = replace(CONFIG, adversarial_weight=weight)
        loss, figures = task.loss(4, loop.make_rng(), pictures)
        loss.backward()
        for p, gradient in zip(parameters, expected, strict=True):
            assert p.grad is not None and gradient.any() and torch.allclose(p.grad, gradient, rtol=1e-3, atol=1e-6)
        assert figures["discriminator"] == pytest.approx(float(own), rel=1e-4) and last.grad is not None
        gradients[weight] = last.grad.clone()
    likeness, adversarial = gradients[0.0], gradients[0.5] - gradients[0.0]
    assert float(adversarial.norm()) == pytest.approx(0.5 * float(likeness.norm()), rel=0.01), "equation 7"
    fooled = -task.discriminator(task.model.decode(task.model.encode(pictures))).mean()
    along = torch.autograd.grad(fooled, last)[0]
    assert float(F.cosine_similarity(along.flatten(), adversarial.flatten(), 0)) > 0.999


@pytest.mark.slow
def test_the_tokenizer_learns_and_so_does_the_discriminator(tmp_path: Path) -> None:
    config = replace(CONFIG, iterations=30, lr_adamw=2e-3, decay=0.0, augment=0.0)
    task = make_task(tmp_path, replace(config, adversarial_start=0))
    tokenizers, discriminators = (make_optimisers(player, config, torch.float32) for player in task.players)
    l1 = []
    for iteration in range(config.iterations):
        loss, figures = run_loss(task, iteration)
        loss.backward()
        l1.append(figures["l1"])
        for opt in (*tokenizers, *discriminators):
            opt.step()
            opt.zero_grad()
    assert np.mean(l1[-5:]) < 0.5 * np.mean(l1[:5]) and figures["codes_alive"] > 0.3
    told = []
    for iteration in range(20):  # the tokenizer stands still
        loss, figures = run_loss(task, iteration)
        loss.backward()
        told.append(figures["told"])
        for opt in (*tokenizers, *discriminators):
            if opt in discriminators:
                opt.step()
            opt.zero_grad()
    assert np.mean(told[-5:]) > 0.9 > np.mean(told[:5])


def test_a_code_is_the_mean_of_its_vectors_and_stays_where_it_is_without(tmp_path: Path) -> None:
    task = make_task(tmp_path)
    codebook, codes = task.model.codebook, torch.arange(16.0)[:, None].expand(-1, 6) * 10
    codebook.copy_(codes)
    task.sums.copy_(codes)
    vectors = torch.tensor([[[11.0] * 6, [13.0] * 6, [28.0] * 6, [12.0] * 6]])  # three at code 1, one at code 3
    tokens = task.assign_codes(1, loop.make_rng(), vectors)
    assert tokens.tolist() == [[1, 1, 3, 1]]
    kept = CODE_DECAY
    assert float(codebook[1, 0]) == pytest.approx((kept * 10 + (1 - kept) * 36) / (kept + (1 - kept) * 3), rel=1e-5)
    assert torch.equal(codebook[5], codes[5])
    for _ in range(3000):
        task.assign_codes(1, loop.make_rng(), vectors)
    assert float(codebook[1, 0]) == pytest.approx(12, rel=1e-4) and float(codebook[3, 0]) == pytest.approx(28, rel=1e-4)
    task.uses[5], task.sums[5] = 0, 0  # as after a very long time
    task.assign_codes(1, loop.make_rng(), vectors)
    assert torch.allclose(codebook[5], codes[5], rtol=1e-3)
    task.assign_codes(24, loop.make_rng(), vectors)  # of 8: late, and nothing restarts
    assert torch.allclose(codebook[5], codes[5], rtol=1e-3)
    task.config = replace(CONFIG, iterations=1000)
    task.assign_codes(24, loop.make_rng(), vectors)
    assert float(codebook[0, 0]) in (11, 13), "a dead code begins anew at a vector that is far from its code"


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_stopped_run_resumes_to_the_bit(tmp_path: Path, dtype: str) -> None:
    config = replace(CONFIG, augment=0.5, crop=0.3)

    def sitting(run: str, config: TrainConfig) -> dict[str, Tensor]:
        loop.train(make_task(tmp_path, config), config, tmp_path / run, replace(PROBE, dtype=dtype), CPU, {})
        found = load_checkpoint(tmp_path / run)
        assert found is not None
        return found[0]

    whole = sitting("whole", config)
    for _ in range(5):  # before the discriminator has begun, and after
        sitting("parts", replace(config, minutes=1e-9))
    parts = sitting("parts", config)
    assert {name.split(".")[0] for name in whole} == {"task", "averaged", "optimiser"}
    assert any(name.startswith("optimiser.1.") for name in whole) and "task.discriminator.layers.0.weight" in whole
    assert whole.keys() == parts.keys()
    assert [name for name in whole if not torch.equal(whole[name], parts[name])] == []
    assert all(tensor.isfinite().all() for tensor in whole.values())


def test_a_step_has_as_many_operations_as_counted(tmp_path: Path, lpips_file: Path) -> None:
    task = make_task(tmp_path, CONFIG, read_lpips(lpips_file, SIZE, CPU))
    batch = task.read_batch(loop.make_rng(4), 2)()
    with FlopCounterMode(display=False) as counter:
        task.loss(4, loop.make_rng(4), *batch)[0].backward()
    passes = {"tokenizer": pass_flops("tokenizer", VQGAN, task.model.config), **loss_flops(SIZE)}
    assert counter.get_total_flops() / 2 == pytest.approx(training_flops("tokenizer", passes, CONFIG), rel=0.02)


def test_a_run_that_ends_before_the_discriminator_takes_part_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    warn_if_too_short(replace(CONFIG, adversarial_start=7))
    assert not capsys.readouterr().err
    warn_if_too_short(replace(CONFIG, adversarial_start=8))
    said = capsys.readouterr().err
    assert (
        said.count("\n") == 1
        and "adversarial_start=8: the discriminator takes no part in a run of iterations=8" in said
    )


@pytest.mark.slow
def test_a_trained_vqgan_is_a_pack_like_others(
    tmp_path: Path, lpips_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe: dict[str, Any] = train_command.read_recipe("imagenet256")
    few = {"iterations": 3, "batch": 4, "micro_batch": 4, "warmup": 1, "evaluate_every": 100}
    recipe |= {"tokenizer": VQGAN, "generator": TRUNK, "critic": TRUNK}
    recipe["train"] = {k: {**v, **few, "adversarial_start": 2, "crop": 0.5} for k, v in recipe["train"].items()}
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(recipe))
    common = [f"config={tmp_path / 'tiny.yaml'}", f"pack={tmp_path / 'mine'}", f"runs={tmp_path / 'runs'}"]
    common += [f"data={make_folder(tmp_path / 'own')}", "device=cpu", "threads=1"]
    threads = torch.get_num_threads()
    train_command.main(["tokenizer", *common, "iterations=3"])
    said = capsys.readouterr().err
    assert "without perceptual=FILE the perceptual loss is left out" in said and "adversarial_start" not in said
    with pytest.raises(ValueError, match=r"made from other pictures or models \(perceptual\)"):
        train_command.main(["tokenizer", *common, "iterations=3", f"perceptual={lpips_file}"])
    train_command.main(["tokenizer", *common, f"perceptual={lpips_file}", f"runs={tmp_path / 'more'}"])
    train_command.main(["generator", *common])
    with pytest.raises(ValueError, match="it is for a VQGAN tokenizer"):
        train_command.main(["generator", *common, f"perceptual={lpips_file}"])
    with pytest.raises(ValueError, match="it is for a VQGAN tokenizer"):
        train_command.main(["tokenizer", *common, "config=emoji", f"perceptual={lpips_file}"])
    with pytest.raises(ValueError, match="encoder_width: not a size of a tokenizer, which has blocks"):
        train_command.main(["tokenizer", *common, "encoder_width=32"])
    torch.set_num_threads(threads)
    pack = open_pack(tmp_path / "mine")
    assert pack.config["tokenizer"]["style"] == "maskgit" and isinstance(pack.load("tokenizer"), Vqgan)
    assert pack.tokens().shape == (12, 64)
    session = Session.open(pack.path, "cpu", threads)
    *_, last = session.run(session.settings(rule="maskgit", steps=2))
    assert session.decode(last.proposal).shape == (1, SIZE, SIZE, 3)
