// The panel beside the lanes: one page of a lesson, with its action, its question and the way on.

import { actionButton, el, scrollTo } from "../lib/dom.js";
import { fill } from "../lib/text.js";
import { panelOf } from "./glossary.js";

/** @typedef {import("../types.js").Lesson} Lesson */
/** @typedef {import("../types.js").LessonPage} LessonPage */
/**
 * @typedef {object} ViewActions
 * @property {(by: number) => void} turn so many pages
 * @property {() => void} leave
 * @property {() => void} live run it on this machine
 * @property {() => void} again show the recorded run
 * @property {() => void} slides show the lesson as slides
 * @property {(kind: import("../types.js").PanelKind) => void} panel show it on a small screen
 */

export class LessonView {
  /**
   * @param {import("../types.js").Words} words of the lessons
   * @param {import("./glossary.js").Glossary} glossary
   * @param {ViewActions} actions
   */
  constructor(words, glossary, actions) {
    this.words = words;
    this.glossary = glossary;
    this.actions = actions;
    this.where = el("span", { class: "tc-lesson-where" });
    this.fold = actionButton("–", () => this.toggle(), { class: "tc-close tc-lesson-fold", "aria-expanded": "true" });
    const leave = { class: "tc-close", "aria-label": words.leave, title: words.leave_help };
    this.leave = actionButton("×", actions.leave, leave);
    this.title = el("h2", { class: "tc-lesson-title", tabindex: -1 });
    this.body = el("div", { class: "tc-lesson-body", tabindex: 0, role: "group", "aria-label": words.panel });
    this.state = el("p", { class: "tc-lesson-state", role: "status" });
    this.live = actionButton(words.live, actions.live);
    this.again = actionButton(words.again, actions.again);
    this.slides = actionButton(words.slides.show, actions.slides, { class: "tc-action tc-to-projector" });
    this.slides.title = words.slides.help;
    this.runs = el("div", { class: "tc-actions" }, this.live, this.again);
    this.back = actionButton(words.back, () => actions.turn(-1));
    this.next = actionButton(words.next, () => actions.turn(1));
    this.next.classList.add("is-main");
    this.dots = el("span", { class: "tc-lesson-dots", "aria-hidden": "true" });
    this.tried = el("strong", { class: "tc-lesson-tried", hidden: true }, words.tried);
    const said = el("div", { class: "tc-lesson-said" }, glossary.said, this.state);
    this.root = el(
      "aside",
      { class: "tc-lesson tc-stage", "aria-label": words.panel, hidden: true },
      el("header", {}, this.where, this.slides, this.fold, this.leave),
      this.title,
      this.body,
      el("footer", {}, said, this.runs, this.nav()),
    );
    this.root.addEventListener("click", (event) => this.press(event));
    glossary.root = this.root;
  }

  nav() {
    return el("nav", { class: "tc-lesson-nav", "aria-label": this.words.panel }, this.back, this.dots, this.next);
  }

  /** A press on a symbol brings its panel to a small screen. @param {Event} event */
  press(event) {
    const symbol = /** @type {Element} */ (event.target).closest(".tc-symbol");
    const kind = panelOf(symbol?.getAttribute("data-symbol") ?? "");
    if (kind) this.actions.panel(kind);
  }

  /** Small screens: as a line, so that the lanes have the room. @param {boolean} [open] */
  toggle(open = this.root.classList.contains("is-folded")) {
    this.root.classList.toggle("is-folded", !open);
    const name = open ? this.words.fold : this.words.unfold;
    this.fold.textContent = open ? "–" : "+";
    this.fold.setAttribute("aria-expanded", String(open));
    this.fold.setAttribute("aria-label", name);
    this.fold.title = name;
  }

  /**
   * @param {Lesson} lesson
   * @param {number} at
   * @param {string} after what the last page leads to
   */
  show(lesson, at, after) {
    const page = lesson.pages[at];
    const pages = lesson.pages.length;
    const place = { number: lesson.number, at: at + 1, pages };
    this.where.textContent = `${lesson.title} · ${fill(this.words.page, place)}`;
    this.title.textContent = page.title;
    this.tried.hidden = true;
    this.body.replaceChildren(
      ...this.glossary.paragraphs(page.text),
      ...(page.formulas ?? []).map((key) => this.glossary.formula(key)),
      ...this.action(page),
      this.question(page),
    );
    this.body.scrollTop = 0;
    for (const node of [this.state, this.runs]) node.hidden = Boolean(page.show?.place); // no run is in sight there
    this.back.disabled = at === 0;
    this.next.textContent = at < pages - 1 ? this.words.next : after;
    this.dots.replaceChildren(...lesson.pages.map((_, i) => el("i", { class: i === at ? "is-now" : "" })));
    this.toggle(true);
    this.root.hidden = false;
  }

  /** @param {LessonPage} page */
  action({ action }) {
    if (!action) return [];
    const heading = el("h3", {}, this.words.try);
    return [el("div", { class: "tc-lesson-action" }, heading, ...this.glossary.paragraphs(action.do), this.tried)];
  }

  /** @param {LessonPage} page */
  question({ question }) {
    const told = el("p", { class: "tc-lesson-told", role: "status" });
    const buttons = question.answers.map((answer, i) => {
      const press = () => this.answer(buttons, told, question.answers, i);
      return el(
        "button",
        { type: "button", class: "tc-answer", "aria-pressed": "false", onclick: press },
        ...this.glossary.inline(answer.text),
      );
    });
    const ask = el("legend", {}, el("h3", {}, this.words.question), ...this.glossary.inline(question.ask));
    return el("fieldset", { class: "tc-lesson-question" }, ask, ...buttons, told);
  }

  /**
   * What is right is shown once the learner has answered.
   * @param {HTMLButtonElement[]} buttons
   * @param {HTMLElement} told
   * @param {import("../types.js").LessonAnswer[]} answers
   * @param {number} chosen
   */
  answer(buttons, told, answers, chosen) {
    const right = answers.findIndex((one) => one.right);
    buttons.forEach((button, i) => {
      button.setAttribute("aria-pressed", String(i === chosen));
      button.classList.toggle("is-right", i === right);
      button.classList.toggle("is-wrong", i === chosen && i !== right);
    });
    const said = chosen === right ? this.words.right : this.words.wrong;
    const reasons = chosen === right ? [answers[right].why] : [answers[chosen].why, answers[right].why];
    told.replaceChildren(el("strong", {}, said), " ", ...this.glossary.inline(reasons.join(" ")));
    scrollTo(told, "nearest");
  }

  /** What the run on the page is. @param {import("../types.js").State} state */
  tell(state) {
    tellRun(this, state);
  }

  /** The learner has done what the page asks for. */
  markTried() {
    this.tried.hidden = false;
  }
}

/**
 * Say what the run on the page is, seen from a lesson, and offer what can be run now.
 * @param {{words: import("../types.js").Words, state: HTMLElement, live: HTMLButtonElement, again: HTMLButtonElement}} view
 * @param {import("../types.js").State} state
 */
export function tellRun({ words, state: said, live, again }, { run, shown, verdict }) {
  const isRecorded = Boolean(shown?.recorded) && run.why === "recorded";
  const ended = run.why === "done" ? verdict || words.parted : words.lost;
  const text = isRecorded ? words.recorded : run.going ? words.running : ended;
  if (said.textContent !== text) said.textContent = text;
  live.disabled = run.going;
  again.hidden = isRecorded || run.going;
}
