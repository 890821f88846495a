// One lane: its name and passes, four panels, and a line that says in words what the step did.

import { fit } from "../draw/cells.js";
import { scaleGradient } from "../draw/colours.js";
import { KEPT, MASK, NEW, pictureBefore, REVOKED, STATES } from "../draw/frame.js";
import { drawPanel, KINDS } from "../draw/panels.js";
import { startOf } from "../features/branches.js";
import { hiddenMarks, outcomeOf } from "../features/predict.js";
import { swappedFrame } from "../features/swap.js";
import { el, takesArrows } from "../lib/dom.js";
import { lanesOf, nameOfLane } from "../lib/lanes.js";
import { fill, plural, stepLine } from "../lib/text.js";
import { reachOf, stepAt } from "../playhead.js";
import { Growth } from "./growth.js";

/** @typedef {import("../types.js").Frame} Frame */
/** @typedef {import("../types.js").State} State */
/** @typedef {import("../types.js").PanelKind} PanelKind */
/** @typedef {import("../draw/panels.js").PanelLook} PanelLook */

/** @type {[string, number][]} classes of a lane whose panels are narrower than so many CSS pixels */
const SIZES = [
  ["is-small", 216],
  ["is-smaller", 170],
  ["is-smallest", 124],
];

export class Lane {
  /**
   * @param {number} index
   * @param {import("./painter.js").Painter} painter
   * @param {import("../types.js").Words} words
   * @param {Node} actions the buttons under it
   */
  constructor(index, painter, words, actions) {
    this.index = index;
    this.painter = painter;
    this.words = words;
    /** @type {import("../types.js").LaneInfo | null} */
    this.info = null;
    /** @type {number[]} the width of each panel in CSS pixels, 0 where it is not shown */
    this.room = [];
    this.finished = false;
    /** @type {number | undefined} the critic's mean score of the finished picture */
    this.mean = undefined;
    /** @type {PanelLook | null} how the decision is drawn */
    this.decided = null;
    this.growth = new Growth((grown) => {
      if (this.decided) drawPanel(this.canvases.decision, "decision", { ...this.decided, grown });
    });
    /** @type {any[] | null} all that decided what is drawn */
    this.drawn = null;
    this.name = el("h2", { class: "tc-lane-name", hidden: true });
    this.judge = el("span", { class: "tc-judge" }, words.panels.scores.name); // whose scores they are
    this.passes = el("span", { class: "tc-lane-passes" });
    this.taken = el("strong", { class: "tc-lane-taken" });
    this.status = el("p", { class: "tc-status" });
    this.canvases = /** @type {Record<PanelKind, HTMLCanvasElement>} */ ({});
    this.notes = /** @type {Record<PanelKind, HTMLElement>} */ ({});
    this.end = el("p", { class: "tc-end" });
    const figures = KINDS.map((kind) => this.figure(kind));
    this.panels = el("div", { class: "tc-panels", ...takesArrows(words.token.grid) }, ...figures, this.end);
    this.node = el(
      "section",
      { class: "tc-lane", "data-lane": index },
      el("header", { class: "tc-lane-head" }, this.name, this.taken, this.passes),
      this.panels,
      el("footer", { class: "tc-lane-foot" }, this.status, actions),
    );
  }

  /** @param {PanelKind} kind */
  figure(kind) {
    const words = this.words.panels[kind];
    const title = (/** @type {{name: string, symbol: string}} */ { name, symbol }, when = "") => [
      kind === "scores" ? this.judge : el("span", { class: when }, name),
      ...(kind === "scores" ? [el("span", { class: "tc-narrow" }, name)] : []),
      " ",
      el("small", { class: when }, symbol),
    ];
    const { next } = words;
    const titles = next ? [...title(words, "tc-if-loop"), ...title(next, "tc-if-chain")] : title(words);
    if (kind === "scores") titles.push(this.scale());
    const canvas = el("canvas", { role: "img", width: 16, height: 16, "data-panel": kind });
    const note = el("p", { class: "tc-note" });
    this.canvases[kind] = canvas;
    this.notes[kind] = note;
    const marks = ["tc-pinned", "tc-pointed"].map((name) => el("i", { class: `tc-cell ${name}` }));
    return el(
      "figure",
      { class: "tc-panel", "data-panel": kind },
      el("figcaption", {}, el("b", {}, words.number), " ", ...titles),
      el("div", { class: "tc-canvas" }, canvas, ...marks, note),
    );
  }

  /** What the colours of the scores mean. */
  scale() {
    const { words } = this;
    const end = (/** @type {string} */ plain, /** @type {string} */ ordered) => [
      el("span", { class: "tc-if-plain" }, plain),
      el("span", { class: "tc-if-ordered" }, ordered),
    ];
    const bar = el("i", { style: `background:${scaleGradient()}`, "aria-hidden": "true" });
    const parts = [...end("0", words.first_masked), bar, ...end("1", words.last_masked)];
    return el("span", { class: "tc-scale", title: words.scale_help }, ...parts);
  }

  /** How much room each panel has. */
  measure() {
    this.room = KINDS.map((kind) => {
      const canvas = this.canvases[kind];
      return canvas.offsetParent ? (canvas.parentElement?.clientWidth ?? 0) : 0;
    });
    const most = Math.max(...this.room);
    for (const [name, width] of SIZES) this.node.classList.toggle(name, most > 0 && most < width);
  }

  /** @param {State} state */
  draw(state) {
    const { index } = this;
    const start = startOf(state, index, this.words);
    const names = lanesOf(state).map((_, i, lanes) => nameOfLane(lanes, i, this.words));
    this.describe((start ? null : state.shown?.lanes[index]) ?? state.planned?.lanes[index] ?? null, names);
    const reach = reachOf(state);
    const steps = state.frames.map((_, i) => stepAt(reach, i, state.playhead.at));
    const frame = start ? undefined : (swappedFrame(state, index) ?? state.frames[index]?.[steps[index]]);
    this.finish(state, frame);
    this.begin(Boolean(start));
    const proposals = state.frames.map((frames, i) => (swappedFrame(state, i) ?? frames[steps[i]])?.proposal);
    const others = state.view.compares ? proposals.filter((one, i) => one && i !== index) : null;
    const byHand = state.hand?.lane === index ? state.hand.chosen : null;
    const guessed = hiddenMarks(state, index);
    const { colours } = this.painter;
    const { asOrder, proposal, layout } = state.view;
    this.mean = state.run.means[index];
    const grid = state.shown?.grid ?? 16;
    const decides = [
      frame,
      start?.frame,
      grid,
      asOrder,
      proposal,
      layout,
      colours,
      byHand,
      state.guess,
      this.mean,
      devicePixelRatio,
      ...this.room,
      ...(others?.length ? others : [null]),
    ];
    if (this.isDrawn(decides)) return;
    const grown = this.growth.begin(state.playhead);
    const look = { grid, cell: 1, colours, asOrder, proposal, layout, others, byHand, guessed, grown };
    if (frame) this.show(frame, state.frames[index], look, outcomeOf(state, index));
    else this.showNothing(look, start);
  }

  /**
   * After the last step there is nothing left to decide: the picture alone is shown, large.
   * @param {State} state
   * @param {Frame | undefined} frame
   */
  finish({ shown, run, hand, view, lesson }, frame) {
    const isLast = Boolean(frame && frame.s === frame.steps - 1 && !frame.judged);
    const isWhole = view.layout === "loop" && view.panel === "decision" && !view.projecting && !lesson;
    const finished = isLast && isWhole && hand?.lane !== this.index;
    if (finished && shown) {
      const { seed } = shown.lanes[this.index].settings;
      const score = run.means[this.index];
      const scored = score === undefined ? "" : fill(this.words.finished_score, { score: score.toFixed(2) });
      const said = fill(this.words.finished, { label: shown.label, seed });
      this.end.textContent = said + (frame?.swapped ? this.words.swap.finished : scored);
    }
    if (this.node.classList.toggle("is-finished", finished) === this.finished) return;
    this.finished = finished;
    this.measure(); // the picture has another size now
  }

  /** Whether it shows what it starts from: on small screens in place of the panel that is chosen. @param {boolean} starts */
  begin(starts) {
    const before = this.node.classList.contains("is-start");
    if (this.node.classList.toggle("is-start", starts) !== before) this.measure();
  }

  /**
   * Its name, and what it costs.
   * @param {import("../types.js").LaneInfo | null} info
   * @param {string[]} names of all lanes
   */
  describe(info, names) {
    const name = names[this.index] ?? info?.name ?? "";
    if (info === this.info && name === this.name.textContent) return;
    this.info = info;
    this.name.hidden = !info; // a heading without a word would be read out
    if (!info) return;
    this.name.textContent = name;
    this.panels.setAttribute("aria-label", fill(this.words.token.cells, { name }));
    const { judges } = this.words;
    this.judge.textContent = judges[info.settings.rule] ?? judges.other;
    const parts = [plural(this.words.steps, info.steps), plural(this.words.passes, info.passes)];
    const { origin } = info;
    if (origin?.tokens) parts.push(this.words.branches.from_own);
    else if (origin) {
      const { [origin.fraction ? "refines" : "from"]: sentence } = this.words.branches;
      const lane = names[origin.lane ?? 0];
      parts.push(fill(sentence, { ...origin, lane, share: Math.round(100 * (origin.fraction ?? 0)) }));
    }
    this.passes.textContent = parts.join(", ");
  }

  /**
   * @param {Frame} frame
   * @param {Frame[]} frames
   * @param {Omit<PanelLook, "frame" | "before">} look
   * @param {{right: number, marked: number, revoked: number} | null} outcome of what the audience marked
   */
  show(frame, frames, look, outcome) {
    const before = pictureBefore(frames, frame.s);
    const line = byHandLine(frame, this.words) || stepLine(this.words.line, frame).replaceAll("|", "");
    const name = this.name.textContent;
    const label = (/** @type {PanelKind} */ kind) => `${name}, ${this.words.panels[kind].name}, ${line}`;
    this.drawPanels((kind) => kind, { ...look, frame, before }, label);
    const unscored = frame.s < frame.steps - 1 ? this.words.unscored_marked : this.words.unscored;
    const { guessed } = look;
    this.countTaken(frames.slice(0, frame.s + (guessed ? 0 : 1)));
    this.notes.scores.textContent = frame.scored || (frame.judged && !look.asOrder) ? "" : unscored;
    if (frame.swapped) this.status.textContent = line;
    else if (guessed) this.status.textContent = fill(this.words.predict.mark, { s: frame.s + 1, n: guessed.size });
    else this.say(frame, outcome);
  }

  /**
   * How many tokens the lane has taken back so far: what greedy selection never does.
   * @param {Frame[]} frames up to the one that is shown
   */
  countTaken(frames) {
    const n = frames.reduce((sum, { counts }) => sum + counts[REVOKED], 0);
    this.taken.textContent = fill(this.words.taken, { n });
    this.taken.title = fill(this.words.taken_help, { places: frames[0]?.state.length });
    this.taken.classList.toggle("tc-revoked", n > 0);
  }

  /**
   * Before the first step only what goes in is known: every token is masked, or it is what another lane has come to.
   * @param {Omit<PanelLook, "frame" | "before">} look
   * @param {ReturnType<typeof startOf>} start
   */
  showNothing(look, start) {
    const places = look.grid * look.grid;
    const nothing = /** @type {Frame} */ (
      /** @type {unknown} */ ({
        tokens: start?.frame.tokens ?? new Int32Array(places).fill(MASK),
        scores: new Float32Array(places).fill(Number.NaN),
      })
    );
    const { words } = this;
    const label = (/** @type {PanelKind} */ kind) => `${words.panels[kind].name}: ${words.empty}`;
    const as = (/** @type {PanelKind} */ kind) => (kind === "input" ? kind : "scores");
    this.drawPanels(as, { ...look, asOrder: false, frame: nothing, before: start?.before ?? null }, label);
    this.status.textContent = start ? fill(words.branches.starts, start) : words.idle;
    this.notes.scores.textContent = "";
    this.taken.textContent = "";
  }

  /**
   * Draw the panels that are shown, each as `as` says, and say in words what is on them.
   * @param {(kind: PanelKind) => PanelKind} as
   * @param {PanelLook} look
   * @param {(kind: PanelKind) => string} label
   */
  drawPanels(as, look, label) {
    KINDS.forEach((kind, i) => {
      if (!this.room[i]) return; // another panel is shown on a small screen
      const canvas = this.canvases[kind];
      const fitted = { ...look, cell: fit(canvas, look.grid, this.room[i]) };
      if (kind === "decision") this.decided = as(kind) === kind ? fitted : null;
      drawPanel(canvas, as(kind), fitted);
      canvas.setAttribute("aria-label", label(kind));
    });
  }

  /**
   * Whether all that decides the picture is as it was: while a run streams, a lane may have no new step.
   * @param {any[]} state
   */
  isDrawn(state) {
    const same = this.drawn?.length === state.length && this.drawn.every((one, i) => one === state[i]);
    this.drawn = state;
    return same;
  }

  /** @param {Frame} frame @param {Record<string, number> | null} outcome */
  say(frame, outcome) {
    const { odd } = this.words;
    const isLast = frame.s === frame.steps - 1;
    const nothing = frame.counts[KEPT] + frame.counts[NEW] === 0 ? odd.nothing : "";
    const judged =
      this.mean === undefined || this.finished ? "" : ` ${fill(odd.mean, { score: this.mean.toFixed(2) })}`;
    const more = outcome ? fill(this.words.predict.outcome, outcome) : isLast ? odd.last + judged : nothing;
    const [before, ...counts] = stepLine(this.words.line, frame).split("|");
    const keys = counts.map((text, i) => {
      const revoked = i === REVOKED && frame.counts[REVOKED] ? "tc-revoked" : "";
      const key = el("i", { class: `tc-key tc-${STATES[i]}` });
      const [count, comma = more ? ". " : ""] = text.split(/(?=, $)/);
      return el("span", { class: `tc-count ${revoked}` }, key, count, el("span", { class: "tc-comma" }, comma));
    });
    this.status.replaceChildren(el("span", {}, before), ...keys, more);
  }

  get spoken() {
    const text = this.status.textContent ?? "";
    return `${this.name.textContent}: ${text.endsWith(".") ? text : `${text}.`}`;
  }
}

/**
 * What is said of a picture whose tokens were swapped by hand; "" of any other one.
 * @param {Frame} frame
 * @param {import("../types.js").Words} words
 */
function byHandLine({ swapped, state }, words) {
  return swapped ? fill(words.swap.marked, { n: swapped.places.length, all: state.length }) : "";
}
