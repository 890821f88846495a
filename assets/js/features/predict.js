// Predict: a step hides its decision until it is asked for. Meanwhile the audience marks what it thinks is taken back.

import { MASK, REVOKED } from "../draw/frame.js";
import { LANES } from "../lib/lanes.js";
import { shownFrame } from "../playhead.js";

/** @typedef {import("../types.js").State} State */
/** @typedef {import("../types.js").Guess} Guess */

export class Predict {
  /** @param {import("../store.js").Store} store */
  constructor(store) {
    this.store = store;
    this.marking = true; // whether the stroke under way marks (true) or takes back (false)
    store.on(["playhead", "view", "shown"], (state) => this.follow(state));
  }

  /** Each step that is come to begins without a mark. @param {State} state */
  follow({ view, playhead, guess, shown }) {
    if (!view.predicts) {
      if (guess) this.store.set({ guess: null });
      return;
    }
    if (guess?.at === playhead.at && guess.run === shown?.run) return;
    const marks = LANES.map(() => new Set());
    this.store.set({ guess: { run: shown?.run ?? "", at: playhead.at, shown: false, marks } });
  }

  /**
   * A stroke of the pointer either marks or takes back, as its first cell did. Only a token that went in can be taken back.
   * @param {number} lane
   * @param {number} place
   * @param {boolean} begins
   */
  stroke(lane, place, begins) {
    const { guess } = this.store.state;
    const frame = shownFrame(this.store.state, lane);
    if (!guess || guess.shown || !frame || frame.tokens[place] === MASK) return;
    const mine = new Set(guess.marks[lane]);
    if (begins) this.marking = !mine.has(place);
    if (this.marking) mine.add(place);
    else mine.delete(place);
    this.store.set({ guess: { ...guess, marks: guess.marks.map((one, i) => (i === lane ? mine : one)) } });
  }
}

/**
 * The marks of a lane whose decision is still hidden, else null.
 * @param {State} state
 * @param {number} lane
 */
export function hiddenMarks({ guess }, lane) {
  return guess && !guess.shown ? guess.marks[lane] : null;
}

/**
 * How many marks of a lane were right, once its decision is shown; null where nothing was marked.
 * @param {State} state
 * @param {number} lane
 */
export function outcomeOf(state, lane) {
  const { guess } = state;
  const frame = shownFrame(state, lane);
  const marks = guess?.shown ? guess.marks[lane] : null;
  if (!marks?.size || !frame) return null;
  const right = [...marks].filter((place) => frame.state[place] === REVOKED).length;
  return { right, marked: marks.size, revoked: frame.counts[REVOKED] };
}
