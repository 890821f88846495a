import assert from "node:assert/strict";
import { test } from "node:test";
import { partsOf, slideAfter } from "../../assets/js/features/slides.js";

/** @type {any} */
const LESSON = { pages: [{ formulas: ["count"], action: { do: "Press" } }, {}] };
const WHOLE = [
  "0 text",
  "0 formula",
  "0 action",
  "0 question",
  "0 answer",
  "1 text",
  "1 question",
  "1 answer",
  "1 end",
];

/** @param {any} slide @param {number} by */
function walk(slide, by) {
  const seen = [];
  for (let one = slide; one; one = slideAfter(one, by)) seen.push(`${one.at} ${one.part}`);
  return seen;
}

test("one key leads through all parts of all pages, the other one back", () => {
  assert.deepEqual(walk({ lesson: LESSON, at: 0, part: "text" }, 1), WHOLE);
  assert.deepEqual(walk({ lesson: LESSON, at: 1, part: "end" }, -1), [...WHOLE].reverse());
});

test("an answer is never shown before its question", () => {
  for (const at of [0, 1]) {
    const parts = partsOf(LESSON, at);
    assert.equal(parts.indexOf("answer"), parts.indexOf("question") + 1);
  }
});
