// Sentences with holes, the Korean particles after what is filled in, and the address of a language.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { addressIn } from "../../assets/js/controls/language.js";
import { chooseParticles } from "../../assets/js/lib/particles.js";
import { fill } from "../../assets/js/lib/text.js";

const cases = JSON.parse(readFileSync(new URL("../fixtures/particles.json", import.meta.url), "utf8"));

test("a particle fits how the word before it is read aloud", () => {
  for (const [written, read] of cases) assert.equal(chooseParticles(written), read);
  assert.equal(fill("{name}을(를) {n}번", { name: "크리틱", n: 3 }), "크리틱을 3번");
});

test("the language stands first in an address, so that the end still tells whether it was cut off", () => {
  assert.equal(addressIn("ko", "http://a/?version=2&seed=7"), "http://a/?lang=ko&version=2&seed=7");
  assert.equal(addressIn("en", "http://a/?lang=ko&place=use"), "http://a/?lang=en&place=use");
});
