// What the lanes are called, and which of them are shown.

import { fill } from "./text.js";

const LEAST_WIDTH = 340; // pixels of a lane whose panels can be read
const GAP = 24;
/** As the file of a lesson names them. */
export const LANES = ["left", "right", "third"];
export const THIRD = LANES.indexOf("third");

/** @typedef {import("../types.js").State} State */
/** @typedef {import("../types.js").LaneInfo} LaneInfo */

/**
 * The lanes as they are shown, else as they are planned; the third one only where there is one.
 * @param {Pick<State, "shown" | "planned" | "controls">} state
 */
export function lanesOf({ shown, planned, controls }) {
  const count = Math.max(shown?.lanes.length ?? 0, planned?.lanes.length ?? 0);
  const all = Array.from({ length: count }, (_, i) => shown?.lanes[i] ?? planned?.lanes[i]);
  return /** @type {LaneInfo[]} */ (controls.third ? all : all.slice(0, THIRD));
}

/**
 * The name of a lane: that of its rule, and what it is where another lane has the same rule.
 * @param {LaneInfo[]} lanes
 * @param {number} i
 * @param {import("../types.js").Words} words
 */
export function nameOfLane(lanes, i, { told, lanes: places }) {
  const { name, origin } = lanes[i];
  const same = lanes.filter((other) => other.name === name);
  if (same.length < 2) return name;
  if (origin) return fill(told[kindOf(lanes[i])], { name });
  if (same.filter((other) => !other.origin).length < 2) return name;
  return fill(told.place, { name, lane: places[i].toLowerCase() });
}

/** What a lane is that goes on from another one, or from a picture. @param {LaneInfo} info */
function kindOf({ origin, continues }) {
  if (continues) return origin?.masked ? "repainted" : "refined";
  return origin?.masked ? "yours" : "branched";
}

/**
 * The lanes that are not shown: where three have no room, the one that the third does not come from; where the third
 * goes on from a picture of the visitor's own, both, which have nothing to do with it.
 * @param {State} state
 * @param {number} width of all lanes, in pixels
 */
export function hiddenLanes({ controls, view }, width) {
  const { lane = null, tokens = null } = controls.third ?? {};
  if (tokens) return [0, 1];
  const room = (width - (LANES.length - 1) * GAP) / LANES.length;
  if (lane === null || view.layout === "chain" || room >= LEAST_WIDTH) return [];
  return [1 - lane];
}
