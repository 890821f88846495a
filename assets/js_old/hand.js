// Be the critic: the visitor chooses which tokens of a step are masked, as many as the rule masked there;
// or, of a finished picture, any that shall be drawn anew.

class Hand {
  // done(places): run on with these masked; changed(): draw again
  constructor(words, { done, changed }) {
    Object.assign(this, { words, done, changed, lane: -1, chosen: new Set() });
    const button = (name, press, ...more) => el("button", { type: "button", class: "tc-action", onclick: press, title: words[`${name}_help`] }, words[name], ...more);
    this.count = el("output", {});
    this.rest = button("rest", () => this.fill());
    this.go = button("go", () => this.finish());
    this.go.classList.add("is-main");
    this.node = el("div", { class: "tc-hand" }, this.count, this.rest, this.go, button("cancel", () => this.stop()));
    document.addEventListener("pointerup", () => { this.paints = null; });
  }

  start(lane, frame) {
    const free = frame.s === frame.steps - 1; // a finished picture: any of it may be drawn anew
    Object.assign(this, { lane, frame, free, chosen: new Set(), wanted: free ? frame.state.length : frame.counts[MASKED] + frame.counts[REVOKED] });
    this.show();
  }

  stop() {
    this.lane = -1;
    this.chosen = new Set();
    this.show();
  }

  get active() {
    return this.lane >= 0;
  }

  // A stroke of the pointer either masks or takes back, as its first cell did.
  stroke(place, begins) {
    if (begins) this.paints = !this.chosen.has(place);
    if (this.paints === null || this.paints === undefined) return;
    if (this.paints && this.chosen.size < this.wanted) this.chosen.add(place);
    if (!this.paints) this.chosen.delete(place);
    this.show();
  }

  toggle(place) {
    this.stroke(place, true);
    this.paints = null;
  }

  // What is still missing, as the rule ranked it.
  fill() {
    const order = this.frame.order.map((one) => (Number.isNaN(one) ? 2 : one));
    const lowest = [...order.keys()].sort((a, b) => order[a] - order[b] || a - b);
    for (const place of lowest) {
      if (this.chosen.size >= this.wanted) break;
      this.chosen.add(place);
    }
    this.show();
  }

  finish() {
    const masked = [...this.chosen].sort((a, b) => a - b);
    const step = { lane: this.lane, step: this.frame.s + 1, masked };
    this.stop();
    this.done(step);
  }

  show() {
    this.count.textContent = fill(this.free ? this.words.paint : this.words.count, { chosen: this.chosen.size, wanted: this.wanted ?? 0 });
    this.go.disabled = this.free ? !this.chosen.size : this.chosen.size !== this.wanted;
    this.rest.hidden = this.free;
    this.rest.disabled = !this.go.disabled;
    this.changed();
  }
}
