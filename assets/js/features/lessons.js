// Lessons: the one that is open, its pages in the address, and which are done.

import { isTyping } from "../lib/dom.js";
import { replaceQuery } from "../lib/query.js";
import { recallValue, remember } from "../lib/storage.js";
import { fill } from "../lib/text.js";
import { ask, messageOf, readText } from "../transport/server.js";
import { LessonList } from "./lesson-list.js";
import { LessonStage } from "./lesson-stage.js";
import { LessonView } from "./lesson-view.js";
import { isOfRun } from "./permalink.js";
import { Slides } from "./slides.js";

const STORED = "tc-lessons-done";
const MOST_BYTES = 2 ** 16;

/** @typedef {import("../types.js").Lesson} Lesson */

export class Lessons {
  /**
   * @param {import("../main.js").Page} page
   * @param {{home: () => void, project: (on: boolean) => void}} parts show what the page opens with; the projector
   */
  constructor(page, { home, project }) {
    const { config, words, store, places } = page;
    this.store = store;
    this.words = words.lessons;
    this.language = config.language;
    this.glossary = page.glossary;
    this.places = places;
    this.known = config.lessons;
    this.home = home;
    this.names = config.names;
    this.stage = new LessonStage(page);
    this.view = new LessonView(this.words, this.glossary, {
      turn: (by) => this.turn(by),
      leave: () => this.leave(true),
      live: () => this.stage.runLive({}),
      again: () => this.show(),
      slides: () => project(true),
      panel: (kind) => store.update("view", { panel: kind }),
    });
    this.slides = new Slides(page, {
      open: () => this.lesson && { lesson: this.lesson, at: this.at },
      go: (at) => this.go(at, true),
      live: (controls) => this.stage.runLive(controls),
      again: () => this.show(),
      finished: () => this.finish(),
      leave: () => project(false),
    });
    /** @type {Lesson | null} */
    this.lesson = null;
    this.name = ""; // in the address; "" for a file that was opened by hand
    this.at = 0;
    this.asked = 0; // lessons: the last one counts, and none once the visitor has gone on
    this.search = ""; // of the address before
    /** @type {import("./lesson-stage.js").Since | null} */
    this.since = null;
    /** @type {Set<string>} names of lessons */
    this.done = new Set(recallValue(STORED, /** @type {string[]} */ ([])));
    this.list = new LessonList(this.words, config.lessons, {
      start: (name) => this.start(name, 0),
      take: (file) => this.take(file),
    });
    store.on(null, (state) => this.follow(state));
    store.on(["place"], ({ place }) => this.left(place));
    places.root.addEventListener("click", ({ target }) => {
      if (/** @type {HTMLElement} */ (target).dataset.to === "learn") this.leave(true); // to the list
    });
    addEventListener("popstate", () => this.open());
    document.addEventListener("keydown", (event) => this.key(event));
    this.list.mark(this.name, this.done);
  }

  /** The element of the page that holds the list is there. @param {Element} element */
  mount(element) {
    element.replaceChildren(this.list.root);
    (element.closest(".contain") ?? document.body).append(this.view.root, this.slides.view.root); // where the style sheets reach it
  }

  /** Show what the address says. Without a lesson in it, what was there before the lesson. */
  async open() {
    const query = new URLSearchParams(location.search);
    const asked = query.get("lesson");
    if (!asked) return this.leave(false);
    const at = Number(query.get("lesson_page") ?? 1) - 1;
    if (this.lesson && asked === this.name) return this.go(at, false);
    await this.start(asked, at, false);
    const address = new URL(location.href);
    const now = address.searchParams.get("lesson"); // none where the visitor has gone on
    if (this.lesson || (now && now !== asked)) return;
    for (const name of ["lesson", "lesson_page"]) address.searchParams.delete(name);
    history.replaceState(history.state, "", address);
    if (now || !this.store.state.shown) this.home(); // there is none of that name, or nothing has been shown yet
  }

  /**
   * Open a lesson by name, or a lesson's file of this server by its path.
   * @param {string} name
   * @param {number} at
   * @param {boolean} [isNew] whether it is a new entry of the history
   */
  async start(name, at, isNew = true) {
    const asked = ++this.asked;
    try {
      const given = await this.given(name);
      const lesson = given && (await ask("lesson", given)).lesson;
      if (asked !== this.asked) return;
      if (lesson) this.begin(lesson, name, at, isNew);
      else this.list.say(this.words.elsewhere);
    } catch (error) {
      if (asked === this.asked) this.list.say(messageOf(error, this.words.failed));
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

  /** A file that was chosen by hand. @param {File} file */
  async take(file) {
    const asked = ++this.asked;
    const text = file.size > MOST_BYTES ? "" : await file.text().catch(() => "");
    if (!text) return this.list.say(fill(this.words.no_file, { name: file.name }));
    try {
      const { lesson } = await ask("lesson", { name: file.name, text, language: this.language });
      if (asked === this.asked) this.begin(lesson, "", 0, true);
    } catch (error) {
      if (asked === this.asked) this.list.say(messageOf(error, this.words.failed));
    }
  }

  /**
   * @param {Lesson} lesson
   * @param {string} name
   * @param {number} at
   * @param {boolean} isNew
   */
  begin(lesson, name, at, isNew) {
    this.list.say("");
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
    this.slides.show();
    this.list.mark(this.name, this.done);
    this.show();
  }

  /** Who goes to another place leaves the lesson, unless the lesson itself led there. @param {string} place */
  left(place) {
    if (place !== "learn" && place !== this.lesson?.pages[this.at].show?.place) this.leave(false);
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
    const i = this.known.findIndex((one) => one.name === this.name);
    return i >= 0 ? this.known[i + 1] : undefined;
  }

  /** @param {number} by */
  turn(by) {
    const { lesson } = this;
    if (!lesson) return;
    if (this.at + by < lesson.pages.length) return this.go(this.at + by, true);
    this.finish();
    const following = this.following();
    if (following) this.start(following.name, 0);
    else this.leave(true);
  }

  /** All of it has been shown. */
  finish() {
    this.done.add(this.name);
    remember(STORED, JSON.stringify([...this.done]));
    this.list.mark(this.name, this.done);
  }

  /** @param {boolean} isNew whether the address has to be put back, too */
  leave(isNew) {
    this.asked += 1;
    if (!this.lesson) return;
    const { name } = this;
    this.lesson = null;
    this.name = "";
    this.since = null;
    this.view.root.hidden = true;
    this.slides.show();
    delete document.documentElement.dataset.learns;
    if (isNew && name) history.pushState(history.state, "", `${location.pathname}${this.search}`);
    if (isNew) this.places.go("learn");
    const wasThere = this.stage.restore();
    this.list.mark(this.name, this.done);
    this.list.focus(name);
    if (!wasThere) this.home();
  }

  /** @param {import("../types.js").State} state */
  follow(state) {
    const { lesson, since, at } = this;
    if (!lesson) return;
    const views = [this.view, this.slides.view];
    for (const view of views) view.tell(state);
    if (!since || !this.view.tried.hidden || !this.stage.isDone(lesson.pages[at], since)) return;
    for (const view of views) view.markTried();
  }

  /** A clicker's two keys anywhere, arrows in the panel. @param {KeyboardEvent} event */
  key(event) {
    if (!this.lesson || this.store.state.slide || isTyping(event, "input, textarea, select, [contenteditable]")) return;
    const inside = this.view.root.contains(/** @type {Node} */ (event.target));
    const by = { PageDown: 1, PageUp: -1, ...(inside ? { ArrowRight: 1, ArrowLeft: -1 } : {}) }[event.key];
    if (inside && event.key === "Escape") return this.glossary.close() || this.leave(true);
    if (!by || this.at + by < 0) return;
    event.preventDefault();
    this.turn(by);
  }
}
