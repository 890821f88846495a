// The line above the lanes: what is wrong, what is under way, what the run that is shown has to say.

import { branchVerdict } from "../features/branches.js";
import { isStale } from "../store.js";

/**
 * @param {import("../types.js").State} state
 * @param {import("../types.js").Words} words
 * @returns {{text: string, wrong: boolean, name?: string, counted?: string}} `name`: of the example that is shown;
 * `counted`: what was counted, in a second, smaller line
 */
export function noticeOf(state, words) {
  const { run, shown, planned } = state;
  if (state.message) return state.message;
  if (planned?.wrong) return { text: planned.wrong, wrong: true };
  if (run.going && run.progress) return { text: run.progress, wrong: false };
  if (isStale(state)) {
    const isMatched = state.controls.matched && !shown?.ask.matched;
    return { text: state.advice || (isMatched ? words.matched : words.changed), wrong: false };
  }
  if (run.going) return { text: "", wrong: false };
  if (state.lesson && run.why === "recorded") return { text: "", wrong: false }; // the lesson speaks of it
  if (!shown) return { text: words.welcome, wrong: false };
  const outcome = [run.told, state.verdict, branchVerdict(state, words.branches)].filter(Boolean).join(" ");
  const name = (shown.recorded && words.presets.titles[state.controls.pack]?.[shown.recorded]) || "";
  return { text: words.ended[run.why] || outcome, wrong: false, name, counted: run.counted };
}
