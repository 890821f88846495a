// Swap tokens of a finished picture by hand: the visitor puts another code into a cell, by its number or by what it looks
// like, and sees what the decoder paints then. The run stays as it was: its own picture is back when the visitor is done.

import { loadPicture } from "../draw/frame.js";
import { actionButton, el, placePopover } from "../lib/dom.js";
import { fill, rowAndColumn } from "../lib/text.js";
import { ask, messageOf } from "../transport/server.js";

/** @typedef {import("../types.js").Frame} Frame */
/** @typedef {import("../types.js").Swap} Swap */
/** @typedef {import("../types.js").State} State */

const MOST_SHOWN = 2048; // codes whose patches are offered; of more the number is the only way

export class SwapControl {
  /**
   * @param {import("../store.js").Store} store
   * @param {import("../types.js").Words} words
   * @param {import("./patches.js").Patches} patches
   */
  constructor(store, words, patches) {
    this.store = store;
    this.words = words.swap;
    this.token = words.token.token;
    this.noAnswer = words.no_answer;
    this.patches = patches;
    this.work = Promise.resolve(); // one swap after another: each begins with what the last one left
    /** @type {string} the pack whose codes are offered */
    this.pack = "";
    this.where = el("output", {});
    const limits = { min: 0, step: 1, class: "tc-code", "aria-label": this.words.code };
    this.number = el("input", { type: "number", ...limits, onchange: () => this.put(this.number.valueAsNumber) });
    this.look = el("span", {});
    this.choose = actionButton("", () => this.offer(), { class: "tc-action tc-choose-code", title: this.words.choose });
    this.choose.append(this.look, el("span", {}, this.words.codes));
    this.undo = actionButton(this.words.undo, () => this.back(), { title: this.words.undo_help });
    this.end = actionButton(this.words.end, () => this.stop(), { title: this.words.end_help });
    this.box = el("fieldset", { class: "tc-menu tc-codes", popover: "auto" });
    this.box.addEventListener("change", ({ target }) => this.put(Number(/** @type {any} */ (target).value)));
    this.node = el(
      "div",
      { class: "tc-hand tc-swap" },
      this.where,
      this.number,
      this.choose,
      this.undo,
      this.end,
      this.box,
    );
    store.on(["swap", "pinned"], (state) => state.swap && this.show(state));
  }

  /** @param {number} lane @param {Frame} frame its last one */
  async start(lane, frame) {
    const { shown } = this.store.state;
    this.store.set({ hand: null, swap: { lane, frame, changed: [] } });
    if (!shown || this.patches.codes) return;
    await this.patches.use(shown.pack);
    this.show(this.store.state);
    if (!this.patches.codes) this.say(this.noAnswer, true);
  }

  stop() {
    this.store.set({ swap: null });
  }

  /** Take back what was done last. */
  back() {
    const { swap } = this.store.state;
    if (swap) this.store.set({ swap: { ...swap, changed: swap.changed.slice(0, -1) } });
  }

  /** Put a code into the cell that is pinned. @param {number} code */
  put(code) {
    const { pinned, shown, swap } = this.store.state;
    if (!swap || !shown || pinned < 0) return this.work;
    if (!this.isCode(code)) {
      this.say(fill(this.words.none, { most: this.most }), true);
      return this.work;
    }
    this.work = this.work.then(() => this.swapped(swap, shown.pack, pinned, code));
    return this.work;
  }

  /**
   * @param {Swap} begun
   * @param {string} pack
   * @param {number} place
   * @param {number} code
   */
  async swapped(begun, pack, place, code) {
    const { swap } = this.store.state;
    if (swap?.frame !== begun.frame || shownSwap(swap).proposal[place] === code) return;
    const proposal = shownSwap(swap).proposal.slice();
    proposal[place] = code;
    try {
      const { picture } = await ask("decode", { pack, tokens: [...proposal] });
      const frame = changedFrame(swap.frame, proposal, place, await loadPicture(picture));
      const now = this.store.state.swap;
      if (now === swap) this.store.set({ swap: { ...swap, changed: addChange(swap.changed, frame) } });
    } catch (error) {
      this.say(messageOf(error, this.noAnswer), true);
    }
  }

  get most() {
    return this.patches.codes - 1;
  }

  /** @param {number} code */
  isCode(code) {
    return Number.isInteger(code) && code >= 0 && code <= this.most;
  }

  /** What the codes look like, one of which is chosen. */
  offer() {
    const { swap, pinned } = this.store.state;
    if (!swap) return;
    if (this.pack !== this.patches.pack) {
      this.pack = this.patches.pack;
      const codes = Array.from({ length: this.most + 1 }, (_, code) => this.option(code));
      this.box.replaceChildren(el("legend", {}, this.words.choose), el("div", {}, ...codes));
    }
    this.box.showPopover();
    placePopover(this.box, this.choose);
    const now = this.box.querySelectorAll("input")[shownSwap(swap).proposal[pinned]];
    now.checked = true;
    now.focus({ preventScroll: true });
    now.parentElement?.scrollIntoView({ block: "center", behavior: "instant" });
  }

  /** @param {number} code */
  option(code) {
    const name = fill(this.token, { token: code });
    const radio = el("input", { type: "radio", name: "tc-code", value: code, "aria-label": name });
    return el("label", { title: name }, radio, this.patches.node(code));
  }

  /** @param {string} text @param {boolean} [wrong] */
  say(text, wrong = false) {
    this.where.textContent = text;
    this.where.classList.toggle("is-wrong", wrong);
  }

  /** @param {State} state */
  show({ swap, pinned, shown }) {
    if (!swap || !shown) return;
    const { codes } = this.patches;
    this.number.max = String(this.most);
    this.number.disabled = this.choose.disabled = pinned < 0 || !codes;
    this.choose.hidden = codes > MOST_SHOWN;
    this.undo.disabled = !swap.changed.length;
    if (pinned < 0) return this.say(this.words.point);
    const token = shownSwap(swap).proposal[pinned];
    this.say(fill(this.words.put, rowAndColumn(pinned, shown.grid)));
    this.number.value = String(token);
    this.look.replaceChildren(this.patches.node(token));
  }
}

/** The picture of a swap as it is shown. @param {Swap} swap */
export function shownSwap(swap) {
  return swap.changed.at(-1) ?? swap.frame;
}

/**
 * The picture of a lane that was changed by hand, if it was.
 * @param {State} state
 * @param {number} lane
 */
export function swappedFrame({ swap }, lane) {
  return swap?.lane === lane ? swap.changed.at(-1) : undefined;
}

/**
 * A frame as the run left it, with other tokens. The scores were those of the run's own picture.
 * @param {Frame} frame
 * @param {Int32Array} proposal
 * @param {number} place that was changed last
 * @param {CanvasImageSource} picture
 * @returns {Frame}
 */
export function changedFrame(frame, proposal, place, picture) {
  const places = [...proposal.keys()].filter((i) => proposal[i] !== frame.proposal[i]);
  return { ...frame, proposal, picture, judged: undefined, swapped: { place, places } };
}

/**
 * Who tries one code after another in a cell takes all of them back at once.
 * @param {Frame[]} changed
 * @param {Frame} frame
 */
export function addChange(changed, frame) {
  const last = changed.at(-1);
  const before = last?.swapped?.place === frame.swapped?.place ? changed.slice(0, -1) : changed;
  return [...before, frame];
}
