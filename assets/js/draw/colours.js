// The score map (cividis) and the page's own colours, read from the style sheet so that dark is dark.

// biome-ignore format: one map
const CIVIDIS = ["#00224e", "#123570", "#3b496c", "#575d6d", "#707173", "#8a8678", "#a59c74", "#c3b369", "#e1cc55", "#fee838"]
  .map((hex) => [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16)));

const SCALE = Array.from({ length: 256 }, (_, i) => {
  const at = (i / 255) * (CIVIDIS.length - 1);
  const low = Math.min(Math.floor(at), CIVIDIS.length - 2);
  const [r, g, b] = CIVIDIS[low].map((from, k) => Math.round(from + (CIVIDIS[low + 1][k] - from) * (at - low)));
  return `rgb(${r} ${g} ${b})`;
});

/** @typedef {ReturnType<typeof pageColours>} Colours */

/** @param {number} score from 0 to 1 */
export function scoreColour(score) {
  return SCALE[Math.round(Math.min(1, Math.max(0, score)) * 255)];
}

export function scaleGradient() {
  const stops = [0, 32, 64, 96, 128, 160, 192, 224, 255].map((i) => SCALE[i]);
  return `linear-gradient(to right, ${stops.join(", ")})`;
}

/** @param {Element} node */
export function pageColours(node) {
  const style = getComputedStyle(node);
  const read = (/** @type {string} */ name) => style.getPropertyValue(`--tc-${name}`).trim();
  return {
    empty: read("empty"),
    dot: read("dot"),
    masked: read("masked"),
    hatch: read("hatch"),
    new: read("new"),
    revoked: read("revoked"),
    cursor: read("cursor"),
    differ: read("differ"),
    cross: read("cross"),
  };
}
