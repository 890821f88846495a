// What the colours mean: the four states, and the scale of the scores; and two switches of what is drawn.

function legend(words, ordered, compared, ...more) {
  const state = (name) => el("li", {}, el("i", { class: `tc-key tc-${name}`, "aria-hidden": "true" }), words.states[name]);
  const low = el("span", {}, "0"), high = el("span", {}, "1");
  const toggle = el("input", { type: "checkbox", onchange: () => {
    low.textContent = toggle.checked ? words.first_masked : "0";
    high.textContent = toggle.checked ? words.last_masked : "1";
    ordered(toggle.checked);
  } });
  const differ = el("input", { type: "checkbox", onchange: () => compared(differ.checked) });
  return el("div", { class: "tc-legend" },
    el("ul", {}, ...STATES.map(state)),
    el("div", { class: "tc-scale" }, words.score, low, el("i", { style: `background:${scaleGradient()}`, "aria-hidden": "true" }), high),
    el("label", { class: "tc-switch", title: words.order_help }, toggle, words.order),
    el("label", { class: "tc-switch", title: words.differ_help }, differ, el("i", { class: "tc-key tc-differ", "aria-hidden": "true" }), words.differ), ...more);
}
