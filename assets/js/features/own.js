// A picture of the visitor's own: its tokens, what they decode to, the critic's scores; refined as the third lane.

import { contextOf, fit, plainCell } from "../draw/cells.js";
import { pageColours, scoreColour } from "../draw/colours.js";
import { floats } from "../draw/frame.js";
import { actionButton, el } from "../lib/dom.js";
import { fill, mean } from "../lib/text.js";
import { ask, messageOf } from "../transport/server.js";
import { REFINED } from "./branches.js";

const MOST_BYTES = 16e6;

/**
 * @typedef {object} Seen
 * @property {unknown} pack whose tokens these are
 * @property {string} label
 * @property {number} grid
 * @property {number[]} tokens
 * @property {string} picture
 * @property {string} shown
 * @property {Float32Array} scores
 */

export class OwnPicture {
  /**
   * @param {import("../main.js").Page} page
   * @param {(origin: import("../types.js").Origin) => void} refine
   */
  constructor({ store, words, places }, refine) {
    this.store = store;
    this.words = words.own;
    this.places = places;
    this.url = "";
    this.asked = ""; // the pack, class and picture that were asked about last
    this.asking = new AbortController(); // of that question
    /** @type {Seen | null} */
    this.seen = null;
    this.view = buildView(
      this.words,
      () => this.take(this.view.file.files?.[0]),
      () => this.refine(refine),
    );
    const { root } = this.view;
    root.addEventListener("dragover", (event) => event.preventDefault());
    root.addEventListener("drop", (event) => {
      event.preventDefault();
      this.take(event.dataTransfer?.files[0]);
    });
    new ResizeObserver(() => this.draw()).observe(root);
    store.on(["controls", "run"], () => this.idle());
    store.on(["planned", "place"], () => this.follow());
  }

  /** @param {File | undefined} file */
  async take(file) {
    if (!file) return;
    const url = file.size > MOST_BYTES ? "" : await readAsDataUrl(file);
    this.view.file.value = ""; // the same file again is a choice, too
    if (!url) return this.tell(this.words.no_picture);
    this.url = url;
    this.look();
  }

  /** The class or the pack may have changed, and with it what the critic says to who sees the picture. */
  follow() {
    if (this.url && this.store.state.place === "refine" && this.asked !== this.question) this.look();
  }

  get question() {
    const { pack, label } = this.store.state.controls;
    return JSON.stringify([pack, label, this.url.length, this.url.slice(-64)]);
  }

  /** Nothing can be refined while a run is under way, or with another pack: its tokens are others. */
  idle() {
    const { run, controls } = this.store.state;
    this.view.go.disabled = !this.seen || this.seen.pack !== controls.pack || run.going;
  }

  async look() {
    this.asking.abort();
    this.asking = new AbortController();
    const { signal } = this.asking;
    this.asked = this.question;
    const { pack, label } = this.store.state.controls;
    const given = { pack, label, url: this.url };
    const found = await ask("look", given, signal).catch((error) => ({ wrong: messageOf(error, this.words.failed) }));
    if (signal.aborted) return; // another one was asked for meanwhile
    this.seen = found.wrong ? null : { ...found, pack, scores: floats(found.scores) };
    this.view.views.hidden = !this.seen;
    this.idle();
    if (!this.seen) return this.tell(found.wrong);
    const { picture, shown, tokens, scores } = this.seen;
    this.view.images[0].src = picture;
    this.view.images[1].src = shown;
    this.view.captions[1].textContent = fill(this.words.shown, { n: tokens.length });
    this.tell(fill(this.words.said, { label: this.seen.label, score: mean(scores).toFixed(2) }));
    this.draw();
  }

  /** @param {string} text */
  tell(text) {
    this.view.status.textContent = text;
  }

  draw() {
    if (!this.seen || !this.view.canvas.offsetParent) return;
    const { grid, scores } = this.seen;
    const look = { grid, cell: fit(this.view.canvas, grid), colours: pageColours(this.view.root) };
    const context = contextOf(this.view.canvas);
    for (const [i, score] of scores.entries()) plainCell(context, look, i, scoreColour(score));
  }

  /** @param {(origin: import("../types.js").Origin) => void} start */
  refine(start) {
    if (!this.seen || !this.view.share.reportValidity()) return;
    start({ tokens: this.seen.tokens, fraction: this.view.share.valueAsNumber / 100 });
    if (this.store.state.lesson)
      this.places.go("learn"); // where a lesson has its lanes
    else this.places.open("compare");
  }
}

/**
 * @param {import("../types.js").Words} words
 * @param {() => void} take the chosen file
 * @param {() => void} refine
 */
function buildView(words, take, refine) {
  const limits = { min: 1, max: 99, value: REFINED, "aria-label": words.fraction };
  const view = {
    file: el("input", { type: "file", accept: "image/*", class: "tc-hidden-file", onchange: take }),
    status: el("p", { class: "tc-status", role: "status" }, words.begin),
    share: el("input", { type: "number", class: "tc-share-masked", ...limits }),
    go: actionButton(words.refine, refine, { disabled: true }),
    canvas: el("canvas", { width: 16, height: 16, role: "img", "aria-label": words.scores }),
    images: [0, 1].map(() => el("img", { alt: "", width: 192, height: 192 })),
    captions: ["picture", "shown", "scores"].map((name) => el("figcaption", {}, words[name])),
  };
  view.go.classList.add("is-main");
  const figures = [...view.images, view.canvas].map((node, i) =>
    el("figure", { class: "tc-panel" }, view.captions[i], el("div", { class: "tc-canvas" }, node)),
  );
  const views = el("div", { class: "tc-own-views", hidden: true }, ...figures);
  const choose = el("label", { class: "tc-action tc-file" }, words.choose, view.file);
  const root = el(
    "div",
    { class: "tc-stage tc-own" },
    el("p", {}, words.what),
    el("div", { class: "tc-actions" }, choose, el("span", { class: "tc-drop" }, words.drop)),
    view.status,
    views,
    el("div", { class: "tc-actions" }, view.go, el("span", { class: "tc-percent" }, view.share, "%")),
  );
  return { ...view, views, root };
}

/** @param {File} file @returns {Promise<string>} */
function readAsDataUrl(file) {
  return new Promise((done) => {
    const reader = new FileReader();
    reader.onload = () => done(String(reader.result));
    reader.onerror = () => done("");
    reader.readAsDataURL(file);
  });
}
