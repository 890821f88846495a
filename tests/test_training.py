"""Training resumes to the bit, and a folder of pictures becomes a pack that draws."""

from __future__ import annotations

import copy
import json
import math
import os
import shutil
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from engine import sample as sample_command
from engine.cli import RENAMED, parse
from engine.config import TrainConfig, TrunkConfig
from engine.configs import CONFIGS
from engine.critic import Critic
from engine.data.folder import read_folder
from engine.data.pictures import save_pictures
from engine.evaluate.tokenizer import measure_tokenizer
from engine.models import KINDS, build_model, min_weights, read_sizes
from engine.pack import open_pack, save_model
from engine.session import Session, available_packs
from engine.tokenizer import Tokenizer, to_float
from engine.train import __main__ as train_command
from engine.train import checkpoint, loop
from engine.train.checkpoint import SHARD_BYTES, load_checkpoint, save_checkpoint
from engine.train.classifier import ClassifierTask
from engine.train.critic import CriticTask, _fill
from engine.train.generator import GeneratorTask, TokenSource, sample_mask
from engine.train.log import Log
from engine.train.loop import train
from engine.train.optim import Muon, lr_factor, make_optimisers, orthogonalise
from engine.train.prepare import choose_evenly, prepare_pack, stored_recipe
from engine.train.probe import Probe
from engine.transformer import Layer, use_attention
from engine.vqgan import VqganConfig
from tests.tiny import CLASSIFIER, TOKENIZER, TRUNK, make_folder, make_pack, make_whole_pack

CPU = torch.device("cpu")
PROBE = Probe(dtype="float32", explicit_attention=True, gflops={}, attention_ms={})
CONFIG = TrainConfig(iterations=8, batch=6, micro_batch=4, warmup=2, evaluate_every=100, save_every=1000, shift=1)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_stopped_run_resumes_to_the_bit(tmp_path: Path, kind: str) -> None:
    pictures = read_folder(make_folder(tmp_path / "own"), 16)
    pack = make_pack(tmp_path / "tiny")
    sizes = dict(pack.config[kind])
    if kind in ("generator", "critic"):
        sizes["dropout"] = 0.1

    config = replace(CONFIG, crop=0.3 if kind in ("tokenizer", "critic") else 1.0)

    def sitting(run: str, config: TrainConfig) -> dict[str, torch.Tensor]:
        task = train_command.make_task(kind, pack, sizes, pictures, config, CPU)
        averaged = train(task, config, tmp_path / run, PROBE, CPU, {"sizes": sizes})
        return {**task.state_dict(), **{f"averaged.{n}": t for n, t in averaged.state_dict().items()}}

    log = tmp_path / "whole" / "metrics.jsonl"
    log.parent.mkdir()
    log.write_text('{"iteration": 8}\n')  # of a sitting that was killed before its first checkpoint
    whole = sitting("whole", config)
    short = replace(config, minutes=1e-9)  # stops after each iteration
    for _ in range(3):
        sitting("parts", short)
    parts = sitting("parts", config)
    assert whole.keys() == parts.keys()
    assert [name for name in whole if not torch.equal(whole[name], parts[name])] == []
    assert log.read_text() == (tmp_path / "parts" / "metrics.jsonl").read_text()
    with pytest.raises(ValueError, match="lr_adamw"):
        sitting("parts", replace(config, lr_adamw=0.5))


def test_a_run_that_diverges_ends_and_keeps_its_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pack, pictures = make_pack(tmp_path / "tiny"), read_folder(make_folder(tmp_path / "own"), 16)
    run, loss = tmp_path / "run", GeneratorTask.loss

    def sitting(config: TrainConfig) -> None:
        task = train_command.make_task("generator", pack, dict(pack.config["generator"]), pictures, config, CPU)
        train(task, config, run, PROBE, CPU, {})

    def diverge(task: GeneratorTask, iteration: int, *rest: Any) -> tuple[torch.Tensor, dict[str, float]]:
        value, figures = loss(task, iteration, *rest)
        return value * (math.nan if iteration == 2 else 1), figures

    sitting(replace(CONFIG, minutes=1e-9))  # stops after an iteration
    monkeypatch.setattr(GeneratorTask, "loss", diverge)
    with pytest.raises(ValueError, match="gradient of iteration 3 is not finite"):
        sitting(CONFIG)
    found = load_checkpoint(run)
    assert found and found[1]["iteration"] == 1 and all(value.isfinite().all() for value in found[0].values())


def test_old_names_of_keys_work_with_one_line_that_says_the_new_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    known = {field.name for field in fields(TrainConfig)}
    assert set(RENAMED.values()) <= known and not known & RENAMED.keys()
    for old, new in RENAMED.items():
        assert parse([f"{old}=0.5"], "", {new: 1}).given == {new: 0.5}
        assert capsys.readouterr().err == f"{old}= is now called {new}=; the old name works in this version only\n"
    text = (CONFIGS / "emoji.yaml").read_text()
    for old, new in RENAMED.items():
        text = text.replace(f"{new}:", f"{old}:")
    (tmp_path / "own.yaml").write_text(text)
    assert train_command.read_recipe(str(tmp_path / "own.yaml")) == train_command.read_recipe("emoji")
    assert "lr_rest= is now called lr_adamw=" in capsys.readouterr().err


def test_a_run_whose_checkpoint_has_old_names_of_settings_is_resumed(tmp_path: Path) -> None:
    pictures = read_folder(make_folder(tmp_path / "own"), 16)
    pack = make_pack(tmp_path / "tiny")

    def sitting(config: TrainConfig) -> None:
        task = train_command.make_task("critic", pack, dict(pack.config["critic"]), pictures, config, CPU)
        train(task, config, tmp_path / "run", PROBE, CPU, {})

    sitting(replace(CONFIG, minutes=1e-9))
    file = tmp_path / "run" / "00000001" / "state.json"
    state = json.loads(file.read_text())
    assert "fillings" in state["config"] and "code_cost" not in state["config"]
    state["config"]["code_cost"] = 0.1  # a tokenizer's, which older runs of a critic took and did not read
    old = {new: old for old, new in RENAMED.items()}
    state["config"] = {old.get(name, name): value for name, value in state["config"].items()}
    file.write_text(json.dumps(state))
    with pytest.raises(ValueError, match="lr_adamw"):
        sitting(replace(CONFIG, lr_adamw=0.5))
    sitting(CONFIG)


def test_rare_codes_cost_more_once_the_codes_have_settled(tmp_path: Path) -> None:
    pictures = read_folder(make_folder(tmp_path / "own"), 16)
    pack = make_pack(tmp_path / "tiny")

    def tokenizer(iterations: int, code_cost: float) -> Tokenizer:
        config = replace(CONFIG, iterations=10, code_cost=code_cost)
        task = train_command.make_task("tokenizer", pack, dict(pack.config["tokenizer"]), pictures, config, CPU)
        for iteration in range(iterations):
            task.loss(iteration, loop.make_rng(iteration), *task.read_batch(loop.make_rng(iteration), 4)())
        model = task.model
        assert isinstance(model, Tokenizer)
        return model

    assert not tokenizer(8, 0.1).cost.any() and not tokenizer(10, 0.0).cost.any()
    charged = tokenizer(10, 0.1)
    shares = torch.exp(-charged.cost / 0.1)
    assert float(shares.sum()) == pytest.approx(1, rel=1e-3) and float(shares.std()) > 0

    codes = torch.eye(charged.config.codes, charged.config.code_width)[: charged.config.code_width]
    charged.codebook.zero_()[: len(codes)] = codes
    between = torch.nn.functional.normalize(codes[:1] + 1.02 * codes[1:2], dim=-1)
    charged.cost.zero_()
    assert charged.nearest(between).tolist() == [1]
    charged.cost[1] = 0.05
    assert charged.nearest(between).tolist() == [0] and charged.nearest(codes[1:2]).tolist() == [1]


def test_a_run_made_from_something_else_is_not_resumed(tmp_path: Path) -> None:
    pictures = read_folder(make_folder(tmp_path / "own"), 16)
    pack = make_pack(tmp_path / "tiny")

    def sitting(sizes: dict[str, object]) -> None:
        task = train_command.make_task("critic", pack, sizes, pictures, CONFIG, CPU)
        train(
            task, CONFIG, tmp_path / "run", PROBE, CPU, train_command.describe_sources("critic", pack, pictures, task)
        )

    sizes = dict(pack.config["critic"])
    sitting(sizes)
    with pytest.raises(ValueError, match="sizes"):
        sitting(sizes | {"heads": 4})
    these = pictures
    pictures = read_folder(make_folder(tmp_path / "more", each=7), 16)
    with pytest.raises(ValueError, match="pictures"):
        sitting(sizes)
    pictures = these
    generator = pack.load("generator")
    generator.bias.data += 1
    pack = save_model(pack.path, "generator", generator)
    with pytest.raises(ValueError, match="generator"):
        sitting(sizes)


def test_what_would_be_ignored_is_refused(tmp_path: Path) -> None:
    pack = make_pack(tmp_path / "tiny")
    for kind, words in (
        ("generator", ["init=pack", "layers=3"]),
        ("tokenizer", ["init=generator"]),
        ("generator", ["tensorboard=maybe"]),
        ("tokenizer", ["crops=10"]),
        ("tokenizer", ["adversarial_start=5"]),
        ("tokenizer", ["config=imagenet256", "code_cost=0.1"]),
        ("classifier", ["lr_muon=0.1"]),
        ("generator", ["target=wrong"]),
    ):
        with pytest.raises(ValueError, match=words[-1].partition("=")[0]):
            train_command.main([kind, f"pack={pack.path}", f"data={make_folder(tmp_path / kind / words[0])}", *words])
    assert not (tmp_path / "runs").exists()


def test_a_finished_tokenizer_run_again_leaves_the_later_models(tmp_path: Path) -> None:
    pack = make_pack(tmp_path / "tiny")
    pictures = read_folder(make_folder(tmp_path / "own"), 16)
    save_pictures(pictures, pack.path / "data")
    train_command.store_weights("tokenizer", pack, pack.load("tokenizer"), pictures, CPU)
    assert open_pack(pack.path).has("critic")
    other = pack.load("tokenizer")
    other.codebook.add_(0.5)
    diverged = copy.deepcopy(other)
    diverged.cost[0] = math.nan
    with pytest.raises(ValueError, match="this tokenizer is not stored: cost"):
        train_command.store_weights("tokenizer", open_pack(pack.path), diverged, pictures, CPU)
    assert open_pack(pack.path).load("critic") and len(pack.tokens()) == len(pictures)
    save_model(pack.path, "tokenizer", other)  # killed before it has made its tokens
    assert not open_pack(pack.path).has("generator") and not (pack.path / "critic.safetensors").exists()
    with pytest.raises(FileNotFoundError, match="train the pack's tokenizer"):
        open_pack(pack.path).tokens()
    train_command.store_weights("tokenizer", open_pack(pack.path), other, pictures, CPU)
    assert len(open_pack(pack.path).tokens()) == len(pictures)


def test_a_pack_keeps_pictures_of_every_class_and_split(tmp_path: Path) -> None:
    make_folder(tmp_path / "train", each=40)
    make_folder(tmp_path / "test", each=8)
    pictures = read_folder(tmp_path, 16)
    kept = choose_evenly(pictures, most=24)
    assert len(kept) == 24 == len(set(kept.tolist()))
    for label in (0, 1):
        splits = pictures.splits[kept][pictures.labels[kept] == label].tolist()
        assert (splits.count("train"), splits.count("test")) == (10, 2)
    assert np.array_equal(choose_evenly(pictures), np.arange(96))


def test_a_tokenizer_is_of_the_pictures_that_its_pack_was_begun_with(tmp_path: Path) -> None:
    root, name = tmp_path / "own", str(tmp_path / "mine")
    make_folder(root / "train")
    make_folder(root / "test", each=2)
    pictures = read_folder(root, 16)  # sorted by split, stored by class
    begun = prepare_pack(name, pictures, TOKENIZER)
    for same in (pictures, begun.pictures()):
        assert prepare_pack(name, same, TOKENIZER) == begun
    for other in (pictures.subset(np.arange(12)), read_folder(root, 32)):
        with pytest.raises(ValueError, match=r"begun with other pictures.*remove"):
            prepare_pack(name, other, TOKENIZER)
    broken = root / "train" / "draft"
    broken.mkdir()
    (broken / "x.png").write_bytes(b"no picture")
    with pytest.raises(ValueError, match="1 of 17 pictures cannot be read"):
        prepare_pack(str(tmp_path / "new"), read_folder(root, 16), TOKENIZER)
    assert not (tmp_path / "new" / "config.yaml").exists(), "the same folder without it can begin the pack"


def test_a_pack_remembers_the_recipe_that_it_was_begun_with(tmp_path: Path) -> None:
    make_folder(tmp_path / "own")
    pictures = read_folder(tmp_path / "own", 16)
    for recipe, stored in (("avatars", "avatars"), ("mine/recipe.yaml", ""), ("", "")):
        name = str(tmp_path / f"pack-{len(recipe)}")
        assert stored_recipe(name) == ""
        prepare_pack(name, pictures, TOKENIZER, recipe)
        assert stored_recipe(name) == stored
    assert stored_recipe("") == "" and all(stored_recipe(name) == name for name in available_packs())


def test_the_critic_sees_samples_of_the_generators_distribution() -> None:
    rng = loop.make_rng("fill")
    tokens = torch.full((2000, 4), 7)
    masked = torch.rand(2000, 4, generator=rng) < 0.5
    shares = torch.rand(2000, 4, 5, generator=rng) ** 4  # another distribution at every place
    shares /= shares.sum(-1, keepdim=True)
    u = torch.rand(int(masked.sum()), 3, generator=rng)
    filled = _fill(tokens, masked, shares[masked].log(), u).unflatten(0, (3, 2000))
    assert bool((filled[:, ~masked] == 7).all())
    drawn = torch.nn.functional.one_hot(filled[:, masked], 5).float()  # (draws, M, 5)
    for low, high in ((0.0, 0.1), (0.3, 0.4), (0.7, 0.8)):
        where = (shares[masked] >= low) & (shares[masked] < high)
        for draw_pictures in drawn:
            assert float(draw_pictures[where].mean()) == pytest.approx(float(shares[masked][where].mean()), abs=0.04)
    assert not torch.equal(filled[0], filled[1])


def test_the_classifier_sees_the_tokenizers_own_tokens_in_bf16_too(tmp_path: Path) -> None:
    pictures = read_folder(make_folder(tmp_path / "own"), 16)
    pack = make_pack(tmp_path / "tiny")
    task = train_command.make_task("classifier", pack, dict(pack.config["classifier"]), pictures, CONFIG, CPU)
    assert isinstance(task, ClassifierTask)
    some, chosen = to_float(torch.from_numpy(pictures.read(np.arange(6)))), torch.arange(6) < 5
    with torch.autocast("cpu", torch.bfloat16):
        shown = task._reconstruct(some.clone(), chosen)
    assert torch.equal(shown, task._reconstruct(some.clone(), chosen)) and not torch.equal(shown, some)


def test_the_critics_target_is_the_mask_and_its_share_is_told(tmp_path: Path) -> None:
    """Algorithm 1: what was hidden counts as sampled, also where the draw hit the real token."""
    pictures = read_folder(make_folder(tmp_path / "own"), 16)
    pack = make_pack(tmp_path / "tiny")
    config = replace(CONFIG, fillings=2, augment=0.0)
    task = train_command.make_task("critic", pack, dict(pack.config["critic"]), pictures, config, CPU)
    assert isinstance(task, CriticTask)
    seen: list[torch.Tensor] = []

    class Recorder(torch.nn.Module):
        def forward(self, tokens: torch.Tensor, labels: torch.Tensor, *masks: torch.Tensor) -> torch.Tensor:
            seen[:] = tokens, *masks
            return (tokens % 3 - 1).float()  # any fixed function of the tokens

    task.model = Recorder()  # type: ignore[assignment]
    loss, _ = task.loss(0, loop.make_rng(), *task.read_batch(loop.make_rng("loss"), 5)())
    rng = loop.make_rng("loss")  # the same draws again
    tokens, _ = task.source.read_batch(rng, 5)()
    visible = ~sample_mask(rng, *tokens.shape).repeat(2, 1)
    filled, masked, before = seen
    assert torch.equal(masked, ~visible)
    assert (before >= masked).all() and (before > masked).any(), "one step earlier these were hidden, and more"
    real = tokens.repeat(2, 1)
    assert torch.equal(filled[visible], real[visible])
    p = torch.sigmoid((filled % 3 - 1).float())
    assert float(loss) == pytest.approx(float(-torch.where(visible, p, 1 - p).log().mean()), rel=1e-4)
    task.config = replace(config, target="wrong")  # the ablation
    loss, _ = task.loss(0, loop.make_rng(), *task.read_batch(loop.make_rng("loss"), 5)())
    assert (filled == real)[~visible].any(), "or the two targets are the same"
    assert float(loss) == pytest.approx(float(-torch.where(filled == real, p, 1 - p).log().mean()), rel=1e-4)


def test_the_critic_adds_the_log_odds_of_what_is_not_new(tmp_path: Path) -> None:
    critic = make_pack(tmp_path / "tiny").load("critic")
    tokens, labels = torch.arange(32).view(2, 16) % 16, torch.tensor([0, 1])
    masked = torch.arange(32).view(2, 16) % 16 < torch.tensor([[4], [16]])
    plain = critic(tokens, labels)
    assert torch.equal(critic(tokens, labels, masked), critic(tokens, labels, masked.roll(3, 1)))  # never which
    told = critic(tokens, labels, masked) - plain
    assert torch.allclose(told, torch.tensor([[math.log(12.5 / 4.5)], [math.log(0.5 / 16.5)]]).expand(2, 16), atol=1e-5)
    paper = Critic(replace(critic.config, share_offset=False), num_tokens=16, codes=16, classes=2)
    assert torch.equal(paper(tokens, labels), paper(tokens, labels, masked))


def test_a_critic_that_starts_from_a_generator_judges_as_that_judges_itself(tmp_path: Path) -> None:
    pack = make_pack(tmp_path / "tiny")
    critic, generator = pack.load("critic"), pack.load("generator")
    critic.start_from(generator)
    tokens, labels = torch.arange(32).view(2, 16) % 16, torch.tensor([0, 1])
    own = generator(tokens, labels).double().softmax(-1).gather(-1, tokens[..., None])[..., 0]
    assert torch.allclose(critic(tokens, labels).double(), float(critic.gain) * torch.logit(own), atol=1e-5)


def test_a_critic_of_fewer_layers_starts_from_the_generators_first_ones(tmp_path: Path) -> None:
    pack = make_pack(tmp_path / "tiny")
    generator, config = pack.load("generator"), pack.load("critic").config
    shallow = Critic(replace(config, layers=generator.config.layers - 1), num_tokens=16, codes=16, classes=2)
    shallow.start_from(generator)
    theirs = generator.trunk.state_dict()
    assert all(torch.equal(value, theirs[name]) for name, value in shallow.trunk.state_dict().items())


def test_a_critic_that_sees_the_mask_before_uses_it_and_no_other_does(tmp_path: Path) -> None:
    plain = make_pack(tmp_path / "tiny").load("critic")
    sees = Critic(replace(plain.config, sees_mask=True), num_tokens=16, codes=16, classes=2)
    tokens, labels = torch.arange(32).view(2, 16) % 16, torch.tensor([0, 1])
    masked = torch.zeros(2, 16, dtype=torch.bool)
    before = torch.arange(16).expand(2, 16) < 8
    assert torch.equal(plain(tokens, labels, masked, before), plain(tokens, labels, masked))
    assert not torch.equal(sees(tokens, labels, masked, before), sees(tokens, labels, masked, ~before))
    assert torch.equal(sees(tokens, labels), sees(tokens, labels, None, torch.ones_like(before)))


def test_masks_hide_the_cosine_share_of_places() -> None:
    hidden = sample_mask(loop.make_rng("mask"), 4000, 64).sum(1).float() / 64
    assert int(hidden.min() * 64) >= 1
    # E cos(pi/2 u) = 2/pi and half of all masks hide more than cos(pi/4); ceil adds half a place
    assert float(hidden.mean()) == pytest.approx(2 / math.pi + 0.5 / 64, abs=0.01)
    assert float(hidden.median()) == pytest.approx(math.cos(math.pi / 4), abs=0.02)


def test_what_was_logged_after_the_checkpoint_is_cut(tmp_path: Path) -> None:
    file = tmp_path / "metrics.jsonl"
    for cut in ('{"iterat', '{"iterat{"iteration": 20, "loss": 1}\n', '{"iteration": 20}'):
        file.write_text('{"iteration": 20, "loss": 1}\n{"iteration": 40, "loss": 1}\n' + cut)
        Log(tmp_path).truncate(20)
        assert file.read_text() == '{"iteration": 20, "loss": 1}\n'


def test_checkpoints_are_whole_or_not_there(tmp_path: Path) -> None:
    tensors = {f"t{i}": torch.full((2**20,), float(i)) for i in range(9)}
    for iteration in (1, 2, 3):
        save_checkpoint(tmp_path, tensors.items(), {"iteration": iteration})
    assert sorted(f.name for f in tmp_path.iterdir()) == ["00000002", "00000003"]
    assert all(f.stat().st_size <= SHARD_BYTES + 2**16 for f in tmp_path.rglob("*.safetensors"))
    (tmp_path / ".partial-1").mkdir()
    (tmp_path / "00000004").mkdir()  # no state.json: never finished
    found = load_checkpoint(tmp_path)
    assert found is not None and found[1]["iteration"] == 3
    assert all(torch.equal(found[0][name], tensors[name]) for name in tensors)
    assert load_checkpoint(tmp_path / "nothing") is None


def test_a_checkpoint_is_copied_a_file_at_a_time(tmp_path: Path) -> None:
    """Whoever has no room for a second copy of a model can save it."""
    written = []

    def tensors() -> Iterator[tuple[str, torch.Tensor]]:
        for i in range(9):
            written.append(len(list(tmp_path.rglob("part-*"))))
            yield f"t{i}", torch.full((2**20,), float(i))  # 4 MiB: three to a file

    save_checkpoint(tmp_path, tensors(), {"iteration": 1})
    assert written == [0, 0, 0, 0, 1, 1, 1, 2, 2]


@pytest.mark.parametrize("how", ["cut part", "missing part", "older, missing part", "cut state"])
def test_a_checkpoint_that_cannot_be_read_leaves_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], how: str
) -> None:
    monkeypatch.setattr(checkpoint, "SHARD_BYTES", 40)
    tensors = {name: torch.arange(9.0) for name in (("a",) if "older" in how else ("a", "b"))}
    for iteration in (1, 2):
        save_checkpoint(tmp_path, tensors.items(), {"iteration": iteration})
        if "older" in how:  # those of older runs do not say how many parts they have
            (tmp_path / f"{iteration:08d}" / "state.json").write_text(json.dumps({"iteration": iteration}))

    def damage(folder: Path) -> None:
        file = max(folder.glob("*.json" if "state" in how else "part-*"))
        file.write_bytes(file.read_bytes()[:-1])
        if "missing" in how:
            file.unlink()

    found = load_checkpoint(tmp_path)
    assert found is not None and found[1]["iteration"] == 2 and not capsys.readouterr().err
    damage(tmp_path / "00000002")
    found = load_checkpoint(tmp_path)
    assert found is not None and found[1]["iteration"] == 1 and found[0].keys() == tensors.keys()
    assert "00000002 cannot be read" in capsys.readouterr().err
    damage(tmp_path / "00000001")
    with pytest.raises(ValueError, match="no checkpoint there can be read"):
        load_checkpoint(tmp_path)


def test_matrices_of_one_shape_go_through_muon_as_each_would_alone() -> None:
    matrices = torch.randn(3, 12, 8, generator=torch.Generator().manual_seed(0))
    gradients = torch.randn(2, 3, 12, 8, generator=torch.Generator().manual_seed(1))

    def train_together(some: slice) -> list[torch.Tensor]:
        params = [torch.nn.Parameter(one.clone()) for one in matrices[some]]
        muon = Muon(params, lr=0.1, weight_decay=0.1, dtype=torch.float32)
        for gradient in gradients:
            for param, one in zip(params, gradient[some], strict=True):
                param.grad = one.clone()
            muon.step()
        return [param.detach() for param in params]

    alone = [train_together(slice(i, i + 1))[0] for i in range(3)]
    torch.testing.assert_close(train_together(slice(0, 3)), alone)


def test_pictures_that_are_not_augmented_are_encoded_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pictures, pack = read_folder(make_folder(tmp_path / "own"), 16), make_pack(tmp_path / "tiny")
    tokenizer = pack.load("tokenizer")
    encoded: list[int] = []
    encode = Tokenizer.encode
    monkeypatch.setattr(Tokenizer, "encode", lambda self, x: encoded.append(len(x)) or encode(self, x))
    plain = TokenSource(pictures, tokenizer, replace(CONFIG, augment=0.0))
    drawn = [plain.read_batch(loop.make_rng(i), 8)() for i in range(20)]
    assert sum(encoded) <= len(pictures.indices("train"))
    still = replace(CONFIG, augment=0.0, shift=0, zoom=0.0, hue=0.0)
    augmented = [TokenSource(pictures, tokenizer, replace(still, **how)) for how in ({"flip": True}, {"crop": 0.5})]
    encoded.clear()
    for i, (tokens, labels) in enumerate(drawn):
        chosen = plain._draw(loop.make_rng(i), 8)
        expected = encode(tokenizer, to_float(torch.from_numpy(pictures.read(chosen))))
        assert torch.equal(tokens, expected) and labels.tolist() == pictures.labels[chosen].tolist()
        for source in augmented:
            source.read_batch(loop.make_rng(i), 8)()
    assert sum(encoded) == 2 * 20 * 8, "a picture that may be mirrored, or is cut, is encoded each time"


def test_orthogonalise_evens_out_singular_values() -> None:
    matrix = torch.randn(24, 60, generator=torch.Generator().manual_seed(0))
    for one in (matrix, matrix.T):
        values = torch.linalg.svdvals(orthogonalise(one, torch.float32))
        assert float(values.min()) > 0.6 and float(values.max()) < 1.3


def test_the_rate_rises_stays_and_falls() -> None:
    config = TrainConfig(iterations=100, warmup=10, decay=0.5)
    rates = [lr_factor(config, i) for i in range(100)]
    assert rates[0] == 0.1 and rates[9:51] == [1.0] * 42 and rates[99] == pytest.approx(0.02)


def test_both_attentions_have_the_same_gradients() -> None:
    layer = Layer(TrunkConfig(**TRUNK))
    x = torch.randn(3, 20, 16, generator=torch.Generator().manual_seed(0))
    gradients = []
    for explicit in (False, True):
        use_attention(layer, explicit)
        layer.zero_grad()
        given = x.clone().requires_grad_(True)
        layer(given).square().sum().backward()
        gradients.append([given.grad, *(p.grad.clone() for p in layer.parameters() if p.grad is not None)])
    for a, b in zip(*gradients, strict=True):
        assert torch.allclose(a, b, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["emoji", "imagenet256", "imagenet512"])
def test_the_sizes_of_every_recipe_can_be_built(name: str) -> None:
    recipe = train_command.read_recipe(name)
    tokenizer = read_sizes("tokenizer", recipe["tokenizer"])
    classes = 13 if name == "emoji" else 1000
    for kind in KINDS:
        TrainConfig(**recipe["train"][kind])
        with torch.device("meta"):
            model = build_model(kind, recipe[kind], tokenizer, classes, fine_labels=classes)
        count = sum(p.numel() for p in model.parameters())
        assert 0.3 * count < min_weights(kind, recipe[kind], tokenizer) < count
        if name != "emoji" and kind in ("generator", "critic"):
            layers = recipe[kind]["layers"]
            assert count == pytest.approx(layers * 12 * 768**2, rel=0.05)
        if name == "emoji" and kind in ("generator", "critic"):
            assert 2.5e6 < count < 4.5e6


@pytest.mark.parametrize(("name", "stored"), [("imagenet256", 172_457_193), ("imagenet512", 173_047_017)])
def test_the_paper_s_models_have_the_checkpoints_sizes(name: str, stored: int) -> None:
    """Theirs has a bias of the head for each class and MASK, too. They are never used."""
    recipe = train_command.read_recipe(name)
    tokenizer = read_sizes("tokenizer", recipe["tokenizer"])
    with torch.device("meta"):
        vqgan, generator, critic = (
            build_model(kind, recipe[kind], tokenizer, 1000) for kind in ("tokenizer", "generator", "critic")
        )
    assert sum(p.numel() for p in generator.parameters()) == stored - 1001
    assert sum(p.numel() for p in vqgan.state_dict().values()) == 54_515_587
    assert tokenizer == VqganConfig(image_size=int(name.removeprefix("imagenet")))
    # the critic: four layers less, tables of 1024 codes, and a linear map to one number in place of the head
    layer, width = 12 * 768**2 + 13 * 768, 768
    head = width**2 + 3 * width + 1024
    counted = sum(p.numel() for p in critic.parameters())
    assert counted == stored - 1001 - 4 * layer - head - width + (width + 1)
    assert all(recipe[kind]["norm"] == "post" for kind in ("generator", "critic"))
    for kind in ("generator", "critic"):
        config = TrainConfig(**recipe["train"][kind])
        assert (config.muon, config.beta2, config.batch, config.flip) == (False, 0.96, 256, True) and config.crop < 1
        assert config.iterations == 600 * 1_281_167 // config.batch
        assert _betas(critic, config) == {(0.9, 0.96)}
    config = TrainConfig(**recipe["train"]["tokenizer"])
    assert _betas(vqgan, config) == {(0.5, 0.9)} and config.crop < 1 and config.flip, (
        "as VQGAN's code, on MaskGIT's crops"
    )


def _betas(model: torch.nn.Module, config: TrainConfig) -> set[tuple[float, float]]:
    """Of all optimisers' parameters, as each step will use them."""
    optimisers = make_optimisers(model.to_empty(device="cpu"), config, torch.float32)
    return {group["betas"] for opt in optimisers for group in opt.param_groups}


@pytest.mark.slow
def test_a_folder_of_pictures_becomes_a_pack_that_draws(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, pack = make_folder(tmp_path / "own"), tmp_path / "packs" / "mine"
    common = [f"data={folder}", f"pack={pack}", f"runs={tmp_path / 'runs'}", "iterations=2", "batch=4", "micro_batch=4"]
    sizes = [f"{name}={value}" for name, value in TRUNK.items()]
    tokenizer = ["image_size=16", "codes=16", "code_width=4", "encoder_width=16", "decoder_width=16"]
    train_command.main(["tokenizer", *common, *tokenizer])
    train_command.main(["generator", *common, *sizes])
    train_command.main(["critic", *common, *sizes])
    train_command.main(["classifier", *common, *[f"{name}={value}" for name, value in CLASSIFIER.items()]])
    opened = open_pack(pack)
    assert opened.fine_labels == (("bars", "bars"), ("squares", "squares")) and opened.load("classifier")
    assert opened.classes == ("bars", "squares") and len(opened.pictures()) == 12
    assert opened.tokens().shape == (12, 16)
    sample_command.main([f"pack={pack}", "rule=critic", "n=3", "steps=4", f"out={tmp_path / 'out'}"])
    assert len(list((tmp_path / "out").glob("0*.png"))) == 3
    rows = [json.loads(line) for line in (tmp_path / "runs" / "mine" / "generator" / "metrics.jsonl").open()]
    assert "accuracy_train" in rows[-1] and np.isfinite(rows[-1]["nll_train"])
    with pytest.raises(ValueError, match="other settings"):
        train_command.main(["generator", *common, *sizes, "seed=5"])


@pytest.mark.parametrize("kind", ["generator", "critic"])
def test_the_gradient_is_the_batchs_however_it_is_cut(kind: str, tmp_path: Path) -> None:
    """The generator's loss is the mean over all hidden tokens of a batch, not a mean of its parts' means."""
    pictures = read_folder(make_folder(tmp_path / "own"), 16)
    pack = make_pack(tmp_path / "tiny")
    gradients = []
    for micro in (8, 3):
        config = replace(CONFIG, batch=8, micro_batch=micro, clip=1e6)
        task = train_command.make_task(kind, pack, dict(pack.config[kind]), pictures, config, CPU)
        batch = task.read_batch(loop.make_rng(config.seed, 0), 8)()
        if kind == "generator":
            assert len(set(task.weights(batch).tolist())) > 1, "or any mean would do"
        held = Hold(task.model)
        loop._train_step(task, config, [held], 0, PROBE, CPU, lambda batch=batch: batch)  # type: ignore[list-item]
        gradients.append(held.gradients)
    assert gradients[0].keys() == gradients[1].keys()
    for name, gradient in gradients[0].items():
        torch.testing.assert_close(gradients[1][name], gradient, rtol=1e-3, atol=1e-6)


class Hold:
    """An optimiser that keeps what it is given."""

    def __init__(self, model: torch.nn.Module) -> None:
        self.model = model

    def step(self) -> None:
        self.gradients = {n: p.grad.clone() for n, p in self.model.named_parameters() if p.grad is not None}

    def zero_grad(self, set_to_none: bool) -> None:
        pass


SMALL = ["image_size=16", "codes=16", "code_width=4", "encoder_width=16", "decoder_width=16"]


def tokenize(folder: Path, tmp_path: Path, *more: str) -> None:
    where = [f"data={folder}", f"pack={tmp_path / 'mine'}", f"runs={tmp_path / 'runs'}"]
    train_command.main(["tokenizer", *where, "iterations=2", "batch=4", "micro_batch=4", *SMALL, *more])


def turn(folder: Path) -> None:
    """Other pictures under the same names, of the same dates."""
    for file in folder.rglob("*.png"):
        with Image.open(file) as image:
            turned = image.rotate(180).point(lambda value: 255 - value)
        dates = file.stat()
        turned.save(file)
        os.utime(file, ns=(dates.st_atime_ns, dates.st_mtime_ns))


def test_other_pictures_of_the_same_names_are_other_pictures(tmp_path: Path) -> None:
    folder, pack = make_folder(tmp_path / "own"), tmp_path / "mine"
    tokenize(folder, tmp_path)
    whole = {file: file.read_bytes() for file in pack.rglob("*") if file.is_file()}
    tokenize(folder, tmp_path)  # the same again
    turn(folder)
    for kind in ("tokenizer", "generator", "critic", "classifier"):
        where = [f"data={folder}", f"pack={pack}", f"runs={tmp_path / 'runs'}"]
        with pytest.raises(ValueError, match=rf"begun with other pictures.*another pack=, or remove {pack}") as said:
            train_command.main([kind, *where, *(SMALL if kind == "tokenizer" else [])])
        assert "\n" not in str(said.value)
    assert whole == {file: file.read_bytes() for file in pack.rglob("*") if file.is_file()}
    shutil.rmtree(pack)
    with pytest.raises(ValueError, match=rf"\(pictures\).*another runs=, or remove {tmp_path}/runs/mine/tokenizer"):
        tokenize(folder, tmp_path)
    tokenize(folder, tmp_path, f"runs={tmp_path / 'again'}")
    assert (pack / "tokenizer.safetensors").read_bytes() != whole[pack / "tokenizer.safetensors"]
    assert np.array_equal(np.sort(open_pack(pack).pictures().read(np.arange(12)), 0), np.sort(read_all(folder), 0))


def read_all(folder: Path) -> np.ndarray:
    return read_folder(folder, 16).read(np.arange(12))


def test_a_pack_that_carries_a_part_knows_all_its_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.train.prepare.choose_evenly", lambda pictures: np.arange(0, len(pictures), 4))
    folder, name = make_folder(tmp_path / "own"), str(tmp_path / "mine")
    begun = prepare_pack(name, read_folder(folder, 16), TOKENIZER)
    assert len(begun.pictures()) == 3 and prepare_pack(name, read_folder(folder, 16), None) == begun
    Image.new("RGB", (16, 16), "red").save(folder / "bars" / "1.png")  # one that it does not carry
    with pytest.raises(ValueError, match="begun with other pictures"):
        prepare_pack(name, read_folder(folder, 16), None)


def test_bad_pictures_are_found_before_training_or_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = make_folder(tmp_path / "own")
    (folder / "bars" / "0.png").write_bytes(b"none")
    with pytest.raises(ValueError, match=r"1 of 12 pictures cannot be read: bars/0\.png"):
        tokenize(folder, tmp_path)
    assert not (tmp_path / "mine").exists() and not (tmp_path / "runs").exists()
    with pytest.raises(ValueError, match="skip_bad='maybe'"):
        tokenize(folder, tmp_path, "skip_bad=maybe")
    tokenize(folder, tmp_path, "skip_bad=true")
    said = capsys.readouterr().err
    assert f"{folder}: 11 pictures in 2 classes" in said and "cannot be read: bars/0.png" in said
    assert len(open_pack(tmp_path / "mine").pictures()) == 11


def test_a_config_may_lie_at_home_and_end_in_yml(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    text = (CONFIGS / "emoji.yaml").read_text()
    for name in ("my.yaml", "my.yml"):
        (tmp_path / name).write_text(text)
        assert train_command.read_recipe(f"~/{name}") == train_command.read_recipe("emoji")
    with pytest.raises(FileNotFoundError, match="no config"):
        train_command.read_recipe("~/none.yml")


def test_a_figure_of_the_log_and_of_the_evaluation_has_one_meaning_per_name(tmp_path: Path) -> None:
    """In training nearly every code is alive, since dead ones start again; few of them occur in a picture."""
    pack = make_whole_pack(tmp_path / "tiny")
    task = train_command.make_task("tokenizer", pack, dict(pack.config["tokenizer"]), pack.pictures(), CONFIG, CPU)
    logged = {
        name
        for figures in (
            task.loss(0, loop.make_rng(0), *task.read_batch(loop.make_rng(0), 4)())[1],
            task.measure(task.model),
        )
        for name in figures
    }
    evaluated = measure_tokenizer(Session.open(pack.path, "cpu"))
    assert not logged & {"used", *evaluated} and "codes_alive" in logged
    assert evaluated["codes_used"] == len(np.unique(pack.tokens())) / pack.tokenizer_config.codes
