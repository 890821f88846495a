// What of an address stands for a run: the sampler's version, what was asked for, the first letters of each step's hash.

const LETTERS = 4; // of a step's hash

/** @typedef {import("../types.js").State} State */

/**
 * Whether a parameter of an address stands for a run.
 * @param {string} name
 * @param {string[]} controls their names
 */
export function isOfRun(name, controls) {
  return ["preset", "version", "hash", ...controls].includes(name);
}

/** @param {State} state */
export function shownOf({ shown }) {
  if (!shown) throw new Error("nothing is shown");
  return shown;
}

/**
 * The first letters of the hash of each step, lane by lane.
 * @param {State} state
 */
export function hashesOf({ frames }) {
  return frames.map((lane) => lane.map((frame) => frame.digest.slice(0, LETTERS)));
}

/**
 * The hashes as they stand in an address: lanes apart by "_".
 * @param {string} text
 */
export function readHashes(text) {
  return text.split("_").map((lane) => lane.match(/.{4}/g) ?? []);
}

/**
 * Names and values of the run that is shown. The version comes first and the hash last, so that a link which was cut
 * off can be told from a whole one. While the run goes neither is there.
 * @param {State} state
 * @param {number} version
 * @returns {[string, string][]}
 */
export function queryOf(state, version) {
  const query = Object.entries(shownOf(state).ask).map(jsonValue);
  if (state.run.going) return query;
  const hash = hashesOf(state).map((lane) => lane.join(""));
  return [["version", String(version)], ...query, ["hash", hash.join("_")]];
}

/** @param {[string, any]} entry @returns {[string, string]} */
function jsonValue([name, value]) {
  return [name, JSON.stringify(value)];
}

/**
 * Where two runs part: the first lane that differs, and its first step that does; null where they are the same.
 * @param {string[][]} hashes
 * @param {string[][]} expected
 */
export function firstDifference(hashes, expected) {
  for (const [lane, mine] of hashes.entries()) {
    const s = mine.findIndex((hash, i) => hash !== expected[lane]?.[i]);
    if (s >= 0) return { lane, s };
  }
  return null;
}
