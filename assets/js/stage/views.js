// How a step is shown: the layout of the panels, what stands for a proposal, and two more switches.
// And the projector: one panel of each lane, as large as it goes.

import { KINDS } from "../draw/panels.js";
import { el, isTyping } from "../lib/dom.js";

const LAYOUTS = ["loop", "chain"];
const PROPOSALS = ["picture", "masked", "heat", "tokens"];
const TYPED = "input:not([type=radio], [type=range], [type=checkbox]), textarea, select, [contenteditable]";

export class Views {
  /**
   * @param {import("../store.js").Store} store
   * @param {import("../types.js").Words} words
   * @param {HTMLElement} root of the stage
   * @param {() => void} focusPlay so that the space bar plays
   */
  constructor(store, words, root, focusPlay) {
    this.store = store;
    this.words = words;
    this.root = root;
    this.focusPlay = focusPlay;
    const projector = { "aria-pressed": "false", title: words.projector_help, onclick: () => this.project() };
    this.button = el("button", { type: "button", class: "tc-action tc-to-projector", ...projector }, words.projector);
    this.node = el(
      "div",
      { class: "tc-views" },
      this.select("layout", LAYOUTS),
      this.select("proposal", PROPOSALS),
      this.toggle("asOrder"),
      this.toggle("predicts"),
      this.toggle("compares", el("i", { class: "tc-key tc-differ", "aria-hidden": "true" })),
    );
    document.addEventListener("keydown", (event) => this.key(event));
    document.addEventListener("fullscreenchange", () => {
      if (!document.fullscreenElement) this.project(false);
    });
    store.on(["view"], ({ view }) => {
      this.follow(view.projecting);
      root.classList.toggle("is-chain", view.layout === "chain");
      root.classList.toggle("is-ordered", view.asOrder);
      root.dataset.panel = view.panel;
      for (const select of this.node.querySelectorAll("select"))
        select.value = /** @type {any} */ (view)[select.dataset.view ?? ""];
      for (const box of this.node.querySelectorAll("input"))
        box.checked = /** @type {any} */ (view)[box.dataset.view ?? ""];
    });
  }

  /** @param {"layout" | "proposal"} name @param {string[]} all */
  select(name, all) {
    const id = `tc-view-${name}`;
    const change = () => this.store.update("view", /** @type {any} */ ({ [name]: select.value }));
    const options = all.map((one) => el("option", { value: one }, this.words.kinds[one]));
    const select = el("select", { id, "data-view": name, onchange: change }, ...options);
    return el("div", { class: `tc-switch tc-x-${name}` }, el("label", { for: id }, this.words[name]), select);
  }

  /** @param {"asOrder" | "compares" | "predicts"} name @param {...Node} more */
  toggle(name, ...more) {
    const change = () => this.store.update("view", { [name]: box.checked });
    const box = el("input", { type: "checkbox", "data-view": name, onchange: change });
    return el(
      "div",
      { class: `tc-switch tc-x-${name}` },
      el("label", { class: "tc-switch" }, box, ...more, this.words[name]),
    );
  }

  /** @param {boolean} [on] */
  project(on = !this.store.state.view.projecting) {
    this.store.update("view", { projecting: on });
  }

  /** Full screen where the browser allows it. @param {boolean} on */
  follow(on) {
    if (on === this.root.classList.contains("is-projected")) return;
    document.documentElement.classList.toggle("tc-projector", on);
    this.root.classList.toggle("is-projected", on);
    this.button.setAttribute("aria-pressed", String(on));
    this.button.textContent = on ? this.words.leave : this.words.projector;
    if (on) {
      this.focusPlay();
      document.documentElement.requestFullscreen?.().catch(() => {});
    } else if (document.fullscreenElement) document.exitFullscreen();
    scrollTo(0, 0);
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    if (isTyping(event, TYPED)) return;
    const { projecting } = this.store.state.view;
    const kind = KINDS[Number(event.key) - 1];
    if (event.key === "p") this.project();
    else if (projecting && event.key === "Escape") this.project(false);
    else if (projecting && kind) this.store.update("view", { panel: kind });
  }
}
