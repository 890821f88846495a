// Whether there is a third lane, and where it comes from: a control without a face, set by buttons of the stage.

function mountThird(props, changed, watch) {
  const show = () => document.documentElement.classList.toggle("tc-three", Boolean(props.value));
  window.tokenCriticThird = {
    get value() { return props.value || null; },
    set(value) {
      props.value = value;
      show();
      changed();
    },
  };
  watch("value", show);
  show();
}
