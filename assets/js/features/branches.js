// The third lane: added, branched off another one at the step shown, or drawn on after tokens were masked.
// Whatever masks tokens runs at once, by one request; a plain branch waits for the visitor's settings.

import { floats, MASKED, pictureBefore } from "../draw/frame.js";
import { actionButton, byId, el, isUnfolded, showFold } from "../lib/dom.js";
import { lanesOf, nameOfLane, THIRD } from "../lib/lanes.js";
import { digits, fill, mean } from "../lib/text.js";
import { shownFrame } from "../playhead.js";
import { asksForLane, canBeAsked, isEqual } from "../store.js";
import { ask, messageOf, Refused } from "../transport/server.js";

export const REFINED = 60; // percent of a finished picture that are masked (Token-Critic, section 4.2)
const OWN_PICTURE_LIKE = 1; // the lane whose settings a picture of the visitor's own is refined with: as in the paper

/** @typedef {import("../types.js").State} State */
/** @typedef {import("../types.js").Origin} Origin */
/** @typedef {{node: HTMLElement, midway: HTMLElement[], finished: HTMLElement[], judge: HTMLButtonElement}} Actions */

export class Branches {
  /**
   * @param {Pick<import("../main.js").Page, "store" | "words" | "runs" | "plans" | "player">
   *   & {hand: import("./hand.js").HandControl, swap: import("./swap.js").SwapControl}} page
   */
  constructor({ store, words, runs, plans, player, hand, swap }) {
    this.store = store;
    this.words = words.branches;
    this.noAnswer = words.no_answer;
    this.runs = runs;
    this.plans = plans;
    this.player = player;
    this.hand = hand;
    this.swap = swap;
    this.unfolded = false; // whether a branch has shown the settings of the lanes
    this.rounds = 0; // of fresh noise: each press of what masks anew draws another one
    this.add = this.button("add", () => {
      this.setThird({});
      store.set({ drawer: "" }); // three lanes take all the room
    });
    /** @type {Actions[]} */
    this.actions = [];
  }

  /** @param {string} name @param {() => void} press */
  button(name, press) {
    return actionButton(this.words[name], press, { "data-name": name, title: this.words[`${name}_help`] });
  }

  /** The buttons under a lane, others while its picture is finished. @param {number} lane */
  actionsOf(lane) {
    const node = el("div", { class: "tc-actions" });
    const judge = this.button("judge", () => this.judge(lane));
    const swap = this.button("swap", () => this.swapTokens(lane));
    const remove = this.button("remove", () => this.setThird(null));
    const after = (/** @type {Origin} */ more) => ({ lane, step: (this.frame(lane)?.s ?? 0) + 1, ...more });
    const limits = { min: 1, max: 99, value: REFINED, "aria-label": this.words.fraction };
    const share = el("input", { type: "number", class: "tc-share-masked", ...limits });
    const refine = () => {
      if (share.reportValidity()) this.start(after({ fraction: share.valueAsNumber / 100 }));
    };
    this.actions[lane] =
      lane === THIRD
        ? { node, judge, midway: [remove], finished: [judge, swap, remove] }
        : {
            node,
            judge,
            midway: [
              this.button("branch", () => this.branch(after({ masked: null }))),
              this.button("by_hand", () => this.takeOver(lane)),
            ],
            finished: [
              judge,
              this.button("refine", refine),
              el("span", { class: "tc-percent" }, share, "%"),
              this.button("repaint", () => this.takeOver(lane)),
              swap,
            ],
          };
    return node;
  }

  /** @param {number} lane */
  frame(lane) {
    return shownFrame(this.store.state, lane);
  }

  /** The visitor masks by hand. @param {number} lane */
  takeOver(lane) {
    const frame = this.frame(lane);
    if (!frame) return;
    this.player.take(this.store.state.playhead.at);
    this.store.set({ pinned: -1, view: { ...this.store.state.view, panel: "decision" } });
    this.hand.start(lane, frame);
  }

  /** The visitor puts other codes into the finished picture. @param {number} lane */
  swapTokens(lane) {
    const frame = this.frame(lane);
    if (!frame) return;
    this.player.take(this.store.state.playhead.at);
    this.swap.start(lane, frame);
  }

  /** A third lane that leaves another one and waits for its settings. @param {Origin} origin */
  branch(origin) {
    this.setThird(origin);
    this.store.set({ advice: fill(this.words.advice, origin), drawer: "" });
    if (isUnfolded("dials")) return;
    this.unfolded = true;
    showFold("dials", true);
  }

  /** Add, branch or remove the third lane, and ask what the controls would run then. @param {Origin | null} origin */
  setThird(origin) {
    this.store.set({ hand: null, swap: null });
    if (!origin && this.unfolded) showFold("dials", false);
    this.unfolded &&= Boolean(origin);
    this.plans.change(thirdControls(this.store.state, origin));
  }

  /** Mask and draw on, at once. @param {Origin} origin */
  start(origin) {
    if (document.activeElement?.matches(".tc-actions :focus-visible")) byId("tc-run")?.focus({ preventScroll: true });
    return this.runs.start(async () => {
      const controls = await this.plans.settled();
      const { state } = this.store;
      if (!origin.tokens && !asksForLane(state, origin.lane ?? 0)) throw new Refused(this.words.stale);
      this.rounds = Math.max(this.rounds, controls.third?.round ?? 0) + 1;
      const changed = thirdControls(state, { ...origin, round: this.rounds });
      return { controls: { ...controls, ...changed } };
    });
  }

  /** The critic's scores of a lane's finished picture, which the run itself does not need. @param {number} lane */
  async judge(lane) {
    const { run } = this.store.state;
    const found = await ask("score", { run: run.id, lane }).catch((error) => ({
      wrong: messageOf(error, this.noAnswer),
    }));
    const { state } = this.store;
    if (run.id !== state.run.id || !state.shown) return;
    if (!found.scores) return this.store.set({ message: { text: found.wrong || this.words.unscored, wrong: true } });
    const frames = [...state.frames];
    const [...before] = frames[lane];
    const last = /** @type {import("../types.js").Frame} */ (before.pop());
    frames[lane] = [...before, { ...last, judged: floats(found.scores) }];
    const values = { name: state.shown.lanes[lane].name, score: found.mean.toFixed(2) };
    this.store.set({ frames, message: { text: fill(this.words.scored, values), wrong: false } });
  }

  /** @param {State} state */
  draw(state) {
    if (!isHandShown(state)) this.hand.stop(); // the playhead went on
    if (state.swap && this.frame(state.swap.lane) !== state.swap.frame) this.swap.stop();
    for (const lane of this.actions.keys()) this.drawActions(lane, state);
    this.add.disabled = state.run.going;
    this.drawThird(Boolean(state.controls.third));
  }

  /**
   * Show or hide the third lane. Who added or removed it by key goes on with the button that undoes that.
   * @param {boolean} isThere
   */
  drawThird(isThere) {
    if (this.add.hidden === isThere) return;
    const { node } = this.actions[THIRD];
    const { activeElement } = document;
    const added = activeElement === this.add || activeElement === document.body; // its drawer is closed
    const held = isThere ? added : node.contains(activeElement);
    this.add.hidden = isThere;
    document.documentElement.classList.toggle("tc-three", isThere);
    const back = this.add.checkVisibility() ? this.add : document.querySelector("[data-drawer=view]"); // which holds it
    const next = /** @type {HTMLElement | null} */ (isThere ? node.querySelector("button:not([hidden])") : back);
    if (held) next?.focus({ preventScroll: true });
  }

  /** @param {number} lane @param {State} state */
  drawActions(lane, state) {
    const { node, midway, finished, judge } = this.actions[lane];
    const frame = this.frame(lane);
    const control = state.hand?.lane === lane ? this.hand : state.swap?.lane === lane ? this.swap : null;
    judge.hidden = !state.shown?.critic || !["done", "opened"].includes(state.run.why);
    const buttons = control ? [control.node] : frame && frame.s === frame.steps - 1 ? finished : midway;
    if (node.firstChild !== buttons[0]) {
      const held = node.contains(document.activeElement);
      node.replaceChildren(...buttons);
      const next = control
        ? node.closest(".tc-lane")?.querySelector(".tc-panels")
        : node.querySelector("button:not([hidden])");
      if (held) /** @type {HTMLElement | null | undefined} */ (next)?.focus({ preventScroll: true });
    }
    if (lane < THIRD && !control) this.allow(lane, state, Boolean(frame) && !state.run.going);
  }

  /**
   * What starts from a lane's picture draws that lane again: only where the controls still ask for it.
   * @param {number} lane
   * @param {State} state
   * @param {boolean} shown
   */
  allow(lane, state, shown) {
    const stale = shown && !asksForLane(state, lane);
    const { node, judge } = this.actions[lane];
    for (const button of node.querySelectorAll("button")) {
      const asks = button !== judge && button.dataset.name !== "swap";
      const disabled = !shown || (asks && stale);
      const reason = this.words[canBeAsked(state) ? "stale" : "unasked"];
      const title = asks && stale ? reason : this.words[`${button.dataset.name}_help`];
      if (button.disabled !== disabled) button.disabled = disabled; // at each step of a run: what stays is not written again
      if (button.title !== title) button.title = title;
    }
  }
}

/**
 * Whether the step that is masked by hand, if one is, is shown and what the controls ask for.
 * @param {State} state
 */
export function isHandShown(state) {
  const { hand } = state;
  return !hand || (shownFrame(state, hand.lane)?.s === hand.frame.s && asksForLane(state, hand.lane));
}

/**
 * What a lane that leaves another one begins with, before it has run: what went into the other one's next step.
 * @param {State} state
 * @param {number} lane
 * @param {import("../types.js").Words} words
 */
export function startOf(state, lane, words) {
  const { controls, planned, shown, frames } = state;
  const origin = controls.third && lane === THIRD ? planned?.lanes[THIRD]?.origin : null;
  if (!origin || origin.masked || isEqual(origin, shown?.lanes[THIRD]?.origin)) return null;
  const from = origin.lane ?? -1;
  const step = origin.step ?? 0;
  const frame = frames[from]?.[step];
  if (!frame || !asksForLane(state, from)) return null;
  return { frame, before: pictureBefore(frames[from], step), step, lane: nameOfLane(lanesOf(state), from, words) };
}

/**
 * The controls of a third lane that leaves another one: it begins with the settings which that one runs with.
 * @param {State} state
 * @param {Origin | null} origin
 * @returns {Record<string, any>}
 */
export function thirdControls({ controls, planned }, origin) {
  const from = origin?.tokens ? OWN_PICTURE_LIKE : origin?.lane;
  if (from === null || from === undefined) return { third: origin };
  const settings = planned?.lanes[from]?.settings ?? {};
  /** @type {Record<string, any>} */
  const changed = { third: origin };
  for (const name of Object.keys(controls)) {
    const field = name.endsWith("_3") ? name.slice(0, -2) : "";
    if (field) changed[name] = settings[field] ?? controls[`${field}_${from + 1}`];
  }
  return changed;
}

/**
 * How a choice by hand compares with the rule's, and what the critic says of the pictures.
 * @param {State} state
 * @param {import("../types.js").Words} words
 */
export function branchVerdict({ shown, frames, run }, words) {
  const info = shown?.lanes[THIRD];
  if (!shown || !info?.origin || frames[THIRD]?.length !== info.steps) return "";
  const { origin } = info;
  const lane = origin.lane ?? 0;
  const before = origin.tokens ? mean(frames[THIRD][0].scores) : run.means[lane];
  const scores = run.means.length ? { mine: digits(run.means[THIRD]), theirs: digits(before) } : null;
  if (info.continues) return scores ? fill(words.refined, scores) : "";
  if (!origin.masked) return "";
  const step = origin.step ?? 1;
  const theirs = frames[lane][step - 1].state;
  const both = origin.masked.filter((place) => theirs[place] >= MASKED).length;
  const overlap = fill(words.overlap, { both, wanted: origin.masked.length, name: shown.lanes[lane].name, step });
  return scores ? `${overlap} ${fill(words.judged, scores)}` : overlap;
}
