// What the map is of: ids, places, groups, and a way to draw each row, whether it is a drawing or a page.

import { draw, frame, lineOf } from "./line.js";
import { bytesOf, drawingsOf, numbersOf } from "./unpack.js";

/** @typedef {{name: string, names: string[], of: Uint16Array}} Group */

export class Rows {
  /** @param {any} data as page.py wrote it */
  constructor(data) {
    this.kind = /** @type {"drawing" | "page"} */ (data.kind);
    this.ids = /** @type {string[]} */ (data.ids);
    this.x = Float32Array.from(numbersOf(data.x), (value) => value / 65536);
    this.y = Float32Array.from(numbersOf(data.y), (value) => value / 65536);
    /** @type {Group[]} */
    this.groups = data.groups.map((/** @type {any} */ one) => ({ ...one, of: numbersOf(one.of) }));
    this.lines = data.lines ? drawingsOf(data.lines, data.step).map(lineOf) : [];
    this.tenths = data.lines ? numbersOf(data.tenths) : new Uint16Array();
    /** @type {(ImageBitmap | undefined)[]} */
    this.pictures = [];
    this.packed = /** @type {string[]} */ (data.pictures ?? []);
  }

  get count() {
    return this.ids.length;
  }

  /** Make a page's picture ready to be drawn; a drawing is. @param {number} row */
  async ready(row) {
    if (this.kind === "drawing" || this.pictures[row]) return;
    this.pictures[row] = await createImageBitmap(new Blob([bytesOf(this.packed[row])], { type: "image/webp" }));
  }

  /** Draw a row into a rectangle. @param {CanvasRenderingContext2D} pen @param {number} row @param {{x: number, y: number, width: number, height: number, ink: string, thick: number}} where px */
  draw(pen, row, where) {
    if (this.kind === "drawing") draw(pen, this.lines[row], where);
    else if (this.pictures[row]) frame(pen, /** @type {ImageBitmap} */ (this.pictures[row]), where);
  }

  /** Names of a row's groups. @param {number} row */
  about(row) {
    return this.groups.map(({ name, names, of }) => (name === "sketchbook" ? `sketchbook ${names[of[row]]}` : names[of[row]])).join(" · ");
  }
}
