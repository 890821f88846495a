// One lane: its name and passes, four panels, and a line that says in words what the step did.

const KINDS = ["input", "proposal", "scores", "decision"];

class Lane {
  constructor(index, words, actions) {
    this.words = words;
    this.frames = [];
    this.meta = null;
    this.name = el("h2", { class: "tc-lane-name" });
    this.passes = el("span", { class: "tc-lane-passes" });
    this.status = el("p", { class: "tc-status" });
    this.canvases = {};
    this.notes = {};
    this.panels = el("div", { class: "tc-panels", tabindex: 0, role: "group" }, ...KINDS.map((kind) => this.figure(kind)));
    this.node = el("section", { class: "tc-lane", "data-lane": index },
      el("header", { class: "tc-lane-head" }, this.name, this.passes),
      this.panels, this.status, actions);
  }

  figure(kind) {
    const words = this.words.panels[kind];
    this.canvases[kind] = el("canvas", { role: "img", width: 16, height: 16, "data-panel": kind });
    this.notes[kind] = el("p", { class: "tc-note" });
    return el("figure", { class: "tc-panel", "data-panel": kind },
      el("figcaption", {}, el("b", {}, words.number), " ", ...this.title(words, words.next ? "tc-if-loop" : ""), ...(words.next ? this.title(words.next, "tc-if-chain") : [])),
      el("div", { class: "tc-canvas" }, this.canvases[kind], this.notes[kind]));
  }

  title({ name, symbol }, when) {
    return [el("span", { class: when }, name), " ", el("small", { class: when }, symbol)];
  }

  plan(meta) {
    this.name.textContent = meta.name;
    this.panels.setAttribute("aria-label", fill(this.words.token.cells, meta));
    const said = [plural(this.words.steps, meta.steps), plural(this.words.passes, meta.passes)];
    if (meta.origin?.tokens) said.push(this.words.branches.from_own);
    else if (meta.origin) said.push(fill(this.words.branches.from, { ...meta.origin, lane: meta.origin.lane + 1 }));
    this.passes.textContent = said.join(", ");
  }

  // meta: nothing where the run has no such lane
  begin(meta = null) {
    this.meta = meta;
    this.frames = [];
    if (meta) this.plan(meta);
  }

  // The width that each panel has, 0 where it is not shown. Asked of all lanes before any is drawn: asking after
  // something was written makes the browser lay out the page once more.
  room() {
    return KINDS.map((kind) => (this.canvases[kind].offsetParent ? this.canvases[kind].parentElement.clientWidth : 0));
  }

  draw(s, look, room) {
    const frame = this.frames[s];
    const compared = look.others?.length ? look.others : [null];
    if (this.isDrawn([frame, frame?.judged, look.grid, look.asOrder, look.proposal, look.layout, look.colours, ...room, window.devicePixelRatio, look.byHand?.size, look.byHand, ...compared])) return;
    this.node.classList.toggle("is-empty", !frame);
    if (!frame) return this.blank(look, room);
    const before = s > 0 ? this.frames[s - 1].picture : frame.picture; // a lane that starts from a picture shows that
    const line = this.line(frame);
    this.panel((kind) => kind, { ...look, frame, before }, room, (kind) => `${this.meta.name}, ${this.words.panels[kind].name}, ${line}`);
    const unscored = s < this.meta.steps - 1 ? this.words.unscored_marked : this.words.unscored;
    this.notes.scores.textContent = frame.scored || (frame.judged && !look.asOrder) ? "" : unscored;
    this.say(frame);
  }

  // Draw the panels that are shown, each as `as` says, and say in words what is on them.
  panel(as, look, room, said) {
    KINDS.forEach((kind, i) => {
      const canvas = this.canvases[kind];
      if (!room[i]) return; // another panel is shown on a small screen
      drawPanel(canvas, as(kind), { ...look, cell: fit(canvas, look.grid, room[i]) });
      canvas.setAttribute("aria-label", said(kind));
    });
  }

  // Whether all that decides the picture is as it was: while a run streams, a lane may have no new step.
  isDrawn(state) {
    const same = this.drawn?.length === state.length && this.drawn.every((one, i) => one === state[i]);
    this.drawn = state;
    return same;
  }

  // Before the first step every token is masked, and nothing else is known.
  blank(look, room) {
    const places = look.grid * look.grid;
    const nothing = { tokens: new Int32Array(places).fill(MASK), scores: new Float32Array(places).fill(NaN) };
    const all = { ...look, asOrder: false, frame: nothing };
    this.panel((kind) => (kind === "input" ? kind : "scores"), all, room, (kind) => `${this.words.panels[kind].name}: ${this.words.empty}`);
    this.notes.scores.textContent = "";
    this.status.textContent = this.words.idle;
  }

  line(frame) {
    const [kept, fresh, masked, revoked] = frame.counts;
    return fill(this.words.line, { s: frame.s + 1, steps: frame.steps, kept, fresh, masked, revoked });
  }

  say(frame) {
    const [before, after] = this.line(frame).split("|");
    const revoked = el("span", { class: frame.counts[REVOKED] ? "tc-revoked" : "" }, after);
    const { odd } = this.words, last = frame.s === frame.steps - 1;
    const more = last ? odd.last : frame.counts[KEPT] + frame.counts[NEW] === 0 ? odd.nothing : "";
    this.status.replaceChildren(before, revoked, more);
  }

  get spoken() {
    return `${this.name.textContent}: ${this.status.textContent}`;
  }
}
