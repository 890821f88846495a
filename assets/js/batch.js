// Many pictures at once: asks the server for them, and tells whoever shows them what comes.

import { ask, messageOf, runLines } from "./transport/server.js";

/**
 * A picture of a batch.
 * @typedef {object} Item
 * @property {number} lane
 * @property {number} i its number
 * @property {number} seed
 * @property {string} picture a data URL
 * @property {number | null} score the critic's mean score
 */

/**
 * Who shows a batch.
 * @typedef {object} BatchView
 * @property {string} noAnswer what is said where the server does not answer
 * @property {() => void} changed `run` is another one
 * @property {(begin: import("./types.js").Begin) => void} begin
 * @property {(item: Item) => void} add
 * @property {(end: {why: string, scores: number[][]}) => void} finish `scores`: how surely the classifier names the class
 * @property {(text: string) => void} refused nothing came
 */

export class Batch {
  /**
   * @param {import("./plans.js").PlanClient} plans
   * @param {BatchView} view
   */
  constructor(plans, view) {
    this.plans = plans;
    this.view = view;
    this.run = { id: "", going: false, why: "" };
    this.reading = new AbortController();
  }

  /**
   * Draw so many pictures of each lane. Resolves when all are here, or none will come.
   * @param {number} count
   * @param {Record<string, any>} [controls] in place of the page's
   */
  async start(count, controls = {}) {
    this.reading.abort();
    const reading = new AbortController();
    this.reading = reading;
    const before = this.run;
    this.change({ id: "", going: true, why: "" });
    let wrong = this.view.noAnswer;
    try {
      const gallery = { ...(await this.plans.settled()), ...controls, count };
      for await (const line of runLines({ gallery }, reading.signal)) this.take(line);
    } catch (error) {
      wrong = messageOf(error, this.view.noAnswer);
    }
    if (this.reading !== reading || !this.run.going) return; // it has come to its end
    const begun = Boolean(this.run.id);
    this.change(begun ? { ...this.run, going: false, why: "failed" } : before); // what was drawn before is still here
    if (!begun && !reading.signal.aborted) this.view.refused(wrong);
  }

  /** End it before the next picture. */
  stop() {
    if (!this.run.id) return this.reading.abort();
    ask("stop", { run: this.run.id }).catch(() => this.reading.abort());
  }

  /** @param {any} line */
  take(line) {
    if (line.kind === "begin") {
      this.run = { ...this.run, id: line.run };
      this.view.begin(line);
    }
    for (const item of line.steps ?? []) this.view.add(item);
    if (line.kind === "end") {
      this.run = { ...this.run, going: false, why: line.why };
      this.view.finish(line);
    }
  }

  /** @param {{id: string, going: boolean, why: string}} run */
  change(run) {
    this.run = run;
    this.view.changed();
  }
}
