// Spot the fakes: the critic's training as a game. Some tokens of a real picture are sampled; who finds them?

const SHARES = [0.1, 0.25, 0.5];

class Game {
  constructor(element, server, words) {
    Object.assign(this, { server, words, marks: new Set(), at: 0, rounds: 0, mine: 0, theirs: 0, seed: Math.floor(Math.random() * 1e6) });
    this.share = el("select", { "aria-label": words.share }, ...SHARES.map((share) => el("option", { value: share, selected: share === 0.25 }, fill(words.percent, { n: 100 * share }))));
    const button = (name, press) => el("button", { type: "button", class: "tc-action", onclick: press }, words[name]);
    this.dealing = button("deal", () => this.deal());
    this.checking = button("check", () => this.check());
    this.checking.classList.add("is-main");
    this.canvas = el("canvas", { width: 16, height: 16, tabindex: 0, role: "img" });
    this.say = el("p", { role: "status", class: "tc-status" });
    this.views = ["scores", "real"].map((name) => ({ name, canvas: el("canvas", { width: 16, height: 16, role: "img", "aria-label": words[name] }) }));
    this.roc = el("div", { class: "tc-roc" });
    this.total = el("p", { class: "tc-total" });
    const figure = (canvas, name) => el("figure", { class: `tc-panel tc-game-${name}` }, el("figcaption", {}, words[name]), el("div", { class: "tc-canvas" }, canvas));
    this.after = el("div", { class: "tc-game-after" }, ...this.views.map(({ canvas, name }) => figure(canvas, name)), this.roc);
    this.root = el("div", { class: "tc-stage tc-game" }, el("p", {}, words.what),
      el("div", { class: "tc-actions" }, this.share, this.dealing, this.checking), this.say,
      el("div", { class: "tc-game-board" }, figure(this.canvas, "board"), this.after), this.total);
    element.replaceChildren(this.root);
    this.listen();
    this.show();
    new ResizeObserver(() => this.draw()).observe(this.root);
  }

  listen() {
    const { canvas } = this;
    canvas.addEventListener("pointerdown", (event) => this.stroke(event, true));
    canvas.addEventListener("pointermove", (event) => event.buttons && this.stroke(event, false));
    canvas.addEventListener("keydown", (event) => this.key(event));
    canvas.addEventListener("focus", () => this.draw());
    canvas.addEventListener("blur", () => this.draw());
  }

  get open() {
    return Boolean(this.riddle) && !this.checked;
  }

  async deal() {
    this.dealing.disabled = true;
    const pack = window.tokenCritic?.stage.planned?.pack || window.tokenCritic?.stage.shown?.pack || "";
    const riddle = await this.server.deal([pack, (this.seed += 1), Number(this.share.value)]).catch(() => ({ wrong: this.words.failed }));
    this.dealing.disabled = false;
    if (riddle.wrong) {
      this.say.textContent = riddle.wrong;
      return;
    }
    const picture = async (url) => { const image = new Image(); image.src = url; await image.decode(); return image; };
    this.riddle = { ...riddle, hidden: bytes(riddle.hidden), scores: new Float32Array(bytes(riddle.scores).buffer), filled: await picture(riddle.filled), real: await picture(riddle.real) };
    this.fakes = this.riddle.hidden.reduce((sum, one) => sum + one, 0);
    this.marks = new Set();
    this.checked = null;
    this.show();
  }

  stroke(event, begins) {
    if (!this.open) return;
    const place = placeUnder(this.canvas, event, this.riddle.grid);
    if (place < 0) return;
    this.at = place;
    if (begins) this.adds = !this.marks.has(this.at);
    this.marks[this.adds ? "add" : "delete"](this.at);
    this.show();
  }

  key(event) {
    const step = ARROWS[event.key];
    if (!this.open || !(step || event.key === "Enter" || event.key === " ")) return;
    event.preventDefault();
    event.stopPropagation(); // else the space bar plays the run
    if (step) this.at = placeAfter(this.at, step, this.riddle.grid);
    else this.marks[this.marks.has(this.at) ? "delete" : "add"](this.at);
    this.show();
  }

  check() {
    const { hidden, scores } = this.riddle, k = this.marks.size;
    const lowest = [...scores.keys()].sort((a, b) => scores[a] - scores[b] || a - b);
    const hits = (places) => places.reduce((sum, place) => sum + hidden[place], 0);
    this.checked = { k, mine: hits([...this.marks]), theirs: hits(lowest.slice(0, k)), curve: rocCurve(lowest, hidden) };
    this.rounds += 1;
    this.mine += this.checked.mine / k;
    this.theirs += this.checked.theirs / k;
    this.show();
  }

  show() {
    const { words, riddle, checked } = this;
    this.checking.disabled = !this.open || !this.marks.size;
    this.after.hidden = !checked;
    if (!riddle) this.say.textContent = words.begin;
    else if (!checked) this.say.textContent = fill(words.riddle, { ...riddle, fakes: this.fakes, marks: this.marks.size });
    else {
      const share = (count) => `${Math.round((100 * count) / checked.k)} %`;
      this.say.textContent = fill(words.result, { ...checked, name: riddle.name, same: riddle.same, mine_share: share(checked.mine), theirs_share: share(checked.theirs), fakes: this.fakes });
      this.total.textContent = fill(this.rounds === 1 ? words.total_one : words.total_many, { n: this.rounds, mine: Math.round((100 * this.mine) / this.rounds), theirs: Math.round((100 * this.theirs) / this.rounds) });
    }
    this.draw();
  }

  draw() {
    const { riddle, checked, canvas } = this;
    if (!riddle || !this.root.clientWidth) return;
    const { grid, hidden } = riddle, colours = pageColours(this.root), { marks } = this;
    const look = { grid, colours, cell: fit(canvas, grid) };
    const context = canvas.getContext("2d");
    context.imageSmoothingEnabled = false;
    wholePicture(context, look, riddle.filled);
    const [found, rest] = [true, false].map((hit) => [...marks].filter((place) => !checked || Boolean(hidden[place]) === hit));
    frameCells(context, look, checked ? found : [...marks]);
    if (checked) {
      outlineCells(context, look, rest, colours.revoked, true);
      outlineCells(context, look, [...hidden.keys()].filter((place) => hidden[place] && !marks.has(place)), colours.differ, false);
    }
    if (document.activeElement === canvas && this.open) outlineCells(context, look, [this.at], colours.cursor, false);
    canvas.setAttribute("aria-label", this.say.textContent);
    if (!checked) return;
    const [scores, real] = this.views.map((view) => view.canvas);
    const small = { ...look, cell: fit(scores, grid) };
    riddle.scores.forEach((score, i) => plainCell(scores.getContext("2d"), small, i, scoreColour(score)));
    fit(real, grid);
    real.getContext("2d").imageSmoothingEnabled = false;
    wholePicture(real.getContext("2d"), small, riddle.real);
    const mine = [[0, 0], [(checked.k - checked.mine) / (hidden.length - this.fakes), checked.mine / this.fakes], [1, 1]];
    this.roc.replaceChildren(...rocFigure(checked.curve, mine, this.words));
  }
}

function outlineCells(context, look, cells, colour, crossed) {
  const line = Math.max(1.5, look.cell / 8), inset = look.cell * 0.2;
  marks(context, look, cells, colour, line, (x, y) => {
    context.rect(x + line / 2, y + line / 2, look.cell - line, look.cell - line);
    if (!crossed) return;
    context.moveTo(x + inset, y + inset);
    context.lineTo(x + look.cell - inset, y + look.cell - inset);
  });
}

// Share of real tokens called fake, share of fakes found, as more and more of the lowest scores are called fake.
function rocCurve(order, hidden) {
  const fakes = hidden.reduce((sum, one) => sum + one, 0);
  let found = 0;
  return [[0, 0], ...order.map((place, i) => {
    found += hidden[place];
    return [(i + 1 - found) / (hidden.length - fakes), found / fakes];
  })];
}

function areaUnder(curve) {
  return curve.slice(1).reduce((sum, [x, y], i) => sum + (x - curve[i][0]) * (y + curve[i][1]) / 2, 0);
}

function rocFigure(theirs, mine, words) {
  const path = (curve) => curve.map(([x, y], i) => `${i ? "L" : "M"}${(x * 100).toFixed(1)} ${(100 - y * 100).toFixed(1)}`).join("");
  const [mineArea, theirsArea] = [mine, theirs].map((curve) => areaUnder(curve).toFixed(2));
  const svg = `<svg viewBox="-2 -2 104 104" role="img" aria-label="${fill(words.roc_said, { mine: mineArea, theirs: theirsArea })}">
    <path class="tc-roc-frame" d="M0 0V100H100"/><path class="tc-roc-chance" d="M0 100L100 0"/>
    <path class="tc-roc-theirs" d="${path(theirs)}"/><path class="tc-roc-mine" d="${path(mine)}"/>
    <circle class="tc-roc-point" cx="${mine[1][0] * 100}" cy="${100 - mine[1][1] * 100}" r="3"/></svg>`;
  const box = el("div", {});
  box.innerHTML = svg;
  return [el("figcaption", {}, words.roc), box, el("p", {}, fill(words.areas, { mine: mineArea, theirs: theirsArea }))];
}

function mountGame(element, server, words) {
  window.tokenCriticGame = new Game(element, server, words);
}
