// An explanation behind every control: a small button after its name, and one box that they share.

const NAMES = 'label, legend, [data-testid="block-info"]';

class Explanations {
  constructor(words) {
    this.words = words;
    this.box = el("div", { class: "tc-explained", popover: "auto", role: "note", tabindex: -1 });
    this.box.addEventListener("toggle", (event) => { if (event.newState === "closed") this.key = null; });
    const page = document.querySelector(".gradio-container");
    page.append(this.box);
    this.decorate();
    // A control comes and goes with the rules that read it, and the first may come after the stage: its button follows.
    new MutationObserver((changes) => {
      if (changes.some(({ target }) => !target.closest(".tc-stage"))) this.decorate();
    }).observe(page, { childList: true, subtree: true });
  }

  decorate() {
    for (const key of Object.keys(this.words.all)) {
      for (const host of document.querySelectorAll(`.tc-x-${key}`)) if (!host.querySelector(".tc-ask")) this.place(host, this.button(key));
    }
  }

  // After the name: in it, it would be what the name names.
  place(host, button) {
    const chips = host.querySelector("fieldset");
    if (chips) chips.append(button);
    else host.querySelector(NAMES)?.after(button);
  }

  button(key) {
    const button = el("button", { type: "button", class: "tc-ask", "aria-label": fill(this.words.ask, { name: this.words.all[key][0] }) }, "?");
    button.addEventListener("pointerdown", () => { this.was = this.key; }); // which closes the box before the click comes
    button.addEventListener("click", () => this.show(key, button));
    return button;
  }

  show(key, button) {
    const [name, formula, text] = this.words.all[key];
    const again = this.was === key || this.key === key; // pressed again by pointer, or by key
    this.was = null;
    if (again) return this.box.hidePopover();
    this.box.replaceChildren(...[el("b", {}, name), formula && el("p", { class: "tc-formula" }, ...formulaNodes(formula)), el("p", {}, text)].filter(Boolean));
    this.key = key;
    this.box.showPopover({ source: button });
    const at = button.getBoundingClientRect(), { offsetWidth: width, offsetHeight: height } = this.box;
    this.box.style.left = `${Math.max(8, Math.min(at.left - 16, innerWidth - width - 8))}px`;
    this.box.focus({ preventScroll: true }); // for who hears the page; closing it gives the focus back
    this.box.style.top = `${at.bottom + 8 + height > innerHeight ? Math.max(8, at.top - 8 - height) : at.bottom + 8}px`;
  }
}

// _t and _(t−1) are subscripts.
function formulaNodes(formula) {
  return formula.split(/_(\(.+?\)|.)/).map((part, i) => (i % 2 ? el("sub", {}, part.replace(/[()]/g, "")) : part));
}
