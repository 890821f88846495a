import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { newest, placeOfStep, reachOf, stepAt } from "../../assets/js/playhead.js";
import { Player } from "../../assets/js/stage/player.js";
import { Store } from "../../assets/js/store.js";
import { frame, state } from "./frames.js";

test("lanes of unequal length stand at the same share of their steps", () => {
  const reach = reachOf(state([18, 35], [18, 35]));
  assert.equal(newest(reach), 34);
  assert.deepEqual([stepAt(reach, 0, 34), stepAt(reach, 1, 34)], [17, 34]);
  assert.deepEqual([stepAt(reach, 0, 0), stepAt(reach, 1, 0)], [0, 0]);
  for (let s = 0; s < 18; s += 1) assert.equal(stepAt(reach, 0, placeOfStep(reach, 0, s)), s);
});

test("while steps still come, the newest place is where all lanes are", () => {
  const going = { run: { going: true } };
  assert.equal(newest(reachOf(state([4, 4], [3, 1], going))), 0);
  assert.equal(newest(reachOf(state([4, 4], [3, 1]))), 2, "after the end, where any lane is");
  assert.equal(newest(reachOf(state([4, 4], [0, 0], going))), -1);
  assert.equal(stepAt(reachOf(state([4], [0])), 0, -1), -1);
});

test("a lane that goes on where another one ended stands at the same step", () => {
  const run = state([4, 6], [4, 6]);
  run.shown.lanes[1].continues = true;
  const reach = reachOf(run);
  assert.deepEqual([stepAt(reach, 0, 5), stepAt(reach, 1, 5)], [3, 5]);
  assert.equal(placeOfStep(reach, 1, 4), 4);
});

test("the playhead follows the newest step until it is taken", () => {
  const store = new Store(state([3], [1], { run: { going: true, why: "" } }));
  const player = new Player(store);
  const add = () => store.set({ frames: [[...store.state.frames[0], frame({ s: store.state.frames[0].length })]] });
  add();
  assert.equal(store.state.playhead.at, 1);
  player.take(0);
  add();
  assert.equal(store.state.playhead.at, 0);
  player.take(99);
  assert.equal(store.state.playhead.at, 2, "not beyond what is here");
});

test("playing goes to the end at its speed, and begins anew from there", () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const store = new Store(state([3], [3]));
  const player = new Player(store);
  player.play();
  assert.deepEqual([store.state.playhead.at, store.state.playhead.playing], [0, true]);
  mock.timers.tick(500);
  assert.equal(store.state.playhead.at, 1);
  store.update("playhead", { speed: 10 });
  mock.timers.tick(500); // the tick under way was set at the old speed
  assert.equal(store.state.playhead.at, 2);
  mock.timers.tick(100);
  assert.equal(store.state.playhead.playing, false);
  player.toggle();
  assert.equal(store.state.playhead.at, 0);
  player.take(1);
  mock.timers.tick(10_000);
  assert.equal(store.state.playhead.at, 1, "the visitor's hand stops it");
  mock.timers.reset();
});
