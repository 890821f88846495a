// The first stops of the Tab key: to the lanes, and to Play, past all controls.

import { el } from "../lib/dom.js";

/**
 * @param {import("../stage/stage.js").Stage} stage
 * @param {import("../types.js").Words} words
 */
export function addSkipLinks(stage, words) {
  const link = (/** @type {string} */ text, /** @type {() => HTMLElement | null} */ target) => {
    const go = (/** @type {Event} */ event) => {
      event.preventDefault();
      target()?.focus();
    };
    return el("a", { class: "tc-skip", href: "#tc-stage", onclick: go }, text);
  };
  const toLanes = link(words.lanes, () => stage.root.querySelector(".tc-panels"));
  const toPlay = link(words.play, () => stage.playbar.play);
  document.querySelector(".gradio-container")?.prepend(toLanes, toPlay);
}
