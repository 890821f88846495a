// The settings of the lanes are folded until they are asked for; who asked once finds them open the next time.

import { byId } from "../lib/dom.js";
import { recall, remember } from "../lib/storage.js";

const KEPT = "token-critic-unfolded";
/** @typedef {"dials" | "more"} Fold */

/** @param {Fold} name */
export function toggle(name) {
  const unfolded = document.documentElement.classList.toggle(`tc-${name}`);
  label();
  if (name === "dials") remember(KEPT, unfolded ? "1" : "");
}

/** What was open the last time. */
export function restore() {
  if (recall(KEPT)) document.documentElement.classList.add("tc-dials");
}

/** Gradio's buttons know no such attribute. */
export function label() {
  for (const name of ["dials", "more"]) {
    const unfolded = document.documentElement.classList.contains(`tc-${name}`);
    byId(`tc-${name}`)?.setAttribute("aria-expanded", String(unfolded));
  }
}
