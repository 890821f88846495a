// The run as curves: Gradio's plot is asked to draw them while it is open and another run has come to its end.

export class Curves {
  /** @param {import("../main.js").Page} page */
  constructor({ store }) {
    this.store = store;
    this.drawn = ""; // the run that they show
    this.trigger = () => {}; // until Gradio's component is mounted
    store.on(["run", "curvesOpen"], () => this.follow());
  }

  /** @param {() => void} trigger asks the server for the curves of the run on the stage */
  connect(trigger) {
    this.trigger = trigger;
    this.follow();
  }

  follow() {
    const { run, curvesOpen } = this.store.state;
    if (!curvesOpen || run.going || !run.id || run.id === this.drawn) return;
    this.drawn = run.id;
    this.trigger();
  }
}
