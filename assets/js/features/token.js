// The life of the pinned token: in each lane, step by step, what was proposed there, its score and what became of it;
// and at the step that is shown, what the generator held likeliest.

import { scoreColour } from "../draw/colours.js";
import { MASK, STATES, scoresOf } from "../draw/frame.js";
import { el } from "../lib/dom.js";
import { nameOfLane } from "../lib/lanes.js";
import { digits, fill, rowAndColumn, scoreText } from "../lib/text.js";
import { reachOf, stepAt } from "../playhead.js";

const SIGNS = ["·", "+", "", "×"]; // of the states, beside their colours
const DARK_TEXT_ABOVE = 0.46; // scores whose colour is light
const FULL = 65535; // a probability of 1

/** @typedef {import("../types.js").Frame} Frame */

export class TokenLife {
  /**
   * @param {import("../store.js").Store} store
   * @param {import("../types.js").Words} words
   * @param {import("./patches.js").Patches} patches
   * @param {(lane: number, s: number) => void} go shows a step
   */
  constructor(store, words, patches, go) {
    this.store = store;
    this.words = words;
    this.patches = patches;
    this.go = go;
    this.place = -1;
    /** @type {any[]} all that decided the rows */
    this.drawn = [];
    /** @type {(number | undefined)[]} the step that is marked in each row */
    this.marked = [];
    this.title = el("h3", { class: "tc-token-name" });
    this.rows = el("div", { class: "tc-lives" });
    this.node = el("section", { class: "tc-token", "aria-label": words.title, hidden: true }, this.title, this.rows);
    this.hint = el("p", { class: "tc-hint" }, words.hint);
  }

  /** @param {import("../types.js").State} state */
  draw(state) {
    const { pinned, shown, frames, playhead } = state;
    this.node.hidden = pinned < 0 || !shown;
    this.hint.hidden = pinned >= 0;
    this.place = pinned;
    if (pinned < 0 || !shown) return;
    this.title.textContent = fill(this.words.named, rowAndColumn(pinned, shown.grid));
    const decides = [pinned, shown, ...frames];
    if (decides.length !== this.drawn.length || decides.some((one, i) => one !== this.drawn[i])) {
      this.drawn = decides;
      this.marked = [];
      this.rows.replaceChildren(
        ...frames.map((steps, lane) => this.row(nameOfLane(shown.lanes, lane, this.words), steps, lane)),
      );
    }
    const reach = reachOf(state);
    frames.forEach((steps, lane) => {
      const s = stepAt(reach, lane, playhead.at);
      this.mark(lane, s, steps[s]);
    });
  }

  /** @param {string} name @param {Frame[]} frames @param {number} lane */
  row(name, frames, lane) {
    const strip = el("div", { class: "tc-life" }, ...frames.map((frame, s) => this.step(frame, lane, s)));
    return el("div", { class: "tc-life-row" }, el("h4", {}, name), strip, el("div", { class: "tc-now-here" }));
  }

  /** @param {Frame} frame @param {number} lane @param {number} s */
  step(frame, lane, s) {
    const { words } = this;
    const { score, state, token } = eventOf(frame, this.place);
    const values = { s: s + 1, token, score: scoreText(score, words), state: words.states[state] };
    const label = fill(words.step, values);
    const coloured = `background:${scoreColour(score)};color:${score > DARK_TEXT_ABOVE ? "#000" : "#fff"}`;
    const number = Number.isNaN(score) ? el("span", {}, "–") : el("span", { style: coloured }, digits(score));
    return el(
      "button",
      {
        type: "button",
        class: `tc-life-step tc-is-${STATES[state]}`,
        title: label,
        "aria-label": label,
        onclick: () => this.go(lane, s),
      },
      this.patches.node(token),
      el("b", {}, SIGNS[state]),
      number,
    );
  }

  /** @param {number} lane @param {number} s @param {Frame | undefined} frame */
  mark(lane, s, frame) {
    const before = this.marked[lane];
    if (before === s) return;
    const row = this.rows.children[lane];
    const strip = row.children[1];
    if (before !== undefined) strip.children[before]?.classList.remove("is-now");
    const one = /** @type {HTMLElement | undefined} */ (strip.children[s]);
    one?.classList.add("is-now");
    this.marked[lane] = s;
    if (one && strip.scrollWidth > strip.clientWidth) {
      strip.scrollLeft = one.offsetLeft - (strip.clientWidth - one.offsetWidth) / 2;
    }
    row.lastElementChild?.replaceChildren(...(frame ? this.candidates(frame) : []));
  }

  /** The five likeliest tokens, a bar each. @param {Frame} frame */
  candidates(frame) {
    const { place, words } = this;
    const isVisible = frame.tokens[place] !== MASK;
    const bars = candidatesOf(frame, place).map(({ token, p }) => {
      const bar = el("span", { class: "tc-bar-p", style: `--p:${p}` });
      const chosen = token === frame.proposal[place] ? "is-chosen" : "";
      return el("li", { class: chosen }, this.patches.node(token), bar, el("span", {}, digits(p)));
    });
    const values = { s: frame.s + 1, p: digits(frame.confidence[place]) };
    const nodes = [
      el("p", {}, fill(isVisible ? words.visible : words.masked, values)),
      el("ol", { class: "tc-candidates" }, ...bars),
    ];
    return isVisible ? [...nodes, el("p", { class: "tc-warning" }, words.warning)] : nodes;
  }
}

/**
 * What happened at a place in a step.
 * @param {Frame} frame
 * @param {number} place
 */
export function eventOf(frame, place) {
  return { token: frame.proposal[place], score: scoresOf(frame)[place], state: frame.state[place] };
}

/**
 * The likeliest tokens of a place, and the generator's probability of each.
 * @param {Frame} frame
 * @param {number} place
 */
export function candidatesOf(frame, place) {
  const count = frame.topTokens.length / frame.state.length;
  return Array.from({ length: count }, (_, k) => {
    const at = place * count + k;
    return { token: frame.topTokens[at], p: frame.topProbs[at] / FULL };
  });
}
