import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";
import { Address } from "../../assets/js/features/address.js";
import { PlanClient } from "../../assets/js/plans.js";
import { RunClient } from "../../assets/js/runs.js";
import { EMPTY, Store } from "../../assets/js/store.js";
import { lane } from "./frames.js";
import { atRest, fakePage, serve } from "./server.js";

const WORDS = { link: { older: "older", same: "same" }, no_answer: "No answer", starting: "" };
const CONTROLS = { label: "a", seed: 0, third: null };
const LANES = [lane(0, { settings: { seed: 7 } })];

/** @type {import("./server.js").Question[]} */
let asked;
beforeEach(() => {
  asked = serve();
});
afterEach(() => mock.restoreAll());

/** @param {string} search @param {string} [opens_with] */
function opened(search, opens_with = "first") {
  const browser = fakePage(search);
  const store = new Store({ ...EMPTY, controls: CONTROLS, offered: "p" });
  const plans = new PlanClient(store, WORDS);
  const runs = new RunClient(store, WORDS, plans);
  const config = { names: ["label", "seed"], version: 2, opens_with };
  const address = new Address(/** @type {any} */ ({ store, words: WORDS, config, runs, plans }));
  return { browser, store, runs, address };
}

/** @param {string} run @param {string} why @param {Record<string, any>} [more] */
function whole(run, why, more = {}) {
  const first = { kind: "begin", run, pack: "p", ask: { seed: 7 }, label: "a", grid: 2, lanes: LANES, ...more };
  return [first, { kind: "end", why, scores: [] }];
}

/** @param {string} [wrong] */
function answerOf(wrong = "") {
  return {
    controls: { ...CONTROLS, seed: 7 },
    visible: {},
    choices: null,
    plan: { wrong, pack: "p", lanes: wrong ? [] : LANES },
  };
}

test("what the address asks for is shown in its place, what the visitor asks for follows it", async () => {
  const { browser, store, runs, address } = opened("?seed=7");
  address.open();
  assert.equal(store.state.run.going, true, "at once");
  await asked[0].answer(answerOf());
  await asked[1].send(...whole("r", "done"));
  assert.deepEqual(browser.visited, ["replace"], "with its hash");
  runs.start({ recorded: "early" });
  await asked[2].send(...whole("s", "recorded", { recorded: "early" }));
  assert.deepEqual(browser.visited.slice(1), ["push"]);
  assert.equal(browser.location.search, "?preset=early");
});

test("a link that is answered late does not take the stage from what the visitor chose meanwhile", async () => {
  const { store, runs, address } = opened("?seed=7");
  address.open();
  runs.start({ recorded: "early" });
  await asked[0].answer(answerOf());
  await asked[1].send(...whole("s", "recorded", { recorded: "early", ask: { seed: 3 } }));
  assert.equal(asked.length, 2, "what the link asks for is not run");
  assert.equal(store.state.controls.seed, 3);
});

test("of two steps back the last one counts, whichever is answered first", async () => {
  const { browser, store, address } = opened("?seed=7");
  address.open();
  browser.location = new URL("http://page/?preset=early");
  address.open();
  await asked[1].send(...whole("s", "recorded", { recorded: "early" }));
  await asked[0].answer(answerOf());
  assert.deepEqual([store.state.run.id, asked.length], ["s", 2]);
});

test("the run after a link that is refused is a new address", async () => {
  const { browser, store, runs, address } = opened("");
  address.open();
  await asked[0].send(...whole("r", "recorded", { recorded: "first" }));
  browser.location = new URL("http://page/?seed=7");
  address.open();
  await asked[1].answer(answerOf("seed=7: too high"));
  assert.deepEqual(store.state.message, { text: "seed=7: too high", wrong: true });
  runs.start({ recorded: "early" });
  await asked[2].send(...whole("s", "recorded", { recorded: "early" }));
  assert.deepEqual(browser.visited, ["push"]);
});

test("no answer to a link is said in the page's words, and a refused run keeps what was said of the last", async () => {
  const { store, runs, address } = opened("?seed=7&hash=");
  address.open();
  asked[0].fail(new TypeError("Failed to fetch"));
  await atRest();
  assert.deepEqual(store.state.message, { text: "No answer", wrong: true });
  runs.start({ controls: CONTROLS });
  await asked[1].send(...whole("r", "done"));
  store.set({ verdict: "same" });
  runs.start({ controls: CONTROLS });
  await asked[2].refuse("busy");
  assert.equal(store.state.verdict, "same");
});
