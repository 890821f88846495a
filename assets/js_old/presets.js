// Recorded runs to look at: a row of buttons.

function mountPresets(element, props, changed, titles, words) {
  const buttons = Object.entries(titles).map(([key, title]) =>
    el("button", { type: "button", class: "tc-action", "data-preset": key, onclick: () => { window.tokenCritic.stage.inbox.chosen(); props.value = key; changed(); } }, title));
  if (buttons.length) element.replaceChildren(el("div", { class: "tc-actions", role: "group", "aria-label": words.label }, el("span", {}, words.label), ...buttons));
}
