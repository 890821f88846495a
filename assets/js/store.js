// The one store: what is asked for, what is shown, where the playhead is, what is pinned.
// Panels read `state` and are told of changes; nothing else keeps a copy.

/** @typedef {import("./types.js").State} State */

/** @type {State} */
export const EMPTY = {
  controls: {},
  visible: {},
  choices: {},
  offered: "",
  planned: null,
  run: { id: "", going: false, begun: false, stopping: false, why: "", progress: "", told: "", counted: "", means: [] },
  shown: null,
  frames: [],
  playhead: { at: -1, playing: false, following: true, speed: 2 },
  view: {
    layout: "loop",
    proposal: "picture",
    asOrder: false,
    compares: false,
    panel: "decision",
    projecting: false,
    predicts: false,
  },
  pinned: -1,
  hand: null,
  swap: null,
  guess: null,
  message: null,
  advice: "",
  verdict: "",
  drawer: "",
  place: "compare",
  lesson: null,
  slide: null,
  rounds: 0,
};

export class Store {
  constructor(state = EMPTY) {
    this.state = state;
    /** @type {{keys: Set<string> | null, listener: (state: State) => void}[]} */
    this.listeners = [];
  }

  /**
   * Change parts of the state, and tell who listens to these parts. An equal value is no change.
   * @param {Partial<State>} changes
   */
  set(changes) {
    const before = this.state;
    const changed = /** @type {(keyof State)[]} */ (Object.keys(changes)).filter(
      (key) => !Object.is(before[key], changes[key]),
    );
    if (!changed.length) return;
    this.state = { ...before, ...changes };
    for (const { keys, listener } of [...this.listeners]) {
      if (!keys || changed.some((key) => keys.has(key))) listener(this.state);
    }
  }

  /**
   * Change fields of one part.
   * @template {"run" | "playhead" | "view"} Key
   * @param {Key} key
   * @param {Partial<State[Key]>} changes
   */
  update(key, changes) {
    const part = this.state[key];
    const names = /** @type {(keyof State[Key])[]} */ (Object.keys(changes));
    if (names.every((name) => Object.is(part[name], changes[name]))) return;
    this.set(/** @type {Partial<State>} */ ({ [key]: { ...part, ...changes } }));
  }

  /**
   * Call `listener` after each change of one of `keys`; null: of anything.
   * @param {(keyof State)[] | null} keys
   * @param {(state: State) => void} listener
   */
  on(keys, listener) {
    this.listeners.push({ keys: keys && new Set(keys), listener });
  }
}

/**
 * Whether two values of a control are the same.
 * @param {any} a
 * @param {any} b
 */
export function isEqual(a, b) {
  return JSON.stringify(a) === JSON.stringify(b);
}

/**
 * What decides a run, as text to compare.
 * @param {{pack: string, lanes: import("./types.js").LaneInfo[]}} run
 */
export function settingsOf({ pack, lanes }) {
  return JSON.stringify([pack, lanes.map((lane) => [lane.settings, lane.origin])]);
}

/**
 * Whether the controls can ask for what is shown: a single trace from a file says nothing of other lanes.
 * @param {State} state
 */
export function canBeAsked({ shown }) {
  return Boolean(shown && Object.keys(shown.ask).length);
}

/**
 * Whether the controls would run something else than what is shown.
 * @param {State} state
 */
export function isStale(state) {
  const { shown, planned } = state;
  if (!shown || !planned?.lanes.length || !canBeAsked(state)) return false;
  return settingsOf(shown) !== settingsOf(planned);
}

/**
 * Whether a lane as it is shown is what the controls would run there now.
 * @param {State} state
 * @param {number} lane
 */
export function asksForLane(state, lane) {
  const { shown, planned } = state;
  if (!shown?.lanes[lane] || !canBeAsked(state)) return false;
  const [now, then] = [planned ?? shown, shown].map(
    ({ pack, lanes }) => lanes[lane] && settingsOf({ pack, lanes: [lanes[lane]] }),
  );
  return now === then;
}
