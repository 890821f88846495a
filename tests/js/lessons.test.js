import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";
import { LessonStage } from "../../assets/js/features/lesson-stage.js";
import { PlanClient } from "../../assets/js/plans.js";
import { Store } from "../../assets/js/store.js";
import { state } from "./frames.js";
import { fakePage, serve } from "./server.js";

/** @type {import("./server.js").Question[]} */
let asked;
beforeEach(() => {
  fakePage().document.querySelector = () => ({}); // Gradio has made the lanes
  asked = serve();
});
afterEach(() => mock.restoreAll());

const ASK = { rule_1: "maskgit", steps_1: 18 };

/** A lesson whose recording is on the page. @param {Record<string, any>} controls */
function opened(controls) {
  const recorded = state([2], [2], { controls });
  const shown = { ...recorded.shown, ask: ASK, recorded: "early" };
  const store = new Store({ ...recorded, shown, run: { ...recorded.run, why: "recorded" } });
  const [player, places] = [{ pause() {} }, { go() {} }];
  const plans = new PlanClient(store, {});
  return { store, stage: new LessonStage(/** @type {any} */ ({ store, plans, player, places })) };
}

const PAGE = /** @type {any} */ ({ show: { place: "gallery" } });

test("the next page puts back the settings that were changed and not run", async () => {
  const { store, stage } = opened({ ...ASK, steps_1: 3, seed: 5, third: null });
  await stage.show(PAGE, "early");
  assert.deepEqual(store.state.controls, { ...ASK, seed: 5, third: null });
  assert.deepEqual(asked[0].given.changed.sort(), ["rule_1", "steps_1", "third"]);
});

test("a page asks for nothing where the settings are those of its recording", async () => {
  const { stage } = opened({ ...ASK, third: null });
  await stage.show(PAGE, "early");
  assert.equal(asked.length, 0);
});
