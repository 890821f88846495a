// Files of the run on the stage, and a run from a file.

import { actionButton, el, restWhile } from "../lib/dom.js";
import { fill } from "../lib/text.js";
import { fetchFile } from "../transport/server.js";

const MOST_BYTES = 40 * 2 ** 20; // the server takes no more

export class Files {
  /** @param {import("../main.js").Page} page */
  constructor({ store, words, runs, places }) {
    this.store = store;
    this.words = words.files;
    this.runs = runs;
    this.places = places;
    const { words: w } = this;
    this.kind = this.select("kind", w.kinds, () => this.show());
    this.lanes = this.select("lanes", w.which);
    this.scale = this.select("scale", w.scales);
    this.paper = this.select("paper", w.papers);
    this.make = actionButton(w.make, () => this.download(), { id: "tc-make" });
    this.status = el("p", { class: "tc-status", role: "status" });
    const take = () => this.open(this.file.files?.[0]);
    this.file = el("input", {
      type: "file",
      accept: ".json,application/json",
      class: "tc-hidden-file",
      onchange: take,
    });
    const open = el("label", { class: "tc-action tc-file", id: "tc-open" }, w.open, this.file);
    const labelled = (/** @type {string} */ name, /** @type {Node} */ select) =>
      el("label", { class: "tc-switch" }, w[name], select);
    const choices = [
      labelled("format", this.kind),
      labelled("lanes", this.lanes),
      labelled("scale", this.scale),
      labelled("paper", this.paper),
    ];
    this.root = el(
      "div",
      { class: "tc-stage tc-files" },
      el("div", { class: "tc-actions" }, ...choices, this.make, open),
      this.status,
    );
    document.addEventListener("dragover", (event) => isForInput(event) || event.preventDefault());
    document.addEventListener("drop", (event) => this.dropped(event));
    store.on(["run", "shown"], () => this.show());
    this.show();
  }

  /** @param {string} name @param {Record<string, string>} choices @param {() => void} [onchange] */
  select(name, choices, onchange = () => {}) {
    const options = Object.entries(choices).map(([value, text]) => el("option", { value }, text));
    return el("select", { "data-file": name, onchange }, ...options);
  }

  show() {
    const { run, shown } = this.store.state;
    this.make.disabled = run.going || !["done", "recorded", "opened"].includes(run.why);
    this.make.title = this.make.disabled ? this.words.none : "";
    const count = shown?.lanes.length ?? 0;
    for (const option of this.lanes.options) option.disabled = option.value !== "all" && Number(option.value) > count;
    if (this.lanes.selectedOptions[0]?.disabled) this.lanes.value = "all";
    this.scale.parentElement?.toggleAttribute("hidden", this.kind.value !== "png");
    this.paper.parentElement?.toggleAttribute("hidden", !["worksheet", "answers"].includes(this.kind.value));
  }

  /** What the controls ask for, as an address relative to the page. */
  get path() {
    const { run, playhead } = this.store.state;
    const [kind, lanes, scale, paper] = [this.kind, this.lanes, this.scale, this.paper].map((select) => select.value);
    const asked = { run: run.id, kind, lanes, at: String(Math.max(0, playhead.at)), scale, paper };
    return `export?${new URLSearchParams(asked)}`;
  }

  async download() {
    this.status.textContent = this.words.making;
    const answer = await restWhile(this.make, () => fetchFile(this.path));
    this.status.textContent = answer?.ok
      ? await this.save(answer).catch(() => this.words.no_answer)
      : await this.reason(answer);
    this.show();
  }

  /** @param {Response} answer */
  async save(answer) {
    const name = /filename="([^"]+)"/.exec(answer.headers.get("content-disposition") ?? "")?.[1] ?? "token-critic";
    const url = URL.createObjectURL(await answer.blob());
    const link = el("a", { href: url, download: name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 60_000); // when it has been saved
    return `${this.words.made} ${name}`;
  }

  /** @param {Response | null} answer */
  async reason(answer) {
    const { error } = (await answer?.json().catch(() => null)) ?? {};
    return error ?? this.words.no_answer;
  }

  /** A run's file that is dropped on the page is opened as one that is chosen is. @param {DragEvent} event */
  dropped(event) {
    const file = event.dataTransfer?.files[0];
    if (event.defaultPrevented || isForInput(event) || !file) return;
    event.preventDefault(); // else the browser shows it in place of the page
    if (file.type === "application/json" || file.name.endsWith(".json")) this.open(file);
  }

  /** @param {File | undefined} file */
  async open(file) {
    if (!file) return;
    const text = file.size > MOST_BYTES ? "" : await file.text().catch(() => ""); // a folder cannot be read
    this.file.value = ""; // the same file again is a choice, too
    if (!text) return this.refuse(fill(this.words.no_file, { name: file.name }));
    if (this.store.state.run.going) return this.refuse(this.words.stop_first);
    this.places.open("compare");
    await this.runs.start({ file: text });
  }

  /** @param {string} text */
  refuse(text) {
    this.store.set({ message: { text, wrong: true } });
  }
}

/** What is dropped on an input for files is chosen there, by the browser. @param {DragEvent} event */
function isForInput({ target }) {
  return /** @type {Element} */ (target).matches("input[type=file]");
}
