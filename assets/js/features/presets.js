// Recorded runs to look at: a row of buttons, of which the one that is shown is pressed.

import { actionButton, el } from "../lib/dom.js";

/**
 * @param {Element} element
 * @param {import("../main.js").Page} page
 */
export function mountPresets(element, { store, words, runs }) {
  const titles = /** @type {[string, string][]} */ (Object.entries(words.presets.titles));
  const buttons = titles.map(([key, title]) =>
    actionButton(title, () => runs.start({ recorded: key }), { "data-preset": key, "aria-pressed": "false" }),
  );
  if (!buttons.length) return;
  const { label } = words.presets;
  element.replaceChildren(
    el("div", { class: "tc-actions", role: "group", "aria-label": label }, el("span", {}, label), ...buttons),
  );
  let going = false;
  /** @type {Element | null} */
  let pressed = null;
  const show = (/** @type {import("../types.js").State} */ { run, shown }) => {
    if (run.going && !going) pressed = document.activeElement?.closest("[data-preset]") ?? null;
    for (const button of buttons) {
      button.disabled = run.going;
      button.setAttribute("aria-pressed", String(shown?.recorded === button.dataset.preset));
    }
    const lost = going && !run.going && document.activeElement === document.body;
    if (lost && pressed instanceof HTMLElement) pressed.focus({ preventScroll: true }); // where it was
    going = run.going;
  };
  store.on(["run", "shown"], show);
  show(store.state);
}
