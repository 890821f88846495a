// The stage: lanes, film strip and playbar. It builds the parts, and says what each of them is drawn from.

import { STATES, scoresOf } from "../draw/frame.js";
import { KINDS } from "../draw/panels.js";
import { Branches } from "../features/branches.js";
import { HandControl } from "../features/hand.js";
import { Notes } from "../features/notes.js";
import { Patches } from "../features/patches.js";
import { Predict } from "../features/predict.js";
import { SwapControl, swappedFrame } from "../features/swap.js";
import { TokenLife } from "../features/token.js";
import { byId, el } from "../lib/dom.js";
import { hiddenLanes } from "../lib/lanes.js";
import { fill, rowAndColumn, scoreText } from "../lib/text.js";
import { shownFrame } from "../playhead.js";
import { isStale } from "../store.js";
import { Cells } from "./cells.js";
import { Drawer } from "./drawer.js";
import { Film } from "./film.js";
import { Lane } from "./lane.js";
import { noticeOf } from "./notice.js";
import { Original } from "./original.js";
import { Painter } from "./painter.js";
import { Playbar } from "./playbar.js";
import { Views } from "./views.js";

const SPEAK_AFTER = 500; // ms without a change
const WIDE_LANE = 570; // pixels, with room for the legend beside the panels
const NARROW_LANE = 520; // CSS pixels: below it a lane's name and its passes may not fit into one line

/** @typedef {import("../types.js").State} State */

export class Stage {
  /**
   * @param {import("../main.js").Page} page
   * @param {{curves: Node[], share: Node[]}} beside what other parts put into the drawer
   */
  constructor({ store, words, runs, plans, player, glossary }, beside) {
    this.store = store;
    this.words = words;
    this.notice = el("p", { class: "tc-notice", role: "status" });
    this.spoken = el("p", { class: "tc-spoken", role: "status" });
    this.root = el("div", { class: "tc-stage", "data-panel": "decision" });
    this.painter = new Painter(store, this.root);
    this.hand = new HandControl(store, words.branches, (origin) => this.branches.start(origin));
    this.patches = new Patches(document.documentElement);
    const swap = new SwapControl(store, words, this.patches);
    this.branches = new Branches({ store, words, runs, plans, player, hand: this.hand, swap });
    this.lanes = words.lanes.map(
      (/** @type {string} */ _, /** @type {number} */ i) =>
        new Lane(i, this.painter, words, this.branches.actionsOf(i)),
    );
    this.original = new Original(this.painter, words);
    /** @type {number[]} the lanes that are not shown */
    this.hidden = [];
    const named = { ...words.token, told: words.told, lanes: words.lanes };
    this.life = new TokenLife(store, named, this.patches, (lane, s) => player.showStep(lane, s));
    this.film = new Film(this.painter, (lane, s) => player.showStep(lane, s));
    this.playbar = new Playbar(store, player, words);
    this.views = new Views(store, words.views, this.root, () => this.playbar.play.focus());
    this.tabs = this.buildTabs();
    const lanes = this.lanes.map((/** @type {Lane} */ lane) => lane.node);
    this.lanesNode = el("div", { class: "tc-lanes" }, ...lanes, this.original.node);
    this.drawer = new Drawer(store, words.drawer, {
      ...beside,
      token: [this.life.hint, this.life.node],
      view: [this.views.node, this.branches.add, new Notes({ store, words, glossary }).button],
    });
    this.drawer.bar.append(this.views.button);
    const strip = el("div", { class: "tc-strip" }, this.playbar.slider, this.film.node);
    const dock = el("div", { class: "tc-dock" }, this.playbar.node, strip, this.drawer.bar);
    this.root.append(this.notice, this.tabs, this.lanesNode, dock, this.spoken);
    new ResizeObserver(() => this.fit(dock)).observe(this.root);
    store.on(["controls", "view"], () => this.fit(dock));
    this.cells = new Cells(store, this.lanesNode, {
      describe: (lane, place) => this.describe(lane, place),
      speak: (text) => {
        this.spoken.textContent = text;
      },
      hand: this.hand,
      predict: new Predict(store),
    });
    this.painter.add(...this.lanes, this.original, this.film, this.life, this.branches, this.playbar, this.cells, {
      draw: (state) => this.draw(state),
    });
    store.on(["shown"], ({ shown }) => shown && this.patches.use(shown.pack).then(() => this.painter.schedule()));
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.speaking = undefined;
    /** @type {any[]} what came of a run, when its painting was marked last */
    this.marked = [];
  }

  /** The legend stands beside the panels where there is room; the page ends above the dock. @param {HTMLElement} dock */
  fit(dock) {
    const width = this.lanesNode.clientWidth;
    if (!width) return; // another place is shown
    document.documentElement.style.setProperty("--tc-dock-height", `${dock.offsetHeight}px`);
    const { state } = this.store;
    this.hidden = hiddenLanes(state, width);
    for (const lane of [0, 1]) {
      document.documentElement.classList.toggle(`tc-without-${lane + 1}`, this.hidden.includes(lane));
    }
    this.film.first = this.words.lanes.findIndex((/** @type {string} */ _, /** @type {number} */ i) => this.shows(i));
    const columns = state.controls.third && !this.hidden.length ? 3 : 2;
    this.root.classList.toggle("is-wide", width / columns >= WIDE_LANE && !state.view.projecting);
    this.root.classList.toggle("is-narrow", width / columns < NARROW_LANE);
  }

  /** @param {number} lane */
  shows(lane) {
    return !this.hidden.includes(lane);
  }

  /** The element of the page that holds the stage is there. @param {Element} element */
  mount(element) {
    element.replaceChildren(this.root);
    this.painter.attached();
  }

  /** Which panel small screens and the projector show. */
  buildTabs() {
    const tab = (/** @type {import("../types.js").PanelKind} */ kind) => {
      const choose = () => this.store.update("view", { panel: kind });
      const checked = kind === this.store.state.view.panel;
      const radio = el("input", { type: "radio", name: "tc-panel", value: kind, checked, onchange: choose });
      return el("label", {}, radio, el("span", {}, this.words.panels[kind].name));
    };
    return el("div", { class: "tc-tabs", role: "radiogroup", "aria-label": this.words.tabs }, ...KINDS.map(tab));
  }

  /** @param {State} state */
  draw(state) {
    const { text, wrong, name = "", counted = "" } = noticeOf(state, this.words);
    const first = name && text && `${name}\u2002`;
    if (this.notice.textContent !== first + text + counted) {
      const lead = first ? [el("strong", {}, first)] : [];
      this.notice.replaceChildren(...lead, text, ...(counted ? [el("small", { class: "tc-counted" }, counted)] : []));
    }
    this.notice.classList.toggle("is-wrong", wrong);
    this.root.classList.toggle("is-stale", Boolean(state.planned?.wrong) || isStale(state));
    this.lanesNode.setAttribute("aria-busy", String(state.run.going));
    this.lanesNode.classList.toggle("has-hand", Boolean(state.hand ?? state.guess));
    this.root.classList.toggle("is-predicting", Boolean(state.guess));
    this.root.classList.toggle("is-guessing", state.guess?.shown === false);
    const tab = /** @type {HTMLInputElement} */ (this.tabs.querySelector(`[value="${state.view.panel}"]`));
    tab.checked = true;
    this.labelSettings();
    this.markPainted(state);
    clearTimeout(this.speaking);
    if (!state.run.going && !state.playhead.playing) this.speaking = setTimeout(() => this.speak(state), SPEAK_AFTER);
  }

  /**
   * Mark that what came of a run is painted. Not at each move of the playhead: the browser keeps all marks.
   * @param {State} state
   */
  markPainted(state) {
    const { frames, run } = state;
    if (frames === this.marked[0] && run === this.marked[1]) return;
    this.marked = [frames, run];
    const shown = frames.map((_, i) => shownFrame(state, i)?.s ?? -1);
    setTimeout(() => performance.mark("stage-painted", { detail: shown })); // once the browser has painted
  }

  /** Gradio's columns take no role. */
  labelSettings() {
    this.words.lanes.forEach((/** @type {string} */ name, /** @type {number} */ i) => {
      const settings = byId(`tc-settings-${i + 1}`);
      if (settings?.getAttribute("role") === "group") return;
      settings?.setAttribute("role", "group");
      settings?.setAttribute("aria-label", name);
    });
  }

  /** @param {State} state */
  speak({ shown }) {
    if (!shown) return;
    const there = this.lanes.filter((/** @type {Lane} */ { index: i }) => i < shown.lanes.length && this.shows(i));
    const lines = there.map((/** @type {Lane} */ lane) => lane.spoken);
    this.spoken.textContent = lines.join(" ");
  }

  /**
   * What stands at a place of a lane in the step that is shown; null where nothing is shown.
   * @param {number} lane
   * @param {number} place
   */
  describe(lane, place) {
    const { state } = this.store;
    const frame = swappedFrame(state, lane) ?? shownFrame(state, lane);
    if (!frame || !state.shown) return null;
    const { words } = this;
    const token = frame.proposal[place];
    const lines = [
      scoreText(scoresOf(frame)[place], words.token),
      words.states[STATES[frame.state[place]]],
      fill(words.token.at, rowAndColumn(place, state.shown.grid)),
    ];
    const name = el("b", {}, fill(words.token.token, { token }));
    return [this.patches.node(token), name, ...lines.map((line) => el("span", {}, line))];
  }
}
