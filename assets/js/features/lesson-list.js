// The list of lessons: what each is for, which is open, which are done; and a file of one's own.

import { el } from "../lib/dom.js";
import { plural } from "../lib/text.js";

/** @typedef {{name: string, title: string, goal: string, minutes: number}} Listed */

export class LessonList {
  /**
   * @param {import("../types.js").Words} words of the lessons
   * @param {Listed[]} lessons
   * @param {{start: (name: string) => void, take: (file: File) => void}} actions
   */
  constructor(words, lessons, { start, take }) {
    this.words = words;
    this.cards = lessons.map((one, i) => this.card(one, i, start));
    this.problem = el("p", { class: "tc-lessons-problem", role: "status" });
    const chosen = () => {
      const [one] = file.files ?? [];
      if (one) take(one);
      file.value = ""; // the same file again is a choice, too
    };
    const file = el("input", { type: "file", accept: ".yaml,.yml", class: "tc-hidden-file", onchange: chosen });
    this.root = el(
      "section",
      { class: "tc-lessons tc-stage", "aria-label": words.list },
      el("p", { class: "tc-lessons-what" }, words.what),
      el("ol", { class: "tc-lessons-list" }, ...this.cards.map((card) => el("li", {}, card))),
      el("label", { class: "tc-action tc-file" }, words.own, file),
      this.problem,
    );
  }

  /** @param {Listed} lesson @param {number} i @param {(name: string) => void} start */
  card({ name, title, goal, minutes }, i, start) {
    const done = { hidden: true, role: "img", "aria-label": this.words.done };
    return el(
      "button",
      { type: "button", class: "tc-lessons-card", "data-lesson": name, title: goal, onclick: () => start(name) },
      el("b", {}, `${i + 1}  ${title}`),
      el("span", { class: "tc-lessons-goal" }, goal),
      el("small", {}, plural(this.words.minutes, minutes)),
      el("span", { class: "tc-lessons-tick", ...done }, "✓"),
    );
  }

  /** What is wrong with what was asked for. @param {string} text */
  say(text) {
    this.problem.textContent = text;
  }

  /**
   * Which lesson is open, and which are done.
   * @param {string} open its name
   * @param {ReadonlySet<string>} done
   */
  mark(open, done) {
    for (const card of this.cards) {
      card.setAttribute("aria-pressed", String(card.dataset.lesson === open));
      card.querySelector(".tc-lessons-tick")?.toggleAttribute("hidden", !done.has(card.dataset.lesson ?? ""));
    }
  }

  /** @param {string} name of a lesson */
  focus(name) {
    this.cards.find((card) => card.dataset.lesson === name)?.focus({ preventScroll: true });
  }
}
