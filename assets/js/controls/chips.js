// Classes as radio buttons with a picture each. The browser brings the keys and the names with it.
// Where there are many, a field above them finds some by a part of their name; the chosen one is always shown.

import { el } from "../lib/dom.js";
import { fill } from "../lib/text.js";

const MANY = 20;

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
  const inputs = () => [...element.querySelectorAll("input")].filter((input) => input.type === "radio");
  const find = (/** @type {string} */ part) => {
    const wanted = part.trim().toLowerCase();
    for (const input of inputs()) {
      const label = /** @type {HTMLElement} */ (input.parentElement);
      label.hidden = !input.checked && !label.textContent?.toLowerCase().includes(wanted);
    }
  };
  const searchField = () => {
    const name = fill(words.labels.search, { n: props.choices.length.toLocaleString() });
    const field = el("input", {
      type: "search",
      class: "tc-search",
      placeholder: name,
      "aria-label": name,
      oninput: () => find(field.value),
      onkeydown: (/** @type {KeyboardEvent} */ event) => {
        const found = inputs().find((input) => !input.checked && !input.parentElement?.hidden);
        if (event.key === "Enter") found?.click();
      },
    });
    return field;
  };
  const show = () => {
    const many = props.choices.length > MANY;
    const chips = el(
      "fieldset",
      { class: many ? "tc-chips tc-searched" : "tc-chips" },
      el("legend", {}, words.labels.controls[props.legend]),
      ...props.choices.map(chip),
    );
    element.replaceChildren(...(many ? [searchField(), chips] : [chips]));
  };
  watch("choices", show);
  watch("value", () => {
    for (const input of inputs()) {
      input.checked = input.value === props.value;
      if (input.checked && input.parentElement) input.parentElement.hidden = false;
    }
  });
  show();
}
