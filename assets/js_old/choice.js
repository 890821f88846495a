// A native select with its label: one of a few words.

// first: what it was built with; a control that was hidden and comes back has lost its own props in Gradio.
function mountChoice(element, props, trigger, watch, first) {
  const select = el("select", { onchange: () => { props.value = select.value; trigger("input"); } });
  const show = () => { select.value = props.value; };
  const offer = () => {
    select.replaceChildren(...(props.choices ?? first.choices).map(([value, name]) => el("option", { value }, name)));
    show();
  };
  select.id = `tc-choice-${Math.random().toString(36).slice(2)}`;
  element.replaceChildren(el("div", { class: "tc-choice" }, el("div", {}, el("label", { for: select.id }, first.name)), select));
  watch("choices", offer);
  watch("value", show);
  offer();
}
