// Marks of single cells on a canvas whose cells are a whole number of device pixels.

/**
 * What every drawing needs to know.
 * @typedef {object} Look
 * @property {number} grid cells on a side
 * @property {number} cell device pixels of a cell
 * @property {import("./colours.js").Colours} colours
 * @property {number} [grown] the share that the marks of a decision have grown, from 0 to 1
 */
/** @typedef {CanvasRenderingContext2D} Context */
/** @typedef {Iterable<number>} Cells */

// Device pixels of a cell from which there is room for a mark: thumbnails have none, and a small cross is a blot. What
// is revoked is then filled alone, what is new is a frame: they differ by more than the colour.
const SMALLEST_LINE = 4;
const SMALLEST_CROSS = 8;

/**
 * Make the canvas as large as its place allows; returns the device pixels of one cell.
 * @param {HTMLCanvasElement} canvas
 * @param {number} grid
 * @param {number} [space] CSS pixels
 */
export function fit(canvas, grid, space = canvas.parentElement?.clientWidth ?? 0) {
  const ratio = devicePixelRatio || 1;
  const cell = Math.max(1, Math.floor((space * ratio) / grid));
  const side = cell * grid;
  if (canvas.width !== side) canvas.width = canvas.height = side;
  const style = `${side / ratio}px`;
  if (canvas.style.width !== style) {
    canvas.style.width = canvas.style.height = style;
    canvas.parentElement?.style.setProperty("--tc-cell", `${cell / ratio}px`);
    canvas.parentElement?.style.setProperty("--tc-board", style);
  }
  return cell;
}

/**
 * The context of a canvas whose pictures keep their pixels.
 * @param {HTMLCanvasElement} canvas
 */
export function contextOf(canvas) {
  const context = /** @type {Context} */ (canvas.getContext("2d"));
  context.imageSmoothingEnabled = false;
  return context;
}

/**
 * The places whose value is the wanted one.
 * @param {ArrayLike<number>} values
 * @param {number} wanted
 */
export function placesOf(values, wanted) {
  const found = [];
  for (let i = 0; i < values.length; i += 1) if (values[i] === wanted) found.push(i);
  return found;
}

/** @param {Look} look @param {number} i @returns {[number, number]} */
export function corner(look, i) {
  return [(i % look.grid) * look.cell, Math.floor(i / look.grid) * look.cell];
}

/** @param {Context} context @param {Look} look @param {CanvasImageSource | null | undefined} picture */
export function wholePicture(context, look, picture) {
  const side = look.cell * look.grid;
  if (picture) context.drawImage(picture, 0, 0, side, side);
}

/** @param {Context} context @param {Look} look @param {number} i @param {string} colour */
export function plainCell(context, look, i, colour) {
  const [x, y] = corner(look, i);
  context.fillStyle = colour;
  context.fillRect(x, y, look.cell, look.cell);
}

/** @param {Context} context @param {Look} look @param {number} i */
export function emptyCell(context, look, i) {
  plainCell(context, look, i, look.colours.empty);
  const [x, y] = corner(look, i);
  const dot = Math.max(1, Math.round(look.cell / 8));
  context.fillStyle = look.colours.dot;
  context.fillRect(x + (look.cell - dot) / 2, y + (look.cell - dot) / 2, dot, dot);
}

/**
 * All marks of a kind are one path: a stroke for each would cost more than the rest of the page.
 * @param {Context} context
 * @param {Look} look
 * @param {Cells} cells
 * @param {string} colour
 * @param {number} width
 * @param {(x: number, y: number) => void} mark
 * @param {number} [smallest] cell that has room for it
 */
function strokeMarks(context, look, cells, colour, width, mark, smallest = SMALLEST_LINE) {
  if (look.cell < smallest) return;
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.beginPath();
  for (const i of cells) mark(...corner(look, i));
  context.stroke();
}

/** @param {Context} context @param {Look} look @param {Cells} cells */
export function hatchedCells(context, look, cells) {
  const { cell } = look;
  strokeMarks(context, look, cells, look.colours.hatch, Math.max(1, cell / 12), (x, y) => {
    context.moveTo(x, y + cell);
    context.lineTo(x + cell, y);
  });
}

/** @param {Context} context @param {Look} look @param {number[]} cells */
export function maskedCells(context, look, cells) {
  for (const i of cells) plainCell(context, look, i, look.colours.masked);
  hatchedCells(context, look, cells);
}

/** @param {Context} context @param {Look} look @param {Cells} cells */
export function framedCells(context, look, cells) {
  const line = Math.ceil(look.cell / 8);
  const side = (look.cell - line) * (look.grown ?? 1);
  const inset = (look.cell - side) / 2;
  strokeMarks(context, look, cells, look.colours.new, line, (x, y) => context.rect(x + inset, y + inset, side, side));
}

/** @param {Context} context @param {Look} look @param {number[]} cells */
export function revokedCells(context, look, cells) {
  const { cell } = look;
  const inset = cell * 0.26;
  context.globalAlpha = look.grown ?? 1;
  for (const i of cells) plainCell(context, look, i, look.colours.revoked);
  const cross = (/** @type {number} */ x, /** @type {number} */ y) => {
    context.moveTo(x + inset, y + inset);
    context.lineTo(x + cell - inset, y + cell - inset);
    context.moveTo(x + cell - inset, y + inset);
    context.lineTo(x + inset, y + cell - inset);
  };
  strokeMarks(context, look, cells, look.colours.cross, Math.max(1.5, cell / 8), cross, SMALLEST_CROSS);
  context.globalAlpha = 1;
}

/**
 * Where another token stands: in the proposal of another lane, or in the run itself. Seen on any picture.
 * @param {Context} context
 * @param {Look} look
 * @param {Cells} cells
 * @param {string} [colour]
 */
export function differingCells(context, look, cells, colour = look.colours.differ) {
  const { cell } = look;
  const inset = Math.max(1.5, cell * 0.16);
  const box = (/** @type {number} */ x, /** @type {number} */ y) =>
    context.rect(x + inset, y + inset, cell - 2 * inset, cell - 2 * inset);
  strokeMarks(context, look, cells, "#ffffff", Math.max(2.5, cell / 5), box);
  strokeMarks(context, look, cells, colour, Math.max(1.5, cell / 10), box);
}

/**
 * Frames that are seen on any picture: of that colour, with a dark edge and a light one, as the pinned mark has.
 * @param {Context} context
 * @param {Look} look
 * @param {Cells} cells
 * @param {string} colour
 * @param {"plain" | "crossed" | "dashed"} [style]
 */
export function edgedCells(context, look, cells, colour, style = "plain") {
  const { cell } = look;
  const edge = Math.max(1, Math.round(cell / 24));
  const line = Math.max(2, Math.round(cell / 8));
  const frame = (/** @type {number} */ inset) => (/** @type {number} */ x, /** @type {number} */ y) => {
    context.rect(x + inset, y + inset, cell - 2 * inset, cell - 2 * inset);
    if (style !== "crossed") return;
    context.moveTo(x + cell * 0.2, y + cell * 0.2);
    context.lineTo(x + cell * 0.8, y + cell * 0.8);
  };
  const middle = edge + line / 2;
  strokeMarks(context, look, cells, "#ffffff", line + 2 * edge, frame(middle));
  strokeMarks(context, look, cells, "#101820", edge, frame(edge / 2));
  if (style === "dashed") context.setLineDash([cell / 4, cell / 8]);
  strokeMarks(context, look, cells, colour, line, frame(middle));
  context.setLineDash([]);
}

/**
 * A frame of that colour, with a line across where `crossed`.
 * @param {Context} context
 * @param {Look} look
 * @param {Cells} cells
 * @param {string} colour
 * @param {boolean} [crossed]
 */
export function outlinedCells(context, look, cells, colour, crossed = false) {
  const line = Math.max(1.5, look.cell / 8);
  const inset = look.cell * 0.2;
  strokeMarks(context, look, cells, colour, line, (x, y) => {
    context.rect(x + line / 2, y + line / 2, look.cell - line, look.cell - line);
    if (!crossed) return;
    context.moveTo(x + inset, y + inset);
    context.lineTo(x + look.cell - inset, y + look.cell - inset);
  });
}
