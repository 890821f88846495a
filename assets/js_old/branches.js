// The third lane: added, branched off another one at the step shown, or branched off with tokens masked by hand.

const REFINED = 60; // percent of a finished picture that are masked (Token-Critic, 4.2)

class Branches {
  constructor(words, stage) {
    this.words = words.branches;
    this.stage = stage;
    this.advice = ""; // what to do next, while a branch is set and has not been run
    this.rounds = 0; // of fresh noise that were drawn: each press of what masks anew draws another
    this.runs = false; // run as soon as the server knows the branch
    this.hand = new Hand(this.words, {
      done: (origin) => this.set(origin, true),
      changed: () => stage.changed(),
    });
    this.add = this.button("add", () => this.set({}));
    this.rows = [];
    this.judges = []; // the buttons that ask for the last step's scores
  }

  button(name, press) {
    return el("button", { type: "button", class: "tc-action", "data-name": name, onclick: press, title: this.words[`${name}_help`] }, this.words[name]);
  }

  // The buttons under a lane, others while its picture is finished; the hand's take their place while it is at work.
  actions(lane) {
    const { stage } = this;
    const node = el("div", { class: "tc-actions" });
    const third = [this.button("remove", () => this.set(null))];
    const judge = this.judges[lane] = this.button("judge", () => stage.judge(lane));
    const after = (more) => ({ lane, step: this.frame(lane).s + 1, ...more });
    const share = el("input", { type: "number", class: "tc-share-masked", min: 1, max: 99, value: REFINED, "aria-label": this.words.fraction });
    const refine = () => share.reportValidity() && this.set(after({ fraction: share.valueAsNumber / 100 }), true);
    this.rows[lane] = lane === 2 ? { node, midway: third, finished: [judge, ...third] } : {
      node,
      midway: [this.button("branch", () => this.set(after({ masked: null }))), this.button("by_hand", () => this.takeOver(lane))],
      finished: [judge, this.button("refine", refine), el("span", { class: "tc-percent" }, share, "%"), this.button("repaint", () => this.takeOver(lane))],
    };
    return node;
  }

  frame(lane) {
    return this.stage.lanes[lane].frames[this.stage.steps?.[lane]];
  }

  takeOver(lane) {
    this.stage.player.take(this.stage.player.at);
    this.stage.cells.unpin();
    this.stage.show("decision");
    this.hand.start(lane, this.frame(lane));
  }

  set(origin, runs = false) {
    if (runs && document.activeElement?.matches(".tc-actions :focus-visible")) document.getElementById("tc-run").focus({ preventScroll: true }); // whence it goes to Stop
    this.hand.stop();
    this.runs = runs;
    if (origin?.masked || origin?.fraction) origin = { ...origin, round: this.rounds = Math.max(this.rounds, window.tokenCriticThird.value?.round ?? 0) + 1 };
    this.advice = origin?.step && !origin.tokens && !runs ? fill(this.words.advice, origin) : "";
    if (this.advice) this.stage.tell(this.advice);
    window.tokenCriticThird.set(origin);
  }

  // The visitor pressed Run.
  pressed() {
    this.hand.stop();
    this.runs = false;
    this.advice = "";
  }

  // The server has said what would run now.
  planned(plan) {
    const runs = this.runs && plan.lanes[2];
    if (plan.lanes[2] || plan.wrong) this.runs = false;
    if (runs) this.stage.go();
  }

  chosen(lane) {
    return this.hand.active && this.hand.lane === lane ? this.hand.chosen : null;
  }

  show(steps) {
    const { stage, hand } = this;
    if (hand.active && (this.frame(hand.lane) !== hand.frame || !stage.asksFor(hand.lane))) hand.stop(); // the playhead went on
    this.rows.forEach(({ node, midway, finished }, lane) => {
      const frame = stage.lanes[lane].frames[steps[lane]];
      const works = hand.active && hand.lane === lane;
      this.judges[lane].hidden = !stage.shown?.critic || !["done", "opened"].includes(stage.run.why);
      const buttons = works ? [hand.node] : frame && frame.s === frame.steps - 1 ? finished : midway;
      if (node.firstChild !== buttons[0]) {
        const held = node.contains(document.activeElement);
        node.replaceChildren(...buttons);
        if (held) (works ? stage.lanes[lane].panels : node.querySelector("button:not([hidden])")).focus({ preventScroll: true });
      }
      if (lane < 2 && !works) this.allow(lane, Boolean(frame) && !stage.run.going);
    });
    stage.lanesNode.classList.toggle("has-hand", hand.active);
    this.add.disabled = stage.run.going;
    this.add.hidden = Boolean(window.tokenCriticThird?.value);
  }

  // What starts from a lane's picture draws that lane again: only where the controls still ask for it.
  allow(lane, shown) {
    const stale = shown && !this.stage.asksFor(lane);
    for (const button of this.rows[lane].node.querySelectorAll("button")) {
      const asks = button !== this.judges[lane];
      const disabled = !shown || (asks && stale);
      const title = asks && stale ? this.words[this.stage.asks ? "stale" : "unasked"] : this.words[`${button.dataset.name}_help`];
      if (button.disabled !== disabled) button.disabled = disabled; // at each step of a run: what stays is not written again
      if (button.title !== title) button.title = title;
    }
  }

  // How a choice by hand compares with the rule's, and what the critic says of the pictures.
  verdict() {
    const { stage } = this, { origin, continues } = stage.lanes[2].meta || {};
    const scores = stage.scores.length ? { mine: digits(stage.scores.at(-1)), theirs: digits(origin?.tokens ? mean(stage.lanes[2].frames[0].scores) : stage.scores[origin?.lane ?? 0]) } : null;
    if (continues) return scores ? fill(this.words.refined, scores) : "";
    if (!origin?.masked) return "";
    const theirs = stage.lanes[origin.lane].frames[origin.step - 1].state;
    const both = origin.masked.filter((place) => theirs[place] >= MASKED).length;
    const said = fill(this.words.overlap, { both, wanted: origin.masked.length, name: stage.lanes[origin.lane].meta.name, step: origin.step });
    return scores ? said + fill(this.words.judged, scores) : said;
  }
}
