// What the colours mean: the four states, and the scale of the scores.

import { scaleGradient } from "../draw/colours.js";
import { STATES } from "../draw/frame.js";
import { el } from "../lib/dom.js";

/** @param {import("../types.js").Words} words */
export function legend(words) {
  const state = (/** @type {string} */ name) =>
    el("li", {}, el("i", { class: `tc-key tc-${name}`, "aria-hidden": "true" }), words.states[name]);
  const end = (/** @type {string} */ plain, /** @type {string} */ ordered) => [
    el("span", { class: "tc-if-plain" }, plain),
    el("span", { class: "tc-if-ordered" }, ordered),
  ];
  const scale = el("i", { style: `background:${scaleGradient()}`, "aria-hidden": "true" });
  return el(
    "div",
    { class: "tc-legend" },
    el("ul", {}, ...STATES.map(state)),
    el(
      "div",
      { class: "tc-scale" },
      words.score,
      ...end("0", words.first_masked),
      scale,
      ...end("1", words.last_masked),
    ),
  );
}
