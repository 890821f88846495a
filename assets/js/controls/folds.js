// The settings of the lanes are folded until they are asked for; who asked once finds them open the next time.

import { byId } from "../lib/dom.js";

const KEPT = "token-critic-unfolded";
/** @typedef {"dials" | "more"} Fold */

/** @param {Fold} name */
export function toggle(name) {
  const unfolded = document.documentElement.classList.toggle(`tc-${name}`);
  byId(`tc-${name}`)?.setAttribute("aria-expanded", String(unfolded));
  if (name !== "dials") return;
  try {
    localStorage.setItem(KEPT, unfolded ? "1" : "");
  } catch {
    // a browser that keeps nothing shows them folded the next time
  }
}

/** What was open the last time. */
export function restore() {
  try {
    if (localStorage.getItem(KEPT)) document.documentElement.classList.add("tc-dials");
  } catch {
    // the same
  }
}

/** Gradio's buttons know no such attribute. */
export function label() {
  for (const name of ["dials", "more"]) {
    const unfolded = document.documentElement.classList.contains(`tc-${name}`);
    byId(`tc-${name}`)?.setAttribute("aria-expanded", String(unfolded));
  }
}
