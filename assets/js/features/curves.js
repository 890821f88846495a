// The run as curves: Gradio's plot is asked to draw them while they are shown and another run has come to its end. A line
// across each panel follows the playhead.

/** @typedef {{run: string, kept: boolean}} Answer which run was asked for, and whether the server still has it */

import { el } from "../lib/dom.js";

export class Curves {
  /** @param {import("../main.js").Page} page */
  constructor({ store, words }) {
    this.store = store;
    this.words = words.drawer;
    /** @type {Answer} the last one */
    this.answer = { run: "", kept: false };
    this.none = el("p", { class: "tc-hint" });
    /** @type {(() => void) | null} */
    this.trigger = null; // until Gradio's component is mounted
    store.on(["run", "drawer"], () => this.follow());
    store.on(["playhead", "drawer"], () => this.mark());
  }

  /**
   * @param {HTMLElement} element beside the plot
   * @param {() => void} trigger asks the server for the curves of the run on the stage
   */
  connect(element, trigger) {
    this.trigger = trigger;
    this.follow();
    const section = element.closest("#tc-curves") ?? element;
    new MutationObserver(() => this.listen(section)).observe(section, { childList: true, subtree: true });
  }

  /** @param {Answer} answer */
  answered(answer) {
    this.answer = answer;
    this.follow();
  }

  follow() {
    const { run, drawer } = this.store.state;
    const { answer, words } = this;
    const isAnswered = run.id === answer.run;
    this.none.textContent = run.id && isAnswered ? words.not_kept : words.no_run;
    this.none.hidden = answer.kept || Boolean(run.id && !run.going && !isAnswered);
    if (this.trigger && drawer === "curves" && !run.going && !isAnswered) this.trigger();
  }

  /**
   * Plotly makes a plot some time after it was asked for, and Gradio a new one for each run.
   * @param {Element} section
   */
  listen(section) {
    const plot = /** @type {any} */ (section.querySelector(".js-plotly-plot:not([data-listening])"));
    if (!plot?.on) return;
    plot.dataset.listening = "";
    plot.on("plotly_afterplot", () => this.mark());
    this.mark();
  }

  mark() {
    const { drawer, playhead } = this.store.state;
    const plot = /** @type {any} */ (document.querySelector("#tc-curves .js-plotly-plot"));
    const layout = plot?._fullLayout; // Plotly's own, which says where a value is on the screen
    if (drawer !== "curves" || !layout?.xaxis) return;
    for (const old of plot.querySelectorAll(".tc-curve-now")) old.remove();
    for (const name of Object.keys(layout).filter((key) => /^xaxis\d*$/.test(key))) {
      const [x, y] = [layout[name], layout[name.replace("x", "y")]];
      const left = x._offset + x.l2p(playhead.at + 1);
      plot.append(el("i", { class: "tc-curve-now", style: `left:${left}px;top:${y._offset}px;height:${y._length}px` }));
    }
  }
}
