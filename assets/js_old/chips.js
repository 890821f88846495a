// Classes as radio buttons with a picture each. The browser brings the keys and the names with it.

function mountChips(element, props, trigger, watch) {
  const show = () => {
    const chips = props.choices.map(([name, face]) =>
      el("label", { class: "tc-chip" },
        el("input", { type: "radio", name: "tc-class", value: name, checked: name === props.value, onchange: () => { props.value = name; trigger("input"); } }),
        el("img", { src: face, alt: "", width: 32, height: 32 }), el("span", {}, name)));
    element.replaceChildren(el("fieldset", { class: "tc-chips" }, el("legend", {}, props.legend), ...chips));
  };
  watch("choices", show);
  watch("value", () => element.querySelectorAll("input").forEach((input) => { input.checked = input.value === props.value; }));
  show();
}
