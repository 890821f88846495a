// Sentences with holes, and the Korean particles after what is filled in.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { chooseParticles } from "../../assets/js/lib/particles.js";
import { fill } from "../../assets/js/lib/text.js";

const cases = JSON.parse(readFileSync(new URL("../fixtures/particles.json", import.meta.url), "utf8"));

test("a particle fits how the word before it is read aloud", () => {
  for (const [written, read] of cases) assert.equal(chooseParticles(written), read);
  assert.equal(fill("{name}을(를) {n}번", { name: "크리틱", n: 3 }), "크리틱을 3번");
});
