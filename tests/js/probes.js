// A canvas that knows its colours at two points of each cell, at the middle of its upper edge and in its middle.

export const CELL = 20; // device pixels

/** @typedef {{x: number, y: number, colour: string}} Point */
/** @typedef {(point: Point) => number} Distance */

export class ProbedContext {
  /** @param {number} grid cells on a side */
  constructor(grid) {
    this.fillStyle = this.strokeStyle = "";
    this.lineWidth = 1;
    const cells = [...Array(grid * grid).keys()];
    this.cells = cells.map((i) => [(i % grid) * CELL + CELL / 2, Math.floor(i / grid) * CELL]);
    this.points = this.cells.map(([x, y]) => ({
      edge: { x, y: y + 0.5, colour: "" },
      middle: { x, y: y + CELL / 2, colour: "" },
    }));
    /** @type {Distance[]} of a point from each line of the path */
    this.path = [];
    this.from = [0, 0];
  }

  /** @param {string} colour @param {(point: Point) => boolean} covers */
  paint(colour, covers) {
    for (const { edge, middle } of this.points)
      for (const point of [edge, middle]) if (covers(point)) point.colour = colour;
  }

  clearRect() {
    this.paint("", () => true);
  }

  /** @param {string} picture @param {number} left @param {number} top @param {number} width @param {number} height */
  drawImage(picture, left, top, width, height) {
    this.paint(picture, ({ x, y }) => x >= left && x < left + width && y >= top && y < top + height);
  }

  /** @param {number} left @param {number} top @param {number} width @param {number} height */
  fillRect(left, top, width, height) {
    this.drawImage(this.fillStyle, left, top, width, height);
  }

  beginPath() {
    this.path = [];
  }

  /** @param {number} x @param {number} y */
  moveTo(x, y) {
    this.from = [x, y];
  }

  /** @param {number} x @param {number} y */
  lineTo(x, y) {
    const [left, top] = this.from;
    const [dx, dy] = [x - left, y - top];
    this.path.push((point) => {
      const along = ((point.x - left) * dx + (point.y - top) * dy) / (dx * dx + dy * dy);
      const at = Math.min(1, Math.max(0, along));
      return Math.hypot(point.x - left - at * dx, point.y - top - at * dy);
    });
    this.from = [x, y];
  }

  /** @param {number} x @param {number} y @param {number} width @param {number} height */
  rect(x, y, width, height) {
    this.moveTo(x, y);
    this.lineTo(x + width, y);
    this.lineTo(x + width, y + height);
    this.lineTo(x, y + height);
    this.lineTo(x, y);
  }

  stroke() {
    this.paint(this.strokeStyle, (point) => this.path.some((distance) => distance(point) <= this.lineWidth / 2));
  }

  /** @param {number} i a cell */
  probe(i) {
    const { edge, middle } = this.points[i];
    return { edge: edge.colour, middle: middle.colour };
  }
}
