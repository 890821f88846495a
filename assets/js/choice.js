// A native select with its label: one of a few words.

function mountChoice(element, props, trigger, watch) {
  const select = el("select", { onchange: () => { props.value = select.value; trigger("input"); } },
    ...props.choices.map(([value, name]) => el("option", { value }, name)));
  const show = () => { select.value = props.value; };
  element.replaceChildren(el("label", { class: "tc-choice" }, el("span", {}, props.name), select));
  watch("value", show);
  show();
}
