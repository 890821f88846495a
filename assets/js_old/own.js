// A picture of the visitor's own: its tokens, what they decode to, the critic's scores; refined as the third lane.

const MOST_BYTES = 16e6;

class Own {
  constructor(element, server, words) {
    Object.assign(this, { server, words, url: "", seen: null });
    this.file = el("input", { type: "file", accept: "image/*", class: "tc-hidden-file", onchange: () => this.take(this.file.files[0]) });
    this.say = el("p", { class: "tc-status", role: "status" }, words.begin);
    this.share = el("input", { type: "number", class: "tc-share-masked", min: 1, max: 99, value: 60, "aria-label": words.fraction });
    this.go = el("button", { type: "button", class: "tc-action is-main", disabled: true, onclick: () => this.refine() }, words.refine);
    this.canvas = el("canvas", { width: 16, height: 16, role: "img", "aria-label": words.scores });
    this.images = ["picture", "shown"].map(() => el("img", { alt: "", width: 192, height: 192 }));
    const figure = (name, shown) => el("figure", { class: "tc-panel" }, el("figcaption", {}, words[name]), el("div", { class: "tc-canvas" }, shown));
    this.views = el("div", { class: "tc-own-views", hidden: true }, figure("picture", this.images[0]), figure("shown", this.images[1]), figure("scores", this.canvas));
    this.root = el("div", { class: "tc-stage tc-own" }, el("p", {}, words.what),
      el("div", { class: "tc-actions" }, el("label", { class: "tc-action tc-file" }, words.choose, this.file), el("span", { class: "tc-drop" }, words.drop)),
      this.say, this.views, el("div", { class: "tc-actions" }, this.go, el("span", { class: "tc-percent" }, this.share, "%")));
    element.replaceChildren(this.root);
    this.root.addEventListener("dragover", (event) => event.preventDefault());
    this.root.addEventListener("drop", (event) => { event.preventDefault(); this.take(event.dataTransfer.files[0]); });
    new ResizeObserver(() => this.draw()).observe(this.root);
  }

  async take(file) {
    if (!file) return;
    this.file.value = ""; // the same file again is a choice, too
    if (file.size > MOST_BYTES) return this.tell(this.words.no_picture);
    this.url = await new Promise((done) => { const reader = new FileReader(); reader.onload = () => done(reader.result); reader.readAsDataURL(file); });
    this.look();
  }

  get asked() {
    const { planned } = window.tokenCritic.stage;
    return [planned?.pack || "", planned?.lanes[0]?.settings.label];
  }

  // The class or the pack has changed, and with it what the critic says.
  planned() {
    const { stage } = window.tokenCritic, third = window.tokenCriticThird;
    this.idle();
    if (!stage.planned.lanes.length) return; // the controls say nothing that could run
    const [pack] = this.asked;
    if (third.value?.tokens && this.pack && this.pack !== pack) third.set(null); // another model reads tokens otherwise
    this.pack = pack;
    if (this.url && this.asked.join() !== this.looked) this.look();
  }

  // Nothing can be refined while a run is under way.
  idle() {
    this.go.disabled = !this.seen || window.tokenCritic.stage.run.going;
  }

  async look() {
    const key = this.looked = this.asked.join(), { url } = this;
    const seen = await this.server.look([...this.asked, url]).catch(() => ({ wrong: this.words.failed }));
    if (key !== this.looked || url !== this.url) return; // another one was asked for meanwhile
    this.seen = seen.wrong ? null : { ...seen, scores: new Float32Array(bytes(seen.scores).buffer) };
    this.views.hidden = !this.seen;
    this.idle();
    if (!this.seen) return this.tell(seen.wrong);
    [seen.picture, seen.shown].forEach((url, i) => { this.images[i].src = url; });
    this.root.querySelectorAll("figcaption")[1].textContent = fill(this.words.shown, { n: seen.tokens.length });
    this.tell(fill(this.words.said, { label: seen.label, score: mean(this.seen.scores).toFixed(2) }));
    this.draw();
  }

  tell(text) {
    this.say.textContent = text;
  }

  draw() {
    if (!this.seen || !this.canvas.offsetParent) return;
    const look = { grid: this.seen.grid, cell: fit(this.canvas, this.seen.grid) };
    this.seen.scores.forEach((score, i) => plainCell(this.canvas.getContext("2d"), look, i, scoreColour(score)));
  }

  refine() {
    if (!this.share.reportValidity()) return;
    window.tokenCritic.stage.branches.set({ tokens: this.seen.tokens, fraction: this.share.valueAsNumber / 100 }, true);
    document.querySelector(".tc-lanes").scrollIntoView({ behavior: reducedMotion() ? "instant" : "smooth" });
  }
}

function mountOwn(element, server, words) {
  window.tokenCriticOwn = new Own(element, server, words);
}
