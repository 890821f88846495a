// Asks the server for runs, and puts what comes into the store: live ones, recordings, files, branches alike.

import { decodeFrame } from "./draw/frame.js";
import { fill } from "./lib/text.js";
import { isEqual } from "./store.js";
import { ask, messageOf, runLines } from "./transport/server.js";

/** @typedef {import("./types.js").Begin} Begin */
/** @typedef {import("./types.js").RunRequest} RunRequest */

const LONG = 10; // seconds: of a longer run it is said how much is left

export class RunClient {
  /**
   * @param {import("./store.js").Store} store
   * @param {import("./types.js").Words} words
   * @param {import("./plans.js").PlanClient} plans
   */
  constructor(store, words, plans) {
    this.store = store;
    this.words = words;
    this.plans = plans;
    this.reading = new AbortController(); // of the run that is asked for now
    /** @type {{at: number, done: number} | null} when the first steps came, and the share of the work they were */
    this.first = null;
  }

  get run() {
    return this.store.state.run;
  }

  /**
   * Ask for a run in place of the one that is shown. Resolves when all of it is here.
   * @param {RunRequest | ((signal: AbortSignal) => Promise<RunRequest>)} asked or what finds it out
   */
  async start(asked) {
    this.reading.abort();
    const reading = new AbortController();
    this.reading = reading;
    const before = this.run.going && this.run.begun ? { ...this.run, why: "stopped" } : this.run;
    performance.clearMarks(); // else the marks of all runs would be kept
    performance.mark("run-asked");
    this.store.set({
      run: { ...before, going: true, begun: false, stopping: false, progress: this.words.starting },
      hand: null,
      swap: null,
      message: null,
      advice: "",
    });
    let wrong = "";
    try {
      const request = typeof asked === "function" ? await asked(reading.signal) : asked;
      const { controls } = this.store.state;
      for await (const line of runLines(request, reading.signal)) {
        const arrived = performance.now();
        const frames = await Promise.all((line.steps ?? []).map(decodeFrame));
        if (this.reading !== reading) return;
        if (line.kind === "begin") this.begin(line, controls);
        this.take(line, frames, arrived);
      }
    } catch (error) {
      wrong = messageOf(error, this.words.no_answer);
    }
    if (this.reading === reading && this.run.going) this.breakOff(before, wrong);
  }

  /**
   * The answer has ended before the run did.
   * @param {import("./types.js").Run} before
   * @param {string} wrong
   */
  breakOff(before, wrong) {
    const { begun, stopping } = this.run;
    if (begun) return stopping ? this.finish({ why: "stopped" }) : this.finish({ why: "failed" }, wrong);
    this.store.set({
      run: { ...before, going: false, stopping: false, progress: "" },
      message: stopping ? null : { text: wrong || this.words.no_answer, wrong: true },
    });
  }

  /**
   * @param {any} line
   * @param {import("./types.js").Frame[]} frames its steps
   * @param {number} arrived
   */
  take(line, frames, arrived) {
    if (line.kind === "waiting") this.store.update("run", { progress: this.waiting(line) });
    if (frames.length) this.addFrames(line, frames, arrived);
    if (line.kind === "end") this.finish(line);
  }

  /**
   * What is said while there is no place.
   * @param {{before: number, seconds: number | null}} line
   */
  waiting({ before, seconds }) {
    const { first, later, about } = this.words.waiting;
    const said = before ? fill(later, { n: before }) : first;
    return seconds === null ? said : `${said} ${fill(about, { seconds: Math.max(1, Math.round(seconds)) })}`;
  }

  /**
   * The controls become those of the run, but for what the visitor has changed while it had to wait.
   * @param {Begin} begin
   * @param {Record<string, any>} before the controls when it was asked for
   */
  begin(begin, before) {
    const { state } = this.store;
    const isAsked = Object.keys(begin.ask).length > 0; // else nobody's controls led to it
    const since = Object.entries(state.controls).filter(([name, value]) => !isEqual(value, before[name]));
    this.first = null;
    const asked = isAsked && {
      controls: { ...state.controls, third: null, ...begin.ask, ...Object.fromEntries(since) },
      visible: begin.visible,
      planned: { wrong: "", pack: begin.pack, lanes: begin.lanes },
    };
    this.store.set({
      ...asked,
      shown: begin,
      frames: begin.lanes.map(() => []),
      run: { ...this.run, id: begin.run, begun: true, why: "", progress: "", told: "", counted: "", means: [] },
      playhead: { ...state.playhead, at: -1, playing: false, following: true },
      pinned: begin.grid === state.shown?.grid ? state.pinned : -1,
      verdict: "",
    });
    if (isAsked) this.plans.replaced(since.map(([name]) => name));
  }

  /**
   * Steps that came in one line are shown together.
   * @param {{steps: import("./types.js").SentStep[], at: number}} line
   * @param {import("./types.js").Frame[]} added
   * @param {number} arrived
   */
  addFrames(line, added, arrived) {
    const frames = [...this.store.state.frames];
    line.steps.forEach(({ lane, s }, i) => {
      frames[lane] = [...frames[lane], added[i]];
      performance.mark("step-arrived", {
        startTime: arrived,
        detail: { lane, s, sent: line.at - performance.timeOrigin },
      });
    });
    this.store.set({ frames });
    this.tellLeft(arrived);
  }

  /** Say how long the rest of a long run will take. @param {number} now ms */
  tellLeft(now) {
    const { shown, frames } = this.store.state;
    if (!shown || this.run.stopping) return;
    const done = shareDone(shown.lanes, frames);
    this.first ??= { at: now, done };
    const left = secondsLeft(this.first, { at: now, done });
    if (left === null) return;
    const words = this.words.left;
    const progress =
      left < 90 ? fill(words.seconds, { n: roundUp(left, 5) }) : fill(words.minutes, { n: roundUp(left / 60, 1) });
    if (progress !== this.run.progress) this.store.update("run", { progress });
  }

  /**
   * @param {{why: string, told?: string, counted?: string, scores?: number[]}} end
   * @param {string} [wrong]
   */
  finish({ why, told = "", counted = "", scores = [] }, wrong = "") {
    this.store.set({
      run: { ...this.run, going: false, stopping: false, progress: "", why, told, counted, means: scores },
      message: wrong ? { text: wrong, wrong: true } : null,
    });
  }

  /** Nobody waits any more for the run that is asked for. Where it is under way, the server notices. */
  drop() {
    this.reading.abort();
    this.reading = new AbortController();
  }

  /** End the run within a step; who asks for it again does not wait for that. */
  stop() {
    const { id, begun, stopping } = this.run;
    this.store.update("run", { stopping: true, progress: this.words.stopping });
    if (!begun || stopping) return this.reading.abort();
    ask("stop", { run: id }).catch(() => this.reading.abort()); // the server notices that, too
  }
}

/**
 * The share of all network passes that is done, from 0 to 1.
 * @param {import("./types.js").LaneInfo[]} lanes
 * @param {ArrayLike<any>[]} frames of each lane
 */
export function shareDone(lanes, frames) {
  const sum = (/** @type {number[]} */ passes) => passes.reduce((all, one) => all + one, 0);
  const done = lanes.map(({ passes, steps }, i) => (passes * frames[i].length) / steps);
  return sum(done) / sum(lanes.map(({ passes }) => passes));
}

/**
 * Seconds until all is done, at the speed since the first steps. null for a run that is short, or has just begun.
 * @param {{at: number, done: number}} first ms, share
 * @param {{at: number, done: number}} now
 */
export function secondsLeft(first, now) {
  if (now.done <= first.done) return null;
  const since = (now.at - first.at) / 1000;
  const left = (since * (1 - now.done)) / (now.done - first.done);
  return since + left < LONG ? null : left;
}

/** A number that does not change at every step. @param {number} value @param {number} unit */
function roundUp(value, unit) {
  return unit * Math.max(1, Math.ceil(value / unit));
}
