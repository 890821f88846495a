// A field that finds one of many: the combobox of the ARIA authoring practices, with a list of all that match.

import { el } from "../lib/dom.js";
import { fill } from "../lib/text.js";

const PAGE = 10; // options that Page Up and Page Down go

/**
 * What can be chosen.
 * @typedef {object} Option
 * @property {string} value
 * @property {string} name as the page shows it
 * @property {string} face a data URL, "" without one
 */

let count = 0;

export class Combobox {
  /**
   * @param {Option[]} options
   * @param {{label: string, find: string, none: string, found: {one: string, many: string}}} words
   * @param {(value: string) => void} choose
   */
  constructor(options, words, choose) {
    this.options = options;
    this.words = words;
    this.choose = choose;
    this.value = ""; // the one that is chosen
    this.active = -1; // the one of `matches` that the arrow keys have come to
    /** @type {Option[]} */
    this.matches = [];
    count += 1;
    this.id = `tc-combobox-${count}`;
    this.list = el("ul", { id: this.id, role: "listbox", "aria-label": words.label, hidden: true });
    this.told = el("span", { class: "tc-spoken", role: "status" });
    this.face = el("img", { alt: "", width: 24, height: 24, hidden: true });
    this.field = el("input", {
      type: "text",
      role: "combobox",
      "aria-label": words.label,
      "aria-autocomplete": "list",
      "aria-expanded": "false",
      "aria-controls": this.id,
      autocomplete: "off",
      spellcheck: "false",
      placeholder: fill(words.find, { n: options.length }),
      oninput: () => this.open(this.field.value),
      onclick: () => this.list.hidden && this.open(""),
      onfocus: () => this.field.select(),
      onblur: () => this.close(),
      onkeydown: (/** @type {KeyboardEvent} */ event) => this.key(event),
    });
    this.list.addEventListener("pointerdown", (event) => event.preventDefault()); // the field keeps the focus
    this.list.addEventListener("click", (event) => this.click(event));
    this.node = el("div", { class: "tc-combobox" }, this.face, this.field, this.list, this.told);
  }

  /** Show what is chosen. @param {string} value */
  set(value) {
    this.value = value;
    if (this.list.hidden) this.restore();
  }

  restore() {
    const chosen = this.options.find((one) => one.value === this.value);
    this.field.value = chosen?.name ?? this.value;
    this.face.hidden = !chosen?.face;
    if (chosen?.face) this.face.src = chosen.face;
  }

  /** List what matches; the first, or the chosen one where all do, is taken by Enter. @param {string} text */
  open(text) {
    const { words } = this;
    this.matches = findMatches(this.options, text);
    this.list.replaceChildren(...this.matches.map((one, i) => this.item(one, i)));
    if (!this.matches.length) this.list.append(el("li", { role: "presentation" }, fill(words.none, { text })));
    const n = this.matches.length;
    this.told.textContent = n ? fill(n === 1 ? words.found.one : words.found.many, { n }) : fill(words.none, { text });
    this.list.hidden = false;
    if (text) this.face.hidden = true; // it is of the class that is chosen
    this.field.setAttribute("aria-expanded", "true");
    const chosen = this.matches.findIndex((one) => one.value === this.value);
    this.activate(text ? Math.min(0, n - 1) : chosen);
  }

  close() {
    this.list.hidden = true;
    this.list.replaceChildren();
    this.told.textContent = "";
    this.field.setAttribute("aria-expanded", "false");
    this.activate(-1);
    this.restore();
  }

  /** @param {Option} option @param {number} i */
  item({ value, name, face }, i) {
    const picture = face ? el("img", { src: face, alt: "", width: 24, height: 24, loading: "lazy" }) : null;
    const selected = String(value === this.value);
    return el("li", { id: `${this.id}-${i}`, role: "option", "aria-selected": selected, "data-at": i }, picture, name);
  }

  /** @param {number} at of `matches`, -1: none */
  activate(at) {
    this.list.children[this.active]?.classList.remove("is-active");
    this.active = at;
    const item = this.list.children[at];
    if (at < 0 || !item) return this.field.removeAttribute("aria-activedescendant");
    item.classList.add("is-active");
    item.scrollIntoView({ block: "nearest" });
    this.field.setAttribute("aria-activedescendant", item.id);
  }

  /** @param {number} at of `matches` */
  take(at) {
    const { value } = this.matches[at];
    const changes = value !== this.value;
    this.value = value;
    this.close();
    this.field.select();
    if (changes) this.choose(value);
  }

  /** @param {MouseEvent} event */
  click(event) {
    const item = /** @type {HTMLElement | null} */ (/** @type {Element} */ (event.target).closest("[data-at]"));
    if (item) this.take(Number(item.dataset.at));
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    if (event.ctrlKey || event.metaKey || event.isComposing) return;
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: PAGE, PageUp: -PAGE }[event.key];
    if (step) this.step(step);
    else if (event.key === "Enter" && this.active >= 0) this.take(this.active);
    else if (event.key === "Escape" && !this.list.hidden) this.close();
    else return;
    event.preventDefault();
    event.stopPropagation(); // the page's own keys stay asleep
  }

  /** @param {number} step */
  step(step) {
    if (this.list.hidden) return this.open("");
    const last = this.matches.length - 1;
    const to = this.active + step;
    if (Math.abs(step) === 1) this.activate(to < 0 ? last : to > last ? 0 : to);
    else this.activate(Math.max(Math.min(to, last), Math.min(0, last)));
  }
}

/**
 * The options whose name has the text in it: first those that begin with it, then those with a word that does.
 * @param {Option[]} options
 * @param {string} text
 */
export function findMatches(options, text) {
  const wanted = text.trim().toLowerCase();
  if (!wanted) return options;
  const place = (/** @type {Option} */ { name, value }) => {
    const at = name.toLowerCase().indexOf(wanted);
    if (at < 0) return value.toLowerCase().includes(wanted) ? 3 : -1;
    return at === 0 ? 0 : name.toLowerCase().includes(` ${wanted}`) ? 1 : 2;
  };
  const found = options.map((option) => ({ option, place: place(option) })).filter((one) => one.place >= 0);
  return found.sort((a, b) => a.place - b.place).map(({ option }) => option); // stable: else in the pack's order
}
