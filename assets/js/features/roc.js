// The ROC curve of the game: fakes found against real tokens accused.

import { el } from "../lib/dom.js";
import { fill } from "../lib/text.js";

/** @typedef {[number, number]} Point */

/**
 * Share of real tokens called fake, share of fakes found, as more and more of the lowest scores are called fake.
 * @param {number[]} order places, the lowest score first
 * @param {Uint8Array} fake
 * @returns {Point[]}
 */
export function rocCurve(order, fake) {
  const fakes = fake.reduce((sum, one) => sum + one, 0);
  let found = 0;
  /** @type {Point[]} */
  const curve = [[0, 0]];
  order.forEach((place, i) => {
    found += fake[place];
    curve.push([(i + 1 - found) / (fake.length - fakes), found / fakes]);
  });
  return curve;
}

/** @param {Point[]} curve */
export function areaUnder(curve) {
  return curve.slice(1).reduce((sum, [x, y], i) => sum + ((x - curve[i][0]) * (y + curve[i][1])) / 2, 0);
}

/**
 * @param {Point[]} theirs
 * @param {Point[]} mine
 * @param {import("../types.js").Words} words
 */
export function rocFigure(theirs, mine, words) {
  const path = (/** @type {Point[]} */ curve) =>
    curve.map(([x, y], i) => `${i ? "L" : "M"}${(x * 100).toFixed(1)} ${(100 - y * 100).toFixed(1)}`).join("");
  const areas = { mine: areaUnder(mine).toFixed(2), theirs: areaUnder(theirs).toFixed(2) };
  const box = el("div", {});
  box.innerHTML = `<svg viewBox="-14 -3 118 118" role="img">
    <path class="tc-roc-frame" d="M0 0V100H100"/><path class="tc-roc-chance" d="M0 100L100 0"/>
    <path class="tc-roc-theirs" d="${path(theirs)}"/><path class="tc-roc-mine" d="${path(mine)}"/>
    <circle class="tc-roc-point" cx="${mine[1][0] * 100}" cy="${100 - mine[1][1] * 100}" r="3"/>
    <g class="tc-roc-axes"><text x="50" y="111" text-anchor="middle"></text>
    <text transform="translate(-7.5 50) rotate(-90)" text-anchor="middle"></text>
    <text x="-3" y="5" text-anchor="end">1</text><text x="-3" y="107" text-anchor="end">0</text>
    <text x="100" y="107" text-anchor="middle">1</text></g></svg>`;
  const [across, up] = box.querySelectorAll(".tc-roc-axes text");
  across.textContent = words.roc_x;
  up.textContent = words.roc_y;
  box.firstElementChild?.setAttribute("aria-label", fill(words.roc_said, areas));
  return [el("figcaption", {}, words.roc), box, el("p", {}, fill(words.areas, areas))];
}
