// The cell under the pointer or the arrow keys, marked in every panel of every lane, and the one that is pinned.

class Cells {
  // describe(lane, place): what stands there, as nodes; pinned(place), spoken(text); hand: who masks by hand
  constructor(node, lanes, { describe, pinned, spoken, hand }) {
    Object.assign(this, { node, lanes, describe, pinned, spoken, hand });
    this.grid = 16;
    this.at = -1;
    this.pin = -1;
    this.tip = el("div", { class: "tc-tip", hidden: true, "aria-hidden": "true" });
    node.after(this.tip);
    for (const lane of lanes) {
      for (const canvas of Object.values(lane.canvases)) {
        canvas.after(el("i", { class: "tc-cell tc-pinned" }), el("i", { class: "tc-cell tc-pointed" }));
      }
    }
    node.addEventListener("pointermove", (event) => (event.pointerType !== "touch" || this.hand.active) && this.point(event));
    node.addEventListener("pointerleave", () => this.leave());
    node.addEventListener("pointerdown", (event) => this.stroke(event, true));
    node.addEventListener("click", (event) => this.click(event));
    node.addEventListener("focusout", () => this.leave());
    document.addEventListener("keydown", (event) => this.key(event), true); // before the playhead's, which has the space bar
  }

  begin(grid) {
    if (grid !== this.grid) this.unpin();
    this.grid = grid;
  }

  // The place of the picture that an event is on, -1 beside it.
  placeOf(event) {
    const canvas = event.target.closest?.(".tc-canvas")?.firstChild;
    return canvas?.width ? placeUnder(canvas, event, this.grid) : -1;
  }

  laneOf(event) {
    return Number(event.target.closest?.("[data-lane]")?.dataset.lane ?? 0);
  }

  point(event) {
    const place = this.placeOf(event);
    if (place < 0) return this.leave();
    this.move(place, this.laneOf(event));
    this.tip.style.translate = this.beside(event.clientX, event.clientY);
    if (event.buttons) this.stroke(event, false);
  }

  // While the visitor is the critic of this lane, its cells are masked rather than pinned.
  byHand(event) {
    return this.hand.active && this.hand.lane === this.laneOf(event);
  }

  stroke(event, begins) {
    const place = this.placeOf(event);
    if (place >= 0 && this.byHand(event)) this.hand.stroke(place, begins);
  }

  // Where the tip has room: below and right of the pointer, else on its other side.
  beside(x, y) {
    const { offsetWidth: width, offsetHeight: height } = this.tip;
    const left = x + 18 + width > window.innerWidth ? x - 12 - width : x + 18;
    const top = y + 18 + height > window.innerHeight ? y - 12 - height : y + 18;
    return `${Math.max(4, left)}px ${Math.max(4, top)}px`;
  }

  move(place, lane) {
    if (place === this.at && lane === this.lane && !this.tip.hidden) return;
    this.at = place;
    this.lane = lane;
    this.mark("at", place);
    this.tell();
  }

  tell() {
    const said = this.describe(this.lane, this.at);
    this.tip.hidden = !said;
    if (said) this.tip.replaceChildren(...said);
  }

  leave() {
    this.tip.hidden = true;
    this.at = -1;
    this.mark("at", -1);
  }

  // One style on the lanes moves the marks in all panels.
  mark(name, place) {
    this.node.classList.toggle(`has-${name}`, place >= 0);
    this.node.style.setProperty(`--tc-${name}-x`, place % this.grid);
    this.node.style.setProperty(`--tc-${name}-y`, Math.floor(place / this.grid));
  }

  click(event) {
    const place = this.placeOf(event);
    if (place < 0 || this.byHand(event)) return;
    if (place === this.pin) return this.unpin();
    this.set(place);
  }

  set(place) {
    this.pin = place;
    this.mark("pin", place);
    this.pinned(place);
  }

  unpin() {
    if (this.pin >= 0) this.set(-1);
  }

  // What is shown has changed under the pointer.
  refresh() {
    if (!this.tip.hidden) this.tell();
  }

  key(event) {
    const panels = event.target.closest?.(".tc-panels");
    if (event.ctrlKey || event.metaKey || event.altKey || !(panels || (event.target === document.body && this.pin >= 0))) return;
    if (event.key === "Escape" && (this.hand.active || this.pin >= 0)) {
      event.preventDefault(); // one thing at a time: the projector ends with the next one
      return this.hand.active ? this.hand.stop() : this.unpin();
    }
    if (["Enter", " "].includes(event.key) && panels && this.byHand(event)) {
      event.preventDefault();
      return this.at >= 0 && this.hand.toggle(this.at);
    }
    if (event.key === "Enter" && panels && this.at >= 0) return this.at === this.pin ? this.unpin() : this.set(this.at);
    const step = ARROWS[event.key];
    if (!step) return;
    event.preventDefault();
    const from = panels ? Math.max(this.at, this.pin, 0) : this.pin;
    const place = placeAfter(from, step, this.grid);
    if (!panels) return this.set(place);
    if (this.pin >= 0) this.set(place);
    this.move(place, this.laneOf(event));
    const canvas = [...panels.querySelectorAll("canvas")].find((one) => one.offsetParent);
    const box = canvas.getBoundingClientRect(), cell = box.width / this.grid;
    const [x, y] = [place % this.grid, Math.floor(place / this.grid)];
    this.tip.style.translate = this.beside(box.left + (x + 1) * cell, box.top + (y + 1) * cell);
    this.spoken(this.tip.textContent);
  }
}
