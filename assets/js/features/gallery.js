// Many pictures at once: a row for each lane, sorted as the visitor likes; one of them opens in the lanes.

import { actionButton, el, enableLater, restWhile, scrollTo } from "../lib/dom.js";
import { fill } from "../lib/text.js";
import { ask, messageOf, runLines } from "../transport/server.js";

const ORDERS = ["drawn", "score", "named", "nearest"];
const COUNTS = [8, 16, 32, 64]; // pictures of each lane

/**
 * @typedef {object} Item
 * @property {number} lane
 * @property {number} i its number
 * @property {number} seed
 * @property {string} picture a data URL
 * @property {number | null} score the critic's mean score
 * @property {number} [named] how surely the classifier names the class
 * @property {number} [distance] to the nearest training picture
 * @property {HTMLElement} node
 * @property {HTMLElement} caption
 */

export class Gallery {
  /** @param {import("../main.js").Page} page */
  constructor({ store, words, runs }) {
    this.store = store;
    this.words = words.gallery;
    this.runs = runs;
    this.run = { id: "", going: false, why: "" };
    this.reading = new AbortController();
    /** @type {import("../types.js").Begin | null} */
    this.shown = null;
    /** @type {Item[][]} of each lane, as they came */
    this.items = [];
    /** @type {HTMLElement[]} */
    this.rows = [];
    const { words: w } = this;
    const counts = COUNTS.map((n) => el("option", { value: n }, String(n)));
    this.count = el("select", { "data-gallery": "count" }, ...counts);
    this.draw = actionButton(w.draw, () => this.start(), { id: "tc-draw" });
    this.draw.classList.add("is-main");
    this.stop = actionButton(w.stop, () => this.end(), { id: "tc-many-stop", hidden: true });
    const orders = ORDERS.map((name) => el("option", { value: name }, w.orders[name]));
    this.order = el(
      "select",
      { "data-gallery": "order", "aria-label": w.order, onchange: () => this.sort() },
      ...orders,
    );
    this.measure = actionButton(w.nearest, () => this.nearest(), { disabled: true, title: w.nearest_help });
    this.status = el("p", { class: "tc-status", role: "status" }, w.empty);
    this.body = el("div", { class: "tc-gallery-rows" });
    const count = el("label", { class: "tc-switch" }, w.count, this.count);
    const actions = el("div", { class: "tc-actions" }, count, this.draw, this.stop, this.order, this.measure);
    this.root = el("div", { class: "tc-stage tc-gallery" }, actions, this.status, this.body);
  }

  async start() {
    this.reading.abort();
    const reading = new AbortController();
    this.reading = reading;
    const before = this.run;
    this.run = { id: "", going: true, why: "" };
    this.progress();
    let wrong = this.words.no_answer;
    try {
      const request = { gallery: { ...this.store.state.controls, count: Number(this.count.value) } };
      for await (const line of runLines(request, reading.signal)) this.take(line);
    } catch (error) {
      wrong = messageOf(error, this.words.no_answer);
    }
    if (this.reading !== reading || !this.run.going) return; // it has come to its end
    const begun = Boolean(this.run.id);
    this.run = begun ? { ...this.run, going: false, why: "failed" } : before; // what was drawn before is still here
    this.progress();
    if (!begun && !reading.signal.aborted) this.status.textContent = wrong;
  }

  end() {
    if (!this.run.id) return this.reading.abort();
    ask("stop", { run: this.run.id }).catch(() => this.reading.abort());
  }

  /** @param {any} line */
  take(line) {
    if (line.kind === "begin") this.begin(line);
    for (const item of line.steps ?? []) this.add(item);
    if (line.kind === "end") this.finish(line);
  }

  /** @param {import("../types.js").Begin} begin */
  begin(begin) {
    this.run = { ...this.run, id: begin.run };
    this.shown = begin;
    this.items = begin.lanes.map(() => []);
    this.rows = begin.lanes.map(() => el("div", { class: "tc-gallery-row" }));
    const sections = begin.lanes.map(({ name }, i) =>
      el("section", { "aria-label": name }, el("h3", {}, name), this.rows[i]),
    );
    this.body.replaceChildren(...sections);
    this.progress();
  }

  /** @param {Item} item */
  add(item) {
    item.caption = el("span", {});
    const picture = el("img", { src: item.picture, width: 64, height: 64, alt: "" });
    const open = { type: "button", class: "tc-gallery-one", onclick: () => this.open(item) };
    item.node = el("button", open, picture, item.caption);
    this.items[item.lane].push(item);
    this.rows[item.lane].append(item.node);
    this.describe(item);
    this.progress();
  }

  /** @param {{why: string, scores: number[][]}} end `scores`: of each picture, how surely the classifier names the class */
  finish({ why, scores }) {
    scores.forEach((values, lane) => {
      values.forEach((p, i) => {
        if (this.items[lane][i]) this.items[lane][i].named = p;
      });
    });
    this.run = { ...this.run, going: false, why };
    this.progress();
    this.sort();
  }

  progress() {
    const { run, words, shown } = this;
    const done = this.items.flat().length;
    const whole = shown ? (shown.count ?? 0) * shown.lanes.length : 0;
    const goes = run.id ? words.progress : words.starting;
    const sentence = run.going ? goes : (words.done[run.why] ?? words.empty);
    this.status.textContent = fill(sentence, { done, whole, label: shown?.label });
    this.measure.disabled = run.going || !done;
    if (this.draw.hidden !== run.going) this.swap(run.going);
  }

  /** Draw and Stop take each other's place. @param {boolean} going */
  swap(going) {
    const [hides, appears] = going ? [this.draw, this.stop] : [this.stop, this.draw];
    const held = document.activeElement === hides;
    hides.hidden = true;
    appears.hidden = false;
    if (going) enableLater(this.stop, () => held && document.activeElement === document.body);
    if (held) appears.focus();
  }

  /** @param {Item} item */
  describe(item) {
    const { words } = this;
    const parts = [fill(words.seed, item)];
    if (item.score !== null) parts.push(fill(words.score, { p: item.score.toFixed(2) }));
    if (item.named !== undefined) parts.push(fill(words.named, { p: item.named.toFixed(2) }));
    if (item.distance !== undefined) parts.push(fill(words.distance, { d: Math.round(item.distance) }));
    item.node.title = parts.join(", ");
    item.node.setAttribute("aria-label", parts.join(", "));
    item.caption.textContent = this.captionOf(item);
  }

  /** What the pictures are sorted by, else the critic's score. @param {Item} item */
  captionOf(item) {
    if (this.order.value === "nearest" && item.distance !== undefined) return String(Math.round(item.distance));
    const shown = this.order.value === "named" ? item.named : item.score;
    return (shown ?? item.score)?.toFixed(2) ?? "";
  }

  sort() {
    /** @type {Record<string, (item: Item) => number>} */
    const keys = {
      drawn: (item) => item.i,
      score: (item) => -(item.score ?? 0),
      named: (item) => -(item.named ?? 0),
      nearest: (item) => item.distance ?? 0,
    };
    const key = keys[this.order.value];
    this.items.forEach((items, lane) => {
      for (const item of items) this.describe(item);
      const sorted = [...items].sort((a, b) => key(a) - key(b) || a.i - b.i);
      this.rows[lane].replaceChildren(...sorted.map((item) => item.node));
    });
  }

  async nearest() {
    this.status.textContent = this.words.measuring;
    const { id } = this.run;
    const { no_answer, not_kept } = this.words;
    const failed = (/** @type {unknown} */ error) => ({ distances: [], wrong: messageOf(error, no_answer) });
    const measured = () => ask("nearest", { run: id }).catch(failed);
    const { distances, wrong = not_kept } = await restWhile(this.measure, measured);
    if (id !== this.run.id) return this.progress(); // others have been drawn meanwhile
    this.setDistances(distances);
    this.progress();
    this.sort();
    if (!distances.length) this.status.textContent = wrong;
  }

  /** @param {number[][]} distances */
  setDistances(distances) {
    distances.forEach((values, lane) => {
      values.forEach((distance, i) => {
        if (this.items[lane][i]) this.items[lane][i].distance = distance;
      });
    });
    if (distances.length) this.order.value = "nearest";
  }

  /** Show how a picture came about. @param {Item} item */
  open(item) {
    if (!this.shown || this.store.state.run.going) return;
    this.runs.start({ controls: { ...this.store.state.controls, third: null, ...this.shown.ask, seed: item.seed } });
    scrollTo(document.querySelector(".tc-top"));
  }
}
