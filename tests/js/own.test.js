import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";
import { OwnPicture } from "../../assets/js/features/own.js";
import { EMPTY, Store } from "../../assets/js/store.js";
import { base64 } from "./frames.js";
import { fakePage, serve } from "./server.js";

/** @type {import("./server.js").Question[]} */
let asked;
beforeEach(() => {
  const browser = fakePage();
  browser.ResizeObserver = class {
    observe() {}
  };
  asked = serve();
});
afterEach(() => mock.restoreAll());

function opened() {
  const controls = { pack: "p", label: "a", seed: null };
  const planned = { wrong: "seed: is empty", pack: "", lanes: [] };
  const store = new Store({ ...EMPTY, place: "refine", controls, planned });
  const own = new OwnPicture(/** @type {any} */ ({ store, words: { own: { said: "", shown: "" } } }), () => {});
  own.url = "data:picture";
  return { store, own };
}

const ANSWER = { label: "a", grid: 1, tokens: [1], picture: "", shown: "", scores: base64(new Float32Array([0.5])) };

test("a picture is looked at as the controls say, even where these cannot be run", async () => {
  const { own } = opened();
  own.look();
  await asked[0].answer(ANSWER);
  assert.deepEqual(asked[0].given, { pack: "p", label: "a", url: "data:picture" });
  assert.equal(own.view.go.disabled, false);
});

test("a picture's tokens are refined with their own pack alone", async () => {
  const { store, own } = opened();
  own.look();
  await asked[0].answer(ANSWER);
  store.set({ controls: { ...store.state.controls, pack: "q" } });
  assert.equal(own.view.go.disabled, true, "the plan that follows says which class it has");
  store.set({ controls: { ...store.state.controls, label: "b" }, planned: { wrong: "", pack: "q", lanes: [] } });
  await asked[1].answer({ ...ANSWER, label: "b" });
  assert.deepEqual([asked[1].given.pack, asked[1].given.label], ["q", "b"]);
  assert.equal(own.view.go.disabled, false);
});

test("a class is asked about where the picture is shown, and the last one counts", async () => {
  const { store, own } = opened();
  own.look();
  await asked[0].answer(ANSWER);
  const choose = (/** @type {string} */ label) =>
    store.set({ controls: { ...store.state.controls, label }, planned: { wrong: "", pack: "p", lanes: [] } });
  store.set({ place: "compare" });
  choose("b");
  assert.equal(asked.length, 1);
  store.set({ place: "refine" });
  assert.equal(asked[1].given.label, "b");
  choose("c");
  await asked[1].response.catch(({ name }) => assert.equal(name, "AbortError"));
  await asked[2].answer({ ...ANSWER, label: "c" });
  assert.equal(own.seen?.label, "c");
});
