import assert from "node:assert/strict";
import { test } from "node:test";
import { MASK, orderOf } from "../../assets/js/draw/frame.js";
import { placeAfter, placeUnder } from "../../assets/js/draw/grid.js";
import { candidatesOf, eventOf } from "../../assets/js/features/token.js";
import { digits, fill, plural, scoreText } from "../../assets/js/lib/text.js";
import { frame } from "./frames.js";

test("a step is decoded into arrays", () => {
  const step = frame();
  assert.deepEqual([...step.tokens], [7, MASK, MASK, 9]);
  assert.deepEqual(step.counts, [1, 1, 1, 1]);
  assert.ok(step.scored && Number.isNaN(step.scores[1]));
  assert.equal(frame({ scores: [Number.NaN, Number.NaN, Number.NaN, Number.NaN] }).scored, false);
});

test("ranked scores become an order from 0 to 1, ties by place", () => {
  assert.deepEqual([...orderOf(new Float32Array([3, Number.NaN, -1, 3]))], [0.5, Number.NaN, 0, 1]);
  assert.deepEqual([...orderOf(new Float32Array([5]))], [1]);
});

test("a token's life: what was proposed, its score, what became of it, and the likeliest", () => {
  const step = frame();
  assert.deepEqual(eventOf(step, 3), { token: 9, score: Math.fround(0.9), state: 3 });
  assert.deepEqual(eventOf({ ...step, judged: new Float32Array([0, 0.25, 0, 0]) }, 1).score, 0.25);
  const [first, second] = candidatesOf(step, 1);
  assert.deepEqual([first.token, second.token], [3, 2]);
  assert.ok(Math.abs(first.p - 0.5) < 1e-4 && Math.abs(second.p - 0.2) < 1e-4);
});

test("places under the pointer and beside another one", () => {
  const canvas = /** @type {any} */ ({ getBoundingClientRect: () => ({ left: 10, top: 20, width: 40, height: 40 }) });
  assert.equal(placeUnder(canvas, { clientX: 49, clientY: 20 }, 4), 3);
  assert.equal(placeUnder(canvas, { clientX: 9, clientY: 20 }, 4), -1);
  assert.equal(placeAfter(0, [-1, 0], 4), 0, "the edge holds");
  assert.equal(placeAfter(5, [0, 1], 4), 9);
});

test("numbers and sentences", () => {
  assert.equal(fill("{a} of {b}", { a: 1, b: 2 }), "1 of 2");
  assert.equal(plural({ one: "{n} step", many: "{n} steps" }, 1), "1 step");
  assert.deepEqual([digits(0), digits(0.001), digits(0.5)], ["0.00", "<0.01", "0.50"]);
  assert.equal(scoreText(Number.NaN, { no_score: "none" }), "none");
});
