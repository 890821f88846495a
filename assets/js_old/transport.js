// The buttons, the slider and the keys that move the playhead.

const ICONS = { // on a grid of 16
  first: "M2 3h2v10H2zM13 3v10L5 8z", back: "M12 3v10L4 8z", next: "M4 3v10l8-5z", last: "M12 3h2v10h-2zM3 3v10l8-5z",
  play: "M4 2v12l10-6z", pause: "M3 3h4v10H3zM9 3h4v10H9z",
};
const SPEEDS = [0.5, 1, 2, 5, 10];

class Transport {
  constructor(player, words) {
    this.player = player;
    this.words = words;
    const button = (name, press) => {
      const made = el("button", { type: "button", class: "tc-button", onclick: press });
      this.name(made, name);
      return made;
    };
    this.play = button("play", () => player.toggle());
    this.play.classList.add("tc-play");
    this.slider = el("input", { type: "range", min: 1, max: 1, value: 1, "aria-label": words.slider, oninput: () => player.take(this.slider.valueAsNumber - 1) });
    this.now = el("output", { class: "tc-now" });
    this.speed = el("select", { "aria-label": words.speed, onchange: () => { player.speed = Number(this.speed.value); } },
      ...SPEEDS.map((speed) => el("option", { value: speed, selected: speed === player.speed }, fill(words.per_second, { n: speed }))));
    const jump = (name, to) => button(name, () => player.take(to()));
    this.node = el("div", { class: "tc-transport" },
      el("div", { class: "tc-buttons" },
        jump("first", () => 0), jump("back", () => player.at - 1), this.play,
        jump("next", () => player.at + 1), jump("last", () => player.newest)),
      this.slider, this.now, this.speed);
    document.addEventListener("keydown", (event) => this.key(event));
  }

  key(event) {
    if (event.defaultPrevented) return;
    const elsewhere = event.target !== document.body && !event.target.closest?.(".tc-stage");
    const presses = event.key === " " && event.target.closest?.("button, a");
    const typing = presses || event.target.closest?.("input, textarea, select, [contenteditable]");
    if (elsewhere || typing || event.ctrlKey || event.metaKey || event.altKey || !this.node.isConnected || this.player.newest < 0) return;
    const { player } = this;
    const moves = { ",": () => player.take(player.at - 1), ".": () => player.take(player.at + 1), " ": () => player.toggle(),
      Home: () => player.take(0), End: () => player.take(player.newest) };
    if (!moves[event.key]) return;
    event.preventDefault();
    moves[event.key]();
  }

  show() {
    const { player, words } = this;
    const empty = player.newest < 0;
    for (const control of this.node.querySelectorAll("button, input")) control.disabled = empty;
    this.slider.max = Math.max(1, player.length);
    this.slider.value = player.at + 1;
    const text = empty ? "" : fill(words.now, { s: player.at + 1, steps: player.length });
    this.slider.setAttribute("aria-valuetext", text);
    this.now.textContent = text;
    this.name(this.play, player.playing ? "pause" : "play");
  }

  name(button, name) {
    if (button.dataset.name === name) return;
    button.dataset.name = name;
    button.title = this.words[name];
    button.setAttribute("aria-label", this.words[name]);
    button.innerHTML = `<svg viewBox="0 0 16 16" width="16" height="16" fill="currentColor" aria-hidden="true"><path d="${ICONS[name]}"/></svg>`;
  }
}
