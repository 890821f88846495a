// Recorded runs to look at: a list of them for each pack, behind one button. The line above the lanes names the one shown.

import { actionButton, el, placePopover } from "../lib/dom.js";

/** @typedef {{pack: string, list: HTMLElement, buttons: HTMLButtonElement[]}} Row */

/**
 * @param {Element} element
 * @param {import("../main.js").Page} page
 */
export function mountPresets(element, { store, words, runs, places }) {
  const { label, help, titles } = words.presets;
  const opener = actionButton(label, () => {}, { id: "tc-examples", popovertarget: "tc-example-list", title: help });
  /** @type {Row[]} */
  const rows = Object.entries(/** @type {Record<string, Record<string, string>>} */ (titles)).map(([pack, of]) => {
    const buttons = Object.entries(of).map(([key, title]) => {
      const press = () => {
        popup.hidePopover();
        places.open("compare");
        runs.start({ recorded: key });
      };
      return actionButton(title, press, { "data-preset": key, "aria-pressed": "false" });
    });
    return { pack, buttons, list: el("div", { role: "group", "aria-label": label }, ...buttons) };
  });
  const popup = el("div", { id: "tc-example-list", class: "tc-menu", popover: "auto" });
  popup.append(...rows.map(({ list }) => list));
  popup.addEventListener("toggle", (event) => {
    if (/** @type {ToggleEvent} */ (event).newState === "open") placePopover(popup, opener);
  });
  element.replaceChildren(opener, popup);
  const show = (/** @type {import("../types.js").State} */ { run, shown, controls }) => {
    const mine = rows.find(({ pack }) => pack === controls.pack);
    opener.hidden = !mine?.buttons.length;
    for (const { pack, list, buttons } of rows) {
      list.hidden = controls.pack !== pack;
      for (const button of buttons) {
        button.disabled = run.going;
        button.setAttribute("aria-pressed", String(shown?.recorded === button.dataset.preset));
      }
    }
  };
  store.on(["run", "shown", "controls"], show);
  show(store.state);
}
