// Classes as radio buttons with a picture each. The browser brings the keys and the names with it.

import { el } from "../lib/dom.js";

/**
 * @param {import("../main.js").GradioPart} part
 * @param {import("../types.js").Words} words
 */
export function mountChips({ element, props, trigger, watch }, words) {
  const choose = (/** @type {string} */ name) => {
    props.value = name;
    trigger("input");
  };
  const chip = (/** @type {[string, string]} */ [name, face]) => {
    const checked = name === props.value;
    const input = el("input", { type: "radio", name: "tc-class", value: name, checked, onchange: () => choose(name) });
    const picture = face ? el("img", { src: face, alt: "", width: 32, height: 32 }) : null;
    return el("label", { class: "tc-chip" }, input, picture, el("span", {}, words.names.classes[name] ?? name));
  };
  const show = () =>
    element.replaceChildren(
      el(
        "fieldset",
        { class: "tc-chips" },
        el("legend", {}, words.labels.controls[props.legend]),
        ...props.choices.map(chip),
      ),
    );
  watch("choices", show);
  watch("value", () => {
    for (const input of element.querySelectorAll("input")) input.checked = input.value === props.value;
  });
  show();
}
