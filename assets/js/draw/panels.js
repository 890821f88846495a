// What each of the four panels shows of a step.

import {
  contextOf,
  corner,
  differingCells,
  emptyCell,
  framedCells,
  hatchedCells,
  maskedCells,
  placesOf,
  plainCell,
  revokedCells,
  wholePicture,
} from "./cells.js";
import { scoreColour } from "./colours.js";
import { MASK, MASKED, NEW, REVOKED, scoresOf } from "./frame.js";

/** @typedef {import("../types.js").Frame} Frame */
/** @typedef {import("./cells.js").Context} Context */

/**
 * @typedef {import("./cells.js").Look & {
 *   frame: Frame,
 *   before: CanvasImageSource | null,
 *   asOrder: boolean,
 *   proposal: import("../types.js").View["proposal"],
 *   layout: import("../types.js").View["layout"],
 *   others: Int32Array[] | null,
 *   byHand: ReadonlySet<number> | null,
 *   guessed: ReadonlySet<number> | null,
 * }} PanelLook
 * `before`: the picture of the step before; `others`: the proposals of other lanes to compare with;
 * `byHand`: places that the visitor masks; `guessed`: those taken for revoked, while the decision is hidden
 */

const BY_HAND = "#101820"; // within white
export const KINDS = /** @type {const} */ (["input", "proposal", "scores", "decision"]);

/**
 * The places of each mark that the decision shows: what the tests of both languages hold against each other.
 * @param {Frame} frame
 * @param {"loop" | "chain"} layout
 */
export function decisionMarks(frame, layout) {
  if (layout === "chain") {
    const hidden = [...frame.state.keys()].filter((i) => frame.state[i] >= MASKED); // what goes in next
    return { masked: hidden, new: [], revoked: [] };
  }
  return {
    masked: placesOf(frame.state, MASKED),
    new: placesOf(frame.state, NEW),
    revoked: placesOf(frame.state, REVOKED),
  };
}

/** @type {Record<import("../types.js").PanelKind, (context: Context, look: PanelLook) => void>} */
const PANELS = {
  input(context, look) {
    wholePicture(context, look, look.before);
    maskedCells(context, look, placesOf(look.frame.tokens, MASK));
  },
  proposal(context, look) {
    const { frame } = look;
    if (look.proposal === "tokens") tokenCells(context, look);
    else wholePicture(context, look, frame.picture);
    if (look.proposal === "masked") hatchedCells(context, look, placesOf(frame.tokens, MASK));
    if (look.proposal === "heat") scoreVeil(context, look);
    swappedCells(context, look);
    if (look.others) differingCells(context, look, differingPlaces(frame.proposal, look.others));
  },
  scores(context, look) {
    valuesOf(look).forEach((value, i) => {
      if (Number.isNaN(value)) emptyCell(context, look, i);
      else plainCell(context, look, i, scoreColour(value));
    });
  },
  decision(context, look) {
    if (look.guessed) {
      PANELS.input(context, look);
      return revokedCells(context, look, [...look.guessed]);
    }
    wholePicture(context, look, look.frame.picture);
    if (look.byHand) return maskedCells(context, look, [...look.byHand]);
    const marks = decisionMarks(look.frame, look.layout);
    maskedCells(context, look, marks.masked);
    framedCells(context, look, marks.new);
    revokedCells(context, look, marks.revoked);
    swappedCells(context, look);
  },
};

/**
 * @param {HTMLCanvasElement} canvas
 * @param {import("../types.js").PanelKind} kind
 * @param {PanelLook} look
 */
export function drawPanel(canvas, kind, look) {
  const context = contextOf(canvas);
  context.clearRect(0, 0, canvas.width, canvas.height);
  PANELS[kind](context, look);
}

/** @param {Int32Array} mine @param {Int32Array[]} others */
function differingPlaces(mine, others) {
  return [...mine.keys()].filter((i) => others.some((other) => other[i] !== mine[i]));
}

/** @param {PanelLook} look */
function valuesOf(look) {
  return look.asOrder ? look.frame.order : scoresOf(look.frame);
}

/** Where the visitor has put another code. @param {Context} context @param {PanelLook} look */
function swappedCells(context, look) {
  const { swapped } = look.frame;
  if (swapped) differingCells(context, look, swapped.places, BY_HAND);
}

/** The scores as a veil over the picture. @param {Context} context @param {PanelLook} look */
function scoreVeil(context, look) {
  context.globalAlpha = 0.6;
  valuesOf(look).forEach((value, i) => {
    if (!Number.isNaN(value)) plainCell(context, look, i, scoreColour(value));
  });
  context.globalAlpha = 1;
}

/**
 * A token's number, where it is large enough to be read, on a colour of its own.
 * @param {Context} context
 * @param {PanelLook} look
 */
function tokenCells(context, look) {
  const { cell } = look;
  const size = Math.floor(cell * 0.38);
  context.font = `${size}px system-ui, sans-serif`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  look.frame.proposal.forEach((token, i) => {
    plainCell(context, look, i, `hsl(${(token * 137.508) % 360} 55% ${70 + (token % 5) * 5}%)`);
    if (size < 8) return;
    const [x, y] = corner(look, i);
    context.fillStyle = "#000000";
    context.fillText(String(token), x + cell / 2, y + cell / 2);
  });
}
