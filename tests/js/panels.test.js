// What the panels of a step show on the page: the same as in files (tests/test_panels.py).

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { mock, test } from "node:test";
import { pageColours } from "../../assets/js/draw/colours.js";
import { pictureBefore } from "../../assets/js/draw/frame.js";
import { drawPanel, KINDS } from "../../assets/js/draw/panels.js";
import { base64, frame } from "./frames.js";
import { CELL, ProbedContext } from "./probes.js";

/** @param {string} path from the repository's root */
const read = (path) => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
const FIXTURE = JSON.parse(read("tests/fixtures/panels.json"));
const OFF = 2; // of 255: the page has stops of the score map, matplotlib has all of it

/** The colours of the light page, as a browser reads them from the style sheet. */
function lightColours() {
  const root = read("assets/css/page.css").split(":root {")[1].split("}")[0];
  const found = new Map(root.match(/--[\w-]+: [^;]+/g)?.map((line) => /** @type {any} */ (line.split(": "))));
  const getPropertyValue = (/** @type {string} */ name) => found.get(name) ?? "";
  globalThis.getComputedStyle ??= /** @type {any} */ (() => {});
  mock.method(globalThis, "getComputedStyle", () => ({ getPropertyValue }));
  return pageColours(/** @type {any} */ (null));
}

/** @type {Record<string, any>} */
const COLOURS = lightColours();

/**
 * The step of a case, after those before it.
 * @param {any} given
 */
function framesOf(given) {
  const scores = given.scores.map((/** @type {number | null} */ one) => one ?? Number.NaN);
  const tokens = base64(new Int32Array(given.tokens));
  const last = { ...frame({ ...given, tokens, scores }), picture: "proposal" };
  return [...Array(given.s).fill({ picture: "before" }), last];
}

/** @param {any} given @param {import("../../assets/js/types.js").PanelKind} kind */
function draw(given, kind) {
  const grid = Math.sqrt(given.tokens.length);
  const context = new ProbedContext(grid);
  const canvas = /** @type {any} */ ({ width: grid * CELL, height: grid * CELL, getContext: () => context });
  const frames = framesOf(given);
  drawPanel(canvas, kind, {
    grid,
    cell: CELL,
    colours: /** @type {any} */ (COLOURS),
    frame: frames[given.s],
    before: pictureBefore(frames, given.s),
    asOrder: false,
    proposal: "picture",
    layout: "loop",
    others: null,
    byHand: null,
    guessed: null,
  });
  return context;
}

/** @param {string} colour #rrggbb, or rgb(r g b) */
function rgb(colour) {
  const digits = colour.startsWith("#") ? colour.slice(1).match(/../g) : colour.match(/\d+/g);
  return (digits ?? []).map((one) => Number.parseInt(one, colour.startsWith("#") ? 16 : 10));
}

/** @param {string} found @param {string} wanted a picture, a colour of the style sheet, or a score's @param {string} where */
function compare(found, wanted, where) {
  if (!wanted.startsWith("#")) return assert.equal(found, COLOURS[wanted] ?? wanted, where);
  const [mine, theirs] = [rgb(found), rgb(wanted)];
  assert.ok(mine.length === 3 && mine.every((one, i) => Math.abs(one - theirs[i]) <= OFF), `${where}: ${found}`);
}

for (const given of FIXTURE.cases) {
  test(`the panels show ${given.name}`, () => {
    assert.deepEqual(Object.keys(given.panels).sort(), [...KINDS].sort());
    for (const kind of KINDS) {
      const context = draw(given, kind);
      given.panels[kind].forEach((/** @type {string} */ shown, /** @type {number} */ i) => {
        const wanted = FIXTURE.marks[shown] ?? { edge: shown, middle: shown };
        const found = context.probe(i);
        compare(found.edge, wanted.edge, `${kind}, edge of cell ${i}, ${shown}`);
        compare(found.middle, wanted.middle, `${kind}, middle of cell ${i}, ${shown}`);
      });
    }
  });
}

test("every colour that the page draws with stands in the style sheet", () => {
  for (const [name, colour] of Object.entries(COLOURS)) assert.match(colour, /^#[0-9a-f]{6}$/, name);
});
