// Where the playhead may stand. Lanes of unequal length stand at the same share of their steps.

/**
 * How far the lanes of a run have come.
 * @typedef {object} Reach
 * @property {number[]} lengths the steps of each lane
 * @property {number[]} arrived how many of them are here
 * @property {boolean} byStep all lanes stand at the same step, since one goes on where another ended
 * @property {boolean} open more steps may come
 */

/** @param {import("./types.js").State} state @returns {Reach} */
export function reachOf({ shown, frames, run, controls }) {
  const lanes = shown?.lanes ?? [];
  const own = controls.third?.tokens && lanes.find((lane) => lane.origin?.tokens); // it is shown without the others
  const most = own ? own.steps : Number.POSITIVE_INFINITY;
  return {
    lengths: lanes.map((lane) => Math.min(lane.steps, most)),
    arrived: lanes.map((_, i) => Math.min(frames[i]?.length ?? 0, most)),
    byStep: lanes.some((lane) => lane.continues),
    open: run.going,
  };
}

/** @param {Reach} reach */
export function longest({ lengths }) {
  return Math.max(0, ...lengths);
}

/**
 * The furthest place of the playhead: while steps still come, where all lanes are, so that they show the same step.
 * @param {Reach} reach
 */
export function newest(reach) {
  const { lengths, arrived, byStep, open } = reach;
  if (!lengths.length) return -1;
  const whole = longest(reach);
  const reached = lengths.map((steps, lane) => {
    if (byStep) return arrived[lane] === steps ? whole - 1 : arrived[lane] - 1;
    return Math.ceil((arrived[lane] * whole) / steps) - 1;
  });
  const together = open && arrived.every((count) => count > 0);
  return together ? Math.min(...reached) : Math.max(...reached);
}

/**
 * The step of a lane when the playhead is at `at`; -1 before its first.
 * @param {Reach} reach
 * @param {number} lane
 * @param {number} at
 */
export function stepAt(reach, lane, at) {
  if (at < 0 || lane >= reach.lengths.length) return -1;
  const { lengths, arrived, byStep } = reach;
  const reached = byStep ? at + 1 : Math.ceil(((at + 1) * lengths[lane]) / longest(reach));
  return Math.min(arrived[lane], reached) - 1;
}

/**
 * The place of the playhead at which a lane stands at step s.
 * @param {Reach} reach
 * @param {number} lane
 * @param {number} s
 */
export function placeOfStep(reach, lane, s) {
  return reach.byStep ? s : Math.floor((s * longest(reach)) / reach.lengths[lane]);
}

/**
 * The step of a lane that is shown now, if there is one.
 * @param {import("./types.js").State} state
 * @param {number} lane
 * @returns {import("./types.js").Frame | undefined}
 */
export function shownFrame(state, lane) {
  return state.frames[lane]?.[stepAt(reachOf(state), lane, state.playhead.at)];
}
