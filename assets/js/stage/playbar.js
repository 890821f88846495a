// The buttons, the slider and the keys that move the playhead. The slider stands above the film strip.

import { el, isTyping } from "../lib/dom.js";
import { CLICKER } from "../lib/keys.js";
import { fill } from "../lib/text.js";
import { longest, newest, reachOf } from "../playhead.js";

/** @type {Record<string, string>} paths on a grid of 16 */
const ICONS = {
  first: "M2 3h2v10H2zM13 3v10L5 8z",
  back: "M12 3v10L4 8z",
  next: "M4 3v10l8-5z",
  last: "M12 3h2v10h-2zM3 3v10l8-5z",
  play: "M4 2v12l10-6z",
  pause: "M3 3h4v10H3zM9 3h4v10H9z",
};
const SPEEDS = [0.5, 1, 2, 5, 10]; // steps a second

export class Playbar {
  /**
   * @param {import("../store.js").Store} store
   * @param {import("./player.js").Player} player
   * @param {import("../types.js").Words} words
   */
  constructor(store, player, words) {
    this.store = store;
    this.player = player;
    this.words = words;
    this.play = this.button("play", () => player.toggle());
    this.play.classList.add("tc-play");
    const sought = () => player.take(this.slider.valueAsNumber - 1);
    this.slider = el("input", { type: "range", min: 1, max: 1, value: 1, "aria-label": words.slider, oninput: sought });
    this.now = el("output", { class: "tc-now" });
    const speed = el(
      "select",
      { "aria-label": words.speed, onchange: () => store.update("playhead", { speed: Number(speed.value) }) },
      ...SPEEDS.map((n) =>
        el("option", { value: n, selected: n === store.state.playhead.speed }, fill(words.per_second, { n })),
      ),
    );
    const buttons = el(
      "div",
      { class: "tc-buttons" },
      this.button("first", () => player.take(0)),
      this.button("back", () => player.backward()),
      this.play,
      this.button("next", () => player.onward()),
      this.button("last", () => player.take(newest(reachOf(store.state)))),
    );
    this.node = el("div", { class: "tc-transport" }, buttons, el("div", { class: "tc-pace" }, this.now, speed));
    document.addEventListener("keydown", (event) => this.key(event));
  }

  /** @param {string} name @param {() => void} press */
  button(name, press) {
    const made = el("button", { type: "button", class: "tc-button", onclick: press });
    this.name(made, name);
    return made;
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const target = /** @type {Element} */ (event.target);
    const elsewhere = target !== document.body && !target.closest?.(".tc-stage");
    const pressed = event.key === " " && target.closest?.("button, a");
    if (elsewhere || pressed || isTyping(event) || !this.node.isConnected) return;
    const last = newest(reachOf(this.store.state));
    if (last < 0) return;
    const { player } = this;
    /** @type {Record<string, () => void>} */
    const moves = {
      ",": () => player.backward(),
      ".": () => player.onward(),
      " ": () => player.toggle(),
      Home: () => player.take(0),
      End: () => player.take(last),
    };
    const { view, slide } = this.store.state;
    const clicked = view.projecting && !slide ? CLICKER[event.key] : undefined; // elsewhere they scroll, or turn slides
    const move = moves[clicked ?? event.key];
    if (!move) return;
    event.preventDefault();
    move();
  }

  /** @param {import("../types.js").State} state */
  draw(state) {
    const reach = reachOf(state);
    const empty = newest(reach) < 0;
    for (const control of this.node.querySelectorAll("button")) control.disabled = empty;
    this.slider.disabled = empty;
    const steps = longest(reach);
    this.slider.max = String(Math.max(1, steps));
    this.slider.value = String(state.playhead.at + 1);
    const text = empty ? "" : fill(this.words.now, { s: state.playhead.at + 1, steps });
    this.slider.setAttribute("aria-valuetext", text);
    this.now.textContent = text;
    this.name(this.play, state.playhead.playing ? "pause" : "play");
  }

  /** @param {HTMLButtonElement} button @param {string} name */
  name(button, name) {
    if (button.dataset.name === name) return;
    button.dataset.name = name;
    button.title = this.words[name];
    button.setAttribute("aria-label", this.words[name]);
    button.innerHTML = `<svg viewBox="0 0 16 16" width="16" height="16" fill="currentColor" aria-hidden="true"><path d="${ICONS[name]}"/></svg>`;
  }
}
