// Places of a picture's grid: under the pointer, and one step of an arrow key away.

/** @type {Record<string, [number, number]>} */
export const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/**
 * The place of a canvas that a pointer is on, -1 beside it.
 * @param {HTMLCanvasElement} canvas
 * @param {{clientX: number, clientY: number}} event
 * @param {number} grid
 */
export function placeUnder(canvas, event, grid) {
  const box = canvas.getBoundingClientRect();
  const x = Math.floor(((event.clientX - box.left) / box.width) * grid);
  const y = Math.floor(((event.clientY - box.top) / box.height) * grid);
  return Math.min(x, y) < 0 || Math.max(x, y) >= grid ? -1 : y * grid + x;
}

/**
 * The place a step away, or the same at the edge.
 * @param {number} place
 * @param {[number, number]} step
 * @param {number} grid
 */
export function placeAfter(place, step, grid) {
  const inside = (/** @type {number} */ one) => Math.min(grid - 1, Math.max(0, one));
  return inside(Math.floor(place / grid) + step[1]) * grid + inside((place % grid) + step[0]);
}
