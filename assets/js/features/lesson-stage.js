// What a lesson does with the page: it sets the state, points at a part, sees what the learner does, and puts back what
// was there before.

import { byId, isUnfolded, reducedMotion, scrollTo, showFold } from "../lib/dom.js";
import { LANES } from "../lib/lanes.js";
import { reachOf, stepAt } from "../playhead.js";
import { EMPTY, isEqual } from "../store.js";

/** @typedef {import("../types.js").State} State */
/** @typedef {import("../types.js").LessonPage} LessonPage */
/**
 * What was there when a page was shown, and whether the playhead has been moved since.
 * @typedef {{run: string, pinned: number, rounds: number, at: number, moved: boolean}} Since
 */

/** @type {(keyof State)[]} */
const PUT_BACK = [
  "controls",
  "visible",
  "planned",
  "run",
  "shown",
  "frames",
  "playhead",
  "view",
  "pinned",
  "message",
  "advice",
];
const LOOKS = 100; // ms between two looks at a page that is being made
const NARROW = "(max-width: 760px)";

export class LessonStage {
  /**
   * @param {import("../main.js").Page} page
   */
  constructor({ store, runs, plans, player, places }) {
    this.store = store;
    this.runs = runs;
    this.plans = plans;
    this.player = player;
    this.places = places;
    /** @type {Partial<State> | null} */
    this.saved = null;
    this.verdict = "";
    /** @type {(Element | null)[]} */
    this.pointed = [];
    this.asked = 0; // pages: the last one counts
    this.unfolded = false; // whether a page has shown the settings of the lanes
  }

  /** Remember what is on the page. A run that is under way is stopped. */
  save() {
    const { state } = this.store;
    const { run } = state;
    const saved = Object.fromEntries(PUT_BACK.map((key) => [key, state[key]]));
    const stopped = { ...run, going: false, begun: true, stopping: false, progress: "", why: "stopped" };
    this.saved = { ...saved, run: run.going ? (run.begun ? stopped : EMPTY.run) : run };
    this.verdict = state.verdict;
  }

  /** Put back what was there. Returns whether there was anything. */
  restore() {
    const { saved } = this;
    this.saved = null;
    this.asked += 1;
    this.runs.drop();
    this.plans.replaced([]);
    this.point();
    if (this.unfolded) this.showSettings(false);
    if (!saved?.shown || !saved.playhead) {
      this.store.set({ lesson: null });
      return false;
    }
    const playhead = { ...saved.playhead, playing: false };
    this.store.set({ ...saved, hand: null, swap: null, playhead, lesson: null });
    this.player.pause(); // the player starts what has just been recorded
    this.store.set({ playhead, verdict: this.verdict });
    return true;
  }

  /**
   * Show a page's state. Resolves when the page can be tried, with what to compare with; null where another page was
   * asked for meanwhile.
   * @param {LessonPage} page
   * @param {string} lessons recording
   * @returns {Promise<Since | null>}
   */
  async show(page, lessons) {
    const { store } = this;
    this.asked += 1;
    const { asked } = this;
    const show = page.show ?? {};
    const recorded = show.recorded ?? lessons;
    this.point();
    store.set({ hand: null, swap: null });
    if (store.state.shown?.recorded !== recorded || store.state.run.why !== "recorded") {
      await this.runs.start({ recorded });
      if (asked !== this.asked) return null;
    } else this.putBack({ third: null, ...store.state.shown.ask });
    const grid = store.state.shown?.grid ?? 16;
    const [row, column] = show.pinned ?? [0, 0];
    const lane = LANES.indexOf(show.lane ?? "left");
    const panel = show.panel ?? "decision";
    store.set({
      pinned: show.pinned ? (row - 1) * grid + column - 1 : -1,
      view: { ...EMPTY.view, projecting: store.state.view.projecting, panel, ...show.view },
    });
    if (show.step) this.player.showStep(lane, show.step - 1);
    else this.player.pause();
    if (show.play && !store.state.slide && !reducedMotion()) this.player.play(); // slides wait for the lecturer's key
    await this.lanesMade();
    if (asked !== this.asked) return null;
    this.places.go(show.place ?? "learn");
    if (!show.place) this.reveal(lane, show.panel, page.action?.done);
    const { run, pinned, playhead, rounds } = store.state;
    return { run: run.id, pinned, rounds, at: playhead.at, moved: false };
  }

  /** What was changed and not run is changed back. @param {Record<string, any>} ask what the run asked for */
  putBack(ask) {
    const { controls } = this.store.state;
    if (Object.entries(ask).some(([name, value]) => !isEqual(controls[name], value))) this.plans.change(ask);
  }

  /** Resolves when Gradio has made the lanes: a lesson may be asked for before that. */
  async lanesMade() {
    while (!document.querySelector(".tc-lanes")) await new Promise((done) => setTimeout(done, LOOKS));
  }

  /**
   * Point at a panel of a lane and at controls, and have in sight what the action needs: these controls, or Run, else
   * the lane.
   * @param {number} lane
   * @param {string} [panel]
   * @param {NonNullable<LessonPage["action"]>["done"]} [done] what the action asks for
   */
  reveal(lane, panel, done = {}) {
    const names = Object.keys(done.controls ?? {});
    const node = document.querySelector(`[data-lane="${lane}"]${panel ? ` .tc-panel[data-panel="${panel}"]` : ""}`);
    const controls = names.map((name) =>
      byId(`tc-settings-${name.slice(-1)}`)?.querySelector(`.tc-x-${name.slice(0, -2)}`),
    );
    this.point(panel ? node : null, ...controls);
    if (names.length && !isUnfolded("dials")) this.showSettings(true);
    const needed = controls[0] ?? (done.ran ? byId("tc-run") : null);
    const block = matchMedia(NARROW).matches && !needed ? "start" : "nearest";
    requestAnimationFrame(() => scrollTo(needed ?? node?.closest(".tc-lane"), block)); // after what a pin has scrolled to
  }

  /** The settings of the lanes, where they were folded. @param {boolean} shown */
  showSettings(shown) {
    this.unfolded = shown;
    showFold("dials", shown);
  }

  /** @param {...(Element | null | undefined)} nodes */
  point(...nodes) {
    for (const node of this.pointed) node?.classList.remove("tc-pointed-at");
    this.pointed = nodes.map((node) => node ?? null);
    for (const node of this.pointed) node?.classList.add("tc-pointed-at");
  }

  /**
   * Whether the learner has done what a page asks for.
   * @param {LessonPage} page
   * @param {Since} since
   */
  isDone(page, since) {
    const done = page.action?.done;
    const { state } = this.store;
    if (!done) return false;
    const lane = LANES.indexOf(page.show?.lane ?? "left");
    const ended = state.run.why === "done" && state.run.id !== since.run;
    const asked = state.shown?.ask ?? {};
    since.moved ||= state.playhead.at !== since.at;
    return [
      !done.ran || ended,
      !done.third || (ended && state.shown?.lanes.length === 3),
      !done.pinned || (state.pinned >= 0 && state.pinned !== since.pinned),
      !done.played || state.rounds > since.rounds,
      !done.step || (since.moved && stepAt(reachOf(state), lane, state.playhead.at) === done.step - 1),
      !done.marked || (state.hand?.chosen.size ?? 0) >= done.marked,
      !done.swapped || (state.swap?.changed.at(-1)?.swapped?.places.length ?? 0) >= done.swapped,
      Object.entries(done.controls ?? {}).every(([name, value]) => isEqual(asked[name], value)),
      Object.entries(done.view ?? {}).every(([name, value]) =>
        Object.entries(state.view).some(([n, v]) => n === name && v === value),
      ),
    ].every(Boolean);
  }

  /** Run what the controls say, after a change of them. @param {Record<string, any>} changed */
  runLive(changed) {
    if (Object.keys(changed).length) this.plans.change(changed);
    this.runs.start(async () => ({ controls: await this.plans.settled() }));
  }
}
