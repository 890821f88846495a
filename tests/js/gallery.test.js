import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";
import { Gallery } from "../../assets/js/features/gallery.js";
import { PlanClient } from "../../assets/js/plans.js";
import { EMPTY, Store } from "../../assets/js/store.js";
import { lane } from "./frames.js";
import { atRest, fakePage, serve } from "./server.js";

const WORDS = {
  starting: "Starting",
  progress: "{done} of {whole}",
  empty: "Nothing",
  no_answer: "No answer",
  not_kept: "Not kept",
  stop_first: "Stop first",
  orders: {},
  captions: { score: "score {p}", nearest: "differs by {d}" },
  distance: "",
  nearest_said: "Under each its nearest",
  done: { done: "{done} of {label}", failed: "Failed after {done} of {whole}" },
};

/** @type {import("./server.js").Question[]} */
let asked;
beforeEach(() => {
  fakePage();
  asked = serve();
});
afterEach(() => mock.restoreAll());

function opened(store = new Store()) {
  const plans = new PlanClient(store, WORDS);
  return new Gallery(/** @type {any} */ ({ store, plans }), { ...WORDS, seed: "", score: "" });
}

/** Ask for pictures. @param {Gallery} gallery */
function draw(gallery) {
  gallery.batch.start(2);
  return atRest();
}

/** @param {string} run */
function begin(run) {
  return { kind: "begin", run, label: "a", lanes: [lane(2)], count: 2 };
}

/** @param {number} i */
function picture(i) {
  return { kind: "steps", steps: [{ lane: 0, i, seed: i, picture: "", score: 0.5 }] };
}

const END = { kind: "end", why: "done", scores: [] };

test("a gallery says how far it is, and that it is done", async () => {
  const gallery = opened();
  await draw(gallery);
  await asked[0].send(begin("r"), picture(0));
  assert.equal(gallery.status.textContent, "1 of 2");
  await asked[0].send(picture(1), END);
  assert.equal(gallery.status.textContent, "2 of a");
});

test("the second of two quick clicks on Draw falls on Stop and stops nothing; who pressed it by key stays on it", () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const gallery = opened();
  gallery.draw.focus();
  gallery.batch.start(2);
  assert.deepEqual([gallery.draw.hidden, gallery.stop.hidden, gallery.stop.disabled], [true, false, true]);
  mock.timers.tick(500);
  assert.deepEqual([gallery.stop.disabled, document.activeElement === gallery.stop], [false, true]);
  mock.timers.reset();
});

test("one that is refused leaves the pictures before it, which can still be measured", async () => {
  const gallery = opened();
  await draw(gallery);
  await asked[0].send(begin("r"), picture(0), picture(1), END);
  await draw(gallery);
  assert.equal(gallery.status.textContent, "Starting", "not the count of the one before");
  await asked[1].refuse("too many");
  assert.deepEqual([gallery.status.textContent, gallery.run.id, gallery.draw.hidden], ["too many", "r", false]);
  assert.equal(gallery.measure.disabled, false);
  gallery.nearest();
  assert.equal(asked[2].given.run, "r");
});

test("one that breaks off says after how many pictures", async () => {
  const gallery = opened();
  await draw(gallery);
  await asked[0].send(begin("r"), picture(0));
  asked[0].stream?.error(new TypeError("network error"));
  await atRest();
  assert.equal(gallery.status.textContent, "Failed after 1 of 2");
  await draw(gallery);
  asked[1].fail(new TypeError("Failed to fetch"));
  await atRest();
  assert.equal(gallery.status.textContent, "No answer");
});

test("the nearest training picture stands at each, and its caption says by how much it differs", async () => {
  const gallery = opened();
  await draw(gallery);
  await asked[0].send(begin("r"), picture(0), picture(1), END);
  assert.deepEqual(
    gallery.items[0].map(({ caption }) => caption.textContent),
    ["score 0.50", "score 0.50"],
  );
  gallery.nearest();
  await asked[1].answer({ distances: [[7.4, 3]], nearest: [[0, 0]], pictures: ["data:one"] });
  assert.deepEqual(
    gallery.items[0].map(({ nearest, caption }) => [nearest.src, nearest.hidden, caption.textContent]),
    [
      ["data:one", false, "differs by 7"],
      ["data:one", false, "differs by 3"],
    ],
  );
  assert.equal(gallery.status.textContent, "Under each its nearest");
});

test("what cannot be measured is said", async () => {
  const gallery = opened();
  await draw(gallery);
  await asked[0].send(begin("r"), picture(0), END);
  gallery.nearest();
  await asked[1].answer({ distances: [] });
  assert.equal(gallery.status.textContent, "Not kept");
});

test("a gallery waits for what a new pack brings with it", async () => {
  const store = new Store({ ...EMPTY, controls: { pack: "p", label: "of p" } });
  const gallery = opened(store);
  gallery.batch.plans.change({ pack: "q" });
  await draw(gallery);
  assert.equal(asked.length, 1);
  await asked[0].answer({ controls: { pack: "q", label: "of q" }, visible: {}, choices: null, plan: null });
  assert.deepEqual([asked[1].name, asked[1].given], ["run", { pack: "q", label: "of q", count: 2 }]);
});

test("who stops it before that hears nothing of it", async () => {
  const gallery = opened();
  gallery.batch.plans.refresh();
  await draw(gallery);
  gallery.batch.stop();
  await asked[0].answer({ controls: {}, visible: {}, choices: null, plan: null });
  assert.deepEqual([gallery.status.textContent, gallery.run.going], ["Nothing", false]);
});

test("a picture opens its place before its run, which leaving a lesson would end; while a run goes it says why not", async () => {
  const store = new Store();
  /** @type {any[]} */
  const done = [];
  const places = { open: (/** @type {string} */ name) => done.push(name) };
  const runs = { start: (/** @type {any} */ { controls }) => done.push(controls.seed) };
  const plans = new PlanClient(store, WORDS);
  const gallery = new Gallery(/** @type {any} */ ({ store, places, plans, runs }), { ...WORDS, seed: "", score: "" });
  await draw(gallery);
  await asked[0].send(begin("r"), picture(0), picture(1), END);
  gallery.open(gallery.items[0][1]);
  assert.deepEqual(done, ["compare", 1]);
  store.update("run", { going: true });
  gallery.open(gallery.items[0][0]);
  assert.deepEqual([done.length, gallery.status.textContent], [2, "Stop first"]);
});
