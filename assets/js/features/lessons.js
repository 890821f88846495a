// Lessons: the list of them, the one that is open, its pages in the address, and which are done.

import { el, isTyping } from "../lib/dom.js";
import { replaceQuery } from "../lib/query.js";
import { recallValue, remember } from "../lib/storage.js";
import { fill, plural } from "../lib/text.js";
import { ask, messageOf, readText } from "../transport/server.js";
import { Glossary } from "./glossary.js";
import { LessonStage } from "./lesson-stage.js";
import { LessonView } from "./lesson-view.js";
import { isOfRun } from "./permalink.js";

const STORED = "tc-lessons-done";
const MOST_BYTES = 2 ** 16;

/** @typedef {import("../types.js").Lesson} Lesson */

export class Lessons {
  /**
   * @param {import("../main.js").Page} page
   * @param {{rounds: () => number, home: () => void}} parts rounds of the game; show what the page opens with
   */
  constructor({ config, words, store, runs, plans, player, places }, { rounds, home }) {
    this.store = store;
    this.words = words.lessons;
    this.language = config.language;
    this.places = places;
    this.list = config.lessons;
    this.home = home;
    this.names = config.names;
    this.stage = new LessonStage({ config, words, store, runs, plans, player, places }, rounds);
    this.view = new LessonView(this.words, new Glossary(config.terms, words), {
      turn: (by) => this.turn(by),
      leave: () => this.leave(true),
      live: () => this.stage.runLive(),
      again: () => this.show(),
      panel: (kind) => store.update("view", { panel: kind }),
    });
    /** @type {Lesson | null} */
    this.lesson = null;
    this.name = ""; // in the address; "" for a file that was opened by hand
    this.at = 0;
    this.search = ""; // of the address before
    /** @type {import("./lesson-stage.js").Since | null} */
    this.since = null;
    /** @type {Set<string>} names of lessons */
    this.done = new Set(recallValue(STORED, /** @type {string[]} */ ([])));
    this.problem = el("p", { class: "tc-lessons-problem", role: "status" });
    this.cards = this.list.map((one, i) => this.card(one, i));
    this.root = this.build();
    store.on(null, (state) => this.follow(state));
    store.on(["place"], ({ place }) => this.left(place));
    places.root.addEventListener("click", ({ target }) => {
      if (/** @type {HTMLElement} */ (target).dataset.to === "learn") this.leave(true); // to the list
    });
    addEventListener("popstate", () => this.open());
    document.addEventListener("keydown", (event) => this.key(event));
    this.mark();
  }

  build() {
    const take = () => this.take(file);
    const file = el("input", { type: "file", accept: ".yaml,.yml", class: "tc-hidden-file", onchange: take });
    const own = el("label", { class: "tc-action tc-file" }, this.words.own, file);
    return el(
      "section",
      { class: "tc-lessons tc-stage", "aria-label": this.words.list },
      el("p", { class: "tc-lessons-what" }, this.words.what),
      el("ol", { class: "tc-lessons-list" }, ...this.cards.map((card) => el("li", {}, card))),
      own,
      this.problem,
    );
  }

  /** @param {{name: string, title: string, goal: string, minutes: number}} lesson @param {number} i */
  card({ name, title, goal, minutes }, i) {
    const time = el("small", {}, plural(this.words.minutes, minutes));
    const tick = el(
      "span",
      { class: "tc-lessons-tick", hidden: true, role: "img", "aria-label": this.words.done },
      "✓",
    );
    const head = el("b", {}, `${i + 1}  ${title}`);
    const open = () => this.start(name, 0);
    return el(
      "button",
      { type: "button", class: "tc-lessons-card", "data-lesson": name, title: goal, onclick: open },
      head,
      el("span", { class: "tc-lessons-goal" }, goal),
      time,
      tick,
    );
  }

  /** The element of the page that holds the list is there. @param {Element} element */
  mount(element) {
    element.replaceChildren(this.root);
    (element.closest(".contain") ?? document.body).append(this.view.root); // where the style sheets reach it
  }

  /** Show what the address says. Without a lesson in it, what was there before the lesson. */
  async open() {
    const query = new URLSearchParams(location.search);
    const asked = query.get("lesson");
    if (!asked) return this.lesson ? this.leave(false) : undefined;
    const at = Number(query.get("lesson_page") ?? 1) - 1;
    if (this.lesson && asked === this.name) return this.go(at, false);
    await this.start(asked, at, false);
    if (this.lesson) return;
    const address = new URL(location.href); // there is none of that name
    for (const name of ["lesson", "lesson_page"]) address.searchParams.delete(name);
    history.replaceState(history.state, "", address);
    this.home();
  }

  /**
   * Open a lesson by name, or a lesson's file of this server by its path.
   * @param {string} name
   * @param {number} at
   * @param {boolean} [isNew] whether it is a new entry of the history
   */
  async start(name, at, isNew = true) {
    try {
      const given = await this.given(name);
      if (given) this.begin((await ask("lesson", given)).lesson, name, at, isNew);
      else this.say(this.words.elsewhere);
    } catch (error) {
      this.say(messageOf(error, this.words.failed));
    }
  }

  /** What the server is asked with; null for another server's file. @param {string} name */
  async given(name) {
    const { language } = this;
    const isFile = /\.ya?ml$/.test(name);
    if (!isFile) return { name, language };
    const address = new URL(name, location.href);
    if (address.origin !== location.origin) return null;
    return { name: address.pathname.split("/").pop(), text: await readText(address.href, MOST_BYTES), language };
  }

  /** A file that was chosen by hand. @param {HTMLInputElement} input */
  async take(input) {
    const file = input.files?.[0];
    if (!file) return;
    const text = file.size > MOST_BYTES ? "" : await file.text().catch(() => "");
    input.value = ""; // the same file again is a choice, too
    if (!text) return this.say(fill(this.words.no_file, { name: file.name }));
    try {
      this.begin((await ask("lesson", { name: file.name, text, language: this.language })).lesson, "", 0, true);
    } catch (error) {
      this.say(messageOf(error, this.words.failed));
    }
  }

  /** @param {string} text */
  say(text) {
    this.problem.textContent = text;
  }

  /**
   * @param {Lesson} lesson
   * @param {string} name
   * @param {number} at
   * @param {boolean} isNew
   */
  begin(lesson, name, at, isNew) {
    this.say("");
    if (!this.lesson) {
      this.stage.save();
      this.search = new URLSearchParams(location.search).has("lesson") ? "?place=learn" : location.search;
    }
    this.lesson = lesson;
    this.name = name;
    this.since = null; // of another lesson's page
    this.store.set({ lesson: name || lesson.title });
    document.documentElement.dataset.learns = name;
    this.places.go("learn");
    this.go(at, isNew);
  }

  /** @param {number} at @param {boolean} isNew */
  go(at, isNew) {
    const { lesson } = this;
    if (!lesson) return;
    this.at = Math.max(0, Math.min(Number.isInteger(at) ? at : 0, lesson.pages.length - 1));
    if (this.name && isNew) history.pushState(history.state, "", this.address());
    const following = this.following();
    const after = following ? this.words.next_lesson : this.words.finish;
    this.view.show(lesson, this.at, after);
    this.view.title.focus({ preventScroll: true });
    this.mark();
    this.show();
  }

  /** Who goes to another place leaves the lesson, unless the lesson itself led there. @param {string} place */
  left(place) {
    if (!this.lesson) return;
    if (place !== "learn" && place !== this.lesson.pages[this.at].show?.place) this.leave(false);
  }

  /** Put the page into the state that this page of the lesson wants. */
  async show() {
    const { lesson, at } = this;
    if (!lesson) return;
    this.since = null;
    const since = await this.stage.show(lesson.pages[at], lesson.recorded);
    if (since) this.since = since;
  }

  address() {
    const ours = { place: "learn", lesson: this.name, lesson_page: String(this.at + 1) };
    return replaceQuery((name) => name in ours || isOfRun(name, this.names), Object.entries(ours));
  }

  /** The lesson after this one. */
  following() {
    const i = this.list.findIndex((one) => one.name === this.name);
    return i >= 0 ? this.list[i + 1] : undefined;
  }

  /** @param {number} by */
  turn(by) {
    const { lesson } = this;
    if (!lesson) return;
    if (this.at + by < lesson.pages.length) return this.go(this.at + by, true);
    this.done.add(this.name);
    remember(STORED, JSON.stringify([...this.done]));
    const following = this.following();
    if (following) this.start(following.name, 0);
    else this.leave(true);
  }

  /** @param {boolean} isNew whether the address has to be put back, too */
  leave(isNew) {
    if (!this.lesson) return;
    const { name } = this;
    this.lesson = null;
    this.name = "";
    this.since = null;
    this.view.root.hidden = true;
    delete document.documentElement.dataset.learns;
    if (isNew && name) history.pushState(history.state, "", `${location.pathname}${this.search}`);
    if (isNew) this.places.go("learn");
    const wasThere = this.stage.restore();
    this.mark();
    this.cards.find((card) => card.dataset.lesson === name)?.focus({ preventScroll: true });
    if (!wasThere) this.home();
  }

  /** @param {import("../types.js").State} state */
  follow(state) {
    const { lesson, since, at } = this;
    if (!lesson) return;
    this.view.tell(state);
    if (since && this.view.tried.hidden && this.stage.isDone(lesson.pages[at], since)) this.view.markTried();
  }

  /** Which lesson is open, and which are done. */
  mark() {
    for (const card of this.cards) {
      card.setAttribute("aria-pressed", String(card.dataset.lesson === this.name));
      card.querySelector(".tc-lessons-tick")?.toggleAttribute("hidden", !this.done.has(card.dataset.lesson ?? ""));
    }
  }

  /** A clicker's two keys anywhere, arrows in the panel. @param {KeyboardEvent} event */
  key(event) {
    if (!this.lesson || isTyping(event, "input, textarea, select, [contenteditable]")) return;
    const inside = this.view.root.contains(/** @type {Node} */ (event.target));
    const by = { PageDown: 1, PageUp: -1, ...(inside ? { ArrowRight: 1, ArrowLeft: -1 } : {}) }[event.key];
    if (inside && event.key === "Escape") return this.leave(true);
    if (!by || this.at + by < 0) return;
    event.preventDefault();
    this.turn(by);
  }
}
