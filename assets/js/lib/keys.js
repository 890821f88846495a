// The keys that move from step to step: in the page, and in the lecturer's second window.

/** @type {Record<string, string>} the two keys of a clicker, and those that do the same */
export const CLICKER = { PageUp: ",", PageDown: "." };

/**
 * @param {Pick<import("../stage/player.js").Player, "backward" | "onward" | "toggle">} player
 * @returns {Record<string, () => void>}
 */
export function stepKeys(player) {
  return { ",": () => player.backward(), ".": () => player.onward(), " ": () => player.toggle() };
}
