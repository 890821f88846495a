// A native select with its label: one of a few words.

function mountChoice(element, props, trigger, watch) {
  const select = el("select", { onchange: () => { props.value = select.value; trigger("input"); } });
  const show = () => { select.value = props.value; };
  const offer = () => {
    select.replaceChildren(...props.choices.map(([value, name]) => el("option", { value }, name)));
    show();
  };
  element.replaceChildren(el("label", { class: "tc-choice" }, el("span", {}, props.name), select));
  watch("choices", offer);
  watch("value", show);
  offer();
}
