// The switch between the languages. It reloads the page: all its words come once, when it opens.

import { actionButton, el } from "../lib/dom.js";
import { remember } from "../lib/storage.js";

const REMEMBERED = "token-critic-language"; // assets/language.js reads it

/**
 * @param {Element} element
 * @param {import("../main.js").Config} config
 */
export function mountLanguage(element, { language, languages, words }) {
  const button = (/** @type {[string, string]} */ [code, name]) =>
    actionButton(name, () => speak(code), { lang: code, "aria-pressed": String(code === language) });
  const group = { class: "tc-languages", role: "group", "aria-label": words.labels.switch };
  element.replaceChildren(el("div", group, ...Object.entries(languages).map(button)));
}

/** @param {string} language */
function speak(language) {
  remember(REMEMBERED, language);
  location.assign(addressIn(language, location.href));
}

/**
 * The same address in a language. It comes first: the end of the address of a run tells whether it was cut off.
 * @param {string} language
 * @param {string} href
 */
export function addressIn(language, href) {
  const address = new URL(href);
  const others = [...address.searchParams].filter(([name]) => name !== "lang");
  address.search = String(new URLSearchParams([["lang", language], ...others]));
  return address.href;
}
