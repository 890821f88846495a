// Recorded runs to look at: a row of buttons, of which the one that is shown is pressed. They are runs of one pack.

import { actionButton, el } from "../lib/dom.js";

/**
 * @param {Element} element
 * @param {import("../main.js").Page} page
 */
export function mountPresets(element, { store, words, config, runs }) {
  const titles = /** @type {[string, string][]} */ (Object.entries(words.presets.titles));
  const buttons = titles.map(([key, title]) =>
    actionButton(title, () => runs.start({ recorded: key }), { "data-preset": key, "aria-pressed": "false" }),
  );
  if (!buttons.length) return;
  const { label } = words.presets;
  const row = el("div", { class: "tc-actions", role: "group", "aria-label": label }, el("span", {}, label), ...buttons);
  element.replaceChildren(row);
  let going = false;
  /** @type {Element | null} */
  let pressed = null;
  const show = (/** @type {import("../types.js").State} */ { run, shown, controls }) => {
    row.hidden = controls.pack !== config.offered;
    if (run.going && !going) pressed = document.activeElement?.closest("[data-preset]") ?? null;
    for (const button of buttons) {
      button.disabled = run.going;
      button.setAttribute("aria-pressed", String(shown?.recorded === button.dataset.preset));
    }
    const lost = going && !run.going && document.activeElement === document.body;
    if (lost && pressed instanceof HTMLElement) pressed.focus({ preventScroll: true }); // where it was
    going = run.going;
  };
  store.on(["run", "shown", "controls"], show);
  show(store.state);
}
