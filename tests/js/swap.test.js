import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";
import { Patches } from "../../assets/js/features/patches.js";
import { addChange, changedFrame, SwapControl, shownSwap, swappedFrame } from "../../assets/js/features/swap.js";
import { EMPTY, Store } from "../../assets/js/store.js";
import { atRest, fakePage, serve } from "./server.js";

/** @type {any} */
const PICTURE = {};
/** @type {any} */
const FRAME = { s: 3, steps: 4, proposal: Int32Array.from([7, 7, 7, 7]), judged: Float32Array.from([1, 1, 1, 1]) };

/** @type {import("./server.js").Question[]} */
let asked;
beforeEach(() => {
  fakePage();
  asked = serve();
});
afterEach(() => mock.restoreAll());

/** @param {number[]} tokens @param {number} place */
function changed(tokens, place) {
  return changedFrame(FRAME, Int32Array.from(tokens), place, PICTURE);
}

test("a picture that was changed by hand says where it is another one, and has no scores of the run's own", () => {
  const frame = changed([7, 5, 7, 1], 3);
  assert.deepEqual(frame.swapped, { place: 3, places: [1, 3] });
  assert.equal(frame.judged, undefined);
  assert.deepEqual([...FRAME.proposal], [7, 7, 7, 7], "the run is as it was");
  assert.deepEqual(changed([7, 7, 7, 7], 3).swapped?.places, [], "its own code is no change");
});

test("one step back takes back all that was tried in a cell", () => {
  const first = changed([5, 7, 7, 7], 0);
  const tried = [changed([5, 7, 1, 7], 2), changed([5, 7, 2, 7], 2), changed([5, 7, 3, 7], 2)];
  const all = [first, ...tried].reduce((done, one) => addChange(done, one), /** @type {any[]} */ ([]));
  assert.deepEqual(all, [first, tried[2]]);
});

test("a lane shows what was changed in it, another lane and an untouched one what they ran", () => {
  const frame = changed([5, 7, 7, 7], 0);
  const swap = { lane: 1, frame: FRAME, changed: [frame] };
  const state = { ...EMPTY, swap };
  assert.equal(swappedFrame(state, 1), frame);
  assert.equal(swappedFrame(state, 0), undefined);
  assert.equal(shownSwap({ ...swap, changed: [] }), FRAME);
});

test("the field waits for the codes of the pack, and they are asked for again where no answer came", async () => {
  const shown = /** @type {any} */ ({ pack: "p", grid: 2 });
  const store = new Store({ ...EMPTY, shown, pinned: 2 });
  const patches = new Patches(/** @type {any} */ ({ style: { setProperty() {} } }));
  const words = { swap: { put: "Code:" }, token: {}, no_answer: "No answer" };
  const control = new SwapControl(store, words, patches);
  patches.use("p");
  control.start(0, FRAME);
  assert.deepEqual([control.number.disabled, asked.length], [true, 1]);
  asked[0].fail(new Error("offline"));
  await atRest();
  assert.deepEqual([control.number.disabled, control.where.textContent], [true, "No answer"]);
  control.start(0, FRAME);
  await asked[1].answer({ sheet: "data:", across: 1, codes: 8 });
  assert.deepEqual([control.number.disabled, control.number.max, control.where.textContent], [false, "7", "Code:"]);
});
