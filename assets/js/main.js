// The page's front end. Gradio's components call `mount` with their name; all of them share one page.

import { ControlsBridge } from "./controls/bridge.js";
import { showRunAndStop } from "./controls/buttons.js";
import { mountChips } from "./controls/chips.js";
import { mountChoice } from "./controls/choice.js";
import * as folds from "./controls/folds.js";
import { mountLanguage } from "./controls/language.js";
import { digestOf } from "./draw/frame.js";
import { Address } from "./features/address.js";
import { Curves } from "./features/curves.js";
import { Explanations } from "./features/explain.js";
import { Files } from "./features/files.js";
import { Gallery } from "./features/gallery.js";
import { Game } from "./features/game.js";
import { Glossary } from "./features/glossary.js";
import { Lessons } from "./features/lessons.js";
import { OwnPicture } from "./features/own.js";
import { Places } from "./features/places.js";
import { mountPresets } from "./features/presets.js";
import { Results } from "./features/results.js";
import { addSkipLinks } from "./features/skip.js";
import { mountSnippets } from "./features/snippets.js";
import { Vote } from "./features/vote.js";
import { el } from "./lib/dom.js";
import { PlanClient } from "./plans.js";
import { RunClient } from "./runs.js";
import { Player } from "./stage/player.js";
import { Stage } from "./stage/stage.js";
import { EMPTY, Store } from "./store.js";
import { speak } from "./transport/server.js";

/**
 * What Gradio hands to a component's script.
 * @typedef {object} GradioPart
 * @property {HTMLElement} element
 * @property {Record<string, any>} props
 * @property {(event: string) => void} trigger
 * @property {(prop: string, changed: () => void) => void} watch
 */

/**
 * What the server says of the page, once.
 * @typedef {object} Config
 * @property {string} language of these words
 * @property {Record<string, string>} languages all of them: code -> its own name
 * @property {import("./types.js").Words} words
 * @property {string[]} names of all controls, as the API calls them
 * @property {Record<string, any>} controls as the page is built
 * @property {Record<string, boolean>} visible
 * @property {string} offered the pack whose choices the page is built with
 * @property {number} version of the sampler
 * @property {string} opens_with the preset that is shown first, or ""
 * @property {{name: string, title: string, goal: string, minutes: number}[]} lessons
 * @property {import("./features/glossary.js").Terms} terms symbols and formulas of lessons
 */

/**
 * What the parts of the page share.
 * @typedef {object} Page
 * @property {Config} config
 * @property {import("./types.js").Words} words
 * @property {Store} store
 * @property {PlanClient} plans
 * @property {RunClient} runs
 * @property {Player} player
 * @property {Places} places
 * @property {Glossary} glossary symbols and formulas of lessons
 */

/** @type {Config} */
const config = await (await fetch(new URL(`./config.${languageOfPage()}.json`, import.meta.url))).json();
const { controls, visible, offered, words } = config;
speak(config.language);
const store = new Store({ ...EMPTY, controls, visible, offered });
const player = new Player(store);
const plans = new PlanClient(store, words);
const runs = new RunClient(store, words, plans);
const places = new Places({ store, words });
/** @type {Page} */
const page = { config, words, store, plans, runs, player, places, glossary: new Glossary(config.terms, words) };
const ofGradio = config.names.filter((name) => name !== "third");
const bridge = new ControlsBridge(store, plans, ofGradio);
const curves = new Curves(page);
const address = new Address(page);
const files = new Files(page);
const stage = new Stage(page, { curves: [curves.none], share: [address.node, files.root] });
const gallery = new Gallery(page, words.gallery);
const results = new Results(page);
const miniature = new Gallery(page, words.miniature, 16);
const vote = new Vote(page);
const game = new Game(page);
const own = new OwnPicture(page, (origin) => stage.branches.start(origin));
const lessons = new Lessons(page, {
  home: () => address.open(),
  project: (on) => stage.views.project(on),
});
store.on(["shown"], (state) => {
  if (state.shown && state.shown.pack !== state.offered) plans.refresh(); // this pack has other classes
});

/** @type {Record<string, (part: GradioPart, given: any) => void>} */
const PARTS = {
  stage({ element }) {
    stage.mount(element);
    document.documentElement.lang = config.language; // Gradio has set one of those that it knows
    places.show(); // and it has set the English title
    addSkipLinks(stage, words.skip);
    new Explanations(words.explain);
    showRunAndStop(store, words);
    folds.label();
  },
  places: ({ element }) => element.replaceChildren(places.root),
  drawer: ({ element }) => element.replaceChildren(stage.drawer.node),
  about: ({ trigger }) => once("use", () => trigger("input")),
  controls: ({ trigger }) => bridge.connect(() => trigger("input")),
  curves({ element, props, trigger, watch }) {
    curves.connect(element, () => trigger("input"));
    watch("value", () => curves.answered(props.value));
  },
  chips: (part) => mountChips(part, words),
  choice: (part, given) => mountChoice(part, given, words),
  language: ({ element }) => mountLanguage(element, config),
  presets: ({ element }) => mountPresets(element, page),
  gallery: ({ element }) => element.replaceChildren(gallery.root),
  results: ({ element, trigger }) => results.connect(element, () => trigger("input")),
  measured: ({ element }) => element.replaceChildren(results.table),
  miniature: ({ element }) => element.replaceChildren(titled(words.miniature.title, miniature.root)),
  vote: ({ element }) => element.replaceChildren(titled(words.vote.title, vote.root)),
  game: ({ element }) => element.replaceChildren(game.view.root),
  own: ({ element }) => element.replaceChildren(own.view.root),
  lessons: ({ element }) => lessons.mount(element),
  snippets: ({ element }, pieces) => mountSnippets(element, pieces, words),
};

for (const name of Object.keys(words.places.titles)) {
  PARTS[`heading-${name}`] = ({ element }) => element.replaceChildren(places.heading(name));
}

/** What assets/language.js has found. */
function languageOfPage() {
  return document.documentElement.dataset.language ?? "en";
}

/**
 * Call `ask` when a place is first opened.
 * @param {string} place
 * @param {() => void} ask
 */
function once(place, ask) {
  let asked = false;
  const follow = () => {
    if (asked || store.state.place !== place) return;
    asked = true;
    ask();
  };
  store.on(["place"], follow);
  follow();
}

/**
 * A part under a heading of its own.
 * @param {string} title
 * @param {HTMLElement} root
 */
function titled(title, root) {
  return el("section", { "aria-label": title }, el("h3", { class: "tc-heading" }, title), root);
}

/**
 * Draw a part of the page in the element that Gradio made for it.
 * @param {string} name
 * @param {GradioPart} part
 * @param {any} [given] what this part was built with
 */
export function mount(name, part, given) {
  PARTS[name](part, given);
}

/**
 * The page's one global: what Gradio's events call, and a handle for debugging and tests.
 * `store.state` is all that the page knows; the rest are its parts.
 */
const handle = {
  store,
  /** All that the page knows. */
  get state() {
    return store.state;
  },
  player,
  runs,
  stage,
  address,
  gallery,
  results,
  miniature,
  vote,
  game,
  own,
  lessons,
  digestOf,
  /** The visitor changed a control. @param {string} name @param {any} value */
  changed: (name, value) => bridge.change(name, value),
  /** What Gradio's controls have to show. */
  updates: () => bridge.updates(),
  /** Run what the controls say. */
  run() {
    const { run, shown } = store.state;
    if (run.going && !shown?.recorded) return; // the second of two quick clicks
    runs.start(async () => ({ controls: await plans.settled() })); // a new rule or pack brings its settings with it
  },
  stop: () => runs.stop(),
  rollSeed: () => plans.change({ seed: Math.floor(Math.random() * 10000) }),
  places,
  toggle: folds.toggle,
  shownRun: () => ({ run: store.state.run.id, language: config.language }),
  language: config.language,
};
window.tokenCritic = handle;
folds.restore();
address.open();
lessons.open();
