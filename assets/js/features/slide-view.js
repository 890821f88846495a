// A slide beside the lanes: one part of a lesson's page, in large type.

import { actionButton, el } from "../lib/dom.js";
import { fill } from "../lib/text.js";
import { tellRun } from "./lesson-view.js";

/** @typedef {import("../types.js").Slide} Slide */
/** @typedef {import("../types.js").LessonPage} LessonPage */
/** @typedef {import("../types.js").State} State */

export class SlideView {
  /**
   * @param {import("../types.js").Words} words
   * @param {import("./glossary.js").Glossary} glossary
   * @param {{turn: (by: number) => void, live: () => void, again: () => void, leave: () => void}} actions
   */
  constructor(words, glossary, actions) {
    this.words = words.lessons;
    this.glossary = glossary;
    this.where = el("span", { class: "tc-lesson-where" });
    this.title = el("h2", { class: "tc-lesson-title", tabindex: -1 });
    this.body = el("div", { class: "tc-slide-body", role: "group", "aria-live": "polite" });
    this.tried = el("strong", { class: "tc-lesson-tried", hidden: true }, this.words.tried);
    this.state = el("p", { class: "tc-lesson-state" });
    this.live = actionButton(this.words.live, actions.live);
    this.again = actionButton(this.words.again, actions.again);
    this.actions = el("div", { class: "tc-actions" }, this.live, this.again);
    this.back = actionButton(this.words.back, () => actions.turn(-1));
    this.next = actionButton(this.words.next, () => actions.turn(1));
    this.next.classList.add("is-main");
    this.dots = el("span", { class: "tc-lesson-dots", "aria-hidden": "true" });
    const leave = actionButton(words.views.leave, actions.leave);
    const nav = el("nav", { class: "tc-lesson-nav", "aria-label": this.words.slides.label }, this.back, this.dots);
    nav.append(this.next);
    this.root = el(
      "aside",
      { class: "tc-slide tc-stage", "aria-label": this.words.slides.label, hidden: true },
      el("header", {}, this.where, leave),
      this.title,
      this.body,
      el("footer", {}, this.actions, this.state, nav),
    );
  }

  /** @param {Slide | null} slide */
  draw(slide) {
    this.root.hidden = !slide;
    this.glossary.slides = slide ? this.root : null;
    if (!slide) return;
    const { lesson, at, part } = slide;
    const page = lesson.pages[at];
    const place = { number: lesson.number, at: at + 1, pages: lesson.pages.length };
    this.where.textContent = fill(this.words.page, place);
    this.title.textContent = part === "end" ? this.words.slides.end : page.title;
    if (part === "text") this.tried.hidden = true; // of another page
    this.body.replaceChildren(...this[part](page, lesson));
    this.body.scrollLeft = 0;
    this.actions.hidden = part !== "action";
    this.live.hidden = !page.action?.done?.ran;
    this.back.disabled = at === 0 && part === "text";
    this.next.disabled = part === "end";
    this.dots.replaceChildren(...lesson.pages.map((_, i) => el("i", { class: i === at ? "is-now" : "" })));
    const { activeElement } = document;
    const held = /** @type {HTMLButtonElement | null} */ (activeElement)?.disabled || activeElement === document.body;
    if (held || part === "text") this.title.focus({ preventScroll: true });
  }

  /** @param {LessonPage} page */
  text({ text }) {
    return this.glossary.paragraphs(text);
  }

  /** @param {LessonPage} page */
  formula({ formulas = [] }) {
    return formulas.map((key) => this.glossary.formula(key));
  }

  /** @param {LessonPage} page */
  action({ action }) {
    return [el("h3", {}, this.words.try), ...this.glossary.paragraphs(action?.do ?? ""), this.tried];
  }

  /** @param {LessonPage} page */
  question({ question }) {
    const answers = question.answers.map(({ text }) => el("li", {}, ...this.glossary.inline(text)));
    return [
      el("h3", {}, this.words.question),
      el("p", { class: "tc-slide-ask" }, ...this.glossary.inline(question.ask)),
      el("ol", { class: "tc-slide-answers" }, ...answers),
    ];
  }

  /** @param {LessonPage} page */
  answer(page) {
    const { answers } = page.question;
    const right = answers.findIndex((one) => one.right);
    const [, ask, list] = this.question(page);
    for (const [i, item] of [...list.children].entries()) item.className = i === right ? "is-right" : "is-wrong";
    return [ask, list, el("p", {}, ...this.glossary.inline(answers[right].why))];
  }

  /** @param {LessonPage} _ @param {import("../types.js").Lesson} lesson */
  end(_, lesson) {
    const { goal } = this.words.slides;
    return [el("h3", {}, lesson.title), el("p", { class: "tc-slide-goal" }, goal), el("p", {}, lesson.goal)];
  }

  /**
   * A text that is longer than the slide goes on in further columns, out of sight: the next of them, if there is one.
   * @param {number} by 1 or -1
   */
  turn(by) {
    const { body } = this;
    const width = body.clientWidth + Number.parseFloat(getComputedStyle(body).columnGap);
    const to = Math.round(body.scrollLeft / width + by) * width;
    if (to < 0 || to > body.scrollWidth - body.clientWidth + 1) return false;
    body.scrollTo({ left: to, behavior: "instant" });
    return true;
  }

  toEnd() {
    while (this.turn(1));
  }

  /** The learner has done what the page asks for. */
  markTried() {
    this.tried.hidden = false;
  }

  /** What the run on the page is. @param {State} state */
  tell(state) {
    tellRun(this, state);
  }
}
