// Small pictures of all rows, drawn once on a few large canvases while nothing else is to be done: a frame then copies
// them, however many points their lines have. The few that are shown large get one of their own.

const SHEET = 2048; // px a side
const LARGE = 360; // px a side
const MOST_LARGE = 120;
const AT_ONCE = 6; // ms of work between two frames

export class Sprites {
  /**
   * @param {import("./rows.js").Rows} rows
   * @param {(row: number) => string} ink colour of a row's line
   * @param {() => void} changed called when there is more to be seen
   */
  constructor(rows, ink, changed) {
    this.rows = rows;
    this.ink = ink;
    this.changed = changed;
    this.tile = rows.count > 4000 ? 64 : devicePixelRatio > 1 ? 128 : 96;
    this.across = Math.floor(SHEET / this.tile);
    /** @type {HTMLCanvasElement[]} */
    this.sheets = [];
    this.done = new Uint8Array(rows.count);
    /** @type {Map<number, HTMLCanvasElement>} */
    this.large = new Map();
    this.turn = 0;
  }

  /** Draw all of them, in this order. @param {ArrayLike<number>} order */
  async build(order) {
    const turn = ++this.turn;
    this.done.fill(0);
    this.large.clear();
    for (const sheet of this.sheets) sheet.width = SHEET;
    let until = performance.now() + AT_ONCE;
    for (let at = 0; at < order.length; at++) {
      const row = order[at];
      await this.rows.ready(row);
      if (turn !== this.turn) return;
      this.#draw(row);
      if (performance.now() < until && at + 1 < order.length) continue;
      this.changed();
      await new Promise((on) => setTimeout(on));
      if (turn !== this.turn) return;
      until = performance.now() + AT_ONCE;
    }
  }

  /** @param {number} row */
  #draw(row) {
    const each = this.across * this.across;
    const number = Math.floor(row / each);
    while (this.sheets.length <= number) {
      const sheet = document.createElement("canvas");
      sheet.width = SHEET;
      const left = this.rows.count - this.sheets.length * each;
      sheet.height = Math.min(Math.ceil(left / this.across), this.across) * this.tile;
      this.sheets.push(sheet);
    }
    const pen = /** @type {CanvasRenderingContext2D} */ (this.sheets[number].getContext("2d"));
    const { x, y } = this.#corner(row);
    const inset = 2;
    const side = this.tile - 2 * inset;
    this.rows.draw(pen, row, { x: x + inset, y: y + inset, width: side, height: side, ink: this.ink(row), thick: this.tile / 46 });
    this.done[row] = 1;
  }

  /** @param {number} row */
  #corner(row) {
    const at = row % (this.across * this.across);
    return { x: (at % this.across) * this.tile, y: Math.floor(at / this.across) * this.tile };
  }

  /**
   * Copy a row's picture into a square; false while it has not been drawn.
   * @param {CanvasRenderingContext2D} pen @param {number} row @param {number} left px @param {number} top px @param {number} side px
   * @param {boolean} sharp whether there is time for one of its own
   */
  copy(pen, row, left, top, side, sharp) {
    if (!this.done[row]) return false;
    const large = side > this.tile * 1.2 ? (this.large.get(row) ?? (sharp ? this.#enlarge(row) : null)) : null;
    const { x, y } = this.#corner(row);
    if (large) pen.drawImage(large, left, top, side, side);
    else pen.drawImage(this.sheets[Math.floor(row / (this.across * this.across))], x, y, this.tile, this.tile, left, top, side, side);
    return true;
  }

  /** @param {number} row */
  has(row) {
    return this.large.has(row);
  }

  /** @param {number} row */
  #enlarge(row) {
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = LARGE;
    const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    this.rows.draw(pen, row, { x: 6, y: 6, width: LARGE - 12, height: LARGE - 12, ink: this.ink(row), thick: LARGE / 80 });
    if (this.large.size >= MOST_LARGE) this.large.delete(/** @type {number} */ (this.large.keys().next().value));
    this.large.set(row, canvas);
    return canvas;
  }
}
