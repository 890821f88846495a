// What a field that finds one of many lists.

import assert from "node:assert/strict";
import { test } from "node:test";
import { findMatches } from "../../assets/js/controls/combobox.js";

const NAMES = ["hen", "garden spider", "red hen", "wolf spider", "chenille"];
const OPTIONS = NAMES.map((name, i) => ({ value: `n${i}`, name, face: "" }));
/** @param {string} text */
const found = (text) => findMatches(OPTIONS, text).map(({ name }) => name);

test("those that begin with the text come first, then those with a word that does", () => {
  assert.deepEqual(found("hen"), ["hen", "red hen", "chenille"]);
  assert.deepEqual(found(" SPIDER "), ["garden spider", "wolf spider"]);
});

test("without a text all are listed, in their order; a key that the page does not show finds its class, too", () => {
  assert.deepEqual(found(""), NAMES);
  assert.deepEqual(found("n3"), ["wolf spider"]);
  assert.deepEqual(found("tiger"), []);
});
