// A native select with its label: one of a few words.

import { el } from "../lib/dom.js";

let count = 0;

/**
 * `first` is what it was built with: a control that was hidden and comes back has lost its own props in Gradio.
 * @param {import("../main.js").GradioPart} part
 * @param {{choices: [string, string][], name: string}} first `name`: the key of its name; a new rule has none in the words
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
    const choices = /** @type {[string, string][]} */ (props.choices ?? first.choices);
    select.replaceChildren(
      ...choices.map(([value, name]) => el("option", { value }, names.rules[value] ?? names.schedules[value] ?? name)),
    );
    show();
  };
  const label = el("div", {}, el("label", { for: select.id }, labels.controls[first.name] ?? first.name));
  element.replaceChildren(el("div", { class: "tc-choice" }, label, select));
  watch("choices", offer);
  watch("value", show);
  offer();
}
