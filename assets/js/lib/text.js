// Sentences with holes, and numbers as the page writes them.

import { chooseParticles } from "./particles.js";

/**
 * @param {string} sentence with {names} in it
 * @param {Record<string, any>} values
 * @returns {string}
 */
export function fill(sentence, values) {
  return chooseParticles(sentence.replace(/\{(\w+)\}/g, (_, name) => values[name]));
}

/**
 * @param {{one: string, many: string}} words
 * @param {number} n
 */
export function plural(words, n) {
  return fill(n === 1 ? words.one : words.many, { n });
}

/**
 * What a step did, in words. Before each count stands a "|", where the page puts the sign of its state. Masked
 * and revoked tokens are both hidden from the next step: the R of the formulas.
 * @param {string} sentence
 * @param {import("../types.js").Frame} frame
 */
export function stepLine(sentence, frame) {
  const [kept, fresh, masked, revoked] = frame.counts;
  const hidden = masked + revoked;
  return fill(sentence, { s: frame.s + 1, steps: frame.steps, kept, fresh, masked, revoked, hidden });
}

/**
 * A share with two digits.
 * @param {number} share
 */
export function digits(share) {
  return share > 0 && share < 0.005 ? "<0.01" : share.toFixed(2);
}

/**
 * @param {number} score
 * @param {Record<string, any>} words
 */
export function scoreText(score, words) {
  return Number.isNaN(score) ? words.no_score : digits(score);
}

/** @param {ArrayLike<number>} values */
export function mean(values) {
  let sum = 0;
  for (let i = 0; i < values.length; i += 1) sum += values[i];
  return sum / values.length;
}

/**
 * Row and column of a place, counted from 1.
 * @param {number} place
 * @param {number} grid
 */
export function rowAndColumn(place, grid) {
  return { row: Math.floor(place / grid) + 1, column: (place % grid) + 1 };
}
