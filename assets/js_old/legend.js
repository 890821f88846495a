// What the colours mean: the four states, and the scale of the scores.

function legend(words) {
  const state = (name) => el("li", {}, el("i", { class: `tc-key tc-${name}`, "aria-hidden": "true" }), words.states[name]);
  const end = (plain, ordered) => [el("span", { class: "tc-if-plain" }, plain), el("span", { class: "tc-if-ordered" }, ordered)];
  return el("div", { class: "tc-legend" },
    el("ul", {}, ...STATES.map(state)),
    el("div", { class: "tc-scale" }, words.score, ...end("0", words.first_masked), el("i", { style: `background:${scaleGradient()}`, "aria-hidden": "true" }), ...end("1", words.last_masked)));
}
