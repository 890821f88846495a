import assert from "node:assert/strict";
import { test } from "node:test";
import { asksForLane, isStale, Store } from "../../assets/js/store.js";
import { state } from "./frames.js";

test("a listener hears of its own keys only, once a change, and sees all of it", () => {
  const store = new Store();
  /** @type {number[]} */
  const heard = [];
  store.on(["pinned", "advice"], ({ pinned, advice }) => heard.push(pinned + advice.length));
  store.set({ verdict: "same" });
  store.set({ pinned: 3, advice: "ab" });
  store.set({ pinned: 3 });
  assert.deepEqual(heard, [5]);
});

test("an equal value is no change, in a part of the state either", () => {
  const store = new Store();
  let count = 0;
  store.on(null, () => {
    count += 1;
  });
  store.update("view", { layout: "loop" });
  store.update("playhead", { speed: 5 });
  assert.equal(count, 1);
  assert.equal(store.state.playhead.at, -1, "the rest of the part stays");
});

test("what is shown is stale where the controls would run something else", () => {
  const now = state([2], [2]);
  const planned = { wrong: "", pack: "p", lanes: now.shown.lanes };
  assert.equal(isStale({ ...now, planned }), false);
  const other = { ...planned, lanes: [{ ...planned.lanes[0], settings: { steps: 3 } }] };
  assert.equal(isStale({ ...now, planned: other }), true);
  assert.equal(asksForLane({ ...now, planned: other }, 0), false);
  const alone = { ...now, shown: { ...now.shown, ask: {} }, planned: other };
  assert.equal(isStale(alone), false, "nobody's controls led to a single trace");
});
