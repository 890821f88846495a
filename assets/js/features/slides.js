// A lesson as slides, in the projector: each page of it part by part, by a clicker's two keys. What an action asks for and
// keys can do, steps of the run and views, the same keys do.

import { isTyping } from "../lib/dom.js";
import { LANES } from "../lib/lanes.js";
import { reachOf, stepAt } from "../playhead.js";
import { EMPTY, isEqual } from "../store.js";
import { SlideView } from "./slide-view.js";

/** @typedef {import("../types.js").Lesson} Lesson */
/** @typedef {import("../types.js").Slide} Slide */

/** @type {Record<string, number>} a clicker's keys, and the arrows */
const TURNS = { PageDown: 1, ArrowRight: 1, PageUp: -1, ArrowLeft: -1 };

/**
 * @typedef {object} SlideActions
 * @property {() => {lesson: Lesson, at: number} | null} open the lesson that is open, and its page
 * @property {(at: number) => void} go to that page
 * @property {(controls: Record<string, any>) => void} live run with these controls on this machine
 * @property {() => void} again show the recorded run
 * @property {() => void} finished the last page has been shown
 * @property {() => void} leave the projector
 */

export class Slides {
  /**
   * @param {Pick<import("../main.js").Page, "store" | "player" | "words" | "glossary">} page
   * @param {SlideActions} actions
   */
  constructor({ store, player, words, glossary }, actions) {
    this.store = store;
    this.player = player;
    this.actions = actions;
    this.view = new SlideView(words, glossary, {
      turn: (by) => this.turn(by),
      live: () => actions.live(pageOf(store.state.slide)?.action?.done?.controls ?? {}),
      again: actions.again,
      leave: actions.leave,
    });
    store.on(["view"], ({ view, slide }) => view.projecting !== Boolean(slide) && this.show());
    store.on(["slide"], ({ slide }) => this.draw(slide));
    document.addEventListener("keydown", (event) => this.key(event));
  }

  /** Begin with the first part of the page that is open; without the projector, or a lesson, nothing is shown. */
  show() {
    const open = this.store.state.view.projecting ? this.actions.open() : null;
    this.store.set({ slide: open && { ...open, part: "text" } });
  }

  /** @param {Slide | null} slide */
  draw(slide) {
    document.documentElement.dataset.slide = slide?.part ?? "";
    this.view.draw(slide);
  }

  /**
   * One part on, or back.
   * @param {number} by 1 or -1
   */
  turn(by) {
    const { slide } = this.store.state;
    if (!slide || this.view.turn(by)) return; // the rest of a long text
    if (slide.part === "action" && (this.step(slide, by) || this.switchViews(slide, by))) return;
    const next = slideAfter(slide, by);
    if (!next) return;
    if (next.at !== slide.at) this.actions.go(next.at); // which shows its first part
    this.store.set({ slide: next });
    if (by < 0) this.view.toEnd();
    if (next.part === "end") this.actions.finished();
  }

  /** The run goes a step towards the one that the action names, or back. @param {Slide} slide @param {number} by */
  step(slide, by) {
    const { show, action } = slide.lesson.pages[slide.at];
    if (!action?.done?.step) return false;
    const wanted = (by > 0 ? action.done.step : (show?.step ?? 1)) - 1;
    const { state } = this.store;
    const { at } = state.playhead;
    this.player.take(at + Math.sign(wanted - stepAt(reachOf(state), LANES.indexOf(show?.lane ?? "left"), at)));
    return this.store.state.playhead.at !== at;
  }

  /** The views that the action names, or those before. @param {Slide} slide @param {number} by */
  switchViews(slide, by) {
    const { show, action } = slide.lesson.pages[slide.at];
    const { view } = this.store.state;
    const before = { ...EMPTY.view, ...show?.view };
    const names = /** @type {(keyof import("../types.js").View)[]} */ (Object.keys(action?.done?.view ?? {}));
    const wanted = Object.fromEntries(names.map((name) => [name, by > 0 ? action?.done?.view?.[name] : before[name]]));
    if (names.every((name) => isEqual(view[name], wanted[name]))) return false;
    this.store.update("view", wanted);
    return true;
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const by = TURNS[event.key];
    if (!this.store.state.slide || !by || isTyping(event)) return;
    event.preventDefault();
    this.turn(by);
  }
}

/** @param {Slide | null} slide */
function pageOf(slide) {
  return slide?.lesson.pages[slide.at];
}

/**
 * The parts of a page, in the order in which they are shown.
 * @param {Lesson} lesson
 * @param {number} at
 * @returns {import("../types.js").SlidePart[]}
 */
export function partsOf(lesson, at) {
  const { formulas, action } = lesson.pages[at];
  return [
    "text",
    ...(formulas ? /** @type {const} */ (["formula"]) : []),
    ...(action ? /** @type {const} */ (["action"]) : []),
    "question",
    "answer",
    ...(at === lesson.pages.length - 1 ? /** @type {const} */ (["end"]) : []),
  ];
}

/**
 * The slide after this one, or before it; null beyond the first and the last.
 * @param {Slide} slide
 * @param {number} by 1 or -1
 * @returns {Slide | null}
 */
export function slideAfter({ lesson, at, part }, by) {
  const parts = partsOf(lesson, at);
  const next = parts[parts.indexOf(part) + by];
  if (next) return { lesson, at, part: next };
  if (!lesson.pages[at + by]) return null;
  const there = by > 0 ? partsOf(lesson, at + 1)[0] : partsOf(lesson, at - 1).slice(-1)[0];
  return { lesson, at: at + by, part: there };
}
