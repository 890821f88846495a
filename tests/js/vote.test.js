import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";
import { signTest, Vote } from "../../assets/js/features/vote.js";
import { PlanClient } from "../../assets/js/plans.js";
import { Store } from "../../assets/js/store.js";
import { lane } from "./frames.js";
import { atRest, fakePage, serve } from "./server.js";

const WORDS = {
  starting: "Starting",
  drawing: "Drawing",
  asks: "{n} of {whole}",
  result: "{first} {a}, {second} {b}, same {same}.",
  chance: "p {p} %",
  no_votes: "No vote",
  no_answer: "No answer",
  lane: "{name} ({lane})",
};

/** @type {import("./server.js").Question[]} */
let asked;
beforeEach(() => {
  fakePage();
  asked = serve();
});
afterEach(() => mock.restoreAll());

/** @param {number[]} lots */
function opened(...lots) {
  const plans = new PlanClient(new Store(), WORDS);
  return new Vote(/** @type {any} */ ({ plans, words: { vote: WORDS } }), () => lots.shift() ?? 0);
}

/** @param {Vote} vote */
function start(vote) {
  vote.start();
  return atRest();
}

const BEGIN = {
  kind: "begin",
  run: "r",
  label: "a",
  lanes: [
    { ...lane(2), name: "One" },
    { ...lane(2), name: "Two" },
  ],
  count: 16,
};
/** @param {number} i */
const pair = (i) =>
  [0, 1].map((one) => ({ kind: "steps", steps: [{ lane: one, i, seed: i, picture: `${one}-${i}` }] }));
const END = { kind: "end", why: "done", scores: [] };

test("pairs are asked as they come, in an order by lot, and the votes go to the lanes that drew them", async () => {
  const vote = opened(0.1, 0.9, 0.1);
  await start(vote);
  assert.equal(asked[0].given.third, null, "two lanes, whatever the page shows");
  await asked[0].send(BEGIN, ...pair(0));
  assert.equal(vote.status.textContent, "1 of 16");
  assert.deepEqual(
    vote.images.map(({ src }) => src),
    ["0-0", "1-0"],
  );
  vote.choose("left"); // lane 0
  assert.deepEqual([vote.status.textContent, vote.answers[0].disabled], ["Drawing", true]);
  await asked[0].send(...pair(1), ...pair(2));
  assert.deepEqual(
    vote.images.map(({ src }) => src),
    ["1-1", "0-1"],
  );
  vote.choose("right"); // lane 0 again
  vote.choose("right"); // lane 1
  vote.choose("same"); // ignored: the pair is not here yet
  vote.stop();
  assert.equal(vote.status.textContent, "One 2, Two 1, same 0. p 100 %");
  assert.deepEqual([vote.board.hidden, vote.startButton.hidden], [true, false]);
});

test("after the last pair the result is told, once", async () => {
  const vote = opened();
  await start(vote);
  await asked[0].send(BEGIN, ...Array.from({ length: 16 }, (_, i) => pair(i)).flat(), END);
  for (let i = 0; i < 15; i += 1) vote.choose("left");
  vote.choose("same");
  assert.equal(vote.status.textContent, "One 15, Two 0, same 1. p 0.0 %");
});

test("a vote that is stopped before the first pair says so, and so does one that nothing answers", async () => {
  const vote = opened();
  await start(vote);
  vote.stop();
  assert.equal(vote.status.textContent, "No vote");
  await start(vote);
  await asked[1].refuse("too many");
  assert.deepEqual([vote.status.textContent, vote.startButton.hidden], ["too many", false]);
});

test("votes outlive a stream that breaks off: what is drawn is still asked, then the result is told", async () => {
  const vote = opened();
  await start(vote);
  await asked[0].send(BEGIN, ...pair(0), ...pair(1));
  vote.choose("left");
  asked[0].stream?.error(new TypeError("network error"));
  await atRest();
  assert.deepEqual([vote.status.textContent, vote.going], ["2 of 16", true]);
  vote.choose("left");
  assert.equal(vote.status.textContent, "One 2, Two 0, same 0. p 50 %");
  await start(vote);
  asked[1].fail(new TypeError("Failed to fetch"));
  await atRest();
  assert.deepEqual([vote.status.textContent, vote.startButton.hidden], ["No answer", false]);
});

test("the sign test is that of a fair coin", () => {
  assert.equal(signTest(0, 0), 1);
  assert.equal(signTest(5, 5), 1);
  assert.equal(signTest(0, 5), 2 / 32);
  assert.ok(Math.abs(signTest(1, 9) - (2 * 11) / 1024) < 1e-12);
});
