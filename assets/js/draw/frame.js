// A step as it was sent -> typed arrays and a picture that can be drawn.

/** @typedef {import("../types.js").Frame} Frame */

export const KEPT = 0;
export const NEW = 1;
export const MASKED = 2;
export const REVOKED = 3;
export const STATES = ["kept", "new", "masked", "revoked"];
export const MASK = -1;

/** @param {string} text base64 */
export function bytes(text) {
  const letters = atob(text);
  const found = new Uint8Array(letters.length);
  for (let i = 0; i < letters.length; i += 1) found[i] = letters.charCodeAt(i);
  return found;
}

/** @param {string} text base64 of little-endian float32 */
export function floats(text) {
  return new Float32Array(bytes(text).buffer);
}

/** @param {string} text base64 of little-endian int32 */
function integers(text) {
  return new Int32Array(bytes(text).buffer);
}

/** @param {string} url */
export async function loadPicture(url) {
  const picture = new Image();
  picture.src = url;
  await picture.decode();
  return picture;
}

/**
 * @param {import("../types.js").SentStep} sent
 * @returns {Promise<Frame>}
 */
export async function decodeFrame(sent) {
  const picture = loadPicture(sent.picture);
  return { ...decodeArrays(sent), picture: await picture };
}

/**
 * @param {import("../types.js").SentStep} sent
 * @returns {Omit<Frame, "picture">}
 */
export function decodeArrays(sent) {
  const state = bytes(sent.state);
  const scores = floats(sent.scores);
  return {
    s: sent.s,
    steps: sent.steps,
    temperature: sent.temperature,
    tokens: integers(sent.tokens),
    proposal: integers(sent.proposal),
    scores,
    order: orderOf(floats(sent.ranked)),
    state,
    counts: countStates(state),
    scored: scores.some((score) => !Number.isNaN(score)),
    confidence: floats(sent.confidence),
    topTokens: new Uint16Array(bytes(sent.top_tokens).buffer),
    topProbs: new Uint16Array(bytes(sent.top_probs).buffer),
    digest: sent.digest,
  };
}

/**
 * The scores of a step; of the last one, which has none, those that were asked for later.
 * @param {Frame} frame
 */
export function scoresOf(frame) {
  return frame.judged ?? frame.scores;
}

/**
 * The picture that went into a step. A first step has none before it: a lane that starts from a picture shows that.
 * @param {Frame[]} frames of the lane
 * @param {number} s
 */
export function pictureBefore(frames, s) {
  return frames[Math.max(0, s - 1)].picture;
}

/** @param {Uint8Array} state */
function countStates(state) {
  const counts = [0, 0, 0, 0];
  for (const one of state) counts[one] += 1;
  return counts;
}

/**
 * The rank of each token among those ranked: 0 is masked first, 1 is kept first.
 * Ranked scores have another scale under each rule; their order has the same in all.
 * @param {Float32Array} ranked
 */
export function orderOf(ranked) {
  const order = new Float32Array(ranked.length).fill(Number.NaN);
  const places = [...ranked.keys()].filter((i) => !Number.isNaN(ranked[i]));
  places.sort((a, b) => ranked[a] - ranked[b] || a - b);
  places.forEach((place, rank) => {
    order[place] = places.length > 1 ? rank / (places.length - 1) : 1;
  });
  return order;
}

/**
 * What Step.digest() hashes, so that anyone can check that the page shows what the engine recorded.
 * @param {Frame} frame
 */
export async function digestOf(frame) {
  const scores = frame.scores.map((score) => (Number.isNaN(score) ? -1 : score));
  const parts = /** @type {BlobPart[]} */ ([frame.tokens, frame.proposal, scores, frame.state]);
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", await new Blob(parts).arrayBuffer()));
  return [...hash].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
