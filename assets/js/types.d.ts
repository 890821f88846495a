// The shapes of what the server sends and of what the page knows. Types only: nothing here is sent to a browser.

/** A lane of a run, as the server describes it. */
export interface LaneInfo {
  name: string; // of the rule
  steps: number; // that the lane shows
  continues: boolean; // whether it takes up a finished picture
  passes: number; // network passes that it computes itself
  settings: Record<string, any>;
  origin: Origin | null; // where it leaves another lane
}

/** Where the third lane leaves another one (app/request.py: Branch). {} is a lane of its own. */
export interface Origin {
  lane?: number | null;
  step?: number | null; // how many steps both lanes share
  masked?: number[] | null; // positions that are masked in the last shared step
  fraction?: number | null; // share of a finished picture that the critic masks
  tokens?: number[] | null; // of the visitor's own picture
  round?: number; // of the noise
}

/** The first line of a run. */
export interface Begin {
  kind: "begin";
  run: string; // its id
  pack: string;
  ask: Record<string, any>; // the controls that it was started with; empty for a file that does not say them
  label: string;
  grid: number; // tokens on a side
  critic: boolean; // whether the pack has one
  lanes: LaneInfo[];
  visible: Record<string, boolean>; // which controls do something for these lanes
  recorded?: string; // the preset that it is the recording of
  count?: number; // pictures of each lane, in a gallery
}

/** A step as it is sent: arrays as base64 of little-endian bytes (app/frames.py). */
export interface SentStep {
  lane: number;
  s: number;
  steps: number;
  temperature: number;
  tokens: string; // int32
  proposal: string; // int32
  scores: string; // float32
  ranked: string; // float32
  state: string; // uint8
  confidence: string; // float32
  top_tokens: string; // uint16
  top_probs: string; // uint16
  digest: string;
  picture: string; // a data URL
}

/** A step as it is shown. A score is NaN where there is none. */
export interface Frame {
  s: number; // counted from 0
  steps: number;
  temperature: number;
  tokens: Int32Array; // (N,) that went in, MASK where hidden
  proposal: Int32Array; // (N,)
  scores: Float32Array; // (N,)
  order: Float32Array; // (N,) rank after noise, from 0 (masked first) to 1 (kept first)
  state: Uint8Array; // (N,) KEPT, NEW, MASKED or REVOKED
  counts: number[]; // (4,) tokens in each state
  scored: boolean; // whether any token has a score
  confidence: Float32Array; // (N,) the generator's probability of the proposal
  topTokens: Uint16Array; // (5 N,) the likeliest tokens of each position
  topProbs: Uint16Array; // (5 N,) their probabilities, of 65535
  digest: string;
  picture: CanvasImageSource; // the decoded proposal
  judged?: Float32Array; // (N,) the critic's scores of a last step, asked for afterwards
  swapped?: { place: number; places: number[] }; // changed by hand: where last, and where the run has another token
}

/** What the controls would run. */
export interface Plan {
  wrong: string; // what is wrong with them, or ""
  pack: string;
  lanes: LaneInfo[];
}

/** The answer to "what would these controls run?". */
export interface Resolved {
  controls: Record<string, any>; // all of them, after what the change brings with it
  visible: Record<string, boolean>; // which of them do something
  choices: Record<string, [string, string, string?][]> | null; // where the pack offers others than the page has
  plan: Plan;
}

/** The run on the stage. */
export interface Run {
  id: string;
  going: boolean;
  begun: boolean; // whether its first line has come
  stopping: boolean; // whether the visitor pressed Stop
  why: string; // it ended: done, recorded, opened, stopped, late, failed; "" while it goes
  progress: string; // what is said while it goes
  told: string; // what the server says of it at its end
  counted: string; // how many seeds show what a recording shows
  means: number[]; // the critic's mean score of each lane's final picture
}

/** What one press asks for: controls by name, a recorded preset, or the text of a file. */
export type RunRequest = { controls: Record<string, any> } | { recorded: string } | { file: string };

/** The visitor as critic: tokens of a lane's step, chosen by hand. */
export interface Hand {
  lane: number;
  frame: Frame;
  chosen: ReadonlySet<number>; // positions
  wanted: number; // how many have to be chosen
  free: boolean; // whether any number will do, as in a finished picture
}

/** The visitor swaps tokens of a lane's finished picture by hand. */
export interface Swap {
  lane: number;
  frame: Frame; // as the run left it
  changed: Frame[]; // after each swap; the last one is shown
}

/** What a slide shows of a lesson's page. */
export type SlidePart = "text" | "formula" | "action" | "question" | "answer" | "end";

/** Of the lesson that is open, while the projector shows it. */
export interface Slide {
  lesson: Lesson;
  at: number; // its page
  part: SlidePart;
}

/** What the audience takes for revoked in the step that is shown, whose decision is hidden until `shown`. */
export interface Guess {
  run: string;
  at: number; // of the playhead
  shown: boolean;
  marks: ReadonlySet<number>[]; // of each lane
}

export type PanelKind = "input" | "proposal" | "scores" | "decision";

/** What the drawer beside the lanes can show. */
export type DrawerTab = "curves" | "token" | "view" | "share";

/** How a step is shown. */
export interface View {
  layout: "loop" | "chain";
  proposal: "picture" | "masked" | "heat" | "tokens";
  asOrder: boolean; // scores as their order after noise
  compares: boolean; // frames where the lanes differ
  panel: PanelKind; // the one that small screens and the projector show
  projecting: boolean;
  predicts: boolean; // a step hides its decision until it is asked for
}

/** All that the page knows. */
export interface State {
  controls: Record<string, any>; // as they stand, by name; `third` is the third lane's origin or null
  visible: Record<string, boolean>; // which controls do something
  choices: Record<string, [string, string, string?][]>; // of the controls that have been offered others
  offered: string; // the pack whose choices these are
  planned: Plan | null;
  run: Run;
  shown: Begin | null;
  frames: Frame[][]; // of each lane
  playhead: { at: number; playing: boolean; following: boolean; speed: number };
  view: View;
  pinned: number; // a position, -1: none
  hand: Hand | null;
  swap: Swap | null;
  guess: Guess | null; // while the audience predicts
  message: { text: string; wrong: boolean } | null; // until the next run or change
  advice: string; // what to do next, while a branch is set and has not been run
  verdict: string; // whether this run is the one that the address stands for
  drawer: DrawerTab | ""; // what is open beside the lanes
  place: string; // the view that is shown
  lesson: string | null; // that drives the page
  slide: Slide | null; // of it, in the projector
  rounds: number; // of Spot the fakes that were played
}

/** A lesson, as the server has checked it (assets/lessons/README.md). */
export interface Lesson {
  number: number;
  title: string;
  goal: string;
  recorded: string; // the recording that its pages show where they name no other one
  pages: LessonPage[];
}

export interface LessonAnswer {
  text: string;
  why: string;
  right?: boolean;
}

export interface LessonPage {
  title: string;
  text: string;
  show?: {
    recorded?: string;
    step?: number; // rows, columns and steps are counted from 1
    lane?: "left" | "right" | "third";
    panel?: PanelKind;
    pinned?: [number, number]; // row, column
    view?: Partial<View>;
    place?: string;
    play?: boolean;
  };
  action?: {
    do: string;
    done?: {
      ran?: boolean;
      third?: boolean;
      played?: boolean;
      pinned?: boolean;
      step?: number;
      marked?: number;
      swapped?: number;
      controls?: Record<string, any>;
      view?: Partial<View>;
    };
  };
  formulas?: string[];
  question: { ask: string; answers: LessonAnswer[] };
}

/** Words of the page, by key. */
export type Words = Record<string, any>;

declare global {
  interface Window {
    tokenCritic: object; // the page's one global: main.js says what it holds
  }
}
