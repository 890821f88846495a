// The cell under the pointer or the arrow keys, marked in every panel of every lane, and the one that is pinned.

import { ARROWS, placeAfter, placeUnder } from "../draw/grid.js";
import { el } from "../lib/dom.js";

/**
 * @typedef {object} CellActions
 * @property {(lane: number, place: number) => Node[] | null} describe what stands there
 * @property {(text: string) => void} speak
 * @property {import("../features/hand.js").HandControl} hand masks by hand
 * @property {import("../features/predict.js").Predict} predict marks what may be taken back
 */

export class Cells {
  /**
   * @param {import("../store.js").Store} store
   * @param {HTMLElement} node that holds all lanes
   * @param {CellActions} actions
   */
  constructor(store, node, { describe, speak, hand, predict }) {
    this.store = store;
    this.node = node;
    this.describe = describe;
    this.speak = speak;
    this.hand = hand;
    this.predict = predict;
    this.at = -1;
    this.lane = 0;
    this.tip = el("div", { class: "tc-tip", hidden: true, "aria-hidden": "true" });
    node.after(this.tip);
    node.addEventListener("pointermove", (event) => {
      if (event.pointerType !== "touch" || store.state.hand || this.isPredicted) this.point(event);
    });
    node.addEventListener("pointerleave", () => this.leave());
    node.addEventListener("pointerdown", (event) => this.stroke(event, true));
    node.addEventListener("click", (event) => this.click(event));
    node.addEventListener("focusout", () => this.leave());
    document.addEventListener("keydown", (event) => this.key(event), true); // before the playhead's, which has the space bar
  }

  get grid() {
    return this.store.state.shown?.grid ?? 16;
  }

  /** @param {import("../types.js").State} state */
  draw(state) {
    this.mark("pin", state.pinned);
    if (!this.tip.hidden) this.tell(); // what is shown has changed under the pointer
  }

  /**
   * The place of the picture that an event is on, -1 beside it.
   * @param {MouseEvent} event
   */
  placeOf(event) {
    const target = /** @type {Element} */ (event.target);
    const canvas = /** @type {HTMLCanvasElement | undefined} */ (
      target.closest?.("[data-lane] .tc-canvas")?.firstChild
    );
    return canvas?.width ? placeUnder(canvas, event, this.grid) : -1;
  }

  /** @param {Event} event */
  laneOf(event) {
    const target = /** @type {Element} */ (event.target);
    const lane = /** @type {HTMLElement | null} */ (target.closest?.("[data-lane]"));
    return Number(lane?.dataset.lane ?? 0);
  }

  /** @param {PointerEvent} event */
  point(event) {
    const place = this.placeOf(event);
    if (place < 0) return this.leave();
    this.move(place, this.laneOf(event));
    this.tip.style.translate = this.beside(event.clientX, event.clientY);
    if (event.buttons) this.stroke(event, false);
  }

  /**
   * While the visitor is the critic of this lane, its cells are masked rather than pinned.
   * @param {Event} event
   */
  isByHand(event) {
    return this.store.state.hand?.lane === this.laneOf(event);
  }

  /** @param {PointerEvent} event @param {boolean} begins */
  stroke(event, begins) {
    const place = this.placeOf(event);
    if (place < 0) return;
    if (this.isByHand(event)) this.hand.stroke(place, begins);
    else if (this.isPredicted) this.predict.stroke(this.laneOf(event), place, begins);
  }

  /** While the audience predicts, cells are marked rather than pinned. */
  get isPredicted() {
    return this.store.state.guess?.shown === false;
  }

  /**
   * Where the tip has room: below and right of the pointer, else on its other side.
   * @param {number} x
   * @param {number} y
   */
  beside(x, y) {
    const { offsetWidth: width, offsetHeight: height } = this.tip;
    const left = x + 18 + width > innerWidth ? x - 12 - width : x + 18;
    const top = y + 18 + height > innerHeight ? y - 12 - height : y + 18;
    return `${Math.max(4, left)}px ${Math.max(4, top)}px`;
  }

  /** @param {number} place @param {number} lane */
  move(place, lane) {
    if (place === this.at && lane === this.lane && !this.tip.hidden) return;
    this.at = place;
    this.lane = lane;
    this.mark("at", place);
    this.tell();
  }

  tell() {
    const lines = this.describe(this.lane, this.at);
    this.tip.hidden = !lines;
    if (lines) this.tip.replaceChildren(...lines);
  }

  leave() {
    this.tip.hidden = true;
    this.at = -1;
    this.mark("at", -1);
  }

  /**
   * One style on the lanes moves the marks in all panels.
   * @param {"at" | "pin"} name
   * @param {number} place
   */
  mark(name, place) {
    this.node.classList.toggle(`has-${name}`, place >= 0);
    this.node.style.setProperty(`--tc-${name}-x`, String(place % this.grid));
    this.node.style.setProperty(`--tc-${name}-y`, String(Math.floor(place / this.grid)));
  }

  /** @param {MouseEvent} event */
  click(event) {
    const place = this.placeOf(event);
    if (place >= 0 && !this.isByHand(event) && !this.isPredicted) this.toggle(place);
  }

  /** Pin a place, or take the pin away. @param {number} place */
  toggle(place) {
    this.pin(place === this.store.state.pinned ? -1 : place);
  }

  /** @param {number} place */
  pin(place) {
    this.store.set({ pinned: place });
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const { pinned, hand } = this.store.state;
    const target = /** @type {Element} */ (event.target);
    const panels = /** @type {HTMLElement | null} */ (target.closest?.(".tc-panels"));
    const elsewhere = !panels && !(target === document.body && pinned >= 0);
    if (event.ctrlKey || event.metaKey || event.altKey || elsewhere) return;
    if (event.key === "Escape" && (hand || pinned >= 0)) {
      event.preventDefault(); // one thing at a time: the projector ends with the next one
      if (hand) this.hand.stop();
      else this.pin(-1);
    } else if (panels && ["Enter", " "].includes(event.key) && this.isByHand(event)) {
      event.preventDefault();
      if (this.at >= 0) this.hand.toggle(this.at);
    } else if (panels && event.key === "Enter" && this.at >= 0 && this.isPredicted) {
      this.predict.stroke(this.laneOf(event), this.at, true);
    } else if (panels && event.key === "Enter" && this.at >= 0) {
      this.toggle(this.at);
    } else if (ARROWS[event.key]) {
      event.preventDefault();
      this.step(ARROWS[event.key], panels, this.laneOf(event));
    }
  }

  /**
   * One cell on, by an arrow key.
   * @param {[number, number]} step
   * @param {HTMLElement | null} panels that have the focus
   * @param {number} lane
   */
  step(step, panels, lane) {
    const { pinned } = this.store.state;
    const place = placeAfter(panels ? Math.max(this.at, pinned, 0) : pinned, step, this.grid);
    if (pinned >= 0 || !panels) this.pin(place);
    if (!panels) return;
    this.move(place, lane);
    const canvas = [...panels.querySelectorAll("canvas")].find((one) => one.offsetParent);
    const box = (canvas ?? panels).getBoundingClientRect();
    const cell = box.width / this.grid;
    const right = box.left + ((place % this.grid) + 1) * cell;
    const bottom = box.top + (Math.floor(place / this.grid) + 1) * cell;
    this.tip.style.translate = this.beside(right, bottom);
    this.speak(
      [...this.tip.children]
        .map((line) => line.textContent)
        .filter(Boolean)
        .join(", "),
    );
  }
}
