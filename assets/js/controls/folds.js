// The settings of the lanes are folded until they are asked for; who asked once finds them open the next time.

import { isUnfolded, showFold } from "../lib/dom.js";
import { recall, remember } from "../lib/storage.js";

const KEPT = "token-critic-unfolded";
const FOLDS = /** @type {Fold[]} */ (["dials", "more"]);
/** @typedef {"dials" | "more"} Fold */

/** @param {Fold} name */
export function toggle(name) {
  const unfolded = !isUnfolded(name);
  showFold(name, unfolded);
  if (name === "dials") remember(KEPT, unfolded ? "1" : "");
}

/** What was open the last time. */
export function restore() {
  if (recall(KEPT)) showFold("dials", true);
}

/** Gradio makes the buttons of the folds later than the page. */
export function label() {
  for (const name of FOLDS) showFold(name, isUnfolded(name));
}
