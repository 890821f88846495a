// Gradio's controls and the store: what the visitor sets goes into the store, what the store says is set in Gradio.
// Both ways are events of Gradio without a function on the server, so neither sends a request.

import { isEqual } from "../store.js";

const FRAMES = 500; // ms in which an update may still be waiting for its frame

/** @typedef {Record<string, any>} Update of one component, as Gradio's own functions return it */

export class ControlsBridge {
  /**
   * @param {import("../store.js").Store} store
   * @param {import("../plans.js").PlanClient} plans
   * @param {string[]} names of Gradio's controls, in their order
   */
  constructor(store, plans, names) {
    this.store = store;
    this.plans = plans;
    this.names = names;
    const { controls, visible } = store.state;
    this.known = { controls, visible, offered: store.state.offered }; // what Gradio shows
    this.trigger = () => {}; // until its component is mounted
    this.asked = false; // whether Gradio has been asked to fetch updates, and has not yet
    this.offeredAt = Number.NEGATIVE_INFINITY; // when the pack's choices came
    store.on(["controls", "visible", "choices"], () => this.push());
  }

  /** @param {() => void} trigger tells Gradio to fetch `updates` */
  connect(trigger) {
    this.trigger = trigger;
    this.asked = false;
    this.push();
  }

  /**
   * The visitor changed a control. One alone: what Gradio holds of the others may be older than the store.
   * @param {string} name
   * @param {any} value
   */
  change(name, value) {
    this.known = { ...this.known, controls: { ...this.known.controls, [name]: value } };
    if (!isEqual(value, this.store.state.controls[name])) this.plans.change({ [name]: value });
  }

  push() {
    const { controls, visible, offered } = this.store.state;
    const { known } = this;
    const differs = this.names.some(
      (name) => !isEqual(controls[name], known.controls[name]) || visible[name] !== known.visible[name],
    );
    if (this.asked || (!differs && offered === known.offered)) return;
    this.asked = true; // until Gradio fetches them
    this.trigger();
  }

  /**
   * What Gradio has to show, in the order of its controls. All of it each time: of two updates that reach a component
   * in one frame, Gradio keeps the last alone.
   * @returns {Update[]}
   */
  updates() {
    const { controls, visible, choices, offered } = this.store.state;
    if (offered !== this.known.offered) this.offeredAt = performance.now();
    const offersNew = performance.now() - this.offeredAt < FRAMES;
    this.known = { controls, visible, offered };
    this.asked = false;
    return this.names.map((name) => ({
      __type__: "update",
      value: controls[name],
      ...(name in visible ? { visible: visible[name] } : {}),
      // what a component of our own has, Gradio keeps in its `props`; a list that is set anew loses the focus
      ...(offersNew && choices[name] ? { props: { choices: choices[name] } } : {}),
    }));
  }
}
