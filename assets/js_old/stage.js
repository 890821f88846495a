// The stage: keeps the frames of every lane, and shows the step at the playhead in all of them.

const UNSTOPPABLE = 500; // ms after Run
const LONG = 1500; // ms after which a run that has not begun is said to wait

class Stage {
  constructor(element, server, words, names, version) {
    this.element = element;
    this.version = version; // of the sampler
    this.words = words;
    this.grid = 16;
    this.server = server;
    this.inbox = new Inbox(server, this);
    this.stream = new Stream(names, words, this.inbox);
    this.planned = null; // what the controls would run
    this.shown = null; // what is on the stage
    this.scores = []; // the critic's of each lane's final picture
    this.times = { pressed: 0, frames: [] }; // for app.bench: when each frame was sent, arrived and painted
    this.painting = [];
    this.branches = new Branches(words, this);
    this.views = new Views(words.views, this);
    this.link = new Link(words.link, this);
    this.lanes = words.lanes.map((_, lane) => new Lane(lane, words, this.branches.actions(lane)));
    this.player = new Player(() => this.changed());
    this.film = new Film(words, (lane, s) => this.player.take(this.player.placeOf(lane, s)));
    this.transport = new Transport(this.player, words);
    this.patches = new Patches(element, (pack) => server.patches([pack]));
    this.life = new TokenLife(words.token, this.patches, { go: (lane, s) => this.player.take(this.player.placeOf(lane, s)), close: () => this.cells.unpin() });
    this.notice = el("p", { class: "tc-notice", role: "status" }, words.welcome);
    this.spoken = el("p", { class: "tc-spoken", role: "status" });
    this.build();
    this.colours = pageColours(this.root);
    new ResizeObserver(() => this.changed()).observe(this.root);
    new MutationObserver(() => this.recolour()).observe(document.body, { attributes: true, attributeFilter: ["class"] });
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
      legend(words), el("div", { class: "tc-tools" }, this.views.node, this.branches.add, this.link.node),
      this.film.node, this.life.empty, this.life.node, this.transport.node, this.spoken);
    this.element.replaceChildren(this.root);
    this.explanations = new Explanations(words.explain);
    document.addEventListener("dragover", (event) => event.preventDefault());
    document.addEventListener("drop", (event) => this.dropped(event));
    document.addEventListener("click", (event) => this.opening(event), true);
    this.cells = new Cells(this.lanesNode, this.lanes, {
      describe: (lane, place) => this.describe(lane, place),
      pinned: (place) => this.pinned(place),
      spoken: (text) => { this.spoken.textContent = text; },
      hand: this.branches.hand,
    });
  }

  // A file that is dropped on the page is opened as one that is chosen is.
  async dropped(event) {
    const file = event.dataTransfer?.files[0];
    if (event.defaultPrevented || !file) return;
    event.preventDefault();
    if (this.run.going) return this.tell(this.words.stop_first, true);
    const carried = new DataTransfer();
    carried.items.add(file);
    const input = () => document.querySelector("#tc-files input[type=file]");
    if (!input()) document.querySelector("#tc-files > button").click(); // Gradio builds what is folded when it is opened
    for (let tries = 0; !input() && tries < 100; tries += 1) await new Promise((next) => setTimeout(next, 30));
    if (!input()) return;
    input().files = carried.files;
    input().dispatchEvent(new Event("change", { bubbles: true }));
  }

  // One at a time: the page's exports and curves are those of the run it was told of last.
  opening(event) {
    if (!this.run.going || !event.target.closest?.("#tc-open")) return;
    event.preventDefault();
    event.stopPropagation();
    this.tell(this.words.stop_first, true);
  }

  get run() {
    return this.inbox.run;
  }

  show(kind) {
    this.root.dataset.panel = kind;
    this.tabs.querySelector(`[value="${kind}"]`).checked = true;
    this.changed();
  }

  recolour() {
    this.colours = pageColours(this.root);
    this.film.redraw(this.lanes, this.look);
    this.changed();
  }

  get look() {
    const { asOrder, proposal, layout } = this.views;
    return { grid: this.grid, colours: this.colours, asOrder, proposal, layout };
  }

  // What the controls ask for, as if the visitor had pressed Run.
  go() {
    document.getElementById("tc-run").click();
  }

  // The visitor pressed Run: say so at once, the first step takes a moment.
  press() {
    this.times = { pressed: performance.now(), frames: [] };
    this.painting = [];
    this.inbox.press();
    this.branches.pressed();
    this.going(true);
    this.tell(this.words.starting);
    this.waitFor(this.inbox.pressed);
  }

  // What Gradio's Run button calls with the values of the controls. Resolves when all of the run is here.
  async ask(values) {
    if (this.stream.busy) return; // the second of two quick clicks
    this.press();
    const { pressed } = this.inbox;
    const wrong = await this.stream.ask(values);
    if (pressed !== this.inbox.pressed) return; // something else has taken the stage meanwhile
    await this.inbox.over();
    if (wrong) this.tell(wrong, true);
  }

  // A file takes the stage.
  pressFile() {
    this.stream.abort();
    this.press();
  }

  // The id of the run on the stage, once what has arrived is on it.
  async shownId() {
    await this.inbox.queue;
    return this.run.id;
  }

  stop() {
    this.inbox.pressed.stopping = true;
    this.tell(this.words.stopping);
    if (!this.inbox.pressed.begun) return this.stream.abort();
    this.server.stop([this.run.id]).catch(() => this.stream.abort()); // which the server notices, too
  }

  // While the run has not begun: who else is running, since only so many do at once.
  async waitFor(pressed) {
    await new Promise((next) => setTimeout(next, LONG));
    if (pressed.begun || pressed.stopping || pressed !== this.inbox.pressed || !this.run.going) return;
    const count = await this.server.active([]).catch(() => 0);
    if (count && !pressed.begun && !pressed.stopping && this.run.going) this.tell(plural(this.words.waiting, count));
    this.waitFor(pressed);
  }

  begin(frame) {
    this.grid = frame.grid;
    this.shown = frame;
    this.scores = [];
    this.lanes.forEach((lane, i) => lane.begin(frame.lanes[i]));
    this.film.begin(frame.lanes);
    this.cells.begin(frame.grid);
    this.patches.use(frame.pack).then(() => this.changed());
    this.player.reset(frame.lanes.map((lane) => lane.steps), frame.lanes.some((lane) => lane.continues));
    this.going(true);
    this.tell(this.inbox.pressed.stopping ? this.words.stopping : "");
    this.stale();
  }

  // Those that came in one message are painted in one go.
  async arrive(sent, at) {
    const arrived = performance.now();
    const frames = await Promise.all(sent.map(decodeFrame));
    frames.forEach((frame, i) => {
      const { lane } = sent[i];
      this.lanes[lane].frames[frame.s] = frame;
      this.film.add(lane, frame, this.look);
      this.painting.push({ lane, s: frame.s, sent: at - performance.timeOrigin, arrived });
      this.player.arrive(lane, frame.s + 1);
    });
  }

  finish(scores, told) {
    this.scores = scores;
    this.said = told || null;
    if (["opened", "recorded"].includes(this.run.why) && this.asks) this.link.expect();
    this.going(false);
    this.player.finish();
    this.stale();
    if (this.run.why === "recorded" && !reducedMotion()) this.player.play();
  }

  // Whether the controls can ask for what is shown: a single trace from a file says nothing of other lanes.
  get asks() {
    return Object.keys(this.shown.ask).length > 0;
  }

  // Whether a lane as it is shown is what the controls would run there now.
  asksFor(lane) {
    const { shown, planned } = this;
    if (!shown?.lanes[lane] || !this.asks) return false;
    const [now, then] = [planned ?? shown, shown].map(({ pack, lanes }) => lanes[lane] && settingsOf({ pack, lanes: [lanes[lane]] }));
    return now === then;
  }

  refused() {
    this.going(false);
    this.stale();
  }

  // Run and Stop take each other's place; who pressed one by key stays on the other.
  going(going) {
    const [hides, appears] = (going ? ["tc-run", "tc-stop"] : ["tc-stop", "tc-run"]).map((id) => document.getElementById(id));
    const lost = !going && this.byKey && document.activeElement === document.body; // over before Stop could be pressed
    const held = hides && (document.activeElement === hides || lost);
    this.byKey = going && (held || (this.run.going && this.byKey));
    if (going && !this.run.going && appears) {
      appears.disabled = true; // the second of two quick clicks on Run falls on Stop: it must not undo the first
      setTimeout(() => {
        appears.disabled = false;
        if (held && document.activeElement === document.body) appears.focus();
      }, UNSTOPPABLE);
    }
    this.run.going = going;
    document.documentElement.classList.toggle("tc-running", going);
    if (going) this.preset = document.activeElement?.closest("[data-preset]");
    for (const preset of document.querySelectorAll("[data-preset]")) preset.disabled = going;
    if (!going && document.activeElement === document.body) this.preset?.focus({ preventScroll: true }); // where it was
    this.lanesNode.setAttribute("aria-busy", going);
    if (held) appears.focus();
    window.tokenCriticOwn?.idle();
  }

  plan(value) {
    this.planned = value;
    this.wrong = value.wrong;
    this.words.lanes.forEach((name, i) => { // Gradio's columns take no role
      const settings = document.getElementById(`tc-settings-${i + 1}`);
      for (const [key, text] of [["role", "group"], ["aria-label", name]]) settings?.setAttribute(key, text);
    });
    this.lanes.forEach((lane, i) => !lane.meta && value.lanes[i] && lane.plan(value.lanes[i]));
    this.stale();
    this.branches.planned(value);
    window.tokenCriticOwn?.planned();
    this.changed();
  }

  // Old steps are never shown as if they came from new settings.
  stale() {
    const alone = this.shown && !this.asks; // nobody's controls led to it
    const same = !this.shown || alone || !this.planned?.lanes.length || settingsOf(this.shown) === settingsOf(this.planned);
    this.root.classList.toggle("is-stale", Boolean(this.wrong) || !same);
    document.getElementById("tc-run").textContent = this.run.why === "recorded" && same ? this.words.run_live : this.words.run;
    if (this.wrong) this.tell(this.wrong, true);
    else if (!same) this.tell(this.branches.advice || this.words.changed);
    else if (!this.run.going) this.tell(this.shown ? this.words.ended[this.run.why] || this.outcome() : this.words.welcome);
  }

  // What a run that is done has to say, beside its pictures.
  outcome() {
    this.said ??= [this.link.verdict(), this.branches.verdict()].filter(Boolean).join(" ");
    return this.said;
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
    const rooms = this.lanes.map((lane) => lane.room());
    const steps = this.lanes.map((lane, i) => (this.player.at < 0 || !lane.meta ? -1 : this.player.step(i)));
    const proposals = this.lanes.map((lane, i) => lane.frames[steps[i]]?.proposal);
    const others = (lane) => (this.views.compares ? proposals.filter((one, i) => one && i !== lane) : null);
    this.lanes.forEach((lane, i) => lane.draw(steps[i], { ...this.look, others: others(i), byHand: this.branches.chosen(i) }, rooms[i]));
    this.film.mark(steps);
    this.steps = steps;
    this.life.draw(this.lanes, steps);
    this.branches.show(steps);
    this.link.show();
    this.cells.refresh();
    this.transport.show();
    this.notePainted(steps);
    clearTimeout(this.speaking);
    if (!this.run.going && !this.player.playing) this.speaking = setTimeout(() => this.speak(), 500);
  }

  // The scores of a lane's finished picture, which the run itself does not need.
  async judge(lane) {
    const { id } = this.run, frame = this.lanes[lane].frames.at(-1);
    const found = await this.server.judge([id, lane]).catch(() => ({}));
    if (id !== this.run.id) return;
    if (!found.scores) return this.tell(found.wrong || this.words.branches.unscored, true);
    frame.judged = new Float32Array(bytes(found.scores).buffer);
    this.life.drawn = null;
    this.tell(fill(this.words.branches.scored, { name: this.lanes[lane].meta.name, score: found.mean.toFixed(2) }));
    this.changed();
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
    const lines = [scoreText(scoresOf(frame)[place], words.token), words.states[STATES[frame.state[place]]], fill(words.token.at, rowAndColumn(place, this.grid))];
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
    if (this.shown) this.spoken.textContent = this.lanes.filter((lane) => lane.meta).map((lane) => lane.spoken).join(". ");
  }
}

// What decides a run, as text to compare.
function settingsOf({ pack, lanes }) {
  return JSON.stringify([pack, lanes.map((lane) => [lane.settings, lane.origin])]);
}

function mountStage(element, server, props, watch, words, names, version) {
  const stage = new Stage(element, server, words, names, version);
  window.tokenCritic = {
    stage, digestOf, run: (values) => stage.ask(values), stop: () => stage.stop(), shown: () => stage.shownId(),
    press: () => stage.pressFile(), over: () => stage.inbox.over(), linked: () => stage.link.ready(),
  };
  watch("value", () => stage.inbox.take(props.value));
  stage.inbox.take(props.value);
}
