// Run and Stop take each other's place; who pressed one by key stays on the other.

import { byId, enableLater } from "../lib/dom.js";
import { isStale } from "../store.js";

const MADE_SOON = 50; // ms

/**
 * @param {import("../store.js").Store} store
 * @param {import("../types.js").Words} words
 */
export function showRunAndStop(store, words) {
  let going = false;
  let byKey = false;
  let waits = false;
  const show = (/** @type {import("../types.js").State} */ state) => {
    const [run, stop] = ["tc-run", "tc-stop"].map((id) => /** @type {HTMLButtonElement | null} */ (byId(id)));
    if (run) run.textContent = state.run.why === "recorded" && !isStale(state) ? words.run_live : words.run;
    else if (!waits) {
      waits = true; // Gradio has not made it yet, and nothing else may change
      setTimeout(() => {
        waits = false;
        show(store.state);
      }, MADE_SOON);
    }
    if (state.run.going === going) return;
    going = state.run.going;
    const [hides, appears] = going ? [run, stop] : [stop, run];
    const lost = !going && byKey && document.activeElement === document.body; // over before Stop could be pressed
    const held = Boolean(hides) && (document.activeElement === hides || lost);
    byKey = going && held;
    document.documentElement.classList.toggle("tc-running", going);
    if (going && appears) enableLater(appears, () => held && document.activeElement === document.body);
    if (held) appears?.focus();
  };
  store.on(["run", "planned", "shown"], show);
  show(store.state);
}
