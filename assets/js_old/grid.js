// Places of a picture's grid: under the pointer, and one step of an arrow key away.

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

// The place of a canvas that a pointer is on, -1 beside it.
function placeUnder(canvas, event, grid) {
  const box = canvas.getBoundingClientRect();
  const [x, y] = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height].map((share) => Math.floor(share * grid));
  return Math.min(x, y) < 0 || Math.max(x, y) >= grid ? -1 : y * grid + x;
}

// The place a step away, or the same at the edge.
function placeAfter(place, step, grid) {
  const [x, y] = [place % grid, Math.floor(place / grid)].map((one, i) => Math.min(grid - 1, Math.max(0, one + step[i])));
  return y * grid + x;
}
