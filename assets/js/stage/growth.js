// While a run plays, the marks of a decision grow in: new tokens get their frame, and those that are taken back fade.

import { reducedMotion } from "../lib/dom.js";

const LASTS = 240; // ms
const MOST = 0.5; // of the time of a step

export class Growth {
  /** @param {(grown: number) => void} draw the marks, of which that share has grown */
  constructor(draw) {
    this.draw = draw;
    this.asked = 0;
  }

  /**
   * A step is shown. Returns the share that its marks have grown at first.
   * @param {import("../types.js").State["playhead"]} playhead
   */
  begin({ playing, speed }) {
    cancelAnimationFrame(this.asked);
    if (!playing || reducedMotion()) return 1;
    const lasts = Math.min(LASTS, (MOST * 1000) / speed);
    const began = performance.now();
    const step = (/** @type {number} */ now) => {
      const grown = Math.min(1, Math.max(0, (now - began) / lasts));
      this.draw(grown);
      if (grown < 1) this.asked = requestAnimationFrame(step);
    };
    this.asked = requestAnimationFrame(step);
    return 0;
  }
}
