// Permalinks: the address holds what was asked for and the first letters of every step's hash.
// Who opens it runs the same, and hears whether this machine got the same.

const LETTERS = 4; // of a step's hash

class Link {
  constructor(words, stage) {
    this.words = words;
    this.stage = stage;
    const query = new URLSearchParams(location.search), hash = query.get("hash");
    this.older = Boolean(hash) && Number(query.get("version") ?? 1) !== stage.version; // its hashes are of another sampler
    this.expected = hash?.split("_").map((lane) => lane.match(/.{4}/g) || []); // of the run that the address stands for
    this.field = el("input", { class: "tc-link", type: "text", readonly: true, hidden: true, "aria-label": words.address, onfocus: () => this.field.select() });
    this.button = el("button", { type: "button", class: "tc-action", disabled: true, title: words.help, onclick: () => this.copy() }, words.copy);
    this.node = el("span", { class: "tc-share" }, this.button, this.field);
  }

  // The run that is shown is what the next one is held against, if it has the same settings.
  expect() {
    this.older = false;
    this.settings = settingsOf(this.stage.shown);
    this.expected = this.stage.lanes.filter((lane) => lane.meta).map((lane) => lane.frames.map((frame) => frame.digest.slice(0, LETTERS)));
  }

  // The controls stand as the address says: what they would run, and nothing else, is what it stands for.
  ready() {
    this.stage.inbox.queue.then(() => {
      this.settings = this.stage.planned && settingsOf(this.stage.planned);
      this.stage.go();
    });
  }

  get address() {
    const { shown, lanes } = this.stage;
    const query = new URLSearchParams(Object.entries(shown.ask).map(([name, value]) => [name, JSON.stringify(value)]));
    query.set("version", this.stage.version);
    query.set("hash", lanes.filter((lane) => lane.meta).map((lane) => lane.frames.map((frame) => frame.digest.slice(0, LETTERS)).join("")).join("_"));
    return `${location.origin}${location.pathname}?${query}`;
  }

  copy() {
    const { address, field } = this;
    copyText(address, this.button, this.words, () => {
      field.hidden = false;
      field.value = address;
      field.focus();
    });
  }

  show() {
    const { run, shown } = this.stage;
    this.button.disabled = !shown || run.going || run.why !== "done";
  }

  // Once, after the run that the address stands for.
  verdict() {
    if (!this.expected || this.stage.run.why !== "done") return "";
    const { expected, settings } = this;
    this.expected = this.settings = null;
    if (settings !== settingsOf(this.stage.shown)) return "";
    if (this.older) return this.words.older;
    const lanes = this.stage.lanes.filter((lane) => lane.meta);
    const parts = lanes.map((lane, i) => lane.frames.findIndex((frame, s) => frame.digest.slice(0, LETTERS) !== expected[i]?.[s]));
    const first = parts.findIndex((s) => s >= 0);
    if (first < 0) return this.words.same;
    return fill(this.words.differs, { name: lanes[first].meta.name, s: parts[first] + 1 });
  }
}
