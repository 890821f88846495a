// Texts of lessons as nodes: paragraphs, **bold**, [[words of the page]], and symbols like $x_t$, which light up the part
// of the page that they name. Whoever points at the part lights up the symbol.

import { el } from "../lib/dom.js";

const MATHML = "http://www.w3.org/1998/Math/MathML";
const INLINE = /\*\*(.+?)\*\*|\$([^$\s]+)\$|\[\[([\w.]+)\]\]/;
/** @type {Record<string, string>} which part of the page a symbol names */
const PARTS = {
  x_t: '.tc-panel[data-panel="input"]',
  x_0: '.tc-panel[data-panel="proposal"]',
  p: '.tc-panel[data-panel="scores"]',
  m_t: '.tc-panel[data-panel="input"]',
  m_next: '.tc-panel[data-panel="decision"]',
  R: ".tc-lane .tc-status",
  K: ".tc-x-noise_K",
  a: ".tc-x-temp_a",
  b: ".tc-x-temp_b",
  tau: ".tc-x-choice_temperature",
  gamma: ".tc-x-schedule",
  T: ".tc-x-steps",
  t: ".tc-transport",
  c: ".tc-x-label",
};

/**
 * A symbol or a formula, as the server says it.
 * @typedef {object} Term
 * @property {string} math MathML
 * @property {string} name
 * @property {string} meaning
 */
/** @typedef {{symbols: Record<string, Term>, formulas: Record<string, Term>}} Terms */

export class Glossary {
  /**
   * @param {Terms} terms
   * @param {import("../types.js").Words} words of the page
   */
  constructor(terms, words) {
    this.terms = terms;
    this.words = words;
    /** @type {HTMLElement} whose symbols light up */
    this.root = el("div");
    /** @type {HTMLElement | null} those of the slide, while there is one */
    this.slides = null;
    this.said = el("p", { class: "tc-term", role: "status" });
    for (const event of ["pointerover", "focusin"]) document.addEventListener(event, (e) => this.point(e.target));
    for (const event of ["pointerleave", "focusout"]) document.addEventListener(event, () => this.point(null));
  }

  /** @param {string} text @returns {HTMLElement[]} paragraphs */
  paragraphs(text) {
    return text.split(/\n\s*\n/).map((one) => el("p", {}, ...this.inline(one.replace(/\s+/g, " ").trim())));
  }

  /** @param {string} text @returns {(Node | string)[]} */
  inline(text) {
    const found = INLINE.exec(text);
    if (!found) return text ? [text] : [];
    const [whole, bold, symbol, word] = found;
    const node = bold ? el("strong", {}, ...this.inline(bold)) : symbol ? this.symbol(symbol) : this.word(word);
    return [text.slice(0, found.index), node, ...this.inline(text.slice(found.index + whole.length))];
  }

  /** @param {string} path of a word of the page */
  word(path) {
    /** @type {any} */
    let found = this.words;
    for (const key of path.split(".")) found = found?.[key];
    return el("b", { class: "tc-word" }, typeof found === "string" ? found : path);
  }

  /** @param {string} key */
  symbol(key) {
    const term = this.terms.symbols[key];
    if (!term) return key;
    const named = { "data-symbol": key, "aria-label": `${spoken(term.math)}, ${term.name}` };
    return el("button", { type: "button", class: "tc-symbol", ...named }, math(term.math));
  }

  /** @param {string} key */
  formula(key) {
    const { math: content, name, meaning } = this.terms.formulas[key];
    const shown = math(content);
    shown.setAttribute("display", "block");
    const caption = el("figcaption", {}, el("b", {}, name), ` ${meaning}`);
    return el("figure", { class: "tc-lesson-formula" }, shown, caption);
  }

  /** What is pointed at, or has the focus. @param {EventTarget | null} target */
  point(target) {
    const at = target instanceof Element ? target : null;
    const root = this.slides ?? this.root;
    const named = at && root.contains(at) ? at.closest("[data-symbol]") : null;
    const key = named?.getAttribute("data-symbol") ?? "";
    for (const lit of document.querySelectorAll(".tc-lit")) lit.classList.remove("tc-lit");
    if (root.hidden) return; // no lesson is open: nothing to light up
    if (key && PARTS[key]) for (const part of document.querySelectorAll(PARTS[key])) part.classList.add("tc-lit");
    const pointedAt = Object.keys(PARTS).filter((one) => key === one || (!named && at?.closest(PARTS[one])));
    for (const one of pointedAt) {
      for (const symbol of root.querySelectorAll(`[data-symbol="${one}"]`)) symbol.classList.add("tc-lit");
    }
    const shown = [key, ...pointedAt].find((one) => root.querySelector(`[data-symbol="${one}"]`));
    const term = shown ? this.terms.symbols[shown] : null;
    this.said.replaceChildren(...(term ? [math(term.math), ` ${term.name}: ${term.meaning}`] : []));
  }

  /** Take the explanation of a symbol away. Returns whether there was one. */
  close() {
    const isOpen = this.said.hasChildNodes();
    if (isOpen) this.point(null);
    return isOpen;
  }
}

/** The panel that a symbol names, if it is one. @param {string} key */
export function panelOf(key) {
  const found = /data-panel="(\w+)"/.exec(PARTS[key] ?? "");
  return found ? /** @type {import("../types.js").PanelKind} */ (found[1]) : null;
}

/** @param {string} content */
function math(content) {
  const node = document.createElementNS(MATHML, "math");
  node.innerHTML = content;
  return node;
}

/** Its letters, for a screen reader that reads no MathML in a label. @param {string} content */
function spoken(content) {
  return content
    .replace(/<[^>]*>/g, " ")
    .replace(/\s+/g, " ")
    .trim();
}
