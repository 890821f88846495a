// How a step is shown: the layout of the panels, what stands for a proposal, and two more switches.
// And the projector: one panel of each lane, as large as it goes.

const LAYOUTS = ["loop", "chain"];
const PROPOSALS = ["picture", "masked", "heat", "tokens"];

class Views {
  constructor(words, stage) {
    Object.assign(this, { words, stage, asOrder: false, compares: false, proposal: "picture", layout: "loop" });
    const select = (name, all) => el("div", { class: `tc-switch tc-x-${name}` }, el("label", { for: `tc-view-${name}` }, words[name]),
      el("select", { id: `tc-view-${name}`, "data-view": name, onchange: (event) => this.set(name, event.target.value) },
        ...all.map((one) => el("option", { value: one }, words.kinds[one]))));
    const toggle = (name, ...more) => el("div", { class: `tc-switch tc-x-${name}` }, el("label", { class: "tc-switch" },
      el("input", { type: "checkbox", "data-view": name, onchange: (event) => this.set(name, event.target.checked) }), ...more, words[name]));
    this.button = el("button", { type: "button", class: "tc-action tc-to-projector", title: words.projector_help, "aria-pressed": "false", onclick: () => this.project() }, words.projector);
    this.node = el("div", { class: "tc-views" }, select("layout", LAYOUTS), select("proposal", PROPOSALS),
      toggle("asOrder"), toggle("compares", el("i", { class: "tc-key tc-differ", "aria-hidden": "true" })), this.button);
    document.addEventListener("keydown", (event) => this.key(event));
    document.addEventListener("fullscreenchange", () => !document.fullscreenElement && this.project(false));
  }

  set(name, value) {
    this[name] = value;
    this.stage.root.classList.toggle("is-chain", this.layout === "chain");
    this.stage.root.classList.toggle("is-ordered", this.asOrder);
    this.stage.changed();
  }

  get projecting() {
    return document.documentElement.classList.contains("tc-projector");
  }

  // Full screen where the browser allows it.
  project(on = !this.projecting) {
    if (on === this.projecting) return;
    document.documentElement.classList.toggle("tc-projector", on);
    this.stage.root.classList.toggle("is-projected", on);
    this.button.setAttribute("aria-pressed", on);
    this.button.textContent = on ? this.words.leave : this.words.projector;
    if (on) this.stage.transport.play.focus(); // so that the space bar plays
    if (on) document.documentElement.requestFullscreen?.().catch(() => {});
    else if (document.fullscreenElement) document.exitFullscreen();
    window.scrollTo(0, 0);
    this.stage.changed();
  }

  key(event) {
    const typing = event.target.closest?.("input:not([type=radio], [type=range]), textarea, select, [contenteditable]");
    if (typing || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "p") return this.project();
    if (!this.projecting) return;
    if (event.key === "Escape") return this.project(false);
    const kind = KINDS[Number(event.key) - 1];
    if (kind) this.stage.show(kind);
  }
}
