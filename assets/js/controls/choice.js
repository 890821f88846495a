// A native select with its label: one of a few words.

import { el } from "../lib/dom.js";
import { fill } from "../lib/text.js";

let count = 0;

/**
 * A choice is a value and its name. One that the pack cannot run has the command that would train what it lacks, too.
 * `first` is what it was built with: a control that was hidden and comes back has lost its own props in Gradio.
 * @param {import("../main.js").GradioPart} part
 * @param {{choices: [string, string, string?][], name: string}} first `name`: the key of its name; a new rule has none in the words
 * @param {import("../types.js").Words} words
 */
export function mountChoice({ element, props, trigger, watch }, first, { names, labels }) {
  count += 1;
  const select = el("select", {
    id: `tc-choice-${count}`,
    onchange: () => {
      props.value = select.value;
      trigger("input");
    },
  });
  const show = () => {
    select.value = props.value;
  };
  const offer = () => {
    const choices = /** @type {[string, string, string?][]} */ (props.choices ?? first.choices);
    const option = (/** @type {[string, string, string?]} */ [value, name, lacks]) =>
      el("option", { value, disabled: Boolean(lacks) }, names.rules[value] ?? names.schedules[value] ?? name);
    select.replaceChildren(...choices.filter(([, , lacks]) => !lacks).map(option));
    for (const command of new Set(choices.flatMap(([, , lacks]) => lacks || []))) {
      const options = choices.filter(([, , lacks]) => lacks === command).map(option);
      select.append(el("optgroup", { label: fill(labels.needs_critic, { command }) }, ...options));
    }
    show();
  };
  const label = el("div", {}, el("label", { for: select.id }, labels.controls[first.name] ?? first.name));
  element.replaceChildren(el("div", { class: "tc-choice" }, label, select));
  watch("choices", offer);
  watch("value", show);
  offer();
}
