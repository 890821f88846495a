// The picture of the visitor's own that the third lane goes on from, beside it: before and after.

import { contextOf, fit, wholePicture } from "../draw/cells.js";
import { el } from "../lib/dom.js";
import { THIRD } from "../lib/lanes.js";
import { digits, fill, mean } from "../lib/text.js";

export class Original {
  /**
   * @param {import("./painter.js").Painter} painter
   * @param {import("../types.js").Words} words
   */
  constructor(painter, words) {
    this.painter = painter;
    this.words = words.own_before;
    this.canvas = el("canvas", { role: "img", width: 16, height: 16, "aria-label": this.words.name });
    this.passes = el("span", { class: "tc-lane-passes" });
    this.score = el("p", {});
    this.room = 0;
    this.node = el(
      "section",
      { class: "tc-original", hidden: true, "aria-label": this.words.name },
      el("header", { class: "tc-lane-head" }, el("h2", { class: "tc-lane-name" }, this.words.name), this.passes),
      this.score,
      el("div", { class: "tc-before" }, el("div", { class: "tc-canvas" }, this.canvas)),
    );
  }

  measure() {
    this.room = this.canvas.offsetParent ? (this.canvas.parentElement?.clientWidth ?? 0) : 0;
  }

  /** @param {import("../types.js").State} state */
  draw({ controls, shown, frames }) {
    const is = Boolean(controls.third?.tokens);
    if (this.node.hidden === is) {
      this.node.hidden = !is;
      this.measure();
    }
    const [first] = frames[THIRD] ?? [];
    if (!is || !this.room || !shown?.lanes[THIRD]?.origin?.tokens || !first) return;
    const look = { grid: shown.grid, cell: fit(this.canvas, shown.grid, this.room), colours: this.painter.colours };
    wholePicture(contextOf(this.canvas), look, first.picture);
    this.passes.textContent = fill(this.words.tokens, { n: first.tokens.length });
    this.score.textContent = fill(this.words.score, { score: digits(mean(first.scores)) });
  }
}
