// The film strip: for each lane a thumbnail per step, and under it how many tokens are in which state.

import { KEPT, MASKED, NEW, REVOKED } from "../draw/frame.js";
import { drawPanel } from "../draw/panels.js";
import { el } from "../lib/dom.js";
import { reachOf, stepAt } from "../playhead.js";

const SIDE = 64; // pixels of a thumbnail

/** @typedef {import("../types.js").Frame} Frame */

export class Film {
  /**
   * @param {import("./painter.js").Painter} painter
   * @param {(lane: number, s: number) => void} chosen a thumbnail was pressed
   */
  constructor(painter, chosen) {
    this.painter = painter;
    this.chosen = chosen;
    /** @type {HTMLButtonElement[][]} */
    this.rows = [];
    /** @type {Frame[][]} what the thumbnails show */
    this.drawn = [];
    /** @type {(HTMLButtonElement | undefined)[]} the thumbnail of each lane's step that is shown */
    this.now = [];
    this.first = 0; // the first lane that is shown
    /** @type {import("../types.js").Begin | null} */
    this.shown = null;
    this.colours = painter.colours;
    /** @type {boolean | null} whether the strip scrolls; asking at every step would lay out the page once more */
    this.scrolls = null;
    this.node = el("div", { class: "tc-film", "aria-hidden": "true" }); // the slider says the same to a screen reader
    this.node.addEventListener("pointermove", (event) => this.scrub(event));
    new ResizeObserver(() => {
      this.scrolls = null;
      this.reveal();
    }).observe(this.node);
  }

  /** @param {import("../types.js").State} state */
  draw(state) {
    if (state.shown !== this.shown) this.begin(state.shown);
    if (this.colours !== this.painter.colours) {
      this.colours = this.painter.colours;
      this.drawn = this.rows.map(() => []);
    }
    state.frames.forEach((frames, lane) => {
      for (let s = this.drawn[lane].length; s < frames.length; s += 1) this.fill(lane, frames[s], state);
      this.drawn[lane] = frames;
    });
    const reach = reachOf(state);
    this.mark(this.rows.map((_, lane) => stepAt(reach, lane, state.playhead.at)));
  }

  /** @param {import("../types.js").Begin | null} shown */
  begin(shown) {
    this.shown = shown;
    const lanes = shown?.lanes ?? [];
    this.node.style.setProperty("--tc-steps", String(Math.max(0, ...lanes.map((lane) => lane.steps))));
    this.rows = lanes.map((info, lane) => Array.from({ length: info.steps }, (_, s) => this.thumbnail(lane, s)));
    this.drawn = lanes.map(() => []);
    this.now = [];
    this.scrolls = null;
    this.node.replaceChildren(...this.rows.map((row) => el("div", { class: "tc-row" }, ...row)));
  }

  /** Drawn over the strip with the button held, each step is shown as it is passed. @param {PointerEvent} event */
  scrub(event) {
    if (!(event.buttons & 1) || event.pointerType === "touch") return; // a finger scrolls the strip
    const under = document.elementFromPoint(event.clientX, event.clientY)?.closest(".tc-thumb");
    const lane = this.rows.findIndex((row) => row.includes(/** @type {HTMLButtonElement} */ (under)));
    if (lane < 0 || under === this.now[lane]) return;
    const s = this.rows[lane].indexOf(/** @type {HTMLButtonElement} */ (under));
    if (!this.rows[lane][s].disabled) this.chosen(lane, s);
  }

  /** @param {number} lane @param {number} s */
  thumbnail(lane, s) {
    const press = () => this.chosen(lane, s);
    return el(
      "button",
      { class: "tc-thumb", type: "button", tabindex: -1, disabled: true, onclick: press },
      el("canvas", { width: SIDE, height: SIDE }),
      el("span", { class: "tc-share-bar" }),
    );
  }

  /** @param {number} lane @param {Frame} frame @param {import("../types.js").State} state */
  fill(lane, frame, state) {
    const grid = state.shown?.grid ?? 16;
    const thumbnail = this.rows[lane][frame.s];
    const canvas = /** @type {HTMLCanvasElement} */ (thumbnail.firstChild);
    const bar = /** @type {HTMLElement} */ (thumbnail.lastChild);
    const cell = Math.max(1, Math.floor(SIDE / grid));
    canvas.width = canvas.height = grid * cell;
    const { colours } = this;
    const look = { frame, grid, cell, colours, before: null, others: null, byHand: null, guessed: null };
    drawPanel(canvas, "decision", { ...look, ...state.view, layout: "loop" });
    bar.style.background = shareBar(frame);
    thumbnail.disabled = false;
  }

  /** @param {number[]} steps of each lane, the one that is shown */
  mark(steps) {
    const before = this.now;
    this.now = this.rows.map((row, lane) => row[steps[lane]]);
    before.forEach((cell, lane) => {
      if (cell !== this.now[lane]) cell?.classList.remove("is-now");
    });
    this.now.forEach((cell, lane) => {
      if (cell !== before[lane]) cell?.classList.add("is-now");
    });
    if (this.now[this.first] !== before[this.first]) this.reveal();
  }

  /** Scroll the strip to the step that is shown. */
  reveal() {
    const first = this.now[this.first];
    if (!first) return;
    this.scrolls ??= this.node.scrollWidth > this.node.clientWidth;
    if (this.scrolls) this.node.scrollLeft = first.offsetLeft - (this.node.clientWidth - first.offsetWidth) / 2;
  }
}

/**
 * The shares of the states as a gradient: painted, not laid out, since a step must not move the page.
 * @param {Frame} frame
 */
function shareBar(frame) {
  const share = 100 / frame.state.length;
  let end = 0;
  /** @type {[number, string][]} */
  const order = [
    [KEPT, "quiet"],
    [NEW, "new"],
    [REVOKED, "revoked"],
    [MASKED, "masked"],
  ];
  const parts = order.map(([state, colour]) => {
    end += frame.counts[state] * share;
    return `var(--tc-${colour}) 0 ${end}%`;
  });
  return `linear-gradient(to right, ${parts.join(", ")})`;
}
