import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { ControlsBridge } from "../../assets/js/controls/bridge.js";
import { branchVerdict, isHandShown, thirdControls } from "../../assets/js/features/branches.js";
import { PlanClient } from "../../assets/js/plans.js";
import { EMPTY, Store } from "../../assets/js/store.js";
import { frame, lane, state } from "./frames.js";

const NAMES = ["pack", "seed", "steps_1"];

function bridged() {
  const store = new Store({ ...EMPTY, controls: { pack: "p", seed: 0, steps_1: 18, third: null }, offered: "p" });
  const plans = { change: mock.fn() };
  const bridge = new ControlsBridge(store, /** @type {any} */ (plans), NAMES);
  const trigger = mock.fn();
  bridge.connect(trigger);
  return { store, plans, bridge, trigger };
}

test("what the visitor sets goes to the store, and nothing goes back to Gradio", () => {
  const { store, plans, bridge, trigger } = bridged();
  bridge.change("seed", 7);
  assert.deepEqual(plans.change.mock.calls[0].arguments, [{ seed: 7 }]);
  assert.equal(trigger.mock.callCount(), 0);
  store.set({ controls: { ...store.state.controls, seed: 7 } });
  assert.equal(trigger.mock.callCount(), 0, "Gradio shows it already");
  bridge.change("seed", 7);
  assert.equal(plans.change.mock.callCount(), 1, "the same again is no change");
});

test("what the store says is set in Gradio, all of it each time", () => {
  const { store, bridge, trigger } = bridged();
  store.set({ controls: { ...store.state.controls, steps_1: 8 }, visible: { seed: false } });
  store.set({ controls: { ...store.state.controls, seed: 3 } });
  assert.equal(trigger.mock.callCount(), 1, "once, until Gradio fetches them");
  const all = [
    { __type__: "update", value: "p" },
    { __type__: "update", value: 3, visible: false },
    { __type__: "update", value: 8 },
  ];
  assert.deepEqual(bridge.updates(), all);
  assert.deepEqual(bridge.updates(), all, "Gradio may drop the first of two that come in one frame");
  store.set({ visible: { seed: true } });
  assert.equal(trigger.mock.callCount(), 2);
});

test("another pack's choices are set where Gradio keeps those of our components, for as long as it takes", () => {
  const clock = mock.method(performance, "now", () => 1000);
  const { store, bridge } = bridged();
  store.set({ choices: { pack: [["a", "A"]] }, offered: "q" });
  const offered = { __type__: "update", value: "p", props: { choices: [["a", "A"]] } };
  assert.deepEqual(bridge.updates()[0], offered);
  assert.deepEqual(bridge.updates()[0], offered);
  clock.mock.mockImplementation(() => 2000);
  assert.deepEqual(bridge.updates()[0], { __type__: "update", value: "p" });
  mock.reset();
});

test("a change of the visitor's says nothing of controls that Gradio has not redrawn yet", () => {
  const { store, plans, bridge } = bridged();
  store.set({ controls: { ...store.state.controls, steps_1: 8 } });
  bridge.updates(); // fetched, and Gradio still shows 18
  bridge.change("seed", 9);
  assert.deepEqual(plans.change.mock.calls[0].arguments, [{ seed: 9 }]);
  assert.equal(store.state.controls.steps_1, 8);
});

test("of several quick changes the last answer counts, and all of them are told", async () => {
  const store = new Store({ ...EMPTY, controls: { seed: 0 } });
  /** @type {any[]} */
  const asked = [];
  mock.method(globalThis, "fetch", async (/** @type {any} */ _, /** @type {any} */ { body }) => {
    asked.push(JSON.parse(body));
    return Response.json({ controls: { ...asked.at(-1).controls, answered: asked.length }, visible: {}, plan: {} });
  });
  const plans = new PlanClient(store, {});
  plans.change({ seed: 1 });
  plans.change({ seed: 2, rule_1: "random" });
  while (plans.asking) await new Promise((next) => setImmediate(next));
  assert.deepEqual(asked.at(-1).changed.sort(), ["rule_1", "seed"]);
  assert.deepEqual([store.state.controls.seed, store.state.controls.answered], [2, asked.length]);
  mock.restoreAll();
});

test("a third lane begins with what the lane that it leaves runs with", () => {
  const now = {
    ...EMPTY,
    controls: { rule_1: "maskgit", steps_1: 8, rule_2: "critic", steps_2: 8, rule_3: "random", steps_3: 1 },
    planned: { wrong: "", pack: "p", lanes: [lane(15), lane(8)] }, // equal passes: more steps than the control says
  };
  assert.deepEqual(thirdControls(now, { lane: 0, step: 3 }), {
    third: { lane: 0, step: 3 },
    rule_3: "maskgit",
    steps_3: 15,
  });
  assert.equal(thirdControls(now, { tokens: [1, 2] }).rule_3, "critic");
  assert.deepEqual(thirdControls(now, {}), { third: {} });
  assert.deepEqual(thirdControls(now, null), { third: null });
});

test("a choice by hand ends when another step is shown, not when that one is scored", () => {
  const run = state([2, 2], [2, 2], { playhead: { at: 1 } });
  const hand = /** @type {any} */ ({ lane: 0, frame: run.frames[0][1] });
  const scored = { ...run.frames[0][1], judged: new Float32Array(4) };
  assert.equal(isHandShown({ ...run, hand }), true);
  assert.equal(isHandShown({ ...run, hand, frames: [[run.frames[0][0], scored], run.frames[1]] }), true);
  assert.equal(isHandShown({ ...run, hand, playhead: { ...run.playhead, at: 0 } }), false);
  const planned = { wrong: "", pack: "p", lanes: [lane(3), lane(2)] };
  assert.equal(isHandShown({ ...run, hand, planned }), false, "the controls ask for another lane");
  assert.equal(isHandShown(run), true);
});

test("a choice by hand is held against the rule's, when the lane is whole", () => {
  const run = state([2, 2, 2], [2, 2, 2]);
  run.shown.lanes[2].origin = { lane: 1, step: 1, masked: [1, 2] };
  run.frames[1][0] = frame({ state: [0, 1, 2, 3] });
  run.run = { ...run.run, means: [0.5, 0.25, 0.75] };
  const words = { overlap: "{both} of {wanted} as {name}", judged: "{mine} not {theirs}", refined: "" };
  assert.equal(branchVerdict(run, words), "1 of 2 as MaskGIT 0.75 not 0.25");
  run.frames[2].pop();
  assert.equal(branchVerdict(run, words), "");
});
