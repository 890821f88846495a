import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";
import { Results } from "../../assets/js/features/results.js";
import { Store } from "../../assets/js/store.js";
import { fakePage, serve } from "./server.js";

const WORDS = {
  titles: { a: "A", b: "B" },
  lanes: ["left", "right"],
  measures: { name: "Measures" },
  paper_columns: [],
  load_help: "{lane}: {series}",
  loaded: "{lane} is {series}",
  none: "None",
  loading: "Loading",
  failed: "No answer",
};
const ROW = { series: "One", point: "a", cells: [], controls: { rule_2: "critic" }, lane: 1 };

/** @param {string} name */
function chart(name) {
  return { name, method: "", findings: [], headings: [], rows: [ROW], paper: [] };
}

/** @type {import("./server.js").Question[]} */
let asked;
beforeEach(() => {
  fakePage();
  asked = serve();
});
afterEach(() => mock.restoreAll());

function opened() {
  const store = new Store();
  store.set({ controls: { pack: "p" } });
  const plans = { change: mock.fn() };
  const config = { language: "ko" };
  const results = new Results(/** @type {any} */ ({ store, words: { results: WORDS }, plans, config }));
  results.trigger = mock.fn(() => {});
  return { store, plans, results };
}

test("reports are read when the place is opened, and again for another pack", async () => {
  const { store, results } = opened();
  assert.equal(asked.length, 0);
  store.set({ place: "results" });
  store.set({ place: "compare" });
  store.set({ place: "results" });
  assert.deepEqual(
    asked.map(({ given }) => given.pack),
    ["p"],
  );
  await asked[0].answer({ charts: [chart("a"), chart("b")] });
  assert.deepEqual(results.asked(), { pack: "p", name: "a", language: "ko" });
  results.show(results.charts[1]);
  store.set({ controls: { pack: "q" } });
  await asked[1].answer({ charts: [chart("a"), chart("b")] });
  assert.deepEqual(results.asked(), { pack: "q", name: "b", language: "ko" }, "the same report of the other pack");
  store.set({ controls: { pack: "r" } });
  await asked[2].answer({ charts: [] });
  assert.equal(results.status.textContent, "None");
});

test("a place that is open before its part of the page is there has its chart asked for once it is", async () => {
  Object.assign(globalThis, {
    MutationObserver: class {
      observe() {}
    },
  });
  const { store, results } = opened();
  results.trigger = null;
  store.set({ place: "results" });
  const trigger = mock.fn();
  results.connect(/** @type {any} */ ({ replaceChildren() {}, closest: () => null }), trigger);
  await asked[0].answer({ charts: [chart("a")] });
  assert.equal(trigger.mock.callCount(), 1);
  assert.equal(asked.length, 1);
});

test("a late answer for a pack that is not chosen any more is dropped", async () => {
  const { store, results } = opened();
  store.set({ place: "results" });
  store.set({ controls: { pack: "q" } });
  await asked[1].answer({ charts: [chart("b")] });
  await asked[0].answer({ charts: [chart("a")] });
  assert.deepEqual(results.asked(), { pack: "q", name: "b", language: "ko" });
});

test("where nothing answers that is said, and it is asked again", async () => {
  const { store, results } = opened();
  store.set({ place: "results" });
  await asked[0].refuse("broken");
  assert.equal(results.status.textContent, "broken");
  store.set({ place: "compare" });
  store.set({ place: "results" });
  assert.equal(asked.length, 2);
});

test("a row sets a lane, and says which", async () => {
  const { plans, results } = opened();
  results.load(ROW);
  assert.deepEqual(plans.change.mock.calls[0].arguments, [ROW.controls]);
  assert.equal(results.status.textContent, "right is One");
  results.load({ ...ROW, controls: null });
  assert.equal(plans.change.mock.callCount(), 1);
});
