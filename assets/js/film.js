// The film strip: for each lane a thumbnail per step, and under it how many tokens are in which state.

class Film {
  constructor(words, chosen) {
    this.chosen = chosen; // (lane, s) => a thumbnail was pressed
    this.rows = [];
    this.node = el("div", { class: "tc-film", "aria-hidden": "true" }); // the slider says the same to a screen reader
  }

  begin(lanes) {
    const longest = Math.max(...lanes.map((lane) => lane.steps));
    this.node.style.setProperty("--tc-steps", longest);
    this.rows = lanes.map((meta, lane) => this.row(meta, lane));
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
    drawPanel(canvas, "decision", { ...look, frame, cell: canvas.width / look.grid });
    const total = frame.state.length;
    const names = ["kept", "new", "revoked", "masked"];
    const counts = [KEPT, NEW, REVOKED, MASKED].map((state) => frame.counts[state]);
    cell.lastChild.replaceChildren(...names.map((name, i) => el("i", { class: `tc-${name}`, style: `flex-grow:${counts[i] / total}` })));
    cell.disabled = false;
  }

  // Redraw after the colours changed.
  redraw(lanes, look) {
    lanes.forEach((lane, i) => lane.frames.forEach((frame) => this.rows[i] && this.add(i, frame, look)));
  }

  mark(steps) {
    this.rows.forEach((cells, lane) => cells.forEach((cell, s) => cell.classList.toggle("is-now", s === steps[lane])));
    const now = this.rows[0]?.[steps[0]];
    if (!now || this.node.scrollWidth <= this.node.clientWidth) return;
    this.node.scrollLeft = now.offsetLeft - (this.node.clientWidth - now.offsetWidth) / 2;
  }
}
