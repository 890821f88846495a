"""What app/RELIABILITY.md promises of requests that make no sense. TOKEN_CRITIC_FULL=1 (make soak): the full number."""

from __future__ import annotations

import http.client
import json
import random
import re
from collections import Counter
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

from app.features.api import NAMES
from app.features.presets import FIRST
from app.tools.soak import read_run
from tests.full import FULL
from tests.test_endpoints import GOOD
from tests.test_promises import LEAKS, metric, run_of
from tests.test_promises_failures import fn_indices

PAYLOADS, CALLS = (10_000, 1000) if FULL else (600, 120)
TINY = {"pack": "tiny", "label": "bars"}
ODD = [
    None,
    True,
    0,
    1,
    -1,
    0.5,
    2**70,
    1e308,
    float("nan"),
    "",
    "x" * 5000,
    "\ud800",
    "../..",
    [],
    {},
    [[]] * 50,
    {"a": {"b": []}},
]
NO_NAMES = ("unknown control", "unexpected keyword", "missing a required", "JSON")  # before a value is looked at
NOTHING = (
    "{}",
    '{"stopped":false}',
    '{"distances":[],',
)  # how an answer begins about a run or a pack that is not there
SAYS = re.compile(r'"(?:error|wrong)":\s*"((?:[^"\\]|\\.)*)"')  # what is wrong, in an answer that is none of a failure
CHECKED = ("run", "run some", "run recorded", "export", "deal", "look", "decode", "results", "lesson")  # refuse a value


def own_payloads(address: str) -> dict[str, dict[str, Any]]:
    """What the page's own paths answer in full, of a pack and of runs that the server has. /run has three kinds."""
    third = {"third": {"lane": 0, "step": 1, "masked": [1, 2]}, "rule_3": "random", "steps_3": 2}
    lanes = {"steps_1": 2, "steps_2": 2, "rule_1": "maskgit", "rule_2": "critic", "noise_K_2": 1.0, **third}
    controls = {**TINY, "seed": 1, "equal_passes": False, "matched": False, "schedule_1": "cosine", **lanes}
    run, gallery = ended_run(address), ended_run(address, count=2)
    return {
        **GOOD,
        "run": controls,
        "run some": {**controls, "count": 2},
        "run recorded": {"recorded": FIRST},
        "export": {"run": run, "kind": "png", "lanes": "1", "at": "1", "scale": "2", "paper": "a4"},
        "plan": {"controls": controls, "changed": ["seed"], "offered": "tiny"},
        "linked": {"query": {name: json.dumps(value) for name, value in controls.items()}},
        "stop": {"run": run},
        "patches": {"pack": "tiny"},
        "score": {"run": run, "lane": 1},
        "nearest": {"run": gallery},
        "deal": {"pack": "tiny", "seed": 0, "fraction": 0.5},
        "results": {"pack": "tiny"},
        "look": {**GOOD["look"], **TINY},
        "decode": {"pack": "tiny", "tokens": [1] * 16},
    }


def gradio_payloads(address: str) -> dict[str, dict[str, Any]]:
    """The same of Gradio's own paths: each typed endpoint by its name, and the queue that the page asks."""
    tokens = [1] * 16
    data: dict[str, list[Any]] = {
        "run": ["bars", 1, 2, "maskgit", "critic", "tiny"],
        "gallery": ["bars", 1, 2, 2, "maskgit", "critic", "tiny"],
        "refine": [tokens, "bars", 0.6, 1, "tiny"],
        "score": [tokens, "bars", "tiny"],
        "encode": [GOOD["look"]["url"], "tiny"],
        "decode": [tokens, "tiny"],
        "export": [ended_run(address), "png", "all", 1],
    }
    assert data.keys() == set(NAMES)
    join = {"data": data["score"], "fn_index": fn_indices(address)["score"], "session_hash": "odd", "event_data": None}
    calls = {f"call/{name}": {"data": values} for name, values in data.items()}
    paths = {**calls, "run/score": {"data": data["score"]}, "queue/join": join}
    return {f"gradio_api/{path}": given for path, given in paths.items()}


def ended_run(address: str, **more: Any) -> str:
    """The id of a run that the server keeps."""
    return str(list(read_run(address, 1, **{**TINY, "steps_1": 2, "steps_2": 2, **more}))[-1]["run"])


def mutate(dice: random.Random, good: dict[str, Any]) -> dict[str, Any]:
    """With one to three values of another kind, at either of two depths, or now and then a name that nobody knows."""
    given = json.loads(json.dumps(good))
    inner = [one for one in given.values() if one and isinstance(one, dict | list)]
    for _ in range(dice.randrange(1, 4)):
        changed = dice.choice([given, *inner, *inner, *inner])
        name = dice.randrange(len(changed)) if isinstance(changed, list) else dice.choice([*changed, *changed, "new"])
        changed[name] = dice.choice(ODD)
    return given


class Asker:
    """Asks each time as another visitor, so that no rate limit answers."""

    def __init__(self, address: str) -> None:
        self._where, self._asked = urlsplit(address).netloc, 0
        self.dice = random.Random(0)
        self.broken = 0  # closed before all was sent, as for a body that is too large

    def ask(self, kind: str, given: dict[str, Any], damaged: bool = False) -> tuple[int, str]:
        """Status and text; 0 where the connection is closed. What is damaged has another byte somewhere."""
        path = kind.partition(" ")[0]
        if path == "export":
            query = urlencode(given, errors="surrogatepass").encode()
            return self._send("GET", f"{path}?{self._damage(query, range(33, 127), damaged).decode()}")
        return self._send("POST", path, self._damage(json.dumps(given).encode(), range(256), damaged))

    def call(self, kind: str, given: dict[str, Any], damaged: bool = False) -> tuple[int, str]:
        """The same of a path of Gradio's. A call is answered with its id; what comes of it is another question."""
        status, text = self.ask(kind, given, damaged)
        if "/call/" not in kind or status != 200:
            return status, text
        return self._send("GET", f"{kind}/{json.loads(text)['event_id']}")

    def _damage(self, text: bytes, others: range, damaged: bool) -> bytes:
        at = self.dice.randrange(len(text))
        return text[:at] + bytes([self.dice.choice(others)]) + text[at + 1 :] if damaged else text

    def _send(self, method: str, path: str, body: bytes = b"") -> tuple[int, str]:
        i, one = self._asked, http.client.HTTPConnection(self._where, timeout=60)
        self._asked += 1
        headers = {
            "Content-Type": "application/json",
            "X-Forwarded-For": f"10.{i // 60_000}.{i // 250 % 240}.{i % 250}",
        }
        try:
            one.request(method, f"/{path}", body, headers)
            answer = one.getresponse()
            return answer.status, answer.read().decode(errors="replace")
        except (http.client.HTTPException, OSError):
            self.broken += 1
            return 0, ""
        finally:
            one.close()


def check(kind: str, status: int, text: str) -> None:
    """No failure, and neither a path nor a traceback in what is said of an error."""
    assert status < 500 or status == 503, (kind, text[:200])
    said = text if status != 200 else " ".join(SAYS.findall(text))
    assert not any(leak in said for leak in LEAKS), (kind, said[:200])


@pytest.mark.slow
def test_no_payload_gets_a_failure_or_a_path(address: str) -> None:
    """On every path of the page's own. Values have to be looked at: a wrong name or no JSON is refused before that."""
    payloads, asker, before = own_payloads(address), Asker(address), metric(address, "requests_failed_total")
    wrong = (*NOTHING, '{"wrong"')
    for kind, good in payloads.items():
        status, text = asker.ask(kind, good)
        assert status == 200 and not text.startswith(wrong), (kind, text[:200])
    looked_at, refused = Counter[str](), Counter[str]()
    for _ in range(PAYLOADS):
        kind = asker.dice.choice(list(payloads))
        status, text = asker.ask(kind, mutate(asker.dice, payloads[kind]), damaged=asker.dice.random() < 0.2)
        check(kind, status, text)
        is_refused = text.startswith('{"wrong"') or (status == 422 and not any(one in text for one in NO_NAMES))
        looked_at[kind] += status == 200 or is_refused
        refused[kind] += is_refused
    print(f"{PAYLOADS} payloads: {dict(looked_at)} with a value that was looked at, {dict(refused)} refused for it")
    assert min(looked_at[kind] for kind in payloads) > 0 and min(refused[kind] for kind in CHECKED) > 0
    assert asker.broken < PAYLOADS / 100 and metric(address, "requests_failed_total") == before
    assert len(run_of(address, {"seed": 1, "steps_1": 2, "steps_2": 2})) == 4


@pytest.mark.slow
def test_no_payload_of_gradios_own_paths_gets_a_failure_or_a_path(
    address: str, capfd: pytest.CaptureFixture[str]
) -> None:
    payloads, asker = gradio_payloads(address), Asker(address)
    calls = [kind for kind in payloads if "/call/" in kind]
    for kind in calls:
        assert "event: complete" in asker.call(kind, payloads[kind])[1], kind
    refused = Counter[str]()
    for _ in range(CALLS):
        kind = asker.dice.choice(list(payloads))
        status, text = asker.call(kind, mutate(asker.dice, payloads[kind]), damaged=asker.dice.random() < 0.2)
        check(kind, status, text)
        assert '"error": null' not in text, (kind, "it fails, and does not say why")
        refused[kind] += "event: error" in text
    said = capfd.readouterr().err
    print(f"{CALLS} payloads of Gradio's paths: {dict(refused)} refused for a value")
    assert min(refused[kind] for kind in calls) > 0 and asker.broken <= CALLS / 100
    assert "features/api.py" not in said, "an endpoint fails, and does not refuse"
    assert len(run_of(address, {"seed": 1, "steps_1": 2, "steps_2": 2})) == 4
