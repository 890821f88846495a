// What each panel shows, on a canvas whose cells are a whole number of device pixels.

// Make the canvas as large as its place allows, `space` CSS pixels; returns the device pixels of one cell.
function fit(canvas, grid, space = canvas.parentElement.clientWidth) {
  const ratio = window.devicePixelRatio || 1;
  const cell = Math.max(1, Math.floor((space * ratio) / grid));
  const side = cell * grid;
  if (canvas.width !== side) canvas.width = canvas.height = side;
  const style = `${side / ratio}px`;
  if (canvas.style.width !== style) {
    canvas.style.width = canvas.style.height = style;
    canvas.parentElement.style.setProperty("--tc-cell", `${cell / ratio}px`);
  }
  return cell;
}

const PANELS = {
  // x_t: the tokens that are there, as pictures of the step before decoded them
  input(context, look) {
    wholePicture(context, look, look.before);
    maskedCells(context, look, places(look.frame.tokens, MASK));
  },
  proposal(context, look) {
    const { frame } = look;
    if (look.proposal === "tokens") tokenCells(context, look);
    else wholePicture(context, look, frame.picture);
    if (look.proposal === "masked") hatchedCells(context, look, places(frame.tokens, MASK));
    if (look.proposal === "heat") heatCells(context, look);
    if (look.others) differingCells(context, look, look.others);
  },
  scores(context, look) {
    const values = look.asOrder ? look.frame.order : scoresOf(look.frame);
    values.forEach((value, i) => (Number.isNaN(value) ? emptyCell(context, look, i) : plainCell(context, look, i, scoreColour(value))));
  },
  decision(context, look) {
    wholePicture(context, look, look.frame.picture);
    if (look.byHand) return maskedCells(context, look, [...look.byHand]);
    if (look.layout === "chain") return maskedCells(context, look, [...look.frame.state.keys()].filter((i) => look.frame.state[i] >= MASKED)); // what goes in next
    maskedCells(context, look, places(look.frame.state, MASKED));
    frameCells(context, look, places(look.frame.state, NEW));
    revokedCells(context, look, places(look.frame.state, REVOKED));
  },
};

// look: frame, before (picture of the step before), grid, cell, colours, asOrder, proposal, layout
function drawPanel(canvas, kind, look) {
  const context = canvas.getContext("2d");
  context.imageSmoothingEnabled = false;
  context.clearRect(0, 0, canvas.width, canvas.height);
  PANELS[kind](context, look);
}

function places(values, wanted) {
  const found = [];
  values.forEach((value, i) => { if (value === wanted) found.push(i); });
  return found;
}

function corner(look, i) {
  return [(i % look.grid) * look.cell, Math.floor(i / look.grid) * look.cell];
}

function wholePicture(context, look, picture) {
  const side = look.cell * look.grid;
  if (picture) context.drawImage(picture, 0, 0, side, side);
}

function plainCell(context, look, i, colour) {
  context.fillStyle = colour;
  context.fillRect(...corner(look, i), look.cell, look.cell);
}

function emptyCell(context, look, i) {
  plainCell(context, look, i, look.colours.surface);
  const [x, y] = corner(look, i);
  const dot = Math.max(1, Math.round(look.cell / 8));
  context.fillStyle = look.colours.dot;
  context.fillRect(x + (look.cell - dot) / 2, y + (look.cell - dot) / 2, dot, dot);
}

// All marks of a kind are one path: a stroke for each would cost more than the rest of the page.
function marks(context, look, cells, colour, width, mark) {
  if (look.cell < 6) return; // too small for a mark: a thumbnail
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.beginPath();
  for (const i of cells) mark(...corner(look, i));
  context.stroke();
}

function maskedCells(context, look, cells) {
  for (const i of cells) plainCell(context, look, i, look.colours.masked);
  hatchedCells(context, look, cells);
}

function hatchedCells(context, look, cells) {
  const { cell } = look;
  marks(context, look, cells, look.colours.hatch, Math.max(1, cell / 12), (x, y) => {
    context.moveTo(x, y + cell);
    context.lineTo(x + cell, y);
  });
}

// The scores as a veil over the picture.
function heatCells(context, look) {
  const values = look.asOrder ? look.frame.order : scoresOf(look.frame);
  context.globalAlpha = 0.6;
  values.forEach((value, i) => !Number.isNaN(value) && plainCell(context, look, i, scoreColour(value)));
  context.globalAlpha = 1;
}

// A token's number, where it is large enough to be read, on a colour of its own.
function tokenCells(context, look) {
  const { cell } = look, size = Math.floor(cell * 0.38);
  context.font = `${size}px system-ui, sans-serif`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  look.frame.proposal.forEach((token, i) => {
    plainCell(context, look, i, `hsl(${(token * 137.508) % 360} 55% ${70 + (token % 5) * 5}%)`);
    if (size < 8) return;
    const [x, y] = corner(look, i);
    context.fillStyle = "#000000";
    context.fillText(token, x + cell / 2, y + cell / 2);
  });
}

function frameCells(context, look, cells) {
  const line = Math.ceil(look.cell / 8);
  marks(context, look, cells, look.colours.kept, line, (x, y) => context.rect(x + line / 2, y + line / 2, look.cell - line, look.cell - line));
}

// Where the proposal of another lane has another token.
function differingCells(context, look, others) {
  const { cell } = look, inset = Math.max(1.5, cell * 0.16);
  const cells = [...look.frame.proposal.keys()].filter((i) => others.some((other) => other[i] !== look.frame.proposal[i]));
  const box = (x, y) => context.rect(x + inset, y + inset, cell - 2 * inset, cell - 2 * inset);
  marks(context, look, cells, "#ffffff", Math.max(2.5, cell / 5), box);
  marks(context, look, cells, look.colours.differ, Math.max(1.5, cell / 10), box);
}

function revokedCells(context, look, cells) {
  const { cell } = look, inset = cell * 0.26;
  for (const i of cells) plainCell(context, look, i, look.colours.revoked);
  marks(context, look, cells, look.colours.cross, Math.max(1.5, cell / 8), (x, y) => {
    context.moveTo(x + inset, y + inset);
    context.lineTo(x + cell - inset, y + cell - inset);
    context.moveTo(x + cell - inset, y + inset);
    context.lineTo(x + inset, y + cell - inset);
  });
}
