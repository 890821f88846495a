"""Languages: their files fit the English ones, and nothing on the page is in another language than the visitor's."""

from __future__ import annotations

import io
import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient

import launch
from app.context import Context
from app.features import fonts, lesson_schema
from app.features.figure import draw_figure
from app.features.fonts import choose_words, find_font
from app.features.game import deal
from app.features.lesson_schema import read_terms
from app.features.lessons import read_shipped
from app.packs import Packs
from app.server.endpoints import endpoint_routes
from app.server.stream import RunStream
from app.text import reports, wrong
from app.text import words as texts
from app.text.particles import choose_particles, hold_particles
from app.text.words import ENGLISH, FOLDER, choose_language, flatten, languages, words
from app.tools import picture_names as picture_names_tool
from app.tools.browser import PAGE_READY, POLL_MS, run_page, serve_page
from engine.config import SampleConfig
from engine.critic_example import make_critic_example
from engine.session import Session
from engine.step import Trace
from tests.fakes_app import WITHOUT_CRITIC, FakeSession, finished, new_context
from tests.pages import PATIENCE, comes_to
from tests.tiny import make_pack, make_whole_pack

CASES = json.loads((Path(__file__).parent / "fixtures" / "particles.json").read_text(encoding="utf-8"))
MADE_UP = "qaa"  # a code that BCP 47 keeps for private use
MAY_BE_LATIN = re.compile(  # names
    r"(?<![A-Za-z])(MaskGIT|Token|Critic|ImageNet|Inception|FID|KID|AUC|ROC|PNG|JPEG|WebP|GIF|PDF|SVG|JSON|YAML|MIT"
    r"|CPU|Esc|Tab|precision|recall|Enter|Page Down|Python|curl|BibTeX|emoji|torch|cpu|log|float32|bfloat16"
    r"|fused|Gumbel)(?![A-Za-z])"
    r"|token-critic[\w-]*\.gif"
)

# All that the page has ever shown or named, from its first moment on: texts, and what is read aloud.
COLLECT = """() => {
    const said = (window.said = new Set());
    const attributes = ["aria-label", "aria-valuetext", "title", "placeholder", "alt"];
    const inEnglish = ".tc-card, #js-plotly-tester";
    const ofLibraries = ".modebar, .empty, [data-testid=status-tracker]";
    const skipped = `script, style, pre, noscript, title, math, ${inEnglish}, ${ofLibraries}`;
    const isOthers = (node) => node.closest(skipped)
        || ![null, document.documentElement.dataset.language].includes(node.parentElement?.closest("[lang]:not(html)")
            ?.lang ?? node.getAttribute?.("lang") ?? null);
    const read = (node) => {
        if (!(node instanceof Element) || !node.isConnected || node === document.documentElement) return;
        if (node.matches("strong, em") || isOthers(node)) return; // of a sentence
        const speaks = [...node.childNodes].some((one) => one.nodeType === 3 && one.data.trim());
        if (speaks) said.add(node.textContent.trim());
        const inputs = /^(number input|range slider) for/; // as Gradio names them at first
        const named = attributes.map((name) => node.getAttribute(name)?.trim() ?? "");
        for (const one of named) if (one && !inputs.test(one)) said.add(one);
    };
    const look = (root) => {
        read(root);
        root.querySelectorAll?.("*").forEach(read);
    };
    new MutationObserver((changes) => {
        for (const { target, addedNodes } of changes) {
            read(target instanceof Element ? target : target.parentElement);
            addedNodes.forEach(look);
        }
    }).observe(document, { subtree: true, childList: true, characterData: true, attributeFilter: attributes });
}"""


@pytest.mark.parametrize("language", languages())
def test_a_language_has_the_keys_and_the_places_of_the_english_one(language: str) -> None:
    assert dict(flatten(words(language))).keys() == dict(flatten(words(ENGLISH))).keys()
    assert len({words(one)["labels"]["language"] for one in languages()}) == len(languages())


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A place for languages, with the shipped ones in it."""
    yield from open_folder(tmp_path, monkeypatch)


def open_folder(path: Path, patch: pytest.MonkeyPatch) -> Iterator[Path]:
    caches: tuple[Any, ...] = (texts.words, texts.picture_names, texts.languages, wrong._engine_sentences, find_font)
    caches += (read_shipped, read_terms, reports._said, reports._names, reports._sentences)
    for language in (ENGLISH, "ko"):
        shutil.copytree(FOLDER / language, path / language)
    patch.setattr(texts, "FOLDER", path)
    patch.setattr(lesson_schema, "TEXT", path)
    for cache in caches:
        cache.cache_clear()
    yield path
    patch.undo()
    for cache in caches:
        cache.cache_clear()


@pytest.mark.parametrize(
    "file, old, new, said",
    [
        ("game.yaml", "check: 채점\n", "", r"game.yaml: check is missing: in English it is 'Check'"),
        ("game.yaml", "토큰의 {n}%", "토큰의 {m}%", "game.yaml: percent: expected the places n, got m"),
        ("game.yaml", "check: 채점", "check: 채점\nmore: 더", "game.yaml: more is no key of English"),
        ("game.yaml", "check: 채점", "check: 4", "game.yaml: check: expected a text, not 4: put it in quotes"),
        ("files.yaml", '"1": 왼쪽', "1: 왼쪽", "files.yaml: which.1: put the key in quotes"),
        ("stage.yaml", "왼쪽 레인, ", "", "stage.yaml: lanes.2 is missing"),
        ("game.yaml", "check:", "check: [", "game.yaml is not YAML"),
    ],
)
def test_what_does_not_fit_is_said_with_its_file_and_key(
    folder: Path, file: str, old: str, new: str, said: str
) -> None:
    path = folder / "ko" / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ValueError, match=said):
        words("ko")


def test_korean_names_every_emoji_of_the_game() -> None:
    named = texts.picture_names("ko")["emoji"]
    assert named.keys() == set(picture_names_tool.list_held_out()) and texts.picture_names(ENGLISH) == {}
    assert all(re.search("[가-힣]", name) for name in named.values())


def test_a_picture_without_a_name_in_a_language_keeps_that_of_its_pack(folder: Path, tmp_path: Path) -> None:
    path = make_whole_pack(tmp_path / "packs" / "tiny").path
    context = Context(packs=Packs(path, threads=1, others=[]), language="ko")
    names = [deal(context, None, seed, 0.5)["name"] for seed in range(4)]
    assert len(set(names)) > 1
    (folder / "ko" / "pictures" / "tiny.yaml").write_text(f"{names[0]}: 그림", encoding="utf-8")
    texts.picture_names.cache_clear()
    said = [deal(context, None, seed, 0.5)["name"] for seed in range(4)]
    assert said == ["그림" if name == names[0] else name for name in names]


def test_names_of_cldr_are_added_to_those_that_a_language_has(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = '<ldml><annotations><annotation cp="🌋">불</annotation>{}</annotations></ldml>'
    for kind in ("annotations", "annotationsDerived"):
        (folder / kind).mkdir()
        for language, name in (("ko", "화산"), ("en", "volcano")):
            spoken = f'<annotation cp="🌋" type="tts">{name}</annotation>' if kind == "annotations" else ""
            (folder / kind / f"{language}.xml").write_text(said.format(spoken), encoding="utf-8")
    file = folder / "ko" / "pictures" / "emoji.yaml"
    file.write_text("bus: 버스", encoding="utf-8")
    monkeypatch.setattr(picture_names_tool, "FOLDER", folder)
    picture_names_tool.main(["ko", "--cldr", str(folder)])
    assert yaml.safe_load(file.read_text(encoding="utf-8")) == {"volcano": "화산", "bus": "버스"}
    with pytest.raises(FileNotFoundError, match="unicode-cldr-core"):
        picture_names_tool.main(["de", "--cldr", str(folder)])


@pytest.mark.parametrize(
    "accepted, language",
    [
        *(("ko", "ko"), ("ko-KR,ko;q=0.9,en;q=0.8", "ko"), ("en;q=0.5,ko;q=0.9", "ko"), ("de, fr;q=0.1", "en")),
        *(("", "en"), ("*", "en"), (";q=,,;q=x,ko;q=nan", "ko"), ("../../etc", "en")),
    ],
)
def test_a_request_is_answered_in_the_first_language_that_is_known(accepted: str, language: str) -> None:
    assert choose_language(accepted) == language


def test_a_particle_fits_how_the_word_before_it_is_read_aloud() -> None:
    for written, read in CASES:
        assert choose_particles(written) == read


def test_no_line_ends_between_a_bracket_and_the_particle_after_it() -> None:
    tree = {"one": ["토큰(token)을 **온도(temperature)**가 (예) {name}(으)로"], "right": True, "n": 2}
    held = {"one": ["토큰(token)\u2060을 **온도(temperature)\u2060**가 (예) {name}(으)로"], "right": True, "n": 2}
    assert hold_particles(tree) == held


def test_a_refusal_is_said_in_the_language_of_the_request() -> None:
    client = TestClient(Starlette(routes=[*endpoint_routes(new_context()), RunStream(new_context()).route]))
    refused = {"controls": {"seed": None}, "changed": []}
    for accepted, language in (("ko-KR,ko;q=0.9", "ko"), ("", ENGLISH)):
        said = wrong.Wrong("errors.empty_whole", setting="seed").say(language)
        headers = {"accept-language": accepted}
        assert client.post("/plan", json=refused, headers=headers).json()["plan"]["wrong"] == said
        assert client.post("/run", json={"seed": None}, headers=headers).json()["error"] == said
        lanes = client.post("/plan", json={"controls": {}}, headers=headers).json()["plan"]["lanes"]
        assert lanes[1]["name"] == "Token-Critic" and lanes[0]["name"] == "MaskGIT"
        exported = client.get("/export", params={"run": "none"}, headers=headers)
        assert exported.json()["error"] == words(language)["files"]["none"]


@pytest.mark.parametrize(
    "variables, title",
    [
        ({"LANG": "ko_KR.UTF-8"}, "사용법: launch.py"),
        ({"LANG": "ko_KR.UTF-8", "LC_ALL": "C"}, "usage: launch.py"),
        ({"LANG": "de_DE", "LC_MESSAGES": "ko"}, "사용법: launch.py"),
    ],
)
def test_the_help_of_the_command_speaks_the_language_of_the_terminal(
    variables: dict[str, str], title: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit):
        launch.main(["--help"])
    printed = capsys.readouterr().out
    assert printed.startswith(title) and "--no-browser" in printed
    assert bool(re.search("[가-힣]", printed)) == title.startswith("사용법")


def raised(action: Callable[[], Any]) -> str:
    with pytest.raises((ValueError, FileNotFoundError)) as error:
        action()
    return wrong.say(error.value, "ko")


def test_the_sentences_of_the_engine_are_known_as_it_says_them(tmp_path: Path) -> None:
    """Each key of the list, so that none is left of a sentence that the engine has given up."""
    config = SampleConfig()
    plain = json.loads(FakeSession().trace(config, list(FakeSession().run(config.replace(steps=2))), (0,)).to_json())
    step = plain["steps"][0]

    def trace(**changed: Any) -> Callable[[], Any]:
        return lambda: Trace.from_json(json.dumps({**plain, **changed}))

    poor = FakeSession(critic=None, rules=WITHOUT_CRITIC)
    bare: Any = SimpleNamespace(critic="one", pack=SimpleNamespace(name="bare", has_tokens=False))
    said = {
        "finite": raised(lambda: SampleConfig(seed=float("inf"))),  # type: ignore[arg-type]
        "whole": raised(lambda: SampleConfig(steps=1.5)),  # type: ignore[arg-type]
        "truth": raised(lambda: SampleConfig(matched="yes")),  # type: ignore[arg-type]
        "range": raised(lambda: SampleConfig(seed=-1)),
        "choice": raised(lambda: SampleConfig(schedule="none")),
        "no_critic": raised(lambda: Session._check(poor, config)),  # type: ignore[arg-type]
        "no_critic_in_game": raised(lambda: make_critic_example(poor, 0, 0.5)),  # type: ignore[arg-type]
        "no_pictures_in_game": raised(lambda: make_critic_example(bare, 0, 0.5)),
        "no_pictures": raised(make_pack(tmp_path / "bare").pictures),
        "not_a_trace": raised(trace(labels=3)),
        "not_a_step": raised(trace(steps=[{}])),
        "format": raised(trace(format=9)),
        "shapes": raised(trace(steps=[{**step, "state": [[0]]}])),
        "values": raised(trace(steps=[{**step, "temperature": float("inf")}])),
        "changed": raised(trace(steps=[{**step, "digest": ""}])),
        "left_out": raised(trace(digest="")),
    }
    assert said.keys() == words("ko")["errors"]["engine"].keys()
    for key, sentence in said.items():
        assert sentence.startswith("서버가") is False and re.search("[가-힣]", sentence), (key, sentence)
    assert said["range"].startswith("시드=-1") and said["whole"].startswith("단계 T=1.5")
    assert wrong.say(wrong.Wrong("errors.empty_whole", setting="steps_2"), "ko").startswith("오른쪽 레인 단계 T: ")
    assert wrong.say(ValueError("of no list"), "ko").endswith("of no list)")
    assert wrong.say(ValueError("of no list"), ENGLISH) == "of no list"


def mark(folder: Path) -> None:
    """Write a made-up language: the Korean one with each text in brackets, each part of it that is shown apart."""
    shutil.copytree(folder / "ko", folder / MADE_UP)
    for file in (one for one in (folder / MADE_UP).rglob("*") if one.is_file()):
        text = file.read_text(encoding="utf-8")
        is_prose = file.suffix == ".md"
        marked = (
            in_brackets(text) if is_prose else yaml.safe_dump(in_brackets(yaml.safe_load(text)), allow_unicode=True)
        )
        file.write_text(marked, encoding="utf-8")


def in_brackets(value: Any) -> Any:
    if isinstance(value, str):
        parts = re.split(r"(\||\n\n)", value)  # of a line, and of a long text
        return "".join(f"⟦{part.strip()}⟧" if part.strip() and not i % 2 else part for i, part in enumerate(parts))
    if isinstance(value, list):
        return [in_brackets(one) for one in value]
    return {name: in_brackets(one) for name, one in value.items()}


def test_a_figure_speaks_the_language_where_a_font_has_its_letters(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark(folder)
    context, run_id = finished()
    run = context.runs.get(run_id)
    for name in ("files", "names"):  # DejaVu has these brackets, and no Hangul
        english = (folder / ENGLISH / f"{name}.yaml").read_text(encoding="utf-8")
        (folder / MADE_UP / f"{name}.yaml").write_text(yaml.safe_dump(in_brackets(yaml.safe_load(english))), "utf-8")
    said, font = choose_words(MADE_UP)
    assert run is not None and font is not None and said is words(MADE_UP)
    figure = draw_figure(said, run, 3, font)
    shown = [one.get_title() for part in figure.subfigs for one in part.axes]
    shown += [part.get_suptitle() for part in figure.subfigs]
    assert len(shown) == 10 and not [text for text in shown if left_over(text)]
    monkeypatch.setattr(fonts, "list_letters", lambda font: set(range(128)))
    find_font.cache_clear()
    assert choose_words(MADE_UP) == (words(ENGLISH), None)


def left_over(text: str) -> str:
    """What of a text is in no brackets."""
    while (shorter := re.sub(r"⟦[^⟦⟧]*⟧", "", text)) != text:
        text = shorter
    return " ".join(re.findall(r"[A-Za-z]{3,}", MAY_BE_LATIN.sub("", text)))


def english_in(text: str) -> str:
    """What of a Korean text is English: not a name, and not the English term in brackets after the Korean one."""
    plain = MAY_BE_LATIN.sub("", re.sub(r"\([A-Za-z ,]+\)", "", text))
    return " ".join(re.findall(r"[A-Za-z]{3,}", plain))


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    path = tmp_path_factory.mktemp("languages")
    patch = pytest.MonkeyPatch()
    opened = open_folder(path, patch)
    mark(next(opened))
    with serve_page(Packs("emoji", others=[])) as address:
        yield address
    next(opened, None)


def visit(browser: Any, address: str, **how: Any) -> Any:
    page = browser.new_page(viewport={"width": 1280, "height": 800}, reduced_motion="reduce", **how)
    page.set_default_timeout(PATIENCE)
    page.add_init_script(f"({COLLECT})()")
    page.goto(address)
    page.wait_for_function(PAGE_READY)
    return page


def pictures(folder: Path) -> tuple[Path, Path]:
    """A picture, and a file that is none; and that is no run, either."""
    good, bad = folder / "own.png", folder / "none.png"
    content = io.BytesIO()
    Image.fromarray(np.full((64, 64, 3), 99, np.uint8)).save(content, "PNG")
    good.write_bytes(content.getvalue())
    bad.write_text("{", encoding="utf-8")
    return good, bad


def walk(page: Any, folder: Path) -> None:
    """Bring the page into all its states."""
    good, bad = pictures(folder)
    go = "(place) => tokenCritic.places.open(place)"
    ended = "() => !tokenCritic.state.run.going && !tokenCritic.plans?.asking"
    page.click("#tc-dials")
    page.click("#tc-more")
    for name in ("steps_1", "steps_2"):
        page.evaluate("([name]) => tokenCritic.changed(name, 3)", [name])
    page.evaluate("""async () => {
        for (const ask of document.querySelectorAll(".tc-ask")) {
            ask.click();
            await new Promise(requestAnimationFrame);
        }
        document.querySelector(".tc-explained").hidePopover();
    }""")
    run_page(page)
    for seed in ("", "0.5", "-1"):  # each is refused
        page.fill(".tc-seed input", seed)
        page.keyboard.press("Tab")
        page.wait_for_function("() => tokenCritic.state.planned.wrong")
        page.fill(".tc-seed input", "7")
        page.keyboard.press("Tab")
        page.wait_for_function("() => !tokenCritic.state.planned.wrong")
    run_page(page)
    lanes(page, folder)
    page.evaluate(go, "gallery")
    page.click("[data-gallery=draw] >> visible=true")
    page.wait_for_function("() => tokenCritic.gallery.run.why === 'done'", polling=POLL_MS)
    page.evaluate("() => tokenCritic.gallery.nearest()")
    page.evaluate(go, "fakes")
    page.evaluate(
        "async () => { await tokenCritic.game.deal(); tokenCritic.game.mark(3, true); tokenCritic.game.check(); }"
    )
    page.evaluate(go, "refine")
    for file, found in ((bad, "!"), (good, "")):
        page.set_input_files(".tc-own input[type=file]", file)
        page.wait_for_function(f"() => {found}tokenCritic.own.seen && tokenCritic.own.view.status.textContent")
    page.evaluate(go, "results")
    page.wait_for_selector("#tc-results table")
    page.wait_for_selector("#tc-results .js-plotly-plot")
    page.evaluate("() => document.querySelectorAll('[data-chart]').forEach((one) => one.click())")
    page.click("[data-vote=start]")
    page.click("[data-vote=left] >> visible=true")
    page.click("[data-vote=stop]")
    for lesson in ("greedy", "refine"):
        page.evaluate("(name) => tokenCritic.lessons.start(name, 0)", lesson)
        page.wait_for_selector(".tc-answer >> visible=true")
        page.evaluate("() => document.querySelectorAll('.tc-answer').forEach((one) => one.click())")
        page.evaluate("() => document.querySelectorAll('.tc-lesson-body button').forEach((one) => one.click())")
        page.evaluate("() => tokenCritic.lessons.turn(1)")
        page.evaluate("""() => {
            tokenCritic.stage.views.project(true);
            for (let i = 0; i < 99; i += 1) tokenCritic.lessons.slides.turn(1); // to its end
            tokenCritic.stage.views.project(false);
            tokenCritic.lessons.leave(true);
        }""")
    page.evaluate(go, "use")
    page.wait_for_selector("#tc-machine strong")
    page.wait_for_function(ended)


def lanes(page: Any, folder: Path) -> None:
    """All that can be done with a run: beside the lanes, with a third one, as files."""
    _, bad = pictures(folder)
    page.evaluate("() => tokenCritic.player.take(1)")
    page.evaluate("() => tokenCritic.stage.cells.pin(7 * 16 + 8)")
    for tab in ("curves", "view", "share", "token"):
        page.evaluate("(drawer) => tokenCritic.store.set({ drawer })", tab)
    page.evaluate("() => tokenCritic.store.set({ drawer: 'curves' })")
    page.wait_for_selector("#tc-curves .js-plotly-plot .gtitle, #tc-curves .js-plotly-plot .annotation-text")
    page.evaluate("() => tokenCritic.store.set({ pinned: -1, drawer: 'share' })")
    page.click("#tc-make")
    page.wait_for_function("() => /gif$/.test(document.querySelector('.tc-files .tc-status').textContent)")
    page.set_input_files("#tc-open input", bad)
    page.wait_for_function("() => tokenCritic.state.message?.wrong")
    page.evaluate("() => tokenCritic.stage.branches.takeOver(1)")
    page.evaluate("() => tokenCritic.store.set({ hand: null })")
    page.evaluate("""async () => {
        const { player, stage } = tokenCritic, { swap } = stage.branches;
        player.take(99);
        stage.branches.swapTokens(1);
        for (const code of [-1, 3]) { // the first is refused
            stage.cells.pin(5);
            await new Promise(requestAnimationFrame);
            await swap.put(code);
            await new Promise(requestAnimationFrame);
        }
        swap.offer();
        swap.stop();
        stage.cells.pin(-1);
    }""")
    page.evaluate("() => tokenCritic.stage.branches.branch({ lane: 1, step: 2, masked: null })")
    page.wait_for_function("() => tokenCritic.state.planned.lanes.length === 3")
    run_page(page)
    page.evaluate("() => tokenCritic.player.take(2)")
    page.evaluate("() => tokenCritic.stage.branches.judge(0)")
    page.evaluate("() => tokenCritic.stage.branches.start({ lane: 1, step: 3, fraction: 0.5 })")
    page.wait_for_function("() => tokenCritic.state.run.why === 'done' && tokenCritic.state.shown.lanes[2].continues")
    page.evaluate("() => tokenCritic.stage.branches.setThird(null)")
    page.wait_for_function("() => tokenCritic.state.planned.lanes.length === 2")
    page.keyboard.press("p")
    page.keyboard.press("Escape")
    run_page(page)


@pytest.mark.slow
def test_every_state_of_the_page_speaks_a_language_that_is_a_folder(address: str, browser: Any, tmp_path: Path) -> None:
    """All in brackets, so nothing stands outside of the folder; and what is in brackets is Korean, and no English."""
    page = visit(browser, f"{address}?lang={MADE_UP}")
    walk(page, tmp_path)
    said = page.evaluate("() => [...window.said, document.title]")
    assert page.locator("[aria-label^=number], [aria-label^=range]").count() == 0, "Gradio's names of a slider's inputs"
    page.close()
    assert len(said) > 300
    found = {text: left_over(text) or english_in(text) for text in said}
    assert not any(found.values()), "\n".join(f"{english}: {text[:100]}" for text, english in found.items() if english)


@pytest.mark.slow
def test_the_language_is_that_of_the_address_then_the_last_chosen_then_the_browser_s(
    address: str, browser: Any
) -> None:
    page = visit(browser, address, locale="ko-KR")
    spoken = "() => [document.documentElement.lang, document.querySelector('#tc-run').textContent]"
    comes_to(page, spoken, ["ko", words("ko")["stage"]["run_live"]])
    page.goto(f"{address}?preset=early&place=results")
    page.wait_for_function(PAGE_READY)
    page.click(".tc-languages [lang=en]")
    page.wait_for_url("**lang=en**")
    page.wait_for_function(PAGE_READY)
    comes_to(page, spoken, ["en", words(ENGLISH)["stage"]["run_live"]])
    asked = dict(page.evaluate("() => [...new URLSearchParams(location.search)]"))
    assert asked == {"lang": "en", "preset": "early", "place": "results"}
    page.goto(address)  # remembered
    page.wait_for_function(PAGE_READY)
    assert page.evaluate(spoken)[0] == "en"
    page.goto(f"{address}?lang=ko")
    page.wait_for_function(PAGE_READY)
    run_page(page)
    assert "lang=ko" in page.url and "hash=" in page.url, "a run leaves the language in the address"
    assert page.evaluate("() => new URL(tokenCritic.address.address).searchParams.get('lang')") is None
    page.close()
