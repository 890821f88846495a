// Be the critic: the visitor chooses which tokens of a step are masked, as many as the rule masked there;
// or, of a finished picture, any that shall be drawn anew.

import { MASKED, REVOKED } from "../draw/frame.js";
import { actionButton, el } from "../lib/dom.js";
import { fill } from "../lib/text.js";

/** @typedef {import("../types.js").Frame} Frame */
/** @typedef {import("../types.js").Hand} Hand */

export class HandControl {
  /**
   * @param {import("../store.js").Store} store
   * @param {import("../types.js").Words} words
   * @param {(origin: import("../types.js").Origin) => void} done run on with these places masked
   */
  constructor(store, words, done) {
    this.store = store;
    this.words = words;
    this.done = done;
    /** @type {boolean | null} whether the stroke under way masks (true) or takes back (false) */
    this.paints = null;
    this.count = el("output", {});
    this.rest = this.button("rest", () => this.fillRest());
    this.go = this.button("go", () => this.finish());
    this.go.classList.add("is-main");
    const cancel = this.button("cancel", () => this.stop());
    this.node = el("div", { class: "tc-hand" }, this.count, this.rest, this.go, cancel);
    document.addEventListener("pointerup", () => {
      this.paints = null;
    });
    store.on(["hand"], ({ hand }) => hand && this.show(hand));
  }

  /** @param {string} name @param {() => void} press */
  button(name, press) {
    return actionButton(this.words[name], press, { title: this.words[`${name}_help`] });
  }

  /** @param {number} lane @param {Frame} frame */
  start(lane, frame) {
    const free = frame.s === frame.steps - 1;
    const wanted = free ? frame.state.length : frame.counts[MASKED] + frame.counts[REVOKED];
    this.store.set({ hand: { lane, frame, free, wanted, chosen: new Set() } });
  }

  stop() {
    this.store.set({ hand: null });
  }

  /** @param {(chosen: Set<number>, hand: Hand) => void} change of a copy of the chosen places */
  choose(change) {
    const { hand } = this.store.state;
    if (!hand) return;
    const chosen = new Set(hand.chosen);
    change(chosen, hand);
    this.store.set({ hand: { ...hand, chosen } });
  }

  /**
   * A stroke of the pointer either masks or takes back, as its first cell did.
   * @param {number} place
   * @param {boolean} begins
   */
  stroke(place, begins) {
    this.choose((chosen, { wanted }) => {
      if (begins) this.paints = !chosen.has(place);
      if (this.paints === true && chosen.size < wanted) chosen.add(place);
      if (this.paints === false) chosen.delete(place);
    });
  }

  /** @param {number} place */
  toggle(place) {
    this.stroke(place, true);
    this.paints = null;
  }

  /** Choose what is still missing, as the rule ranked it. */
  fillRest() {
    this.choose((chosen, { frame, wanted }) => {
      const order = [...frame.order].map((one) => (Number.isNaN(one) ? 2 : one)); // what has no rank comes last
      const lowest = [...order.keys()].sort((a, b) => order[a] - order[b] || a - b);
      for (const place of lowest) if (chosen.size < wanted) chosen.add(place);
    });
  }

  finish() {
    const { hand } = this.store.state;
    if (!hand) return;
    const masked = [...hand.chosen].sort((a, b) => a - b);
    this.stop();
    this.done({ lane: hand.lane, step: hand.frame.s + 1, masked });
  }

  /** @param {Hand} hand */
  show({ free, chosen, wanted }) {
    this.count.textContent = fill(free ? this.words.paint : this.words.count, { chosen: chosen.size, wanted });
    this.go.disabled = free ? !chosen.size : chosen.size !== wanted;
    this.rest.hidden = free;
    this.rest.disabled = !this.go.disabled;
  }
}
