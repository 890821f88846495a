// Spot the fakes: the critic's training as a game. Some tokens of a real picture are sampled; who finds them?
// A sampled token that equals the real one is no fake: nobody can see it, so it does not count.

import { contextOf, edgedCells, fit, outlinedCells, plainCell, wholePicture } from "../draw/cells.js";
import { pageColours, scaleGradient, scoreColour } from "../draw/colours.js";
import { bytes, floats, loadPicture } from "../draw/frame.js";
import { ARROWS, placeAfter, placeUnder } from "../draw/grid.js";
import { actionButton, el, restWhile, takesArrows } from "../lib/dom.js";
import { fill, rowAndColumn } from "../lib/text.js";
import { ask, messageOf } from "../transport/server.js";
import { rocCurve, rocFigure } from "./roc.js";

const SHARES = [0.1, 0.25, 0.5];
const USUAL_SHARE = 0.25;
const MARKS = ["found", "accused", "missed"]; // of the answer, as its legend names them

/**
 * @typedef {object} Deal
 * @property {string} name
 * @property {string} label
 * @property {number} grid
 * @property {Uint8Array} fake (N,) 1 where the token shown is not the real one
 * @property {Float32Array} scores (N,) the critic's
 * @property {number} fakes
 * @property {number} same sampled tokens that equal the real one
 * @property {HTMLImageElement} filled
 * @property {HTMLImageElement} real
 */
/** @typedef {{marks: number, mine: number, theirs: number, curve: [number, number][]}} Result */

export class Game {
  /** @param {import("../main.js").Page} page */
  constructor({ store, words }) {
    this.store = store;
    this.words = words.game;
    this.place = words.token.at;
    /** @type {Deal | null} */
    this.dealt = null;
    /** @type {Result | null} */
    this.result = null;
    this.pack = ""; // that was last asked for a picture
    this.waits = false; // for a picture
    /** @type {Set<number>} */
    this.marks = new Set();
    this.adds = true; // whether the stroke under way marks
    this.at = 0;
    this.rounds = { n: 0, mine: 0, theirs: 0 }; // sums of shares
    this.seed = Math.floor(Math.random() * 1e6);
    this.view = buildView(
      this.words,
      words.token.grid,
      () => this.deal(),
      () => this.check(),
    );
    this.listen();
    this.show();
    new ResizeObserver(() => this.draw()).observe(this.view.root);
    store.on(["controls", "place"], () => this.follow());
    this.follow();
  }

  /** Deal a picture of the pack that is chosen, so that who comes here finds one. */
  follow() {
    const { controls, place } = this.store.state;
    if (place === "fakes" && controls.pack !== this.pack) this.deal();
  }

  listen() {
    const { canvas } = this.view;
    canvas.addEventListener("pointerdown", (event) => this.stroke(event, true));
    canvas.addEventListener("pointermove", (event) => event.buttons && this.stroke(event, false));
    canvas.addEventListener("keydown", (event) => this.key(event));
    canvas.addEventListener("focus", () => this.draw());
    canvas.addEventListener("blur", () => this.draw());
  }

  get open() {
    return Boolean(this.dealt) && !this.result && !this.waits;
  }

  /** @returns {Promise<void>} */
  async deal() {
    const { pack } = this.store.state.controls;
    this.seed += 1;
    const { seed } = this;
    this.pack = pack;
    this.waits = true;
    const given = { pack, seed, fraction: Number(this.view.share.value) };
    const failed = (/** @type {unknown} */ error) => ({ wrong: messageOf(error, this.words.failed) });
    const found = await restWhile(this.view.dealing, () => ask("deal", given).catch(failed));
    if (seed !== this.seed) return; // another one was asked for meanwhile
    if (found.wrong) {
      this.waits = false;
      this.view.status.textContent = found.wrong;
      return;
    }
    const fake = bytes(found.fake);
    this.dealt = {
      ...found,
      fake,
      fakes: fake.reduce((sum, one) => sum + one, 0),
      scores: floats(found.scores),
      filled: await loadPicture(found.filled),
      real: await loadPicture(found.real),
    };
    this.marks = new Set();
    this.result = null;
    this.waits = false;
    if (!this.dealt?.fakes) return this.deal(); // each sampled token came out as the real one
    this.show();
  }

  /** @param {PointerEvent} event @param {boolean} begins */
  stroke(event, begins) {
    if (!this.dealt || !this.open) return;
    const place = placeUnder(this.view.canvas, event, this.dealt.grid);
    if (place < 0) return;
    this.at = place;
    if (begins) this.adds = !this.marks.has(place);
    this.mark(place, this.adds);
  }

  /** @param {number} place @param {boolean} adds */
  mark(place, adds) {
    if (adds) this.marks.add(place);
    else this.marks.delete(place);
    this.show();
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const step = ARROWS[event.key];
    if (!this.dealt || !this.open || !(step || event.key === "Enter" || event.key === " ")) return;
    event.preventDefault();
    event.stopPropagation(); // else the space bar plays the run
    if (step) this.at = placeAfter(this.at, step, this.dealt.grid);
    else this.mark(this.at, !this.marks.has(this.at));
    const said = [fill(this.place, rowAndColumn(this.at, this.dealt.grid))];
    if (this.marks.has(this.at)) said.push(this.words.marked);
    this.view.spoken.textContent = said.join(", ");
    this.show();
  }

  check() {
    if (!this.dealt) return;
    const { fake, scores } = this.dealt;
    const count = this.marks.size;
    const lowest = [...scores.keys()].sort((a, b) => scores[a] - scores[b] || a - b);
    const hits = (/** @type {number[]} */ places) => places.reduce((sum, place) => sum + fake[place], 0);
    const mine = hits([...this.marks]);
    const theirs = hits(lowest.slice(0, count));
    this.result = { marks: count, mine, theirs, curve: rocCurve(lowest, fake) };
    const { rounds } = this;
    this.rounds = { n: rounds.n + 1, mine: rounds.mine + mine / count, theirs: rounds.theirs + theirs / count };
    this.store.set({ rounds: this.rounds.n });
    this.show();
  }

  show() {
    const { words, dealt, result } = this;
    this.view.checking.disabled = !this.open || !this.marks.size;
    this.view.after.hidden = !result;
    this.view.task.hidden = Boolean(result);
    this.view.legend.hidden = !result;
    if (!dealt) this.view.status.textContent = words.begin;
    else {
      const chance = percent(dealt.fakes / dealt.fake.length);
      const drawn = dealt.fakes + dealt.same;
      const riddle = { ...dealt, drawn, n: dealt.fake.length, chance, marks: this.marks.size };
      if (result) this.showResult(dealt, result, chance);
      else this.view.status.textContent = fill(words.riddle, riddle);
    }
    this.draw();
  }

  /** @param {Deal} dealt @param {Result} result @param {number} chance */
  showResult(dealt, result, chance) {
    const { words, rounds } = this;
    const shares = {
      mine_share: percent(result.mine / result.marks),
      theirs_share: percent(result.theirs / result.marks),
    };
    const { name, same, fakes } = dealt;
    this.view.status.textContent = fill(words.result, { ...result, ...shares, name, same, fakes, chance });
    const counts = [result.mine, result.marks - result.mine, fakes - result.mine];
    this.view.legend.replaceChildren(
      ...MARKS.map((name, i) => legendItem(name, fill(words.marks[name], { n: counts[i] }))),
    );
    const total = { n: rounds.n, mine: percent(rounds.mine / rounds.n), theirs: percent(rounds.theirs / rounds.n) };
    this.view.total.textContent = fill(rounds.n === 1 ? words.total_one : words.total_many, total);
  }

  draw() {
    const { dealt, result, marks } = this;
    const { canvas } = this.view;
    if (!dealt || !this.view.root.clientWidth) return;
    const { grid, fake } = dealt;
    const colours = pageColours(this.view.root);
    const look = { grid, colours, cell: fit(canvas, grid) };
    const context = contextOf(canvas);
    wholePicture(context, look, dealt.filled);
    const found = [...marks].filter((place) => !result || fake[place]);
    edgedCells(context, look, found, colours.new);
    if (result) {
      const accused = [...marks].filter((place) => !fake[place]);
      edgedCells(context, look, accused, colours.revoked, "crossed");
      const missed = [...fake.keys()].filter((place) => fake[place] && !marks.has(place));
      edgedCells(context, look, missed, colours.differ, "dashed");
    }
    if (document.activeElement === canvas && this.open) outlinedCells(context, look, [this.at], colours.cursor);
    canvas.setAttribute("aria-label", this.view.status.textContent ?? "");
    if (result) this.drawAnswer(dealt, result, look);
  }

  /** @param {Deal} dealt @param {Result} result @param {import("../draw/cells.js").Look} look */
  drawAnswer({ grid, fake, fakes, scores, real }, result, look) {
    const small = { ...look, cell: fit(this.view.scores, grid) };
    const context = contextOf(this.view.scores);
    for (const [i, score] of scores.entries()) plainCell(context, small, i, scoreColour(score));
    fit(this.view.real, grid);
    wholePicture(contextOf(this.view.real), small, real);
    /** @type {[number, number]} */
    const point = [(result.marks - result.mine) / (fake.length - fakes), result.mine / fakes];
    this.view.roc.replaceChildren(...rocFigure(result.curve, [[0, 0], point, [1, 1]], this.words));
  }
}

/**
 * The elements of the game.
 * @param {import("../types.js").Words} words
 * @param {string} grid what the board is
 * @param {() => void} deal
 * @param {() => void} check
 */
function buildView(words, grid, deal, check) {
  const shares = SHARES.map((share) =>
    el("option", { value: share, selected: share === USUAL_SHARE }, fill(words.percent, { n: 100 * share })),
  );
  const small = (/** @type {string} */ name) =>
    el("canvas", { width: 16, height: 16, role: "img", "aria-label": words[name] });
  const view = {
    share: el("select", {}, ...shares),
    dealing: actionButton(words.deal, deal),
    checking: actionButton(words.check, check),
    canvas: el("canvas", { width: 16, height: 16, ...takesArrows(grid) }),
    status: el("p", { role: "status", class: "tc-status" }),
    spoken: el("p", { role: "status", class: "tc-spoken" }),
    task: el("figcaption", {}, words.board),
    legend: el("ul", { class: "tc-game-legend", hidden: true }),
    scores: small("scores"),
    real: small("real"),
    roc: el("div", { class: "tc-roc" }),
    total: el("p", { class: "tc-total" }),
  };
  view.checking.classList.add("is-main");
  const figure = (/** @type {Node} */ canvas, /** @type {Node[]} */ ...caption) =>
    el("figure", { class: "tc-panel" }, ...caption, el("div", { class: "tc-canvas" }, canvas));
  const scale = el("i", { style: `background:${scaleGradient()}`, "aria-hidden": "true" });
  const scored = [words.scores, el("span", { class: "tc-scale", title: words.suspected }, "0", scale, "1")];
  const scores = figure(view.scores, el("figcaption", {}, ...scored));
  scores.append(el("p", { class: "tc-game-said" }, words.suspected));
  const answers = [scores, figure(view.real, el("figcaption", {}, words.real)), view.roc];
  const after = el("div", { class: "tc-game-after" }, ...answers);
  const root = el(
    "div",
    { class: "tc-stage tc-game" },
    el("p", {}, words.what),
    el(
      "div",
      { class: "tc-actions" },
      el("label", { class: "tc-switch" }, words.share, view.share),
      view.dealing,
      view.checking,
    ),
    view.status,
    view.spoken,
    el("div", { class: "tc-game-board" }, figure(view.canvas, view.task, view.legend), after),
    view.total,
  );
  return { ...view, after, root };
}

/** @param {string} name @param {string} text */
function legendItem(name, text) {
  return el("li", {}, el("i", { class: `tc-key tc-game-${name}`, "aria-hidden": "true" }), text);
}

/** The words add the sign. @param {number} share */
function percent(share) {
  return Math.round(100 * share);
}
