import assert from "node:assert/strict";
import { test } from "node:test";
import { firstDifference, hashesOf, queryOf, readHashes } from "../../assets/js/features/permalink.js";
import { state } from "./frames.js";

test("a link has the version first, what was asked for, and the hash last", () => {
  const run = state([2, 1], [2, 1]);
  assert.deepEqual(queryOf(run, 2), [
    ["version", "2"],
    ["seed", "7"],
    ["hash", "0abc1abc_0abc"],
  ]);
  const going = queryOf({ ...run, run: { ...run.run, going: true } }, 2);
  assert.deepEqual(going, [["seed", "7"]], "no hash of half a run");
});

test("hashes are read as they are written, and say where two runs part", () => {
  const mine = hashesOf(state([2, 1], [2, 1]));
  assert.deepEqual(readHashes("0abc1abc_0abc"), mine);
  assert.equal(firstDifference(mine, readHashes("0abc1abc_0abc")), null);
  assert.deepEqual(firstDifference(mine, readHashes("0abc1abd_0abc")), { lane: 0, s: 1 });
  assert.deepEqual(firstDifference(mine, readHashes("0abc1abc")), { lane: 1, s: 0 }, "a lane that is missing");
});
