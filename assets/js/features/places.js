// The places of the page: views with an address each. One is shown at a time; what the others hold stays as it is.

import { el } from "../lib/dom.js";
import { replaceQuery } from "../lib/query.js";

const FIRST = "compare"; // the place of an address without a word of it

export class Places {
  /** @param {Pick<import("../main.js").Page, "store" | "words">} page */
  constructor({ store, words }) {
    this.store = store;
    this.words = words.places;
    this.title = words.labels.title;
    /** @type {Record<string, number>} how far each place was scrolled when it was left */
    this.scrolled = {};
    this.links = Object.entries(/** @type {Record<string, string>} */ (this.words.names)).map(([name, text]) =>
      el(
        "a",
        { href: addressOf(name), "data-to": name, onclick: (/** @type {MouseEvent} */ e) => this.follow(e) },
        text,
      ),
    );
    const items = this.links.map((link) => el("li", {}, link));
    this.root = el("nav", { class: "tc-nav", "aria-label": this.words.label }, el("ul", {}, ...items));
    store.on(["place"], () => this.show());
    addEventListener("popstate", () => this.read());
    this.read();
    this.show();
  }

  /** The place that the address names. */
  read() {
    const query = new URLSearchParams(location.search);
    const name = query.has("lesson") ? "learn" : (query.get("place") ?? FIRST);
    this.go(name in this.words.names ? name : FIRST);
  }

  /** A link opens its place here; with a key held down the browser opens it elsewhere. @param {MouseEvent} event */
  follow(event) {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    const { to } = /** @type {HTMLElement} */ (event.currentTarget).dataset;
    this.open(String(to));
  }

  /** Go to a place, and let the browser's back button lead back. @param {string} name */
  open(name) {
    if (name !== this.store.state.place) history.pushState(null, "", addressOf(name));
    this.go(name);
  }

  /** @param {string} name */
  go(name) {
    const { place } = this.store.state;
    if (name === place) return;
    this.scrolled[place] = scrollY;
    this.store.set({ place: name });
    scrollTo({ top: this.scrolled[name] ?? 0, behavior: "instant" });
  }

  show() {
    const { place } = this.store.state;
    document.documentElement.dataset.place = place; // assets/css/places.css hides the others
    for (const link of this.links) {
      if (link.dataset.to === place) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    document.title = place === FIRST ? this.title : `${this.words.names[place]} · ${this.title}`;
  }

  /** The heading of a place. @param {string} name */
  heading(name) {
    return el("h2", { class: "tc-place-title" }, this.words.titles[name]);
  }
}

/** The address of a place: what stands in it of a run stays, what stands in it of a lesson does not. @param {string} name */
function addressOf(name) {
  const gone = ["lesson", "lesson_page", "place"];
  const address = replaceQuery((one) => gone.includes(one), name === FIRST ? [] : [["place", name]]);
  return `${address.pathname}${address.search}`;
}
