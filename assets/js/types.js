// The shapes of what the server sends and of what the page knows. Types only: nothing here runs.

/**
 * A lane of a run, as the server describes it.
 * @typedef {object} LaneInfo
 * @property {string} name of the rule
 * @property {number} steps that the lane shows
 * @property {boolean} continues whether it takes up a finished picture
 * @property {number} passes network passes that it computes itself
 * @property {Record<string, any>} settings
 * @property {Origin | null} origin where it leaves another lane
 */

/**
 * Where the third lane leaves another one (app/request.py: Origin). {} is a lane of its own.
 * @typedef {object} Origin
 * @property {number | null} [lane]
 * @property {number | null} [step] how many steps both lanes share
 * @property {number[] | null} [masked] places that are masked in the last shared step
 * @property {number | null} [fraction] share of a finished picture that the critic masks
 * @property {number[] | null} [tokens] of the visitor's own picture
 * @property {number} [round] of the noise
 */

/**
 * The first line of a run.
 * @typedef {object} Begin
 * @property {"begin"} kind
 * @property {string} run its id
 * @property {string} pack
 * @property {Record<string, any>} ask the controls that it was started with; empty for a file that does not say them
 * @property {string} label
 * @property {number} grid tokens on a side
 * @property {boolean} critic whether the pack has one
 * @property {LaneInfo[]} lanes
 * @property {Record<string, boolean>} visible which controls do something for these lanes
 * @property {string} [recorded] the preset that it is the recording of
 * @property {number} [count] pictures of each lane, in a gallery
 */

/**
 * A step as it is sent: arrays as base64 of little-endian bytes (app/frames.py).
 * @typedef {object} SentStep
 * @property {number} lane
 * @property {number} s
 * @property {number} steps
 * @property {number} temperature
 * @property {string} tokens int32
 * @property {string} proposal int32
 * @property {string} scores float32
 * @property {string} ranked float32
 * @property {string} state uint8
 * @property {string} confidence float32
 * @property {string} top_tokens uint16
 * @property {string} top_probs uint16
 * @property {string} digest
 * @property {string} picture a data URL
 */

/**
 * A step as it is shown. A score is NaN where there is none.
 * @typedef {object} Frame
 * @property {number} s counted from 0
 * @property {number} steps
 * @property {number} temperature
 * @property {Int32Array} tokens (N,) that went in, MASK where hidden
 * @property {Int32Array} proposal (N,)
 * @property {Float32Array} scores (N,)
 * @property {Float32Array} order (N,) rank after noise, from 0 (masked first) to 1 (kept first)
 * @property {Uint8Array} state (N,) KEPT, NEW, MASKED or REVOKED
 * @property {number[]} counts (4,) tokens in each state
 * @property {boolean} scored whether any token has a score
 * @property {Float32Array} confidence (N,) the generator's probability of the proposal
 * @property {Uint16Array} topTokens (5 N,) the likeliest tokens of each place
 * @property {Uint16Array} topProbs (5 N,) their probabilities, of 65535
 * @property {string} digest
 * @property {CanvasImageSource} picture the decoded proposal
 * @property {Float32Array} [judged] (N,) the critic's scores of a last step, asked for afterwards
 */

/**
 * What the controls would run.
 * @typedef {object} Plan
 * @property {string} wrong what is wrong with them, or ""
 * @property {string} pack
 * @property {LaneInfo[]} lanes
 */

/**
 * The answer to "what would these controls run?".
 * @typedef {object} Resolved
 * @property {Record<string, any>} controls all of them, after what the change brings with it
 * @property {Record<string, boolean>} visible which of them do something
 * @property {Record<string, [string, string][]> | null} choices where the pack offers others than the page has
 * @property {Plan} plan
 */

/**
 * The run on the stage.
 * @typedef {object} Run
 * @property {string} id
 * @property {boolean} going
 * @property {boolean} begun whether its first line has come
 * @property {boolean} stopping whether the visitor pressed Stop
 * @property {string} why it ended: done, recorded, opened, stopped, late, failed; "" while it goes
 * @property {string} progress what is said while it goes
 * @property {string} told what the server says of it at its end
 * @property {string} counted how many seeds show what a recording shows
 * @property {number[]} means the critic's mean score of each lane's final picture
 */

/**
 * What one press asks for: controls by name, a recorded preset, or the text of a file.
 * @typedef {{controls: Record<string, any>} | {recorded: string} | {file: string}} RunRequest
 */

/**
 * The visitor as critic: tokens of a lane's step, chosen by hand.
 * @typedef {object} Hand
 * @property {number} lane
 * @property {Frame} frame
 * @property {ReadonlySet<number>} chosen places
 * @property {number} wanted how many have to be chosen
 * @property {boolean} free whether any number will do, as in a finished picture
 */

/**
 * How a step is shown.
 * @typedef {object} View
 * @property {"loop" | "chain"} layout
 * @property {"picture" | "masked" | "heat" | "tokens"} proposal
 * @property {boolean} asOrder scores as their order after noise
 * @property {boolean} compares frames where the lanes differ
 * @property {PanelKind} panel the one that small screens and the projector show
 * @property {boolean} projecting
 */

/** @typedef {"input" | "proposal" | "scores" | "decision"} PanelKind */

/**
 * All that the page knows.
 * @typedef {object} State
 * @property {Record<string, any>} controls as they stand, by name; `third` is the third lane's origin or null
 * @property {Record<string, boolean>} visible which controls do something
 * @property {Record<string, [string, string][]>} choices of the controls that have been offered others
 * @property {string} offered the pack whose choices these are
 * @property {Plan | null} planned
 * @property {Run} run
 * @property {Begin | null} shown
 * @property {Frame[][]} frames of each lane
 * @property {{at: number, playing: boolean, following: boolean, speed: number}} playhead
 * @property {View} view
 * @property {number} pinned a place, -1: none
 * @property {Hand | null} hand
 * @property {{text: string, wrong: boolean} | null} message until the next run or change
 * @property {string} advice what to do next, while a branch is set and has not been run
 * @property {string} verdict whether this run is the one that the address stands for
 * @property {boolean} curvesOpen
 */

/** Words of the page, by key. @typedef {Record<string, any>} Words */

export {};
