import assert from "node:assert/strict";
import { afterEach, mock, test } from "node:test";
import { Branches, startOf } from "../../assets/js/features/branches.js";
import { PlanClient } from "../../assets/js/plans.js";
import { RunClient } from "../../assets/js/runs.js";
import { Store } from "../../assets/js/store.js";
import { lane, state } from "./frames.js";
import { atRest, fakePage, serve } from "./server.js";

const WORDS = { told: { place: "{name}, {lane}" }, lanes: ["Left lane", "Right lane"] };

afterEach(() => mock.restoreAll());

function opened() {
  fakePage();
  const asked = serve();
  const controls = { pack: "p", seed: 7, steps_1: 2, third: null };
  const now = state([2, 2], [2, 2], { controls });
  const store = new Store({ ...now, planned: { wrong: "", pack: "p", lanes: now.shown.lanes } });
  const words = { branches: { stale: "The settings have changed" }, starting: "", no_answer: "" };
  const plans = new PlanClient(store, words);
  const runs = new RunClient(store, words, plans);
  const branches = new Branches(/** @type {any} */ ({ store, words, runs, plans }));
  return { asked, store, plans, branches };
}

test("each refinement is one request, with noise of its own", async () => {
  const { asked, branches } = opened();
  for (const round of [1, 2]) {
    branches.start({ lane: 0, step: 2, fraction: 0.5 });
    await atRest();
    assert.equal(asked.length, round);
    assert.deepEqual(asked[round - 1].given.third, { lane: 0, step: 2, fraction: 0.5, round });
  }
});

test("a picture is not refined with settings that it does not come from, though the plan is still on its way", async () => {
  const { asked, store, plans, branches } = opened();
  plans.change({ seed: 8 });
  branches.start({ lane: 0, step: 2, fraction: 0.5 });
  const { controls } = asked[0].given;
  const plan = { wrong: "", pack: "p", lanes: [lane(2, { settings: { seed: 8 } })] };
  await asked[0].answer({ controls, visible: {}, choices: null, plan });
  assert.equal(asked.length, 1, "nothing is run");
  assert.deepEqual(store.state.message, { text: "The settings have changed", wrong: true });
});

test("a lane that has not run yet starts from what goes into the next step of the one it leaves", () => {
  const now = state([4, 4], [4, 4], { controls: { pack: "p", third: { lane: 1, step: 2 } } });
  const origin = { lane: 1, step: 2 };
  const planned = { wrong: "", pack: "p", lanes: [...now.shown.lanes, lane(4, { origin })] };
  const found = startOf({ ...now, planned }, 2, WORDS);
  assert.equal(found?.frame, now.frames[1][2]);
  assert.equal(found?.before, now.frames[1][1].picture);
  assert.equal(startOf({ ...now, planned }, 1, WORDS), null, "another lane starts as it did");
  const removed = { ...now, planned, controls: { ...now.controls, third: null } };
  assert.equal(startOf(removed, 2, WORDS), null);
  const changed = [now.shown.lanes[0], lane(4, { settings: { seed: 8 } }), planned.lanes[2]];
  assert.equal(
    startOf({ ...now, planned: { ...planned, lanes: changed } }, 2, WORDS),
    null,
    "it would leave another run",
  );
});
