// The film strip: for each lane a thumbnail per step, and under it how many tokens are in which state.

class Film {
  constructor(words, chosen) {
    this.chosen = chosen; // (lane, s) => a thumbnail was pressed
    this.rows = [];
    this.now = []; // the thumbnail of each lane's step that is shown
    this.node = el("div", { class: "tc-film", "aria-hidden": "true" }); // the slider says the same to a screen reader
    new ResizeObserver(() => { this.scrolls = null; }).observe(this.node);
  }

  begin(lanes) {
    const longest = Math.max(...lanes.map((lane) => lane.steps));
    this.node.style.setProperty("--tc-steps", longest);
    this.rows = lanes.map((meta, lane) => this.row(meta, lane));
    this.now = [];
    this.scrolls = null; // not known yet; asking at every step would lay out the page once more each time
    this.node.replaceChildren(...this.rows.map((cells) => el("div", { class: "tc-row" }, ...cells)));
  }

  row(meta, lane) {
    return Array.from({ length: meta.steps }, (_, s) =>
      el("button", { class: "tc-thumb", type: "button", tabindex: -1, disabled: true, onclick: () => this.chosen(lane, s) },
        el("canvas", { width: 64, height: 64 }), el("span", { class: "tc-bar" })));
  }

  add(lane, frame, look) {
    const cell = this.rows[lane][frame.s];
    const canvas = cell.firstChild;
    canvas.width = canvas.height = look.grid * Math.max(1, Math.floor(64 / look.grid));
    drawPanel(canvas, "decision", { ...look, layout: "loop", frame, cell: canvas.width / look.grid });
    cell.lastChild.style.background = this.bar(frame);
    cell.disabled = false;
  }

  // Painted, not laid out: a step must not move the page.
  bar(frame) {
    const share = 100 / frame.state.length;
    let end = 0;
    const parts = [[KEPT, "quiet"], [NEW, "new"], [REVOKED, "revoked"], [MASKED, "masked"]].map(([state, colour]) =>
      `var(--tc-${colour}) 0 ${(end += frame.counts[state] * share)}%`);
    return `linear-gradient(to right, ${parts.join(", ")})`;
  }

  // Redraw after the colours changed.
  redraw(lanes, look) {
    lanes.forEach((lane, i) => lane.frames.forEach((frame) => this.rows[i] && this.add(i, frame, look)));
  }

  mark(steps) {
    const before = this.now;
    this.now = this.rows.map((cells, lane) => cells[steps[lane]]);
    before.forEach((cell, lane) => cell !== this.now[lane] && cell?.classList.remove("is-now"));
    this.now.forEach((cell, lane) => cell !== before[lane] && cell?.classList.add("is-now"));
    const [first] = this.now;
    if (!first) return;
    this.scrolls ??= this.node.scrollWidth > this.node.clientWidth;
    if (this.scrolls && first !== before[0]) this.node.scrollLeft = first.offsetLeft - (this.node.clientWidth - first.offsetWidth) / 2;
  }
}
