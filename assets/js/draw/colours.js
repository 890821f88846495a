// The score map (cividis) and the page's own colours, read from the style sheet so that dark is dark.

// Stops of matplotlib's map, each a place of 255 and its colour: straight lines between them are at most 1 of 255 off.
// biome-ignore format: one map
const CIVIDIS = /** @type {[number, string][]} */ ([
  [0, "#00224e"], [20, "#003070"], [23, "#013271"], [28, "#123570"], [39, "#263d6e"], [60, "#3f4c6c"], [97, "#62656f"],
  [134, "#828079"], [171, "#a69c74"], [204, "#c8b866"], [229, "#e4ce53"], [246, "#f7de3e"], [251, "#fde334"], [255, "#fee838"],
]);

const SCALE = Array.from({ length: 256 }, (_, i) => {
  const above = CIVIDIS.findIndex(([at]) => at >= Math.max(1, i));
  const [[from, low], [to, high]] = [CIVIDIS[above - 1], CIVIDIS[above]];
  const [r, g, b] = [1, 3, 5].map((at) => {
    const [first, last] = [low, high].map((hex) => Number.parseInt(hex.slice(at, at + 2), 16));
    return Math.round(first + ((last - first) * (i - from)) / (to - from));
  });
  return `rgb(${r} ${g} ${b})`;
});

/** @typedef {ReturnType<typeof pageColours>} Colours */

/** @param {number} score from 0 to 1 */
export function scoreColour(score) {
  return SCALE[Math.floor(Math.min(0.999, Math.max(0, score)) * 256)]; // as matplotlib does
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
