"""Would pictures of several visitors gain by a common pass, and would they keep their bits?"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor

from engine import MASK
from engine.device import best_seconds
from engine.session import Session

BATCHES, STEPS, SECONDS = (2, 4, 8), 4, 8.0


@torch.no_grad()
def shared_figures(session: Session) -> dict[str, object]:
    """Whether pictures that go through a network together keep their bits, and what that gains."""
    rng = torch.Generator().manual_seed(0)
    most, shape = max(BATCHES), (max(BATCHES), session.num_tokens)
    tokens = torch.randint(session.tokenizer_config.codes, shape, generator=rng)
    masked = torch.rand(shape, generator=rng) < torch.linspace(0.1, 1, most)[:, None]
    given = [tokens, tokens.masked_fill(masked, MASK), masked, torch.arange(most) % len(session.classes)]
    codes, begun, hidden, labels = (x.to(session.device) for x in given)
    critic = session.critic
    networks: dict[str, Callable[[slice], Tensor]] = {
        "generator": lambda part: session.generator(begun[part], labels[part]),
        **({"critic": lambda part: critic(codes[part], labels[part], hidden[part], hidden[part])} if critic else {}),
        "decoder": lambda part: session.tokenizer.decode(codes[part]),
    }
    alone = {name: torch.cat([call(slice(i, i + 1)) for i in range(most)]) for name, call in networks.items()}
    equal = {
        name: {b: torch.equal(call(slice(0, b)), alone[name][:b]) for b in BATCHES} for name, call in networks.items()
    }
    work: dict[Any, Callable[[], object]] = {
        (name, b): partial(call, slice(0, b)) for name, call in networks.items() for b in (1, *BATCHES)
    }
    config = session.settings(rule="critic" if critic else "maskgit", steps=STEPS)
    work["step"] = lambda: [session.decode(step.proposal) for step in session.run(config)]
    seconds = best_seconds(work, session.device, SECONDS)
    gain = {name: {b: b * seconds[name, 1] / seconds[name, b] for b in BATCHES} for name in networks}
    step = seconds["step"] / STEPS
    shared = [name for name in networks if all(equal[name].values())]
    saved = {b: sum(seconds[name, 1] * (1 - 1 / gain[name][b]) for name in shared) for b in BATCHES}
    return {
        "equal": equal,
        "gain": gain,
        "step_seconds": step,
        "step_gain": {b: step / (step - saved[b]) for b in BATCHES},
    }
