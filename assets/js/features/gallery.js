// Many pictures at once: a row for each lane, sorted as the visitor likes; one of them opens in the lanes.

import { Batch } from "../batch.js";
import { actionButton, el, enableLater, restWhile } from "../lib/dom.js";
import { fill } from "../lib/text.js";
import { ask, messageOf } from "../transport/server.js";

const ORDERS = ["drawn", "score", "named", "nearest"];
const COUNTS = [8, 16, 32, 64]; // pictures of each lane
const FEW = 16; // that are drawn larger
const LARGE = 128; // pixels of a picture
const SMALL = 64;

/**
 * A picture as it is shown.
 * @typedef {import("../batch.js").Item & {named?: number, distance?: number, node: HTMLElement, nearest: HTMLImageElement, caption: HTMLElement}} Item
 * `named`: how surely the classifier names the class; `distance` to the `nearest` training picture, which is shown then
 */

export class Gallery {
  /**
   * @param {import("../main.js").Page} page
   * @param {import("../types.js").Words} words
   * @param {number} [fixed] how many pictures of each lane; without it the visitor chooses, and orders them
   */
  constructor({ store, plans, runs, places }, words, fixed) {
    this.store = store;
    this.words = words;
    this.runs = runs;
    this.places = places;
    this.batch = new Batch(plans, this);
    this.noAnswer = words.no_answer;
    /** @type {import("../types.js").Begin | null} */
    this.shown = null;
    /** @type {Item[][]} of each lane, as they came */
    this.items = [];
    /** @type {HTMLElement[]} */
    this.rows = [];
    const w = words;
    const counts = (fixed ? [fixed] : COUNTS).map((n) => el("option", { value: n }, String(n)));
    this.count = el("select", { "data-gallery": "count" }, ...counts);
    this.draw = actionButton(w.draw, () => this.batch.start(Number(this.count.value)), { "data-gallery": "draw" });
    this.draw.classList.add("is-main");
    this.stop = actionButton(w.stop, () => this.batch.stop(), { "data-gallery": "stop", hidden: true });
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
    const chosen = fixed ? [] : [this.order, this.measure];
    const actions = el("div", { class: "tc-actions" }, fixed ? null : count, this.draw, this.stop, ...chosen);
    this.root = el("div", { class: "tc-stage tc-gallery" }, actions, this.status, this.body);
    if (fixed) return;
    this.count.addEventListener("change", () => this.outline());
    store.on(["planned"], () => this.outline());
    this.outline();
  }

  /** Before the first pictures: the places where they will stand, a row for each lane. */
  outline() {
    if (this.shown) return;
    const count = Number(this.count.value);
    const lanes = this.store.state.planned?.lanes.slice(0, 2) ?? [];
    const style = `--tc-side:${count > FEW ? SMALL : LARGE}px`;
    const places = () => Array.from({ length: count }, () => el("i", { class: "tc-gallery-none", style }));
    this.showRows(
      lanes.map(({ name }) => [name, el("div", { class: "tc-gallery-row", "aria-hidden": "true" }, ...places())]),
    );
  }

  get run() {
    return this.batch.run;
  }

  changed() {
    this.progress();
  }

  /** @param {string} text */
  refused(text) {
    this.status.textContent = text;
  }

  /** @param {import("../types.js").Begin} begin */
  begin(begin) {
    this.shown = begin;
    this.items = begin.lanes.map(() => []);
    this.rows = begin.lanes.map(() => el("div", { class: "tc-gallery-row" }));
    this.showRows(begin.lanes.map(({ name }, i) => [name, this.rows[i]]));
    this.progress();
  }

  /** Show a row under the name of each lane. @param {[string, HTMLElement][]} rows */
  showRows(rows) {
    const sections = rows.map(([name, row]) => el("section", { "aria-label": name }, el("h3", {}, name), row));
    this.body.replaceChildren(...sections);
  }

  /** @param {import("../batch.js").Item} sent */
  add(sent) {
    const caption = el("span", {});
    const picture = el("img", { alt: "", onload: () => this.size(picture.naturalWidth), src: sent.picture });
    const nearest = el("img", { alt: "", hidden: true });
    const open = { type: "button", class: "tc-gallery-one", onclick: () => this.open(sent) };
    const item = { ...sent, caption, nearest, node: el("button", open, picture, nearest, caption) };
    this.items[item.lane].push(item);
    this.rows[item.lane].append(item.node);
    this.describe(item);
    this.progress();
  }

  /** Draw all as large as there is room, at a whole number of pixels for each of theirs. @param {number} side */
  size(side) {
    const room = (this.shown?.count ?? 0) > FEW ? SMALL : LARGE;
    this.body.style.setProperty("--tc-side", `${side > room ? room : side * Math.floor(room / side)}px`);
    this.body.classList.toggle("is-reduced", side > room);
  }

  /** @param {{why: string, scores: number[][]}} end `scores`: of each picture, how surely the classifier names the class */
  finish({ scores }) {
    scores.forEach((values, lane) => {
      values.forEach((p, i) => {
        if (this.items[lane][i]) this.items[lane][i].named = p;
      });
    });
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
    const { captions } = this.words;
    const { score, named, distance } = item;
    const by = this.order.value;
    if (by === "nearest" && distance !== undefined) return fill(captions.nearest, { d: Math.round(distance) });
    if (by === "named" && named !== undefined) return fill(captions.named, { p: named.toFixed(2) });
    return score === null ? "" : fill(captions.score, { p: score.toFixed(2) });
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
    const failed = (/** @type {unknown} */ error) => ({
      distances: [],
      nearest: [],
      pictures: [],
      wrong: messageOf(error, no_answer),
    });
    const measured = () => ask("nearest", { run: id }).catch(failed);
    const { distances, nearest, pictures, wrong = not_kept } = await restWhile(this.measure, measured);
    if (id !== this.run.id) return this.progress(); // others have been drawn meanwhile
    this.setNearest(distances, nearest, pictures);
    this.progress();
    this.sort();
    this.status.textContent = distances.length ? this.words.nearest_said : wrong;
  }

  /**
   * @param {number[][]} distances of each lane's pictures
   * @param {number[][]} nearest which of `pictures` each is nearest to
   * @param {string[]} pictures data URLs
   */
  setNearest(distances, nearest, pictures) {
    distances.forEach((values, lane) => {
      values.forEach((distance, i) => {
        const item = this.items[lane][i];
        if (!item) return;
        item.distance = distance;
        item.nearest.src = pictures[nearest[lane][i]];
        item.nearest.hidden = false;
      });
    });
    if (distances.length) this.order.value = "nearest";
  }

  /** Show how a picture came about. @param {import("../batch.js").Item} item */
  open(item) {
    if (!this.shown) return;
    if (this.store.state.run.going) return this.refused(this.words.stop_first);
    this.places.open("compare"); // first: who leaves a lesson by that ends the run that goes then
    this.runs.start({ controls: { ...this.store.state.controls, third: null, ...this.shown.ask, seed: item.seed } });
  }
}
