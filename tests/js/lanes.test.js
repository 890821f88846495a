import assert from "node:assert/strict";
import { test } from "node:test";
import { hiddenLanes, nameOfLane } from "../../assets/js/lib/lanes.js";
import { EMPTY } from "../../assets/js/store.js";
import { lane } from "./frames.js";

const told = {
  place: "{name}, {lane}",
  branched: "{name}, branched",
  yours: "{name}, yours",
  refined: "{name}, refined",
  repainted: "{name}, repainted",
};
const WORDS = { told, lanes: ["Left lane", "Right lane", "Third lane"] };

test("lanes of the same rule are told apart, others are not", () => {
  const names = (/** @type {any[]} */ lanes) => lanes.map((_, i) => nameOfLane(lanes, i, WORDS));
  const other = lane(2, { name: "Token-Critic" });
  assert.deepEqual(names([lane(2), other]), ["MaskGIT", "Token-Critic"]);
  assert.deepEqual(names([lane(2), lane(2)]), ["MaskGIT, left lane", "MaskGIT, right lane"]);
  const from = (/** @type {any} */ origin, continues = false) =>
    names([lane(2), other, { ...other, origin, continues }])[2];
  assert.equal(from({ lane: 1, step: 1 }), "Token-Critic, branched");
  assert.equal(from({ lane: 1, step: 1, masked: [3] }), "Token-Critic, yours");
  assert.equal(from({ lane: 0, step: 2, fraction: 0.6 }, true), "Token-Critic, refined");
  assert.equal(from({ tokens: [1], fraction: 0.6 }, true), "Token-Critic, refined");
  assert.equal(from({ lane: 1, step: 2, masked: [3] }, true), "Token-Critic, repainted");
});

test("where three lanes have no room, the one that the third does not come from is not shown", () => {
  const hidden = (/** @type {any} */ third, /** @type {number} */ width, more = {}) =>
    hiddenLanes({ ...EMPTY, controls: { third }, view: { ...EMPTY.view, ...more } }, width);
  assert.deepEqual(hidden({ lane: 1, step: 3 }, 880), [0]);
  assert.deepEqual(hidden({ lane: 0, step: 3 }, 366), [1]);
  assert.deepEqual(hidden({ lane: 0, step: 3 }, 1248), []);
  assert.deepEqual(hidden({ lane: 0, step: 3 }, 880, { layout: "chain" }), []);
  assert.deepEqual(hidden({}, 366), [], "a lane of its own comes from none");
  assert.deepEqual(hidden(null, 366), []);
  assert.deepEqual(hidden({ tokens: [1] }, 1800), [0, 1], "nothing to do with a picture of one's own");
});
