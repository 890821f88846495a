// Classes as radio buttons with a picture each. The browser brings the keys and the names with it.
// Where there are many, a field that finds one of them.

import { el } from "../lib/dom.js";
import { Combobox } from "./combobox.js";

const MANY = 20; // classes, above which nobody looks through all of them

/**
 * @param {import("../main.js").GradioPart} part
 * @param {import("../types.js").Words} words
 */
export function mountChips({ element, props, trigger, watch }, words) {
  const choose = (/** @type {string} */ name) => {
    props.value = name;
    trigger("input");
  };
  const nameOf = (/** @type {string} */ name) => words.names.classes[name] ?? name;
  const chip = (/** @type {[string, string]} */ [name, face]) => {
    const checked = name === props.value;
    const input = el("input", { type: "radio", name: "tc-class", value: name, checked, onchange: () => choose(name) });
    const picture = face ? el("img", { src: face, alt: "", width: 32, height: 32 }) : null;
    return el("label", { class: "tc-chip" }, input, picture, el("span", {}, nameOf(name)));
  };
  /** @type {Combobox | null} */
  let combobox = null;
  const show = () => {
    const label = words.labels.controls[props.legend];
    const { choices } = /** @type {{choices: [string, string][]}} */ (props);
    const options = choices.map(([value, face]) => ({ value, face, name: nameOf(value) }));
    combobox = choices.length > MANY ? new Combobox(options, { label, ...words.labels.search }, choose) : null;
    const parts = combobox ? [combobox.node] : choices.map(chip);
    element.replaceChildren(el("fieldset", { class: "tc-chips" }, el("legend", {}, label), ...parts));
    mark();
  };
  const mark = () => {
    combobox?.set(props.value);
    const chips = /** @type {NodeListOf<HTMLInputElement>} */ (element.querySelectorAll(".tc-chip input"));
    for (const input of chips) input.checked = input.value === props.value;
  };
  watch("choices", show);
  watch("value", mark);
  show();
}
