// The life of the pinned token: in each lane, step by step, what was proposed there, its score and what became of it;
// and at the step that is shown, what the generator held likeliest.

const SIGNS = ["·", "+", "", "×"]; // of the states, beside their colours

class TokenLife {
  constructor(words, patches, { go, close }) {
    Object.assign(this, { words, patches, go, place: -1 });
    this.title = el("h2", { class: "tc-lane-name" });
    this.rows = el("div", { class: "tc-lives" });
    this.node = el("section", { class: "tc-token", "aria-label": words.title, hidden: true },
      el("header", {}, this.title, el("button", { type: "button", class: "tc-close", onclick: close, "aria-label": words.close, title: words.close }, "×")),
      this.rows);
    this.empty = el("p", { class: "tc-hint" }, words.hint);
  }

  show(place, grid) {
    this.place = place;
    this.node.hidden = place < 0;
    this.empty.hidden = place >= 0;
    if (place >= 0) this.title.textContent = fill(this.words.named, rowAndColumn(place, grid));
  }

  // lanes: the Lanes; steps: of each, the step that is shown
  draw(lanes, steps) {
    if (this.place < 0) return;
    const shown = lanes.filter((lane) => lane.meta);
    const state = [this.place, ...shown.flatMap((lane) => [lane.frames, lane.frames.length])];
    if (!this.drawn || state.some((one, i) => one !== this.drawn[i]) || state.length !== this.drawn.length) {
      this.drawn = state;
      this.rows.replaceChildren(...shown.map((lane, i) => this.row(lane, i)));
      this.marked = [];
    }
    shown.forEach((lane, i) => this.mark(lane, i, steps[i]));
  }

  row(lane, index) {
    const strip = el("div", { class: "tc-life" }, ...lane.frames.map((frame, s) => this.step(frame, index, s)));
    return el("div", { class: "tc-life-row" }, el("h3", {}, lane.meta.name), strip, el("div", { class: "tc-now-here" }));
  }

  step(frame, lane, s) {
    const at = this.place, score = scoresOf(frame)[at], state = frame.state[at];
    const said = fill(this.words.step, { s: s + 1, token: frame.proposal[at], score: scoreText(score, this.words), state: this.words.states[state] });
    return el("button", { type: "button", class: `tc-life-step tc-is-${STATES[state]}`, title: said, "aria-label": said, onclick: () => this.go(lane, s) },
      this.patches.node(frame.proposal[at]), el("b", {}, SIGNS[state]),
      el("span", { style: Number.isNaN(score) ? "" : `background:${scoreColour(score)};color:${score > 0.46 ? "#000" : "#fff"}` }, Number.isNaN(score) ? "–" : digits(score)));
  }

  mark(lane, i, s) {
    if (this.marked[i] === s) return;
    const row = this.rows.children[i], strip = row.children[1];
    strip.children[this.marked[i]]?.classList.remove("is-now");
    strip.children[s]?.classList.add("is-now");
    this.marked[i] = s;
    const one = strip.children[s];
    if (one && strip.scrollWidth > strip.clientWidth) strip.scrollLeft = one.offsetLeft - (strip.clientWidth - one.offsetWidth) / 2;
    row.lastChild.replaceChildren(...(lane.frames[s] ? this.candidates(lane.frames[s]) : []));
  }

  // The five likeliest tokens, a bar each.
  candidates(frame) {
    const at = this.place, { words } = this, count = frame.topTokens.length / frame.state.length;
    const visible = frame.tokens[at] !== MASK;
    const bars = Array.from({ length: count }, (_, k) => {
      const token = frame.topTokens[at * count + k], p = frame.topProbs[at * count + k] / 65535;
      return el("li", { class: token === frame.proposal[at] ? "is-chosen" : "" }, this.patches.node(token),
        el("span", { class: "tc-bar-p", style: `--p:${p}` }), el("span", {}, digits(p)));
    });
    const chosen = frame.confidence[at];
    return [
      el("p", {}, fill(visible ? words.visible : words.masked, { s: frame.s + 1, p: digits(chosen) })),
      el("ol", { class: "tc-candidates" }, ...bars),
      visible ? el("p", { class: "tc-warning" }, words.warning) : null,
    ].filter(Boolean);
  }
}

function rowAndColumn(place, grid) {
  return { row: Math.floor(place / grid) + 1, column: (place % grid) + 1 };
}

function digits(share) {
  return share > 0 && share < 0.005 ? "<0.01" : share.toFixed(2);
}

function scoreText(score, words) {
  return Number.isNaN(score) ? words.no_score : digits(score);
}
