// Pieces of text to copy. {origin} in them becomes the page's own address.

import { actionButton, copyText, el } from "../lib/dom.js";
import { addressOf } from "../transport/server.js";

/**
 * @param {Element} element
 * @param {[string, string][]} pieces titles and texts
 * @param {import("../types.js").Words} words
 */
export function mountSnippets(element, pieces, words) {
  const origin = addressOf("").replace(/\/$/, "");
  const sections = pieces.map(([title, text]) => {
    const whole = text.replaceAll("{origin}", origin);
    const shown = el("pre", { tabindex: 0, "aria-label": title }, whole);
    const copy = () => copyText(whole, button, words.code, () => getSelection()?.selectAllChildren(shown));
    const button = actionButton(words.code.copy, copy, { "aria-label": `${words.code.copy}: ${title}` });
    return el("section", { class: "tc-snippet" }, el("header", {}, el("h3", {}, title), button), shown);
  });
  element.replaceChildren(...sections);
}
