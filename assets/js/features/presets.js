// Recorded runs to look at: a row of buttons for each pack, of which the one that is shown is pressed.

import { actionButton, el } from "../lib/dom.js";

/**
 * @param {Element} element
 * @param {import("../main.js").Page} page
 */
export function mountPresets(element, { store, words, runs }) {
  const { label, titles } = words.presets;
  const rows = Object.entries(/** @type {Record<string, Record<string, string>>} */ (titles)).map(([pack, of]) => {
    const buttons = Object.entries(of).map(([key, title]) =>
      actionButton(title, () => runs.start({ recorded: key }), { "data-preset": key, "aria-pressed": "false" }),
    );
    const span = el("span", {}, label);
    return {
      pack,
      buttons,
      row: el("div", { class: "tc-actions", role: "group", "aria-label": label }, span, ...buttons),
    };
  });
  element.replaceChildren(...rows.map(({ row }) => row));
  let going = false;
  /** @type {Element | null} */
  let pressed = null;
  const show = (/** @type {import("../types.js").State} */ { run, shown, controls }) => {
    if (run.going && !going) pressed = document.activeElement?.closest("[data-preset]") ?? null;
    for (const { pack, row, buttons } of rows) {
      row.hidden = controls.pack !== pack;
      for (const button of buttons) {
        button.disabled = run.going;
        button.setAttribute("aria-pressed", String(shown?.recorded === button.dataset.preset));
      }
    }
    const lost = going && !run.going && document.activeElement === document.body;
    if (lost && pressed instanceof HTMLElement) pressed.focus({ preventScroll: true }); // where it was
    going = run.going;
  };
  store.on(["run", "shown", "controls"], show);
  show(store.state);
}
