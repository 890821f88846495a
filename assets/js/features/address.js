// The address says what is on the stage: the preset, or what was asked for and the first letters of every step's hash.
// Who opens it sees the same: a preset as it was recorded, a run live, with a word on whether this machine got the same.

import { actionButton, copyText, el } from "../lib/dom.js";
import { replaceQuery } from "../lib/query.js";
import { fill } from "../lib/text.js";
import { canBeAsked, settingsOf } from "../store.js";
import { ask, Refused } from "../transport/server.js";
import { firstDifference, hashesOf, isOfRun, queryOf, readHashes, shownOf } from "./permalink.js";

/** @typedef {import("../types.js").State} State */
/** @typedef {{settings: string | null, hashes: string[][], older: boolean}} Expected */

export class Address {
  /**
   * @param {import("../main.js").Page} page
   */
  constructor({ store, words, config, runs, plans }) {
    this.store = store;
    this.words = words.link;
    this.config = config;
    this.runs = runs;
    this.plans = plans;
    /** @type {Expected | null} the run that the address stands for */
    this.expected = null;
    this.opening = runs.reading; // of the run that the address asked for: it is no new address
    this.field = el("input", {
      class: "tc-link",
      type: "text",
      readonly: true,
      hidden: true,
      "aria-label": this.words.address,
    });
    this.field.addEventListener("focus", () => this.field.select());
    this.button = actionButton(this.words.copy, () => this.copy(), { disabled: true });
    this.node = el("span", { class: "tc-share" }, this.button, this.field);
    this.stands = this.own; // what the address says of a run
    addEventListener("popstate", () => this.own !== this.stands && this.open());
    let { run } = store.state;
    store.on(["run"], (state) => {
      if (state.run.begun && state.run.id !== run.id) this.write(state, this.runs.reading === this.opening || !run.id);
      if (state.run.why && state.run.why !== run.why) this.ended(state);
      run = state.run;
      this.show(state);
    });
    this.show(store.state);
  }

  /** What of the address stands for a run; the place is not part of it. */
  get own() {
    return JSON.stringify([...new URLSearchParams(location.search)].filter(([name]) => this.isOwn(name)));
  }

  /** @param {string} name of a parameter */
  isOwn(name) {
    return isOfRun(name, this.config.names);
  }

  /** Show what the address says; without a word of it, what the page opens with. */
  async open() {
    const query = new URLSearchParams(location.search);
    this.stands = this.own;
    if (this.store.state.lesson || query.has("lesson")) return; // lessons.js shows it
    const recorded = query.get("preset") || this.config.opens_with;
    const isRun = !query.get("preset") && this.config.names.some((name) => query.has(name));
    if (!isRun && !recorded) return this.plans.refresh();
    const done = this.runs.start(isRun ? (signal) => this.linked(query, signal) : { recorded });
    this.opening = this.runs.reading;
    return done;
  }

  /**
   * The run that an address asks for. Throws Refused where there is none.
   * @param {URLSearchParams} query
   * @param {AbortSignal} signal
   */
  async linked(query, signal) {
    const { offered } = this.store.state;
    const own = [...query].filter(([name]) => this.isOwn(name)); // the place and the language are no part of the run
    const found = await ask("linked", { query: Object.fromEntries(own), offered }, signal);
    this.plans.apply(found); // what a link that was cut off still says is set
    const wrong = found.wrong || found.plan.wrong;
    if (wrong) throw new Refused(wrong);
    const hash = query.get("hash");
    const older = Number(query.get("version") ?? 1) !== this.config.version; // its hashes are of another sampler
    this.expected = hash ? { settings: settingsOf(found.plan), hashes: readHashes(hash), older } : null;
    return { controls: found.controls };
  }

  /** @param {State} state */
  ended(state) {
    const { why } = state.run;
    if (why === "done") this.store.set({ verdict: this.verdict(state) });
    if (!["done", "recorded", "opened"].includes(why) || !canBeAsked(state)) return;
    if (why !== "done") this.expected = { settings: settingsOf(shownOf(state)), hashes: hashesOf(state), older: false };
    this.write(state, true);
  }

  /**
   * Put what is on the stage into the browser's address; what other parts of the page keep there stays.
   * @param {State} state
   * @param {boolean} replace
   */
  write(state, replace) {
    const address = replaceQuery((name) => this.isOwn(name), this.parts(state));
    if (address.href === location.href) return;
    if (replace) history.replaceState(history.state, "", address);
    else history.pushState(history.state, "", address);
    this.stands = this.own;
  }

  /** What of the address stands for the run that is shown. @param {State} state @returns {[string, string][]} */
  parts(state) {
    const { recorded } = shownOf(state);
    if (state.lesson) return []; // it stands there itself
    if (recorded) return recorded === this.config.opens_with ? [] : [["preset", recorded]];
    return canBeAsked(state) ? queryOf(state, this.config.version) : [];
  }

  /** The address of the run that is shown, recorded or not, as one to give away. */
  get address() {
    return `${location.origin}${location.pathname}?${new URLSearchParams(queryOf(this.store.state, this.config.version))}`;
  }

  copy() {
    const { address, field } = this;
    copyText(address, this.button, /** @type {any} */ (this.words), () => {
      field.hidden = false;
      field.value = address;
      field.focus();
    });
  }

  /** @param {State} state */
  show(state) {
    const whole = ["done", "recorded"].includes(state.run.why) && canBeAsked(state);
    this.button.disabled = !whole || state.run.going;
    this.button.title = this.button.disabled ? this.words.none : this.words.help;
  }

  /** Once, after the run that the address stands for. @param {State} state */
  verdict(state) {
    const { expected } = this;
    this.expected = null;
    const { lanes } = shownOf(state);
    if (!expected || expected.settings !== settingsOf(shownOf(state))) return "";
    if (expected.older) return this.words.older;
    const parting = firstDifference(hashesOf(state), expected.hashes);
    return parting ? fill(this.words.differs, { name: lanes[parting.lane].name, s: parting.s + 1 }) : this.words.same;
  }
}
