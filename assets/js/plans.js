// Asks the server what the controls would run, after each change of them; one question at a time, the last one counts.

import { ask, Refused } from "./transport/server.js";

export class PlanClient {
  /**
   * @param {import("./store.js").Store} store
   * @param {import("./types.js").Words} words
   */
  constructor(store, words) {
    this.store = store;
    this.noAnswer = words.no_answer;
    /** @type {Promise<void> | null} while the server is asked */
    this.asking = null;
    /** @type {Set<string>} controls that the visitor changed and the server has not been told of */
    this.changed = new Set();
    this.again = false;
  }

  /**
   * Change controls as the visitor did, and ask what follows.
   * @param {Record<string, any>} controls those that changed
   */
  change(controls) {
    this.store.set({ controls: { ...this.store.state.controls, ...controls }, message: null, advice: "" });
    this.refresh(Object.keys(controls));
  }

  /**
   * Ask what the controls as they stand would run.
   * @param {string[]} [changed]
   */
  refresh(changed = []) {
    for (const name of changed) this.changed.add(name);
    this.again = true;
    this.asking ??= this.askAll();
    return this.asking;
  }

  /**
   * A run's first line has set the controls: what was changed before it is of no account any more.
   * @param {string[]} since controls that the visitor has changed since asking for that run
   */
  replaced(since) {
    this.changed.clear();
    if (since.length) this.refresh(since);
  }

  /** The controls, after what the visitor's last changes bring with them. */
  async settled() {
    if (this.changed.size && !this.asking) this.refresh(); // there was no answer
    while (this.asking) await this.asking;
    return this.store.state.controls;
  }

  async askAll() {
    while (this.again) {
      this.again = false;
      await this.askOnce();
    }
    this.asking = null;
  }

  async askOnce() {
    const { controls, visible, offered } = this.store.state;
    const changed = [...this.changed];
    const refused = (/** @type {unknown} */ error) =>
      error instanceof Refused
        ? { controls, visible, choices: null, plan: { wrong: error.message, pack: "", lanes: [] } }
        : null;
    const found = await ask("plan", { controls, changed, offered }).catch(refused);
    if (this.again) return; // something changed meanwhile: the next answer counts
    if (!found) return this.store.set({ message: { text: this.noAnswer, wrong: true } });
    this.changed.clear();
    if (controls !== this.store.state.controls) return; // a run's first line has set others
    this.apply(found);
  }

  /** @param {import("./types.js").Resolved} found */
  apply(found) {
    const choices = found.choices ? { choices: found.choices, offered: found.controls.pack } : {};
    this.store.set({ controls: found.controls, visible: found.visible, planned: found.plan, ...choices });
  }
}
