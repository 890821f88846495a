// Frames and states that the tests make.

import { decodeArrays } from "../../assets/js/draw/frame.js";
import { EMPTY } from "../../assets/js/store.js";

/** @param {ArrayBufferView} array */
export function base64(array) {
  return Buffer.from(array.buffer).toString("base64");
}

/**
 * A step of 4 tokens as the server sends it.
 * @param {Record<string, any>} [more]
 * @returns {any}
 */
export function sentStep({
  s = 0,
  steps = 2,
  state = [0, 1, 2, 3],
  scores = [0.5, Number.NaN, 0.1, 0.9],
  ...more
} = {}) {
  return {
    s,
    steps,
    temperature: 1,
    tokens: base64(new Int32Array([7, -1, -1, 9])),
    proposal: base64(new Int32Array([7, 3, 4, 9])),
    scores: base64(new Float32Array(scores)),
    ranked: base64(new Float32Array(scores)),
    state: base64(new Uint8Array(state)),
    confidence: base64(new Float32Array([1, 0.5, 0.25, 1])),
    top_tokens: base64(new Uint16Array([7, 8, 3, 2, 4, 1, 9, 0])),
    top_probs: base64(new Uint16Array([65535, 0, 32768, 13107, 65535, 0, 65535, 0])),
    digest: `${s}abcdef0123456789`,
    picture: "data:,",
    ...more,
  };
}

/** @param {Record<string, any>} [more] @returns {any} */
export function frame(more) {
  return { ...decodeArrays(sentStep(more)), picture: {} };
}

/** @param {number} steps @param {Record<string, any>} [more] @returns {any} */
export function lane(steps, more = {}) {
  return { name: "MaskGIT", steps, continues: false, passes: steps, settings: { steps }, origin: null, ...more };
}

/**
 * A run of lanes of so many steps, of which so many are here.
 * @param {number[]} steps
 * @param {number[]} arrived
 * @param {Record<string, any>} [more]
 * @returns {any}
 */
export function state(steps, arrived, more = {}) {
  const lanes = steps.map((count) => lane(count));
  return {
    ...EMPTY,
    shown: {
      kind: "begin",
      run: "r",
      pack: "p",
      ask: { seed: 7 },
      label: "a",
      grid: 2,
      critic: true,
      lanes,
      visible: {},
    },
    frames: steps.map((count, i) => Array.from({ length: arrived[i] }, (_, s) => frame({ s, steps: count }))),
    ...more,
  };
}
