// The drawer beside the lanes: the run as curves, the life of a token, other views, keep and share. One of them at a time.

import { actionButton, el, isTyping } from "../lib/dom.js";

/** @typedef {import("../types.js").DrawerTab} DrawerTab */

export const TABS = /** @type {const} */ (["curves", "token", "view", "share"]);

export class Drawer {
  /**
   * @param {import("../store.js").Store} store
   * @param {import("../types.js").Words} words
   * @param {Record<DrawerTab, Node[]>} contents
   */
  constructor(store, words, contents) {
    this.store = store;
    this.words = words;
    this.title = el("h2", {});
    const close = { "aria-label": words.close, title: words.close, onclick: () => this.close() };
    this.closer = el("button", { type: "button", class: "tc-close", ...close }, "×");
    this.bodies = TABS.map((tab) => el("div", { class: "tc-drawer-body", "data-tab": tab }, ...contents[tab]));
    const head = el("header", {}, this.title, this.closer);
    this.node = el("section", { class: "tc-stage tc-beside", "aria-label": words.label }, head, ...this.bodies);
    this.buttons = TABS.map((tab) =>
      actionButton(words.tabs[tab], () => this.toggle(tab), {
        "data-drawer": tab,
        title: words.help[tab],
        "aria-expanded": "false",
        "aria-controls": "tc-drawer",
      }),
    );
    this.bar = el("div", { class: "tc-drawer-bar" }, ...this.buttons);
    store.on(["drawer"], () => this.show());
    store.on(["pinned"], (state) => this.followPin(state));
    document.addEventListener("keydown", (event) => this.key(event));
    this.show();
  }

  /** @param {DrawerTab} tab */
  toggle(tab) {
    if (this.store.state.drawer === tab) this.close();
    else this.store.set({ drawer: tab });
  }

  /** Who closes it goes on with the button that opens it. */
  close() {
    const { drawer } = this.store.state;
    const held = this.node.contains(document.activeElement);
    this.store.set({ drawer: "", pinned: drawer === "token" ? -1 : this.store.state.pinned });
    if (held) this.buttons[TABS.indexOf(/** @type {DrawerTab} */ (drawer))]?.focus({ preventScroll: true });
  }

  /**
   * A token that is pinned shows its life; one that is given up takes it away.
   * @param {import("../types.js").State} state
   */
  followPin({ pinned, drawer, lesson, swap }) {
    if (pinned >= 0 && !lesson && !swap) this.store.set({ drawer: "token" });
    else if (drawer === "token") this.store.set({ drawer: "" });
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    if (event.key !== "Escape" || document.querySelector(":popover-open")) return; // one thing at a time
    if (this.store.state.drawer && !isTyping(event)) this.close();
  }

  show() {
    const { drawer } = this.store.state;
    document.documentElement.dataset.beside = drawer; // Gradio's plot stands beside what is drawn here
    this.title.textContent = drawer ? this.words.tabs[drawer] : "";
    for (const body of this.bodies) body.hidden = body.dataset.tab !== drawer;
    this.buttons.forEach((button, i) => {
      button.setAttribute("aria-expanded", String(TABS[i] === drawer));
    });
  }
}
