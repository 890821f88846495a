// What each panel shows, on a canvas whose cells are a whole number of device pixels.

// Make the canvas as large as its place allows; returns the device pixels of one cell.
function fit(canvas, grid) {
  const ratio = window.devicePixelRatio || 1;
  const space = canvas.parentElement.clientWidth;
  const cell = Math.max(1, Math.floor((space * ratio) / grid));
  const side = cell * grid;
  if (canvas.width !== side) canvas.width = canvas.height = side;
  canvas.style.width = canvas.style.height = `${side / ratio}px`;
  return cell;
}

const PANELS = {
  // x_t: the tokens that are there, as pictures of the step before decoded them
  input(context, look) {
    look.frame.tokens.forEach((token, i) => (token === MASK ? maskedCell(context, look, i) : pictureCell(context, look, i, look.before)));
  },
  proposal(context, look) {
    const side = look.cell * look.grid;
    context.drawImage(look.frame.picture, 0, 0, side, side);
  },
  scores(context, look) {
    const values = look.asOrder ? look.frame.order : look.frame.scores;
    values.forEach((value, i) => (Number.isNaN(value) ? emptyCell(context, look, i) : plainCell(context, look, i, scoreColour(value))));
  },
  decision(context, look) {
    look.frame.state.forEach((state, i) => {
      if (state === MASKED) maskedCell(context, look, i);
      else if (state === REVOKED) revokedCell(context, look, i);
      else {
        pictureCell(context, look, i, look.frame.picture);
        if (state === NEW) frameCell(context, look, i);
      }
    });
  },
};

// look: frame, before (picture of the step before), grid, cell, colours, asOrder
function drawPanel(canvas, kind, look) {
  const context = canvas.getContext("2d");
  context.imageSmoothingEnabled = false;
  context.clearRect(0, 0, canvas.width, canvas.height);
  PANELS[kind](context, look);
}

function corner(look, i) {
  return [(i % look.grid) * look.cell, Math.floor(i / look.grid) * look.cell];
}

function plainCell(context, look, i, colour) {
  const [x, y] = corner(look, i);
  context.fillStyle = colour;
  context.fillRect(x, y, look.cell, look.cell);
}

function pictureCell(context, look, i, picture) {
  if (!picture) return maskedCell(context, look, i);
  const [x, y] = corner(look, i);
  const part = picture.naturalWidth / look.grid;
  context.drawImage(picture, (i % look.grid) * part, Math.floor(i / look.grid) * part, part, part, x, y, look.cell, look.cell);
}

function maskedCell(context, look, i) {
  plainCell(context, look, i, look.colours.masked);
  if (look.cell < 6) return; // too small for a hatch: a thumbnail
  const [x, y] = corner(look, i);
  context.strokeStyle = look.colours.hatch;
  context.lineWidth = Math.max(1, look.cell / 12);
  context.beginPath();
  context.moveTo(x, y + look.cell);
  context.lineTo(x + look.cell, y);
  context.stroke();
}

function emptyCell(context, look, i) {
  plainCell(context, look, i, look.colours.surface);
  const [x, y] = corner(look, i);
  const dot = Math.max(1, Math.round(look.cell / 8));
  context.fillStyle = look.colours.dot;
  context.fillRect(x + (look.cell - dot) / 2, y + (look.cell - dot) / 2, dot, dot);
}

function frameCell(context, look, i) {
  if (look.cell < 6) return;
  const [x, y] = corner(look, i);
  const line = Math.max(1, Math.round(look.cell / 8));
  context.strokeStyle = look.colours.kept;
  context.lineWidth = line;
  context.strokeRect(x + line / 2, y + line / 2, look.cell - line, look.cell - line);
}

function revokedCell(context, look, i) {
  plainCell(context, look, i, look.colours.revoked);
  if (look.cell < 6) return;
  const [x, y] = corner(look, i);
  const inset = look.cell * 0.26;
  context.strokeStyle = look.colours.cross;
  context.lineWidth = Math.max(1.5, look.cell / 8);
  context.beginPath();
  context.moveTo(x + inset, y + inset);
  context.lineTo(x + look.cell - inset, y + look.cell - inset);
  context.moveTo(x + look.cell - inset, y + inset);
  context.lineTo(x + inset, y + look.cell - inset);
  context.stroke();
}
