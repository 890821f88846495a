"""The dtype and the attention that a session samples with are those that were measured to be faster, or told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from engine import packed, precision, transformer
from engine.config import TrunkConfig
from engine.packed import Bf16Linear, can_pack
from engine.precision import Precision, measure_precision
from engine.session import Session
from engine.transformer import Trunk, explicit_attention
from tests.tiny import TRUNK, make_whole_pack

# Seconds of: a product in fp32 and in bf16, then a layer in fp32 (fused, explicit), then in bf16 (fused, explicit).
CASES = {
    "bf16 is a little faster": ([1, 1, 12, 20, 11, 15], Precision(dtype="float32", explicit_attention=False)),
    "bf16 is worth it": ([1, 1, 12, 20, 14, 10], Precision(dtype="bfloat16", explicit_attention=True)),
    "explicit attention is faster in fp32": ([1, 1, 12, 10, 11, 11], Precision(explicit_attention=True)),
    "no bf16 units": ([1, 100, 12, 20], Precision(dtype="float32", explicit_attention=False)),
}


def trunk() -> Trunk:
    return Trunk(TrunkConfig(**TRUNK), 16, 2).eval()


@pytest.mark.parametrize("case", CASES)
def test_what_is_faster_is_taken_where_it_is_worth_it(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    seconds, expected = CASES[case]
    scripted: Iterator[float] = iter(map(float, seconds))
    monkeypatch.setattr(precision, "best_seconds", lambda work, device, budget: {one: next(scripted) for one in work})
    found = measure_precision(trunk(), 1)
    assert (found.dtype, found.explicit_attention) == (expected.dtype, expected.explicit_attention)
    assert found.milliseconds is not None and len(found.milliseconds) == len(seconds) - 2
    assert next(scripted, None) is None, "no layer is timed in a dtype that the machine emulates"


def test_measuring_leaves_the_trunk_as_it_was() -> None:
    one = trunk()
    before = {name: value.clone() for name, value in one.state_dict().items()}
    measure_precision(one, 1)
    assert all(torch.equal(value, before[name]) for name, value in one.state_dict().items())
    assert all(value.dtype == torch.float32 for value in one.state_dict().values())


def test_both_attentions_and_dtypes_say_nearly_the_same(session: Session) -> None:
    tokens, labels = session.pack.tokens()[:1], torch.zeros(1, dtype=torch.long)
    said = []
    for how in (
        Precision(explicit_attention=False),
        Precision(explicit_attention=True),
        Precision(dtype="bfloat16", explicit_attention=False),
        Precision(dtype="bfloat16", explicit_attention=True),
    ):
        model = session.pack.load("generator")
        how.apply(model.trunk)
        with torch.no_grad():
            said.append(model(tokens, labels))
    exact = said[0]
    assert (said[1] - exact).std() < 1e-4 * exact.std()
    assert all((one - exact).std() < 0.05 * exact.std() for one in said[2:])


def test_attention_in_parts_has_the_same_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    q, k, v = torch.randn(3, 2, 3, 65, 16, generator=torch.Generator().manual_seed(0))  # (B, heads, n, dim)
    whole = explicit_attention(q, k, v)
    monkeypatch.setattr(transformer, "CACHE", 0)
    assert torch.equal(explicit_attention(q, k, v), whole)


@pytest.mark.parametrize("gelu", [None, "none", "tanh"])
@pytest.mark.parametrize("packs", [True, False])
def test_a_packed_matrix_gives_the_same_products(
    gelu: str | None, packs: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packed, "can_pack", lambda: packs and can_pack())
    linear, x = torch.nn.Linear(64, 96), torch.randn(5, 64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        expected = linear(x) if gelu is None else torch.nn.functional.gelu(linear(x), approximate=gelu)
        found = Bf16Linear(linear, gelu)(x)
    assert found.dtype == torch.bfloat16 and (found - expected).abs().max() < 0.02


def test_a_trace_says_what_was_picked(tmp_path: Path) -> None:
    pack = make_whole_pack(tmp_path / "tiny")
    measured, told = Session.open(pack.path, "cpu", dtype="auto"), Session.open(pack.path, "cpu", dtype="bfloat16")
    assert measured.precision.milliseconds and measured.dtype in ("float32", "bfloat16")
    assert measured.made_by()["attention"] in ("fused", "explicit") and measured.made_by()["dtype"] == measured.dtype
    assert told.precision.milliseconds is None
    assert (told.made_by()["dtype"], told.made_by()["attention"]) == ("bfloat16", "explicit")
    config = measured.settings(rule="critic", steps=3)
    trace = measured.trace(config, measured.run(config))
    assert trace.made_by["dtype"] == measured.dtype and trace.made_by["sampling"] == 2
    with pytest.raises(ValueError, match="dtype 'half': one of auto, float32, bfloat16"):
        Session.open(pack.path, "cpu", dtype="half")
