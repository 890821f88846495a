// Moves the playhead: by hand, by itself while playing, and after the newest step while a run streams.

import { reducedMotion } from "../lib/dom.js";
import { longest, newest, placeOfStep, reachOf } from "../playhead.js";

export class Player {
  /** @param {import("../store.js").Store} store */
  constructor(store) {
    this.store = store;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
    let { why } = store.state.run;
    store.on(["frames", "run"], (state) => {
      if (state.playhead.following) store.update("playhead", { at: newest(reachOf(state)) });
      const ended = state.run.why !== why;
      why = state.run.why;
      if (ended && why === "recorded" && !reducedMotion()) this.play();
    });
    store.on(["playhead"], ({ playhead }) => {
      if (!playhead.playing) clearTimeout(this.timer);
    });
  }

  get playhead() {
    return this.store.state.playhead;
  }

  /** @param {number} at */
  go(at) {
    const inside = Math.max(0, Math.min(at, newest(reachOf(this.store.state))));
    this.store.update("playhead", { at: inside, following: false });
  }

  /**
   * The visitor's hand stops the playing.
   * @param {number} at
   */
  take(at) {
    this.pause();
    this.go(at);
  }

  /** One step back by hand. */
  backward() {
    this.take(this.playhead.at - 1);
  }

  /** One step on by hand; a decision that is hidden is shown first. */
  onward() {
    if (this.reveal()) this.pause();
    else this.take(this.playhead.at + 1);
  }

  /** Show the decision of this step, if it is hidden. */
  reveal() {
    const { guess } = this.store.state;
    if (!guess || guess.shown) return false;
    this.store.set({ guess: { ...guess, shown: true } });
    return true;
  }

  /**
   * Show step s of a lane.
   * @param {number} lane
   * @param {number} s
   */
  showStep(lane, s) {
    this.take(placeOfStep(reachOf(this.store.state), lane, s));
  }

  play() {
    const last = newest(reachOf(this.store.state));
    if (last < 0) return;
    this.store.update("playhead", { playing: true });
    this.go(this.playhead.at >= last ? 0 : this.playhead.at);
    this.wait();
  }

  wait() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.tick(), 1000 / this.playhead.speed);
  }

  tick() {
    if (this.reveal()) return this.wait();
    const reach = reachOf(this.store.state);
    if (this.playhead.at >= (reach.open ? longest(reach) - 1 : newest(reach))) return this.pause();
    this.wait();
    this.go(this.playhead.at + 1);
  }

  pause() {
    this.store.update("playhead", { playing: false });
  }

  toggle() {
    if (this.playhead.playing) this.pause();
    else this.play();
  }
}
