// Where the visitor is in a run. Lanes of unequal length stand at the same share of their steps.

class Player {
  constructor(changed) {
    this.changed = changed;
    this.speed = 2; // steps a second
    this.reset([]);
  }

  // lengths: the steps of each lane; byStep: all stand at the same step, since one goes on where another ended
  reset(lengths, byStep = false) {
    this.pause();
    this.lengths = lengths;
    this.byStep = byStep;
    this.arrived = lengths.map(() => 0);
    this.at = -1;
    this.open = true; // more steps may come
    this.following = true; // the newest step, until the visitor takes the playhead
  }

  get length() {
    return Math.max(0, ...this.lengths);
  }

  // The furthest place of the playhead: while steps still come, where all lanes are, so that they show the same step.
  get newest() {
    const together = this.open && this.arrived.every((count) => count > 0);
    const reached = this.lengths.map((steps, lane) => {
      if (this.byStep) return this.arrived[lane] === steps ? this.length - 1 : this.arrived[lane] - 1;
      return Math.ceil((this.arrived[lane] * this.length) / steps) - 1;
    });
    return reached.length ? Math[together ? "min" : "max"](...reached) : -1;
  }

  // The step of a lane at the playhead, -1 before its first.
  step(lane) {
    const steps = this.lengths[lane];
    const reached = this.byStep ? this.at + 1 : Math.ceil(((this.at + 1) * steps) / this.length);
    return Math.min(this.arrived[lane], reached) - 1;
  }

  // The place of the playhead at which a lane stands at step s.
  placeOf(lane, s) {
    return this.byStep ? s : Math.floor((s * this.length) / this.lengths[lane]);
  }

  arrive(lane, count) {
    this.arrived[lane] = count;
    if (this.following) this.at = this.newest;
    this.changed();
  }

  // No more steps will come.
  finish() {
    this.open = false;
    if (this.following) this.at = this.newest;
    this.changed();
  }

  go(at) {
    this.following = false;
    this.at = Math.max(0, Math.min(at, this.newest));
    this.changed();
  }

  // The visitor's hand stops the playing.
  take(at) {
    this.pause();
    this.go(at);
  }

  play() {
    if (this.newest < 0) return;
    if (this.at >= this.newest) this.go(0);
    this.following = false;
    this.timer = setTimeout(() => this.tick(), 1000 / this.speed);
    this.changed();
  }

  tick() {
    if (this.at >= (this.open ? this.length - 1 : this.newest)) {
      this.timer = null;
      return this.changed();
    }
    this.timer = setTimeout(() => this.tick(), 1000 / this.speed);
    this.go(this.at + 1);
  }

  pause() {
    clearTimeout(this.timer);
    this.timer = null;
  }

  get playing() {
    return Boolean(this.timer);
  }

  toggle() {
    if (this.playing) {
      this.pause();
      this.changed();
    } else this.play();
  }
}
