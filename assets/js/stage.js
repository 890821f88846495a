// The stage: takes the frames as they come, keeps them, and shows the step at the playhead in every lane.

const UNSTOPPABLE = 500; // ms after Run

class Stage {
  constructor(element, server, words) {
    this.element = element;
    this.server = server;
    this.words = words;
    this.grid = 16;
    this.asOrder = false;
    this.compares = false;
    this.run = { id: "", next: 0, going: false, why: "" };
    this.pressed = { begun: true, stopping: false }; // what has become of the last press of Run
    this.past = new Set(); // runs that another one has followed
    this.planned = null; // what the controls would run
    this.shown = null; // what is on the stage
    this.times = { pressed: 0, frames: [] }; // for app.bench: when each frame was sent, arrived and painted
    this.painting = [];
    this.lanes = [0, 1].map((lane) => new Lane(lane, words));
    this.player = new Player(() => this.changed());
    this.film = new Film(words, (lane, s) => this.player.take(this.player.placeOf(lane, s)));
    this.transport = new Transport(this.player, words);
    this.patches = new Patches(element, (pack) => server.patches(pack));
    this.life = new TokenLife(words.token, this.patches, { go: (lane, s) => this.player.take(this.player.placeOf(lane, s)), close: () => this.cells.unpin() });
    this.notice = el("p", { class: "tc-notice", role: "status" }, words.welcome);
    this.spoken = el("p", { class: "tc-spoken", role: "status" });
    this.build();
    this.colours = pageColours(this.root);
    new ResizeObserver(() => this.changed()).observe(this.root);
    new MutationObserver(() => this.recolour()).observe(document.body, { attributes: true, attributeFilter: ["class"] });
    this.queue = Promise.resolve();
    this.changed();
  }

  build() {
    const { words } = this;
    this.lanesNode = el("div", { class: "tc-lanes" }, ...this.lanes.map((lane) => lane.node));
    this.tabs = el("div", { class: "tc-tabs", role: "radiogroup", "aria-label": words.tabs },
      ...KINDS.map((kind) =>
        el("label", {}, el("input", { type: "radio", name: "tc-panel", value: kind, checked: kind === "decision", onchange: () => this.show(kind) }),
          el("span", {}, words.panels[kind].name))));
    this.root = el("div", { class: "tc-stage", "data-panel": "decision" },
      this.notice, this.tabs, this.lanesNode,
      legend(words, (asOrder) => { this.asOrder = asOrder; this.changed(); }, (compares) => { this.compares = compares; this.changed(); }),
      this.film.node, this.life.empty, this.life.node, this.transport.node, this.spoken);
    this.cells = new Cells(this.lanesNode, this.lanes, {
      describe: (lane, place) => this.describe(lane, place),
      pinned: (place) => this.pinned(place),
      spoken: (text) => { this.spoken.textContent = text; },
    });
    this.element.replaceChildren(this.root);
  }

  show(kind) {
    this.root.dataset.panel = kind;
    this.changed();
  }

  recolour() {
    this.colours = pageColours(this.root);
    this.film.redraw(this.lanes, this.look);
    this.changed();
  }

  get look() {
    return { grid: this.grid, colours: this.colours, asOrder: this.asOrder, panel: this.root.dataset.panel };
  }

  // One after another, in order, whatever their pictures take to decode.
  take(value) {
    if (!value || !value.kind) return;
    this.queue = this.queue.then(() => this.accept(value)).catch((error) => console.error(error));
  }

  async accept(value) {
    if (value.kind === "plan") return this.plan(value);
    if (this.past.has(value.run) || value.n < 0) return; // that a run was stopped, over() says
    const expected = value.run === this.run.id ? this.run.next : 0;
    if (value.n < expected) return;
    // two updates in one turn of the browser reach us as one: ask for what fell between
    const missed = value.n > expected ? await this.server.missed(value.run, expected) : [value];
    for (const frame of missed) await this.apply(frame);
  }

  async apply(frame) {
    if (frame.kind === "begin") this.begin(frame);
    for (const step of frame.steps || []) await this.step(step, frame.at);
    if (frame.kind === "end") this.finish(frame.why);
    this.run.next = frame.n + 1;
  }

  // The visitor pressed Run: say so at once, the first step takes a moment.
  press() {
    this.times = { pressed: performance.now(), frames: [] };
    this.painting = [];
    this.pressed = { begun: false, stopping: false };
    this.going(true);
    this.tell(this.words.starting);
  }

  stopping() {
    this.pressed.stopping = true;
    this.tell(this.words.stopping);
  }

  begin(frame) {
    if (this.run.id && this.run.id !== frame.run) this.past.add(this.run.id);
    this.run = { id: frame.run, next: 0, going: true, why: "" };
    this.pressed.begun = true;
    this.grid = frame.grid;
    this.shown = frame;
    this.lanes.forEach((lane, i) => lane.begin(frame.lanes[i]));
    this.film.begin(frame.lanes);
    this.cells.begin(frame.grid);
    this.patches.use(frame.pack).then(() => this.changed());
    this.player.reset(frame.lanes.map((lane) => lane.steps));
    this.going(true);
    this.tell(this.pressed.stopping ? this.words.stopping : "");
    this.stale();
  }

  async step(frame, at) {
    const arrived = performance.now();
    const lane = this.lanes[frame.lane];
    await lane.add(frame);
    this.film.add(frame.lane, lane.frames[frame.s], this.look);
    this.painting.push({ lane: frame.lane, s: frame.s, sent: at - performance.timeOrigin, arrived });
    this.player.arrive(frame.lane, frame.s + 1);
  }

  finish(why) {
    this.run.why = why;
    this.going(false);
    this.player.finish();
    this.stale();
  }

  // The event on the server is over, whether it ended well, was stopped, or was refused before it began.
  over() {
    this.queue = this.queue.then(async () => {
      if (!this.run.going) return;
      if (!this.pressed.begun) {
        this.going(false);
        return this.stale();
      }
      const missed = await this.server.missed(this.run.id, this.run.next).catch(() => []);
      for (const frame of missed) await this.apply(frame);
      if (this.run.going) this.finish(this.pressed.stopping ? "stopped" : "failed");
    }).catch((error) => console.error(error));
  }

  // Run and Stop take each other's place; who pressed one by key stays on the other.
  going(going) {
    const [hides, appears] = (going ? ["tc-run", "tc-stop"] : ["tc-stop", "tc-run"]).map((id) => document.getElementById(id));
    const held = hides && document.activeElement === hides;
    if (going && !this.run.going && appears) {
      appears.disabled = true; // the second of two quick clicks on Run falls on Stop: it must not undo the first
      setTimeout(() => {
        appears.disabled = false;
        if (held && document.activeElement === document.body) appears.focus();
      }, UNSTOPPABLE);
    }
    this.run.going = going;
    document.documentElement.classList.toggle("tc-running", going);
    this.lanesNode.setAttribute("aria-busy", going);
    if (held) appears.focus();
  }

  plan(value) {
    this.planned = value;
    this.wrong = value.wrong;
    this.words.lanes.forEach((name, i) => { // Gradio's columns take no role
      const settings = document.getElementById(`tc-settings-${i + 1}`);
      for (const [key, text] of [["role", "group"], ["aria-label", name]]) settings?.setAttribute(key, text);
    });
    if (!this.shown) value.lanes.forEach((meta, i) => this.lanes[i].plan(meta));
    this.stale();
  }

  // Old steps are never shown as if they came from new settings.
  stale() {
    const settings = ({ pack, lanes }) => JSON.stringify([pack, lanes.map((lane) => lane.settings)]);
    const same = !this.shown || !this.planned?.lanes.length || settings(this.shown) === settings(this.planned);
    this.root.classList.toggle("is-stale", Boolean(this.wrong) || !same);
    if (this.wrong) this.tell(this.wrong, true);
    else if (!same) this.tell(this.words.changed);
    else if (!this.run.going) this.tell(this.shown ? this.words.ended[this.run.why] : this.words.welcome);
  }

  tell(text, wrong = false) {
    this.notice.textContent = text;
    this.notice.classList.toggle("is-wrong", wrong);
  }

  changed() {
    if (this.drawing) return;
    this.drawing = requestAnimationFrame(() => this.draw());
  }

  draw() {
    this.drawing = null;
    const steps = this.lanes.map((_, lane) => (this.player.at < 0 ? -1 : this.player.step(lane)));
    const proposals = this.lanes.map((lane, i) => lane.frames[steps[i]]?.proposal);
    const others = (lane) => (this.compares ? proposals.filter((one, i) => one && i !== lane) : null);
    this.lanes.forEach((lane, i) => lane.draw(steps[i], { ...this.look, others: others(i) }));
    this.film.mark(steps);
    this.steps = steps;
    this.life.draw(this.lanes, steps);
    this.cells.refresh();
    this.transport.show();
    this.notePainted(steps);
    clearTimeout(this.speaking);
    if (!this.run.going && !this.player.playing) this.speaking = setTimeout(() => this.speak(), 500);
  }

  pinned(place) {
    const opens = this.life.place < 0 && place >= 0;
    this.life.show(place, this.grid);
    this.draw();
    if (opens) this.life.node.scrollIntoView({ block: "nearest", behavior: reducedMotion() ? "instant" : "smooth" });
  }

  // What stands at a place of a lane in the step that is shown; null where nothing is shown.
  describe(lane, place) {
    const frame = this.lanes[lane].frames[this.steps?.[lane]];
    if (!frame) return null;
    const { words } = this, token = frame.proposal[place];
    const lines = [scoreText(frame.scores[place], words.token), words.states[STATES[frame.state[place]]], fill(words.token.at, rowAndColumn(place, this.grid))];
    return [this.patches.node(token), el("b", {}, fill(words.token.token, { token })), ...lines.map((line) => el("span", {}, line))];
  }

  // For app.bench: which of the steps that arrived have now been painted.
  notePainted(steps) {
    const painted = this.painting.filter((one) => one.s <= steps[one.lane]);
    if (!painted.length) return;
    this.painting = this.painting.filter((one) => one.s > steps[one.lane]);
    setTimeout(() => this.times.frames.push(...painted.map((one) => ({ ...one, painted: performance.now() }))));
  }

  speak() {
    if (this.shown) this.spoken.textContent = this.lanes.map((lane) => lane.spoken).join(". ");
  }
}

function mountStage(element, server, props, watch, words) {
  const stage = new Stage(element, server, words);
  window.tokenCritic = { stage, digestOf, press: () => stage.press(), stopping: () => stage.stopping(), over: () => stage.over() };
  watch("value", () => stage.take(props.value));
  stage.take(props.value);
}
