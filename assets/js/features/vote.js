// A blind vote: pairs of pictures, one of each lane, in an order by lot; who drew which is told at the end.

import { Batch } from "../batch.js";
import { actionButton, el, isTyping } from "../lib/dom.js";
import { fill } from "../lib/text.js";

const PAIRS = 16;
const CHOICES = /** @type {const} */ (["left", "right", "same"]);
const KEYS = { ArrowLeft: "left", ArrowRight: "right", ArrowDown: "same" };

export class Vote {
  /**
   * @param {import("../main.js").Page} page
   * @param {() => number} lot
   */
  constructor({ plans, words }, lot = Math.random) {
    this.words = words.vote;
    this.lot = lot;
    this.noAnswer = words.vote.no_answer;
    this.batch = new Batch(plans, this);
    /** @type {import("../types.js").Begin | null} */
    this.shown = null;
    /** @type {string[][]} pictures of each lane */
    this.pictures = [[], []];
    /** @type {number[]} of each pair the lane that is on the left */
    this.lefts = [];
    /** @type {(number | null)[]} the lanes that were chosen; null: no difference */
    this.votes = [];
    this.going = false; // whether the visitor is being asked
    const w = this.words;
    this.startButton = actionButton(w.start, () => this.start(), { "data-vote": "start" });
    this.startButton.classList.add("is-main");
    this.stopButton = actionButton(w.stop, () => this.stop(), { "data-vote": "stop", hidden: true });
    this.status = el("p", { class: "tc-status", role: "status" }, w.what);
    this.images = CHOICES.slice(0, 2).map(() => el("img", { width: 192, height: 192, alt: "" }));
    this.answers = CHOICES.map((side, i) =>
      el(
        "button",
        { type: "button", class: "tc-vote-one", "data-vote": side, onclick: () => this.choose(side) },
        this.images[i],
        el("span", {}, w[side]),
      ),
    );
    this.board = el(
      "div",
      { class: "tc-vote-board", hidden: true, onkeydown: (/** @type {KeyboardEvent} */ e) => this.press(e) },
      ...this.answers,
    );
    const actions = el("div", { class: "tc-actions" }, this.startButton, this.stopButton);
    this.root = el("div", { class: "tc-stage tc-vote" }, actions, this.status, this.board);
  }

  start() {
    this.pictures = [[], []];
    this.votes = [];
    this.lefts = Array.from({ length: PAIRS }, () => (this.lot() < 0.5 ? 0 : 1));
    this.shown = null;
    this.going = true;
    // other pictures than those above and in "16 of each", whose rules are named there
    this.batch.start(PAIRS, { third: null, seed: Math.floor(this.lot() * 2 ** 31) });
  }

  /** The visitor has voted enough. */
  stop() {
    if (this.batch.run.going) this.batch.stop();
    this.tell();
  }

  changed() {
    const { going, why } = this.batch.run;
    if (going || why === "failed") this.progress(); // what is drawn is still asked
  }

  /** @param {import("../types.js").Begin} begin */
  begin(begin) {
    this.shown = begin;
    this.progress();
  }

  /** @param {import("../batch.js").Item} item */
  add({ lane, picture }) {
    this.pictures[lane].push(picture);
    this.progress();
  }

  finish() {
    this.progress();
  }

  /** @param {string} text */
  refused(text) {
    this.rest();
    this.status.textContent = text;
  }

  /** Show the next pair, or that it is being drawn, or the result. */
  progress() {
    const { words, shown, votes } = this;
    const n = votes.length;
    if (!this.going) return;
    if (n === PAIRS) return this.tell();
    this.startButton.hidden = true;
    this.stopButton.hidden = false;
    const pair = this.lefts[n] === 0 ? [0, 1] : [1, 0];
    const ready = Boolean(shown) && pair.every((lane) => this.pictures[lane].length > n);
    if (!ready && shown && !this.batch.run.going) return this.tell(); // it was stopped
    const waited = this.answers[0].disabled;
    const held = this.board.contains(document.activeElement) || document.activeElement === document.body;
    for (const answer of this.answers) answer.disabled = !ready;
    this.board.hidden = !ready && !n;
    if (!ready) {
      this.status.textContent = shown ? words.drawing : words.starting;
      return;
    }
    pair.forEach((lane, side) => {
      this.images[side].src = this.pictures[lane][n];
    });
    this.status.textContent = fill(words.asks, { n: n + 1, whole: PAIRS, label: shown?.label });
    if ((waited || n === 0) && held && !this.board.contains(document.activeElement)) {
      this.answers[0].focus({ preventScroll: true });
    }
  }

  /** @param {typeof CHOICES[number]} side */
  choose(side) {
    if (!this.going || this.answers[0].disabled) return;
    const left = this.lefts[this.votes.length];
    this.votes.push(side === "same" ? null : side === "left" ? left : 1 - left);
    this.progress();
  }

  /** @param {KeyboardEvent} event */
  press(event) {
    const side = /** @type {typeof CHOICES[number] | undefined} */ (/** @type {any} */ (KEYS)[event.key]);
    if (!side || isTyping(event)) return;
    event.preventDefault();
    event.stopPropagation(); // the page's own keys move the playhead
    if (!event.repeat) this.choose(side);
  }

  /** Who won. */
  tell() {
    const { words, votes, shown } = this;
    this.rest();
    const [a, b] = [0, 1].map((lane) => votes.filter((vote) => vote === lane).length);
    if (!votes.length || !shown) {
      this.status.textContent = words.no_votes;
      return;
    }
    const names = shown.lanes.slice(0, 2).map(({ name }, i) => {
      const both = shown.lanes[0].name === shown.lanes[1].name;
      return both ? fill(words.lane, { name, lane: i + 1 }) : name;
    });
    const said = fill(words.result, { first: names[0], a, second: names[1], b, same: votes.length - a - b });
    const chance = fill(words.chance, { p: share(signTest(a, b)) });
    this.status.textContent = `${said} ${a + b ? chance : ""}`;
  }

  /** Nothing is asked. */
  rest() {
    const held = this.root.contains(document.activeElement);
    this.going = false;
    this.board.hidden = true;
    this.stopButton.hidden = true;
    this.startButton.hidden = false;
    this.startButton.textContent = this.votes.length ? this.words.again : this.words.start;
    if (held) this.startButton.focus({ preventScroll: true });
  }
}

/**
 * How often a fair coin gives a result at least as uneven as a against b (two-sided sign test).
 * @param {number} a
 * @param {number} b
 */
export function signTest(a, b) {
  const n = a + b;
  let tail = 0;
  let ways = 1; // n over k
  for (let k = 0; k <= Math.min(a, b); k += 1) {
    tail += ways;
    ways = (ways * (n - k)) / (k + 1);
  }
  return Math.min(1, (2 * tail) / 2 ** n);
}

/** In percent; the words add the sign. @param {number} p */
function share(p) {
  return p < 0.01 ? (100 * p).toFixed(1) : Math.round(100 * p);
}
