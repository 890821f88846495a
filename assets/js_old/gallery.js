// Many pictures at once: a row for each lane, sorted as the visitor likes; one of them opens in the lanes.

const ORDERS = ["drawn", "score", "named", "nearest"];

class Gallery {
  constructor(element, server, words, choose) {
    Object.assign(this, { server, words, choose, rows: [], items: [], seed: null });
    this.inbox = new Inbox(server, this);
    this.say = el("p", { class: "tc-status", role: "status" }, words.empty);
    this.order = el("select", { "aria-label": words.order, onchange: () => this.sort() }, ...ORDERS.map((name) => el("option", { value: name }, words.orders[name])));
    this.measure = el("button", { type: "button", class: "tc-action", disabled: true, title: words.nearest_help, onclick: () => this.nearest() }, words.nearest);
    this.body = el("div", { class: "tc-gallery-rows" });
    this.root = el("div", { class: "tc-stage tc-gallery" }, el("div", { class: "tc-actions" }, this.order, this.measure), this.say, this.body);
    element.replaceChildren(this.root);
  }

  begin(frame) {
    Object.assign(this, { frame, items: frame.lanes.map(() => []) });
    this.rows = frame.lanes.map((lane) => el("div", { class: "tc-gallery-row" }));
    this.body.replaceChildren(...frame.lanes.map((lane, i) => el("section", { "aria-label": lane.name }, el("h3", {}, lane.name), this.rows[i])));
    this.measure.disabled = true;
    this.progress();
  }

  arrive(items) {
    items.forEach((item) => this.add(item));
  }

  add(item) {
    const caption = el("span", {}, item.score === null ? "" : item.score.toFixed(2));
    item.node = el("button", { type: "button", class: "tc-gallery-one", onclick: () => this.open(item) },
      el("img", { src: item.picture, width: 64, height: 64, alt: "" }), caption);
    item.caption = caption;
    this.items[item.lane].push(item);
    this.rows[item.lane].append(item.node);
    this.describe(item);
    this.progress();
  }

  // named: for each lane the probability of the class that was asked for, as the classifier sees its pictures
  finish(named) {
    named.forEach((values, lane) => values.forEach((p, i) => { if (this.items[lane][i]) this.items[lane][i].named = p; }));
    this.items.flat().forEach((item) => this.describe(item));
    this.measure.disabled = !this.items.flat().length;
    this.inbox.run.going = false;
    this.progress();
    this.sort();
  }

  refused() {
    this.progress();
  }

  plan() {}

  progress() {
    const done = this.items.flat().length, { run } = this.inbox;
    const whole = this.frame ? this.frame.count * this.frame.lanes.length : 0;
    this.say.textContent = run.going ? fill(this.words.progress, { done, whole }) : fill(this.words.done[run.why] ?? this.words.empty, { done, whole, label: this.frame?.label });
  }

  describe(item) {
    const { words } = this, parts = [fill(words.seed, item)];
    if (item.score !== null) parts.push(fill(words.score, { p: item.score.toFixed(2) }));
    if (item.named !== undefined) parts.push(fill(words.named, { p: item.named.toFixed(2) }));
    if (item.distance !== undefined) parts.push(fill(words.distance, { d: Math.round(item.distance) }));
    item.node.title = parts.join(", ");
    item.node.setAttribute("aria-label", parts.join(", "));
    const shown = { score: item.score, named: item.named, nearest: item.distance }[this.order.value] ?? item.score;
    item.caption.textContent = shown === null || shown === undefined ? "" : this.order.value === "nearest" && item.distance !== undefined ? Math.round(shown) : shown.toFixed(2);
  }

  sort() {
    const key = { drawn: (item) => item.i, score: (item) => -(item.score ?? 0), named: (item) => -(item.named ?? 0), nearest: (item) => item.distance ?? 0 }[this.order.value];
    this.items.forEach((items, lane) => {
      items.forEach((item) => this.describe(item));
      this.rows[lane].replaceChildren(...[...items].sort((a, b) => key(a) - key(b) || a.i - b.i).map((item) => item.node));
    });
  }

  async nearest() {
    this.measure.disabled = true;
    this.say.textContent = this.words.measuring;
    const { id } = this.inbox.run, found = await this.server.nearest([id]).catch(() => []);
    if (id !== this.inbox.run.id) return; // others have been drawn meanwhile
    found.forEach((values, lane) => values.forEach((distance, i) => { if (this.items[lane][i]) this.items[lane][i].distance = distance; }));
    if (found.length) this.order.value = "nearest";
    this.measure.disabled = false;
    this.progress();
    this.sort();
  }

  open(item) {
    this.seed = item.seed;
    this.choose();
    document.querySelector(".tc-top")?.scrollIntoView({ behavior: reducedMotion() ? "instant" : "smooth" });
  }
}

function mountGallery(element, server, props, choose, watch, words) {
  const gallery = new Gallery(element, server, words, choose);
  window.tokenCriticGallery = gallery;
  watch("value", () => gallery.inbox.take(props.value));
}
