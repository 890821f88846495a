import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { Notes } from "../../assets/js/features/notes.js";
import { Store } from "../../assets/js/store.js";
import { state } from "./frames.js";
import { fakePage } from "./server.js";

beforeEach(() => {
  const browser = fakePage();
  /** @type {Record<string, string>} */
  const kept = {};
  browser.localStorage = {
    getItem: (/** @type {string} */ key) => kept[key] ?? null,
    setItem: (/** @type {string} */ key, /** @type {string} */ text) => {
      kept[key] = text;
    },
  };
});

function opened() {
  const shown = state([3], [0]);
  const store = new Store({ ...shown, playhead: { ...shown.playhead, at: 0 } });
  const words = { notes: { title: "Step {s}" }, line: {}, lessons: {} };
  const notes = new Notes(/** @type {any} */ ({ store, words }));
  notes.popup = /** @type {any} */ ({ closed: false });
  notes.draw();
  const write = (/** @type {string} */ text) => {
    notes.text.focus();
    notes.text.value = text;
    notes.text.dispatchEvent(new Event("input"));
  };
  return { store, notes, write };
}

test("a note is kept under the step whose note is in the field, also while the caret stays in it", () => {
  const { store, notes, write } = opened();
  write("first");
  store.update("playhead", { at: 1 });
  assert.equal(notes.text.value, "");
  write("second");
  store.update("playhead", { at: 0 });
  assert.equal(notes.text.value, "first");
  store.update("playhead", { at: 1 });
  assert.equal(notes.text.value, "second");
});

test("what is being written stays while the same step is drawn again", () => {
  const { store, notes, write } = opened();
  write("first");
  notes.text.value = "first, being composed";
  store.set({ frames: [] });
  assert.equal(notes.text.value, "first, being composed");
});
