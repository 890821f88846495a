"""A pack from a public checkpoint: it opens without pictures and critic, and a critic can be trained for it."""

from __future__ import annotations

import json
import shlex
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml

from app.features.gallery import find_nearest
from app.features.game import deal
from app.features.settings import pack_choices, resolve_controls
from app.packs import Packs
from app.tools.browser import run_page, serve_page
from engine.config import CriticConfig, TrunkConfig
from engine.contested import critic_scorer, generator_scorer, measure_contested
from engine.convert.job import FILES, Job, convert
from engine.data.folder import read_folder
from engine.evaluate.__main__ import main as evaluate
from engine.evaluate.samples import SampleStore
from engine.models import build_model
from engine.pack import Pack, open_pack, save_model, write_config
from engine.rules import RULES
from engine.session import Session
from engine.tokenizer import to_float
from engine.train import probe
from engine.train.__main__ import main as train
from engine.vqgan import Vqgan, VqganConfig
from tests.fakes_app import new_context, set_controls
from tests.official import of_tokenizer, of_transformer, write_msgpack
from tests.pages import PATIENCE
from tests.test_convert import checkpoint, halton_weights
from tests.tiny import SIZE, make_folder

TOKENIZER = VqganConfig(image_size=SIZE, patch=2, codes=16, code_width=6, filters=32, multipliers="1 2", blocks=1)
TRUNK = {"layers": 2, "width": 32, "heads": 2, "mlp": 64}


def make_tokenizer() -> Vqgan:
    torch.manual_seed(0)
    model = build_model("tokenizer", vars(TOKENIZER), TOKENIZER, 2).eval()
    assert isinstance(model, Vqgan)
    model.codebook.copy_(torch.randn(model.codebook.shape))
    return model


def convert_pack(path: Path, tokenizer: Vqgan, generator: Any, classes: list[str] | None = None) -> Pack:
    """Write both models in the official layout, and convert them back."""
    folder = path.with_name(f"{path.name}-official")
    folder.mkdir()
    files = (
        write_msgpack(folder / "transformer", of_transformer(generator)),
        write_msgpack(folder / "tokenizer", of_tokenizer(tokenizer)),
    )
    names = folder / "classes"
    names.write_text("\n".join(classes or ()))
    convert(Job(kind="maskgit", files=files, out=path, classes=names if classes else None))
    return open_pack(path)


@pytest.fixture(scope="module")
def imagenet(tmp_path_factory: pytest.TempPathFactory) -> Pack:
    """A converted pack of 1000 classes, untrained."""
    tokenizer = make_tokenizer()
    generator = build_model("generator", vars(TrunkConfig(**TRUNK, norm="post")), TOKENIZER, 1000)
    return convert_pack(tmp_path_factory.mktemp("packs") / "photos", tokenizer, generator)


def test_there_and_back_again_nothing_has_changed(imagenet: Pack) -> None:
    tokenizer = make_tokenizer()
    for name, value in imagenet.load("tokenizer").state_dict().items():
        assert torch.equal(value, tokenizer.state_dict()[name]), name


def test_it_samples_without_a_critic(imagenet: Pack) -> None:
    session = Session.open(imagenet.path, "cpu")
    assert session.classes[207] == "golden retriever" and session.critic is None
    assert set(RULES) - set(session.rules) == {"critic", "critic-locked"}
    *_, last = session.run(session.settings(rule="self-revoking", label="tench", steps=3))
    assert session.decode(last.proposal).shape == (1, SIZE, SIZE, 3)
    patches = session.patches()
    assert patches.shape == (16, 2, 2, 3) and len(np.unique(patches.reshape(16, -1), axis=0)) > 8
    with pytest.raises(ValueError, match=r"engine\.train critic data=FOLDER pack=.*photos"):
        session.settings(rule="critic")


def test_the_page_says_how_to_train_its_critic(imagenet: Pack) -> None:
    context = new_context(Packs(imagenet.path, "cpu", others=[]))
    choices = pack_choices(context, "photos")
    assert choices["label"][0] == ("tench", "") and len(choices["label"]) == 1000
    greyed = {rule: why for rule, _, *rest in choices["rule_1"] for why in rest}
    assert set(greyed) == {"critic", "critic-locked"}
    assert "python -m engine.train critic data=FOLDER pack=" in greyed["critic"]
    asked = set_controls(pack="photos", label="tench", rule_1="maskgit", rule_2="critic")
    assert "engine.train critic" in resolve_controls(context, asked)["plan"]["wrong"]
    assert "no critic" in deal(context, "photos", 0, 0.5)["wrong"]
    assert find_nearest(context, "unknown")["distances"] == []


@pytest.mark.slow
def test_in_the_page_a_class_is_searched_and_a_critic_is_greyed(imagenet: Pack, browser: Any) -> None:
    with serve_page(Packs(imagenet.path, "cpu", threads=1, others=[])) as address:
        page = browser.new_page()
        page.set_default_timeout(PATIENCE)
        page.goto(address)
        page.get_by_role("combobox", name="Class").fill("Golden")
        assert page.locator(".tc-combobox li").all_inner_texts() == ["golden retriever"]
        page.keyboard.press("Enter")
        page.wait_for_function("() => tokenCritic.state.controls.label === 'golden retriever'")
        greyed = page.locator(".tc-lane-settings optgroup").first
        assert "engine.train critic" in (greyed.get_attribute("label") or "")
        assert greyed.locator("option:disabled").count() == 2
        run_page(page)
        assert page.evaluate("() => tokenCritic.state.run.why") == "done"


def test_it_is_drawn_with_its_classes_equally_often(
    imagenet: Pack, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [f"pack={imagenet.path}", "n=23", "steps=2", "device=cpu", f"runs={tmp_path}", f"out={tmp_path / 'out'}"]
    threads = torch.get_num_threads()
    evaluate(["draw", "rules=maskgit", *words])
    with pytest.raises(FileNotFoundError, match=r"carries no pictures to compare .* engine\.evaluate draw pack="):
        evaluate(["table1", *words])
    torch.set_num_threads(threads)
    assert json.loads(capsys.readouterr().out)["settings"]["rule"] == "maskgit"
    assert len(list((tmp_path / "out").glob("*.png"))) == 23
    samples = SampleStore.open(Session.open(imagenet.path, "cpu"), tmp_path)
    assert np.bincount(samples.labels(50_000), minlength=1000) == pytest.approx(50, abs=3)


def test_its_critic_is_measured_on_a_folder_of_pictures(
    imagenet: Pack, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = Path(shutil.copytree(imagenet.path, tmp_path / "photos"))
    sizes = vars(CriticConfig(**TRUNK))
    with torch.random.fork_rng(devices=[]):
        save_model(path, "critic", build_model("critic", sizes, TOKENIZER, 1000))
    folder = make_photos_folder(tmp_path / "pictures" / "val").parent
    words = ["auc", f"pack={path}", "device=cpu", "threads=1", "n=10"]
    with pytest.raises(FileNotFoundError, match="give data=FOLDER"):
        evaluate(words)
    threads = torch.get_num_threads()
    evaluate([*words, f"data={folder}"])
    torch.set_num_threads(threads)
    found = json.loads(capsys.readouterr().out)["splits"]
    assert list(found) == ["test"] and found["test"]["0.5"]["pictures"] == 10
    assert sum(one["share"] for one in found["test"]["0.5"]["by_change"]) == pytest.approx(1)
    (folder / "val" / "n01440764").rename(folder / "val" / "fish")
    with pytest.raises(ValueError, match="'fish' is none of the classes"):
        evaluate([*words, f"data={folder}"])


def make_photos_folder(root: Path) -> Path:
    """Two of ImageNet's classes, under their synsets."""
    made = make_folder(root)
    (made / "bars").rename(made / "n02099601")
    (made / "squares").rename(made / "n01440764")
    return made


FEW = ["iterations=2", "batch=4", "micro_batch=4", "evaluate_every=2", "device=cpu", "threads=1"]


@pytest.mark.slow
@pytest.mark.parametrize("init", ["generator", "scratch"])
def test_a_critic_is_trained_on_some_of_its_classes(imagenet: Pack, tmp_path: Path, init: str) -> None:
    folder = make_photos_folder(tmp_path / "pictures")
    own = [f"pack={imagenet.path}", f"data={folder}", f"runs={tmp_path / init}", f"init={init}", *FEW]
    train(["critic", *own, *(["layers=1"] if init == "generator" else [*(f"{k}={v}" for k, v in TRUNK.items())])])
    critic = open_pack(imagenet.path).load("critic")
    assert critic.config.norm == "post" and critic.config.width == 32
    assert critic.trunk.label.num_embeddings == 1000
    (folder / "n01440764").rename(folder / "fish")
    with pytest.raises(ValueError, match="'fish' is none of the classes"):
        train(["critic", *own])
    with pytest.raises(ValueError, match="heads=4: with init=generator the critic has the generator's, 2"):
        train(["critic", *own, "init=generator", "heads=4"])
    with pytest.raises(ValueError, match="converted: train one of your own in another pack"):
        train(["tokenizer", f"pack={imagenet.path}", f"data={make_photos_folder(tmp_path / 'more')}", "image_size=16"])


def convert_recorded(kind: str, folder: Path) -> Pack:
    """A pack of each kind of public checkpoint, from the recorded ones."""
    folder.mkdir()
    if kind == "maskgit":
        files = tuple(checkpoint(f"tiny_{name}.msgpack", folder) for name in ("maskgit", "tokenizer"))
    else:
        files = (checkpoint("taming.ckpt", folder),)
    if kind == "halton":
        torch.save(halton_weights(12, 12, 2, 16, 2), folder / "halton.pth")
        files = (folder / "halton.pth", *files)
    convert(Job(kind=kind, files=files, out=folder / "pack", heads=2, image_size=8))
    return open_pack(folder / "pack")


@pytest.mark.slow
@pytest.mark.parametrize("kind", FILES)
def test_the_command_that_conversion_prints_trains_what_is_missing(
    tmp_path: Path, kind: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe, "SECONDS", 0.01)
    pack = convert_recorded(kind, tmp_path / kind)
    folder = make_folder(tmp_path / "pictures")
    for i, name in enumerate(("bars", "squares")):
        (folder / name).rename(folder / f"class {i}")
    printed = capsys.readouterr().out.splitlines()[-1].partition(": ")[2]
    assert printed == pack.train_command("generator" if kind == "vqgan" else "critic")
    small = [f"runs={tmp_path / 'runs'}", *FEW, *(f"{name}={value}" for name, value in TRUNK.items())]
    for command in dict.fromkeys([printed, pack.train_command("critic")]):
        *_, module, model, data, where = shlex.split(command)
        assert (module, data) == ("engine.train", "data=FOLDER")
        train([model, f"data={folder}", where, *small])
    trained = open_pack(pack.path).load("critic").config
    assert (trained.norm, trained.head, trained.share_offset) == ("post", "linear", False), "the paper's critic"


def test_a_converted_generator_with_adaptive_norms_trains_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "SECONDS", 0.01)
    write_config(tmp_path / "halton", {"format": 1, "classes": ["bars", "squares"], "tokenizer": vars(TOKENIZER)})
    save_model(tmp_path / "halton", "tokenizer", make_tokenizer())
    sizes = {**TRUNK, "registers": 1, "norm": "adaptive"}
    pack = save_model(tmp_path / "halton", "generator", build_model("generator", sizes, TOKENIZER, 2))
    own = [f"pack={pack.path}", f"data={make_folder(tmp_path / 'pictures')}", f"runs={tmp_path / 'runs'}"]
    train(["generator", *own, "init=pack", *FEW])
    trained = open_pack(pack.path)
    assert trained.config["generator"]["norm"] == "adaptive" and trained.digest("generator") != pack.digest("generator")


def fit_codebook(tokenizer: Vqgan, pictures: torch.Tensor) -> None:
    """A few rounds of k-means over what the encoder makes of the pictures."""
    vectors = tokenizer.vectors(pictures).flatten(0, 1)
    rng = torch.Generator().manual_seed(0)
    codes = vectors[torch.randperm(len(vectors), generator=rng)[: len(tokenizer.codebook)]]
    for _ in range(10):
        nearest = torch.cdist(vectors, codes).argmin(1)
        codes = torch.stack(
            [vectors[nearest == i].mean(0) if (nearest == i).any() else codes[i] for i in range(len(codes))]
        )
    tokenizer.codebook.copy_(codes)


@pytest.mark.slow
def test_a_critic_for_a_converted_generator_beats_the_generator(tmp_path: Path) -> None:
    """Real and sampled tokens at the same places: contested AUC, at each fraction (engine.contested)."""
    folder, test = make_folder(tmp_path / "pictures", each=100), read_folder(make_folder(tmp_path / "test", 130), SIZE)
    everything = read_folder(folder, SIZE)
    tokenizer = make_tokenizer()
    with torch.no_grad():
        fit_codebook(tokenizer, to_float(torch.from_numpy(everything.read(np.arange(len(everything))))))
    own = tmp_path / "own"
    write_config(own, {"format": 1, "classes": ["bars", "squares"], "tokenizer": vars(TOKENIZER)})
    save_model(own, "tokenizer", tokenizer, dtype=torch.float32)
    recipe = yaml.safe_load(Path("engine/configs/emoji.yaml").read_text(encoding="utf-8"))
    file = tmp_path / "recipe.yaml"
    file.write_text(yaml.safe_dump({**recipe, "generator": {**TRUNK, "norm": "post"}, "critic": TRUNK}))
    rates = ["lr_muon=0.004", "lr_adamw=0.004", "ema=0.95", "warmup=20", "augment=0", "evaluate_every=100000"]
    options = [f"config={file}", f"data={folder}", f"runs={tmp_path / 'runs'}", *rates, "threads=1", "device=cpu"]
    options += ["batch=32", "micro_batch=32"]
    train(["generator", f"pack={own}", *options, "iterations=150"])
    pack = convert_pack(tmp_path / "back", tokenizer, open_pack(own).load("generator"), ["bars", "squares"])
    train(["critic", f"pack={pack.path}", *options, "iterations=150", "init=generator", "fillings=1"])
    generator, critic = (open_pack(pack.path).load(kind) for kind in ("generator", "critic"))
    chosen = test.indices("train")[-60:]  # drawn after those that were trained on
    with torch.no_grad():
        tokens = pack.load("tokenizer").encode(to_float(torch.from_numpy(test.read(chosen))))
    scorers = {"critic": critic_scorer(critic), "generator": generator_scorer(generator)}
    for fraction in (0.25, 0.5, 0.75):
        labels = torch.from_numpy(test.labels[chosen])
        found = measure_contested(tokens, labels, generator, scorers, fraction=fraction)
        print(fraction, found.q, found.auc("critic"), found.auc("generator"))
        assert found.auc("critic") > found.auc("generator") + 0.005
