// What the page does of what comes from the server, in whatever order it comes.

import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";
import { PlanClient } from "../../assets/js/plans.js";
import { RunClient, secondsLeft, shareDone } from "../../assets/js/runs.js";
import { Player } from "../../assets/js/stage/player.js";
import { EMPTY, isStale, Store } from "../../assets/js/store.js";
import { lane, sentStep } from "./frames.js";
import { atRest, serve } from "./server.js";

const CONTROLS = { pack: "p", seed: 0, rule_1: "maskgit", steps_1: 18, third: null };
const WORDS = {
  starting: "Starting",
  stopping: "Stopping",
  no_answer: "No answer",
  left: { seconds: "{n} s", minutes: "{n} min" },
  waiting: { first: "next", later: "{n} before", about: ", {seconds} s" },
};

/** @type {import("./server.js").Question[]} */
let asked;
beforeEach(() => {
  asked = serve();
  globalThis.Image ??= /** @type {any} */ (class {});
  /** @type {any} */ (globalThis).Image.prototype.decode = async () => {};
  /** @type {any} */ (globalThis).matchMedia = () => ({ matches: false });
});
afterEach(() => mock.restoreAll());

function opened() {
  const store = new Store({ ...EMPTY, controls: CONTROLS, offered: "p" });
  const plans = new PlanClient(store, WORDS);
  const runs = new RunClient(store, WORDS, plans);
  return { store, plans, runs };
}

/** The first line of a run. @param {string} run @param {Record<string, any>} ask */
function begin(run, ask = CONTROLS) {
  const lanes = [lane(1, { settings: ask })];
  return { kind: "begin", run, pack: "p", ask, label: "a", grid: 2, critic: true, lanes, visible: {} };
}

/** @param {string} why */
function rest(why) {
  const steps = [{ lane: 0, ...sentStep({ s: 0, steps: 1 }) }];
  return [
    { kind: "steps", at: 0, steps },
    { kind: "end", why, scores: [] },
  ];
}

/** The answer to what the controls would run. @param {Record<string, any>} controls */
function planOf(controls) {
  const plan = { wrong: "", pack: controls.pack, lanes: [lane(1, { settings: controls })] };
  return { controls, visible: {}, choices: null, plan };
}

test("a plan that comes after a run's first line does not undo what that line set", async () => {
  const { store, plans, runs } = opened();
  plans.change({ seed: 5 });
  runs.start({ recorded: "early" });
  await asked[1].send(begin("r", { ...CONTROLS, seed: 9 }), ...rest("recorded"));
  await asked[0].answer(planOf({ ...CONTROLS, seed: 5 }));
  assert.deepEqual([store.state.controls.seed, isStale(store.state)], [9, false]);
  plans.change({ steps_1: 4 });
  assert.deepEqual(asked.at(-1)?.given.changed, ["steps_1"], "what was changed before the run is forgotten");
});

test("a run's first line does not undo what the visitor changed while it had to wait", async () => {
  const { store, plans, runs } = opened();
  runs.start({ controls: { ...CONTROLS, third: { lane: 0, step: 1 } } });
  await asked[0].send({ kind: "waiting", before: 2, seconds: 7.6 });
  plans.change({ seed: 5 });
  await asked[1].answer(planOf({ ...CONTROLS, seed: 5 }));
  await asked[0].send(begin("r", { ...CONTROLS, third: { lane: 0, step: 1 } }));
  assert.deepEqual([store.state.controls.seed, store.state.controls.third], [5, { lane: 0, step: 1 }]);
  assert.deepEqual(asked[2].given, { controls: store.state.controls, changed: ["seed"], offered: "p" });
  await asked[2].answer(planOf(asked[2].given.controls));
  assert.equal(isStale(store.state), true, "the run on the stage has another seed");
});

test("a run waits for what a new rule brings with it", async () => {
  const { plans, runs } = opened();
  plans.change({ rule_1: "critic" });
  runs.start(async () => ({ controls: await plans.settled() }));
  await atRest();
  assert.equal(asked.length, 1);
  await asked[0].answer(planOf({ ...CONTROLS, rule_1: "critic", steps_1: 12 }));
  assert.deepEqual([asked[1].name, asked[1].given.steps_1], ["run", 12]);
});

test("what is wrong with changed controls is said, also where the server refuses them", async () => {
  const { store, plans } = opened();
  plans.change({ pack: "broken" });
  await asked[0].refuse("pack 'broken' cannot be opened");
  assert.equal(store.state.planned?.wrong, "pack 'broken' cannot be opened");
  assert.equal(store.state.controls.pack, "broken");
});

test("a refused run leaves the recorded one as it stood, and says why", async () => {
  const { store, runs } = opened();
  const player = new Player(store);
  runs.start({ recorded: "early" });
  await asked[0].send(begin("r"), ...rest("recorded"));
  await asked[0].end();
  assert.equal(store.state.playhead.playing, true, "it plays, once");
  player.pause();
  runs.start({ controls: { seed: "" } });
  await asked[1].refuse("seed: is empty");
  assert.deepEqual(store.state.message, { text: "seed: is empty", wrong: true });
  const { run, playhead } = store.state;
  assert.deepEqual([run.id, run.why, run.going, playhead.playing], ["r", "recorded", false, false]);
});

test("an answer that ends before the run begins is said, and one that breaks off in it ends it", async () => {
  const { store, runs } = opened();
  runs.start({ controls: CONTROLS });
  await asked[0].send({ kind: "waiting", before: 2, seconds: 7.6 });
  await asked[0].end();
  assert.deepEqual(store.state.message, { text: "No answer", wrong: true });
  runs.start({ controls: CONTROLS });
  await asked[1].send(begin("r"));
  await asked[1].end();
  assert.deepEqual([store.state.run.why, store.state.message], ["failed", null]);
});

test("a run that another one took the stage from is a stopped one where that one is refused", async () => {
  const { store, runs } = opened();
  runs.start({ controls: CONTROLS });
  await asked[0].send(begin("r"));
  runs.start({ file: "{}" });
  await asked[1].refuse("no run");
  assert.deepEqual([store.state.run.id, store.state.run.why], ["r", "stopped"]);
});

test("who stops before the run has begun hears nothing of it", async () => {
  const { store, runs } = opened();
  runs.start({ controls: CONTROLS });
  runs.stop();
  await atRest();
  assert.deepEqual([store.state.run.going, store.state.message], [false, null]);
});

test("who stops again waits for no answer", async () => {
  const { store, runs } = opened();
  runs.start({ recorded: "early" });
  await asked[0].send(begin("r"));
  runs.stop();
  await atRest();
  assert.deepEqual([store.state.run.going, asked[1].name, asked[1].given], [true, "stop", { run: "r" }]);
  runs.stop();
  await atRest();
  assert.deepEqual([store.state.run.going, store.state.run.why, store.state.message], [false, "stopped", null]);
  assert.equal(asked.length, 2, "the server notices");
});

test("of a long run it is said how much is left, by its passes", () => {
  const lanes = [lane(10, { passes: 10 }), lane(10, { passes: 30 })];
  assert.equal(shareDone(lanes, [Array(10), Array(5)]), 25 / 40);
  const first = { at: 1000, done: 0.1 };
  assert.equal(secondsLeft(first, first), null, "nobody knows yet");
  assert.equal(secondsLeft(first, { at: 2000, done: 0.3 }), null, "4.5 s in all");
  assert.equal(secondsLeft(first, { at: 21_000, done: 0.3 })?.toFixed(3), "70.000");
  assert.equal(secondsLeft(first, { at: 91_000, done: 1 }), 0);
});

test("a plan that gets no answer is said, and the next run asks for it again", async () => {
  const { store, plans } = opened();
  plans.change({ rule_1: "critic" });
  asked[0].fail(new TypeError("Failed to fetch"));
  await atRest();
  assert.deepEqual(store.state.message, { text: "No answer", wrong: true });
  const settled = plans.settled();
  assert.deepEqual(asked[1].given.changed, ["rule_1"]);
  await asked[1].answer(planOf({ ...CONTROLS, rule_1: "critic", steps_1: 12 }));
  assert.equal((await settled).steps_1, 12);
  await plans.settled();
  assert.equal(asked.length, 2, "nothing is open any more");
});
