"""The plan of the paper's run is what its command prints, and its operations are those of the textbook's formula."""

from __future__ import annotations

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from engine.config import TrainConfig
from engine.configs import CONFIGS
from engine.flops import pass_flops, training_flops
from engine.models import build_model, read_sizes
from engine.train.__main__ import read_recipe
from engine.train.plan import main
from tests.tiny import TOKENIZER


@pytest.mark.slow
def test_the_page_shows_what_the_command_prints(capsys: pytest.CaptureFixture[str]) -> None:
    main([])
    assert capsys.readouterr().out in (CONFIGS / "README.md").read_text(encoding="utf-8"), "run it and paste it again"
    with pytest.raises(ValueError, match="mfu=0"):
        main(["mfu=0"])


def test_the_operations_of_a_pass_are_those_of_the_formula() -> None:
    recipe = read_recipe("imagenet256")
    tokenizer, sizes = read_sizes("tokenizer", recipe["tokenizer"]), recipe["generator"]
    n, d, v = tokenizer.grid**2, sizes["width"], tokenizer.codes
    trunk = sizes["layers"] * (2 * (n + 1) * (4 * d * d + 2 * d * sizes["mlp"]) + 4 * (n + 1) ** 2 * d)
    assert pass_flops("generator", sizes, tokenizer) == trunk + 2 * n * d * (d + v)


def test_a_training_step_is_three_passes_as_counted_while_it_runs() -> None:
    model = build_model("classifier", {"base": 8, "stages": 2, "depth": 1}, TOKENIZER, 2, 4)
    with FlopCounterMode(display=False) as counter:
        model(torch.zeros(1, 3, 16, 16)).sum().backward()
    passes = {"classifier": pass_flops("classifier", vars(model.config), TOKENIZER, 2, 4), "tokenizer": 0.0}
    step = training_flops("classifier", passes, TrainConfig())
    first = 2 * 8 * 3 * 25 * 64  # the first layer needs no gradient of the picture
    assert counter.get_total_flops() == step - first
    generator = {"generator": 5.0, "critic": 7.0}
    assert training_flops("critic", generator, TrainConfig(fillings=2)) == 5 + 2 * 3 * 7
