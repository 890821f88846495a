// Frames as they come from the server: in order, none twice, lost ones fetched; and what became of a press of Run.

class Inbox {
  // to: the stage, which begins, takes steps, finishes, plans
  constructor(server, to) {
    this.server = server;
    this.to = to;
    this.run = { id: "", next: 0, going: false, why: "" };
    this.pressed = { begun: true, stopping: false }; // what has become of the last press of Run
    this.live = false; // Run was pressed, and no preset chosen since
    this.past = new Set(); // runs that another one has followed
    this.queue = Promise.resolve();
  }

  // One after another, in order, whatever their pictures take to decode.
  take(value) {
    if (!value || !value.kind) return;
    this.queue = this.queue.then(() => this.accept(value)).catch((error) => console.error(error));
  }

  async accept(value) {
    if (value.kind === "plan") return this.to.plan(value);
    if (value.recorded && this.live) this.past.add(value.run); // the visitor was quicker than the recording
    if (this.past.has(value.run)) return;
    const expected = value.run === this.run.id ? this.run.next : 0;
    if (value.n < expected) return;
    // two updates in one turn of the browser reach us as one: ask for what fell between
    const missed = value.n > expected ? await this.server.missed(value.run, expected) : [value];
    for (const frame of missed) await this.apply(frame);
  }

  async apply(frame) {
    if (frame.kind === "begin") this.begin(frame);
    if (frame.steps) await this.to.arrive(frame.steps, frame.at);
    if (frame.kind === "end") this.finish(frame.why, frame.scores, frame.told);
    this.run.next = frame.n + 1;
  }

  begin(frame) {
    if (this.run.id && this.run.id !== frame.run) this.past.add(this.run.id);
    this.run = { id: frame.run, next: 0, going: true, why: "" };
    this.pressed.begun = true;
    this.to.begin(frame);
  }

  finish(why, scores = [], told = "") {
    this.run.why = why;
    this.to.finish(scores, told);
  }

  // The visitor pressed Run.
  press() {
    this.pressed = { begun: false, stopping: false };
    this.live = true;
  }

  // The visitor chose a recorded run.
  chosen() {
    this.live = false;
  }

  // The event on the server is over, whether it ended well, was stopped, or was refused before it began.
  over() {
    this.queue = this.queue.then(async () => {
      if (!this.run.going) return;
      if (!this.pressed.begun) return this.to.refused();
      const missed = await this.server.missed(this.run.id, this.run.next).catch(() => []);
      for (const frame of missed) await this.apply(frame);
      if (this.run.going) this.finish(this.pressed.stopping ? "stopped" : "failed");
    }).catch((error) => console.error(error));
    return this.queue;
  }
}
