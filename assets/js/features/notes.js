// The lecturer's notes: a second window, which the audience does not see. It says what this step shows, previews the next
// decision, and keeps what the lecturer writes for each step. Of a slide it says the answer, and what comes next.

import { pageColours } from "../draw/colours.js";
import { drawPanel } from "../draw/panels.js";
import { actionButton, el } from "../lib/dom.js";
import { CLICKER } from "../lib/keys.js";
import { recallValue, remember } from "../lib/storage.js";
import { fill, stepLine } from "../lib/text.js";
import { longest, reachOf, stepAt } from "../playhead.js";
import { settingsOf } from "../store.js";
import { slideAfter } from "./slides.js";

const KEPT = "token-critic-notes";
const CELL = 10; // pixels
/** @type {Record<string, string>} keys of this window, and what they are in the page: a clicker steps here at all times */
const KEYS = { ...CLICKER, ",": ",", ".": ".", " ": " " };
const STYLE = `body { margin: 0; padding: 16px; font: 16px/1.5 system-ui, sans-serif; background: #fff; color: #1b2530; }
h1 { font-size: 20px; margin: 0 0 12px; } h2 { font-size: 16px; margin: 12px 0 4px; } p { margin: 4px 0; }
textarea { box-sizing: border-box; width: 100%; height: 120px; font: inherit; } div { display: flex; gap: 16px; flex-wrap: wrap; }
button { all: unset; } section:empty { display: none; } .lesson { background: #eef0f3; padding: 8px 12px; border-radius: 8px; margin-bottom: 12px; }`;

export class Notes {
  /** @param {Pick<import("../main.js").Page, "store" | "words" | "glossary">} page */
  constructor({ store, words, glossary }) {
    this.store = store;
    this.words = words.notes;
    this.lessons = words.lessons;
    this.line = words.line;
    this.glossary = glossary;
    /** @type {Window | null} */
    this.popup = null;
    this.noted = ""; // the place whose note is in the field
    this.title = el("h1", {});
    this.lesson = el("section", { class: "lesson" });
    this.lanes = el("div", {});
    this.told = el("p", {});
    this.text = el("textarea", { "aria-label": this.words.own, placeholder: this.words.own });
    this.text.addEventListener("input", () => this.keep());
    this.button = actionButton(this.words.open, () => this.open(), { title: this.words.help });
    store.on(["playhead", "frames", "shown", "run", "slide"], () => this.draw());
  }

  open() {
    this.popup = open("", "token-critic-notes", "popup,width=560,height=720");
    if (!this.popup) return this.store.set({ message: { text: this.words.blocked, wrong: true } });
    const { document: page } = this.popup;
    page.title = this.words.open;
    page.documentElement.lang = document.documentElement.lang;
    page.head.replaceChildren(el("style", {}, STYLE));
    page.body.replaceChildren(this.lesson, this.title, this.told, this.lanes, this.text);
    page.onkeydown = (/** @type {KeyboardEvent} */ event) => this.key(event);
    this.draw();
  }

  /** The clicker works in this window, too: what it does, the page says. @param {KeyboardEvent} event */
  key(event) {
    if (event.target === this.text || !KEYS[event.key]) return;
    event.preventDefault();
    const key = this.store.state.slide ? event.key : KEYS[event.key];
    document.body.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
  }

  draw() {
    if (!this.popup || this.popup.closed) return;
    const { state } = this.store;
    const { playhead, shown, frames, run } = state;
    const reach = reachOf(state);
    this.title.textContent = fill(this.words.title, { s: playhead.at + 1, steps: longest(reach) });
    this.told.textContent = run.told;
    const lanes = (shown?.lanes ?? []).map(({ name }, lane) => {
      const now = frames[lane]?.[stepAt(reach, lane, playhead.at)];
      const next = frames[lane]?.[stepAt(reach, lane, playhead.at + 1)];
      const said = now ? el("p", {}, stepLine(this.line, now).replaceAll("|", "")) : null;
      return el("section", {}, el("h2", {}, name), said, ...this.preview(next !== now && next, shown?.grid ?? 16));
    });
    this.lanes.replaceChildren(...lanes);
    this.lesson.replaceChildren(...this.tell(state));
    this.load();
  }

  /** Another place has another note. Within one nothing is loaded: the lecturer may be writing. */
  load() {
    const { place } = this;
    if (place === this.noted) return;
    this.noted = place;
    this.text.value = this.kept[place] ?? "";
  }

  /**
   * What the audience has before it, what comes next, and the question with its answer.
   * @param {import("../types.js").State} state
   */
  tell({ slide }) {
    if (!slide) return [];
    const { lesson, at, part } = slide;
    const { title, question } = lesson.pages[at];
    const next = slideAfter(slide, 1);
    const { parts } = this.lessons.slides;
    const then = next && (next.at === at ? parts[next.part] : lesson.pages[next.at].title);
    const answers = question.answers.map(({ text, why, right }, i) => {
      const said = el(right ? "b" : "span", {}, "ABCDE"[i], ". ", ...this.glossary.inline(text), right ? " ✓ " : " ");
      return el("p", {}, said, ...this.glossary.inline(why));
    });
    return [
      el("h1", {}, title),
      el("p", {}, fill(this.words.slide, { part: parts[part], next: then ?? parts.end })),
      el("h2", {}, ...this.glossary.inline(question.ask)),
      ...answers,
    ];
  }

  /** The decision of the step to come, if there is one. @param {import("../types.js").Frame | false | undefined} frame @param {number} grid */
  preview(frame, grid) {
    if (!frame) return [];
    const canvas = el("canvas", { width: grid * CELL, height: grid * CELL, "aria-hidden": "true" });
    const colours = pageColours(document.querySelector(".tc-stage") ?? document.body);
    const none = { before: null, others: null, byHand: null, guessed: null };
    const look = { ...none, ...this.store.state.view, grid, cell: CELL, colours, frame };
    drawPanel(canvas, "decision", { ...look, layout: "loop" });
    return [el("p", {}, this.words.next), canvas];
  }

  /** What a note belongs to: the lesson's page; or the example, or the run's settings, and the step. */
  get place() {
    const { shown, playhead, slide } = this.store.state;
    if (slide) return `lesson ${slide.lesson.title} ${slide.at + 1}`;
    return `${shown?.recorded ?? (shown ? settingsOf(shown) : "")} ${playhead.at}`;
  }

  keep() {
    remember(KEPT, JSON.stringify({ ...this.kept, [this.noted]: this.text.value }));
  }

  /** All notes, by what they belong to. */
  get kept() {
    return recallValue(KEPT, /** @type {Record<string, string>} */ ({}));
  }
}
