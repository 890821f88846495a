// The run as curves: Gradio's plot is asked to draw them while they are shown and another run has come to its end. A line
// across each panel follows the playhead.

import { el } from "../lib/dom.js";

export class Curves {
  /** @param {import("../main.js").Page} page */
  constructor({ store, words }) {
    this.store = store;
    this.drawn = ""; // the run that they show
    this.none = el("p", { class: "tc-hint" }, words.drawer.no_run);
    /** @type {(() => void) | null} */
    this.trigger = null; // until Gradio's component is mounted
    store.on(["run", "drawer"], () => this.follow());
    store.on(["playhead", "drawer"], () => this.mark());
  }

  /** @param {() => void} trigger asks the server for the curves of the run on the stage */
  connect(trigger) {
    this.trigger = trigger;
    this.follow();
  }

  follow() {
    const { run, drawer } = this.store.state;
    this.none.hidden = Boolean(this.drawn || (run.id && !run.going));
    if (!this.trigger || drawer !== "curves" || run.going || !run.id || run.id === this.drawn) return;
    this.drawn = run.id;
    this.trigger();
    this.listen();
  }

  /** Plotly makes the plot some time after it was asked for. */
  listen() {
    const plot = /** @type {any} */ (document.querySelector("#tc-curves .js-plotly-plot"));
    if (!plot?.on) setTimeout(() => this.listen(), 300);
    else if (!plot.dataset.listening) {
      plot.dataset.listening = "";
      plot.on("plotly_afterplot", () => this.mark());
      this.mark();
    }
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
