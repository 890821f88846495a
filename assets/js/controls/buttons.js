// Run and Stop take each other's place; who pressed one by key stays on the other.

import { byId, enableLater } from "../lib/dom.js";
import { isStale } from "../store.js";

/**
 * @param {import("../store.js").Store} store
 * @param {import("../types.js").Words} words
 */
export function showRunAndStop(store, words) {
  let going = false;
  let byKey = false;
  const show = (/** @type {import("../types.js").State} */ state) => {
    const [run, stop] = ["tc-run", "tc-stop"].map((id) => /** @type {HTMLButtonElement | null} */ (byId(id)));
    if (run) run.textContent = state.run.why === "recorded" && !isStale(state) ? words.run_live : words.run;
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
  let made = byId("tc-run");
  new MutationObserver(() => {
    if (made === byId("tc-run")) return;
    made = byId("tc-run"); // Gradio made it late, or anew
    show(store.state);
  }).observe(document.body, { childList: true, subtree: true });
}
