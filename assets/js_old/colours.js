// The score map (cividis) and the page's own colours, read from the style sheet so that dark is dark.

const CIVIDIS = ["#00224e", "#123570", "#3b496c", "#575d6d", "#707173", "#8a8678", "#a59c74", "#c3b369", "#e1cc55", "#fee838"]
  .map((hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16)));

const SCALE = Array.from({ length: 256 }, (_, i) => {
  const at = (i / 255) * (CIVIDIS.length - 1);
  const low = Math.min(Math.floor(at), CIVIDIS.length - 2);
  const [r, g, b] = CIVIDIS[low].map((from, k) => Math.round(from + (CIVIDIS[low + 1][k] - from) * (at - low)));
  return `rgb(${r} ${g} ${b})`;
});

function scoreColour(score) {
  return SCALE[Math.round(Math.min(1, Math.max(0, score)) * 255)];
}

function scaleGradient() {
  return `linear-gradient(to right, ${[0, 32, 64, 96, 128, 160, 192, 224, 255].map((i) => SCALE[i]).join(", ")})`;
}

function pageColours(node) {
  const style = getComputedStyle(node);
  const read = (name) => style.getPropertyValue(name).trim();
  return {
    surface: read("--tc-empty"),
    dot: read("--tc-dot"),
    masked: read("--tc-masked"),
    hatch: read("--tc-hatch"),
    kept: read("--tc-new"),
    revoked: read("--tc-revoked"),
    cursor: read("--tc-cursor"),
    differ: read("--tc-differ"),
    cross: read("--tc-cross"),
  };
}
