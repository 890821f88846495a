// An explanation behind every control: a small button after its name, and one box that they share.

import { el, placePopover } from "../lib/dom.js";
import { fill } from "../lib/text.js";

const NAMES = 'label, legend, [data-testid="block-info"]';

export class Explanations {
  /** @param {import("../types.js").Words} words */
  constructor(words) {
    this.words = words;
    /** @type {string | null} what the box explains */
    this.key = null;
    /** @type {string | null} what it explained when the pointer went down, which closes it */
    this.was = null;
    this.box = el("div", { class: "tc-explained", popover: "auto", role: "note", tabindex: -1 });
    this.box.addEventListener("toggle", (event) => {
      if (/** @type {ToggleEvent} */ (event).newState === "closed") this.key = null;
    });
    const page = document.querySelector(".gradio-container") ?? document.body;
    page.append(this.box);
    this.decorate();
    // A control comes and goes with the rules that read it, and the first may come after the stage: its button follows.
    const followed = new MutationObserver((changes) => {
      if (changes.some(({ target }) => !(/** @type {Element} */ (target).closest?.(".tc-stage")))) this.decorate();
    });
    followed.observe(page, { childList: true, subtree: true });
  }

  decorate() {
    this.nameSliders();
    for (const key of Object.keys(this.words.all)) {
      for (const host of document.querySelectorAll(`.tc-x-${key}`)) {
        if (!host.querySelector(".tc-ask")) this.place(host, this.button(key));
      }
    }
  }

  /** Gradio has English names for the two inputs of a slider. */
  nameSliders() {
    for (const slider of document.querySelectorAll(".tc-slider")) {
      const name = slider.querySelector(NAMES)?.textContent?.trim();
      for (const input of slider.querySelectorAll("input")) {
        const label = fill(input.type === "range" ? this.words.slider : this.words.number, { name });
        if (input.getAttribute("aria-label") !== label) input.setAttribute("aria-label", label);
      }
    }
  }

  /** After the name: in it, it would be what the name names. @param {Element} host @param {Node} button */
  place(host, button) {
    const chips = host.querySelector("fieldset");
    if (chips) chips.append(button);
    else host.querySelector(NAMES)?.after(button);
  }

  /** @param {string} key */
  button(key) {
    const label = fill(this.words.ask, { name: this.words.all[key].name });
    const button = el("button", { type: "button", class: "tc-ask", "aria-label": label }, "?");
    button.addEventListener("pointerdown", () => {
      this.was = this.key;
    });
    button.addEventListener("click", () => this.show(key, button));
    return button;
  }

  /** @param {string} key @param {HTMLElement} button */
  show(key, button) {
    const { name, formula, text } = this.words.all[key];
    const again = this.was === key || this.key === key; // pressed again by pointer, or by key
    this.was = null;
    if (again) return this.box.hidePopover();
    const parts = formula ? [el("p", { class: "tc-formula" }, ...formulaNodes(formula))] : [];
    this.box.replaceChildren(
      el("b", {}, name),
      ...parts,
      ...text.split("\n").map((/** @type {string} */ line) => el("p", {}, line)),
    );
    this.key = key;
    this.box.showPopover();
    placePopover(this.box, button, -16);
    this.box.focus({ preventScroll: true }); // for who hears the page; closing it gives the focus back
  }
}

/** _t and _(t−1) are subscripts. @param {string} formula */
function formulaNodes(formula) {
  const parts = formula.split(/_(\(.+?\)|.)/);
  return parts.map((part, i) => (i % 2 ? el("sub", {}, part.replace(/[()]/g, "")) : part));
}
