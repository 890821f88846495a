// Draws the stage at most once a frame: first every part measures, then every part draws. A part that measured after
// another one had written would make the browser lay out the page once more.

import { pageColours } from "../draw/colours.js";

/** @typedef {{measure?: () => void, draw: (state: import("../types.js").State) => void}} Part */

export class Painter {
  /**
   * @param {import("../store.js").Store} store
   * @param {Element} root whose style sheet says the colours
   */
  constructor(store, root) {
    this.store = store;
    this.root = root;
    /** @type {Part[]} */
    this.parts = [];
    this.colours = pageColours(root);
    this.scheduled = 0;
    store.on(null, () => this.schedule());
    new ResizeObserver(() => this.schedule()).observe(root);
    const themed = new MutationObserver(() => {
      this.colours = pageColours(root);
      this.schedule();
    });
    themed.observe(document.body, { attributes: true, attributeFilter: ["class"] });
  }

  /** The root has come into the page, where the style sheet reaches it. */
  attached() {
    this.colours = pageColours(this.root);
    this.schedule();
  }

  /** @param {...Part} parts */
  add(...parts) {
    this.parts.push(...parts);
  }

  schedule() {
    this.scheduled ||= requestAnimationFrame(() => this.draw());
  }

  draw() {
    this.scheduled = 0;
    for (const part of this.parts) part.measure?.();
    for (const part of this.parts) part.draw(this.store.state);
  }
}
