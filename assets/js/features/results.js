// What was measured: the reports of the pack, one at a time; a point or a row of it goes into a lane.

import { actionButton, el } from "../lib/dom.js";
import { fill } from "../lib/text.js";
import { ask, messageOf } from "../transport/server.js";

const MAX_ROWS = 60; // of a table; a search has hundreds

/**
 * @typedef {object} Row
 * @property {string} series
 * @property {string} point
 * @property {string[]} cells
 * @property {Record<string, any> | null} controls what sets a lane to it
 * @property {number} lane which one
 * @property {string} [why] no run draws like this
 */

/**
 * A report, as the server describes it.
 * @typedef {object} Chart
 * @property {string} name
 * @property {string} method
 * @property {string[]} findings
 * @property {string[]} headings
 * @property {Row[]} rows
 * @property {{name: string, fid: number | null, inception_score: number | null, passes: number | null}[]} paper
 */

export class Results {
  /** @param {import("../main.js").Page} page */
  constructor({ store, words, plans, config }) {
    this.store = store;
    this.language = config.language;
    this.words = words.results;
    this.plans = plans;
    this.pack = ""; // whose reports are here
    /** @type {Chart[]} */
    this.charts = [];
    this.chosen = ""; // the name of the one that is shown
    /** @type {(() => void) | null} */
    this.trigger = null; // until Gradio's component is mounted
    this.choices = el("div", { class: "tc-actions", role: "group", "aria-label": this.words.charts });
    this.status = el("p", { class: "tc-status", role: "status" });
    this.findings = el("div", { class: "tc-findings" });
    const named = el("span", { "data-testid": "block-info" }, this.words.measures.name); // its "?" comes after it
    const measures = el("p", { class: "tc-measures tc-x-measures" }, named);
    this.head = el("div", { class: "tc-stage tc-results" }, this.choices, this.status, measures, this.findings);
    this.table = el("div", { class: "tc-stage tc-results" });
    store.on(["controls", "place"], () => this.follow());
  }

  /**
   * @param {HTMLElement} element
   * @param {() => void} trigger asks the server for the chart that is chosen
   */
  connect(element, trigger) {
    element.replaceChildren(this.head);
    this.trigger = trigger;
    this.follow();
    const section = element.closest("#tc-results") ?? element;
    new MutationObserver(() => this.listen(section)).observe(section, { childList: true, subtree: true });
  }

  /** What the server is asked to draw. */
  asked() {
    return { pack: this.pack, name: this.chosen, language: this.language };
  }

  /** Show the reports of the pack that is chosen while the page is here. */
  follow() {
    const { controls, place } = this.store.state;
    if (this.trigger && place === "results" && controls.pack !== this.pack) this.read(controls.pack);
  }

  /** @param {string} pack */
  async read(pack) {
    this.pack = pack;
    this.status.textContent = this.words.loading;
    this.charts = [];
    this.choices.replaceChildren();
    this.table.replaceChildren();
    this.findings.replaceChildren();
    /** @type {{charts: Chart[], wrong?: string}} */
    const { charts, wrong = "" } = await ask("results", { pack }).catch((error) => ({
      charts: [],
      wrong: messageOf(error, this.words.failed),
    }));
    if (this.pack !== pack) return; // another one has been chosen meanwhile
    if (wrong) this.pack = ""; // asked again when it is opened again
    this.charts = charts;
    this.choices.replaceChildren(...charts.map((chart) => this.choice(chart)));
    const kept = charts.find(({ name }) => name === this.chosen) ?? charts[0];
    this.show(kept);
    this.status.textContent = wrong || (kept ? "" : this.words.none);
  }

  /** @param {Chart} chart */
  choice(chart) {
    const show = () => {
      this.show(chart);
      this.status.textContent = "";
    };
    return actionButton(this.words.titles[chart.name], show, {
      id: `tc-chart-${chart.name}`,
      "data-chart": chart.name,
      "aria-pressed": "false",
    });
  }

  /** @param {Chart | undefined} chart */
  show(chart) {
    this.chosen = chart?.name ?? "";
    for (const button of this.choices.children) {
      button.setAttribute("aria-pressed", String(/** @type {HTMLElement} */ (button).dataset.chart === this.chosen));
    }
    const said = chart ? [...chart.findings, chart.method] : [];
    const last = said.length - 1;
    this.findings.replaceChildren(...said.map((text, i) => el("p", { class: i === last && "tc-quiet" }, text)));
    this.table.replaceChildren(...(chart ? [this.rows(chart), ...this.paper(chart)] : []));
    this.trigger?.();
  }

  /** @param {Chart} chart */
  rows(chart) {
    const { words } = this;
    const loads = chart.rows.some(({ controls }) => controls);
    const head = [...(loads ? [""] : []), words.series, words.point].map((text) => el("th", { scope: "col" }, text));
    head.push(...chart.headings.map((text) => el("th", { scope: "col" }, text)));
    const body = el("tbody", {}, ...chart.rows.slice(0, MAX_ROWS).map((row) => this.row(row, loads)));
    const table = el("table", {}, el("thead", {}, el("tr", {}, ...head)), body);
    const said = loads ? `${words.hint} ${words.brackets}` : words.brackets;
    const rest = chart.rows.slice(MAX_ROWS);
    const more = rest.length ? actionButton(fill(words.show_rest, { n: rest.length }), () => show()) : null;
    const show = () => {
      body.append(...rest.map((row) => this.row(row, loads)));
      more?.remove();
      table.parentElement?.focus(); // the button is gone
    };
    const wide = { class: "tc-wide", tabindex: 0, role: "region", "aria-labelledby": `tc-chart-${chart.name}` };
    return el("div", {}, el("div", wide, table), el("p", { class: "tc-quiet" }, said), more);
  }

  /**
   * @param {Row} row
   * @param {boolean} loads whether the table has buttons
   */
  row(row, loads) {
    const cells = [row.point, ...row.cells].map((text) => el("td", {}, text));
    const load = loads ? el("td", {}, this.loader(row)) : null;
    const press = () => {
      if (!getSelection()?.toString()) this.load(row); // figures can be copied, too
    };
    const events = row.controls ? { class: "tc-loads", onclick: press } : {};
    return el("tr", events, load, el("th", { scope: "row" }, row.series), ...cells);
  }

  /** @param {Row} row */
  loader(row) {
    const { words } = this;
    const help = row.controls
      ? fill(words.load_help, { ...row, lane: words.lanes[row.lane] })
      : words.cannot[row.why ?? ""];
    const press = (/** @type {Event} */ event) => {
      event.stopPropagation(); // its row does the same
      this.load(row);
    };
    return actionButton(words.load, press, {
      title: help,
      "aria-label": row.controls ? help : `${words.load}: ${help}`,
      disabled: !row.controls,
    });
  }

  /** Set a lane to a row. @param {Row | undefined} row */
  load(row) {
    if (!row?.controls) return;
    const { words } = this;
    this.plans.change(row.controls);
    this.status.textContent = fill(words.loaded, { ...row, lane: words.lanes[row.lane] });
  }

  /** @param {Chart} chart */
  paper({ paper }) {
    if (!paper.length) return [];
    const { words } = this;
    const head = [words.paper, ...words.paper_columns].map((text) => el("th", { scope: "col" }, text));
    const body = paper.map(({ name, fid, inception_score: score, passes }) => {
      const cells = [fid, score, passes].map((value) => el("td", {}, value === null ? "–" : String(value)));
      return el("tr", {}, el("th", { scope: "row" }, name), ...cells);
    });
    const table = el("table", {}, el("thead", {}, el("tr", {}, ...head)), el("tbody", {}, ...body));
    const wide = { class: "tc-wide", tabindex: 0, role: "region", "aria-label": words.paper };
    return [el("div", wide, table), el("p", { class: "tc-quiet" }, words.paper_note)];
  }

  /**
   * Plotly makes the chart some time after it was asked for: listen to it once it is there.
   * @param {Element} section
   */
  listen(section) {
    const plot = /** @type {any} */ (section.querySelector(".js-plotly-plot:not([data-listening])"));
    if (!plot?.on) return;
    plot.dataset.listening = "";
    plot.on("plotly_click", (/** @type {{points: {customdata?: number}[]}} */ { points }) => {
      const shown = plot.layout?.meta ?? {}; // until the server has drawn another one, the last chart stays
      const chart = this.charts.find(({ name }) => name === this.chosen && name === shown.name);
      if (shown.pack !== this.pack) return;
      const [point] = points;
      if (chart && point?.customdata !== undefined) this.load(chart.rows[point.customdata]);
    });
  }
}
