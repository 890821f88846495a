// A native select with its label: one of a few words.

function mountChoice(element, props, trigger, watch) {
  const select = el("select", { onchange: () => { props.value = select.value; trigger("input"); } });
  const show = () => { select.value = props.value; };
  const offer = () => {
    select.replaceChildren(...props.choices.map(([value, name]) => el("option", { value }, name)));
    show();
  };
  select.id = `tc-choice-${Math.random().toString(36).slice(2)}`;
  element.replaceChildren(el("div", { class: "tc-choice" }, el("div", {}, el("label", { for: select.id }, props.name)), select));
  watch("choices", offer);
  watch("value", show);
  offer();
}
