// Asks the server what the controls would run, after each change of them; one question at a time, the last one counts.

import { ask } from "./transport/server.js";

export class PlanClient {
  /** @param {import("./store.js").Store} store */
  constructor(store) {
    this.store = store;
    this.asking = false;
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
  async refresh(changed = []) {
    for (const name of changed) this.changed.add(name);
    this.again = true;
    if (this.asking) return;
    this.asking = true;
    while (this.again) {
      this.again = false;
      await this.askOnce();
    }
    this.asking = false;
  }

  async askOnce() {
    const { controls, offered } = this.store.state;
    const changed = [...this.changed];
    const found = await ask("plan", { controls, changed, offered }).catch(() => null);
    if (!found || this.again) return; // something changed meanwhile: the next answer counts
    this.changed.clear();
    this.apply(found);
  }

  /** @param {import("./types.js").Resolved} found */
  apply(found) {
    const choices = found.choices ? { choices: found.choices, offered: found.controls.pack } : {};
    this.store.set({ controls: found.controls, visible: found.visible, planned: found.plan, ...choices });
  }
}
