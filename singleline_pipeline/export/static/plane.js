// The map on a canvas: drawings where there is room for them, points where there is not; moved by pointer, wheel, keys.

import { towards } from "./neighbours.js";
import { middle, spacing } from "./spacing.js";
import { Sprites } from "./sprites.js";

const LEAST = 38; // px that a drawing takes
const MOST = 280; // px that it takes at most
const SHARE = 0.55; // of the window, that drawings take when all is seen and they are large enough
const OVERLAP = 0.2; // of its side that a drawing may lie over another: few fill their square
const GROWTH = 0.4; // how much of a zoom goes into larger drawings; the rest makes room for more of them
const CLICK = 6; // px that a pointer may move in a click
const DEEPEST_ZOOM = 40_000; // px that the map is wide at most
const FEW = 100; // drawings in a view that are drawn sharply
const NEW_IN_A_FRAME = 2; // large pictures that are drawn while the map moves

/** @typedef {{open: (row: number) => void, hover: (row: number, x: number, y: number) => void, focus: (row: number) => void}} Asked */

export class Plane {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {import("./rows.js").Rows} rows
   * @param {(row: number) => string} ink colour of a row
   * @param {(name: string) => string} colour of the style sheet
   * @param {Asked} asked what to do about clicks, hovering, and rows that keys have gone to
   */
  constructor(canvas, rows, ink, colour, asked) {
    this.canvas = canvas;
    this.rows = rows;
    this.ink = ink;
    this.colour = colour;
    this.asked = asked;
    this.pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", { alpha: false }));
    this.sprites = new Sprites(rows, ink, () => this.paint());
    this.shown = new Uint8Array(rows.count).fill(1);
    this.room = spacing(rows.x, rows.y, this.shown);
    this.scale = this.scaleOfAll = 1;
    this.left = this.top = 0;
    this.focused = this.hovered = -1;
    this.whole = true;
    this.ratio = 1;
    this.waiting = false;
    this.moved = 0;
    /** @type {Map<number, {x: number, y: number}>} */
    this.pointers = new Map();
    new ResizeObserver(() => this.#resize()).observe(canvas);
    this.#listen();
  }

  /** Draw all pictures in the colours that there are now. */
  redraw() {
    const order = Array.from(this.room.keys()).sort((a, b) => this.room[b] - this.room[a]);
    this.sprites.build(order);
    this.paint();
  }

  /** Show these rows; the others stay as faint points. @param {(row: number) => boolean} which @returns {number} how many */
  only(which) {
    for (let row = 0; row < this.rows.count; row++) this.shown[row] = which(row) ? 1 : 0;
    this.room = spacing(this.rows.x, this.rows.y, this.shown);
    this.paint();
    return this.shown.reduce((sum, one) => sum + one, 0);
  }

  /** Zoom so that everything is seen. */
  all() {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    // The map fills its square in one direction only: let it fill the window in the other, too.
    const [lowX, highX] = range(this.rows.x);
    const [lowY, highY] = range(this.rows.y);
    const margin = Math.min(this.#base() / 2 + 16, width / 4, height / 4);
    this.scale = Math.min((width - 2 * margin) / Math.max(highX - lowX, 0.05), (height - 2 * margin) / Math.max(highY - lowY, 0.05));
    this.scaleOfAll = this.scale;
    this.left = width / 2 - ((lowX + highX) / 2) * this.scale;
    this.top = height / 2 - ((lowY + highY) / 2) * this.scale;
    this.whole = true;
    this.paint();
  }

  /** @param {number} factor @param {number} [x] px, that stays where it is @param {number} [y] */
  zoom(factor, x = this.canvas.clientWidth / 2, y = this.canvas.clientHeight / 2) {
    const scale = Math.min(Math.max(this.scale * factor, this.scaleOfAll / 2), DEEPEST_ZOOM);
    const ratio = scale / this.scale;
    this.left = x - (x - this.left) * ratio;
    this.top = y - (y - this.top) * ratio;
    this.scale = scale;
    this.whole = false;
    this.paint();
  }

  /** @param {number} dx px @param {number} dy px */
  pan(dx, dy) {
    this.left += dx;
    this.top += dy;
    this.whole = false;
    this.paint();
  }

  /** Go to a row: mark it, and bring it into view. @param {number} row */
  focus(row) {
    this.focused = row;
    const { clientWidth: width, clientHeight: height } = this.canvas;
    const [x, y] = [this.rows.x[row] * this.scale + this.left, this.rows.y[row] * this.scale + this.top];
    const margin = Math.min(90, width / 4, height / 4);
    const into = (/** @type {number} */ at, /** @type {number} */ size) => Math.max(margin - at, 0) + Math.min(size - margin - at, 0);
    this.pan(into(x, width), into(y, height));
  }

  /** Paint with the next frame. */
  paint() {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => {
      this.waiting = false;
      if (this.canvas.width > 1) this.#paint();
    });
  }

  /** Side of a drawing when all is seen, px. */
  #base() {
    const area = this.canvas.clientWidth * this.canvas.clientHeight;
    return Math.min(Math.max(SHARE * Math.sqrt(area / this.rows.count), LEAST), MOST);
  }

  /** Side of a drawing, px. */
  #size() {
    return Math.min(this.#base() * Math.max(this.scale / this.scaleOfAll, 1) ** GROWTH, MOST);
  }

  #paint() {
    const { pen, ratio, rows } = this;
    const { width, height } = this.canvas;
    const size = this.#size();
    const paper = this.colour("--paper");
    pen.fillStyle = paper;
    pen.fillRect(0, 0, width, height);
    const [scale, dx, dy] = [this.scale * ratio, this.left * ratio, this.top * ratio];
    const side = Math.round(size * ratio);
    const dot = Math.round(3 * ratio);
    const pictures = [];
    const off = this.colour("--off");
    for (let row = 0; row < rows.count; row++) {
      const x = rows.x[row] * scale + dx;
      const y = rows.y[row] * scale + dy;
      if (x < -side || y < -side || x > width + side || y > height + side) continue;
      if ((this.room[row] * this.scale >= (1 - OVERLAP) * size || row === this.focused) && this.sprites.done[row]) {
        pictures.push(row, x, y);
        continue;
      }
      pen.fillStyle = this.shown[row] ? this.ink(row) : off;
      pen.fillRect(Math.round(x - dot / 2), Math.round(y - dot / 2), dot, dot);
    }
    let fresh = 0;
    let more = false;
    const few = pictures.length < 3 * FEW;
    const put = (/** @type {number} */ row, /** @type {number} */ x, /** @type {number} */ y) => {
      const [left, top] = [Math.round(x - side / 2), Math.round(y - side / 2)];
      // Points below it would look like a part of it; at the edges there may be another drawing.
      const inset = Math.round((OVERLAP / 2) * side);
      pen.fillStyle = paper;
      pen.fillRect(left + inset, top + inset, side - 2 * inset, side - 2 * inset);
      const sharp = few && (this.sprites.has(row) || fresh < NEW_IN_A_FRAME);
      if (sharp && !this.sprites.has(row)) fresh++;
      else if (few && !sharp) more = true;
      this.sprites.copy(pen, row, left, top, side, sharp);
      if (row !== this.focused && row !== this.hovered) return;
      pen.strokeStyle = this.colour(row === this.focused ? "--focus" : "--faint");
      pen.lineWidth = (row === this.focused ? 3 : 1.5) * ratio;
      pen.strokeRect(left, top, side, side);
    };
    let last = -1;
    for (let i = 0; i < pictures.length; i += 3)
      if (pictures[i] === this.focused) last = i;
      else put(pictures[i], pictures[i + 1], pictures[i + 2]);
    if (last >= 0) put(pictures[last], pictures[last + 1], pictures[last + 2]);
    if (more && side > this.sprites.tile * 1.2) this.paint();
  }

  #resize() {
    const { clientWidth, clientHeight } = this.canvas;
    if (!clientWidth || !clientHeight) return;
    this.ratio = Math.min(devicePixelRatio || 1, 2);
    this.canvas.width = Math.round(clientWidth * this.ratio);
    this.canvas.height = Math.round(clientHeight * this.ratio);
    if (this.whole) this.all();
    this.paint();
  }

  /** The row that is seen at a point, -1 for none. @param {number} px @param {number} py */
  at(px, py) {
    const size = this.#size();
    let [best, nearest] = [-1, Infinity];
    for (let row = 0; row < this.rows.count; row++) {
      if (!this.shown[row]) continue;
      const dx = this.rows.x[row] * this.scale + this.left - px;
      const dy = this.rows.y[row] * this.scale + this.top - py;
      const reach = this.room[row] * this.scale >= (1 - OVERLAP) * size ? size / 2 : 7;
      if (Math.abs(dx) > reach || Math.abs(dy) > reach) continue;
      const distance = dx * dx + dy * dy;
      if (distance < nearest) [best, nearest] = [row, distance];
    }
    return best;
  }

  #listen() {
    const { canvas, pointers } = this;
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      canvas.setPointerCapture(event.pointerId);
      if (!pointers.size) this.moved = 0;
      pointers.set(event.pointerId, { x: event.offsetX, y: event.offsetY });
      this.#hover(-1, 0, 0);
    });
    canvas.addEventListener("pointermove", (event) => {
      const [before, now] = [pointers.get(event.pointerId), { x: event.offsetX, y: event.offsetY }];
      if (!before) {
        if (event.pointerType === "mouse") this.#hover(this.at(now.x, now.y), now.x, now.y);
        return;
      }
      this.moved += Math.abs(now.x - before.x) + Math.abs(now.y - before.y);
      const other = [...pointers].find(([id]) => id !== event.pointerId)?.[1];
      if (other) this.#pinch(other, before, now);
      else if (this.moved > CLICK) this.pan(now.x - before.x, now.y - before.y);
      pointers.set(event.pointerId, now);
    });
    canvas.addEventListener("pointerup", (event) => {
      if (!pointers.delete(event.pointerId) || pointers.size || this.moved > CLICK) return;
      const row = this.at(event.offsetX, event.offsetY);
      if (row >= 0) this.asked.open(row);
    });
    canvas.addEventListener("pointercancel", (event) => pointers.delete(event.pointerId));
    canvas.addEventListener("pointerleave", () => this.#hover(-1, 0, 0));
    canvas.addEventListener(
      "wheel",
      (event) => {
        event.preventDefault();
        // A pinch on a touchpad comes as a wheel with Ctrl held, in small steps.
        const speed = event.deltaMode ? 0.05 : event.ctrlKey ? 0.01 : 0.0016;
        this.zoom(Math.exp(-event.deltaY * speed), event.offsetX, event.offsetY);
        this.#hover(-1, 0, 0);
      },
      { passive: false },
    );
    canvas.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
      if (move && event.shiftKey) this.pan(-80 * move[0], -80 * move[1]);
      else if (move) this.#step(move[0], move[1]);
      else if (event.key === "+" || event.key === "=") this.zoom(1.3);
      else if (event.key === "-") this.zoom(1 / 1.3);
      else if (event.key === "0") this.all();
      else if ((event.key === "Enter" || event.key === " ") && this.focused >= 0) this.asked.open(this.focused);
      else return;
      event.preventDefault();
    });
  }

  /** Go to the neighbour in a direction, or first to what is nearest to the middle. @param {number} dx @param {number} dy */
  #step(dx, dy) {
    const known = this.focused >= 0 && this.shown[this.focused];
    const row = known ? towards(this.rows.x, this.rows.y, this.focused, dx, dy, (one) => this.shown[one] > 0) : middle(this.rows.x, this.rows.y, this.shown, ...this.#centre());
    if (row < 0) return;
    this.focus(row);
    this.asked.focus(row);
  }

  /** The place on the map that is in the middle of the window. @returns {[number, number]} */
  #centre() {
    return [(this.canvas.clientWidth / 2 - this.left) / this.scale, (this.canvas.clientHeight / 2 - this.top) / this.scale];
  }

  /** @param {{x: number, y: number}} other @param {{x: number, y: number}} before @param {{x: number, y: number}} now */
  #pinch(other, before, now) {
    const apart = (/** @type {{x: number, y: number}} */ one) => Math.max(Math.hypot(one.x - other.x, one.y - other.y), 1);
    this.zoom(apart(now) / apart(before), (now.x + other.x) / 2, (now.y + other.y) / 2);
    this.pan((now.x - before.x) / 2, (now.y - before.y) / 2);
  }

  /** @param {number} row @param {number} x px @param {number} y px */
  #hover(row, x, y) {
    if (row !== this.hovered) {
      this.canvas.classList.toggle("over", row >= 0);
      this.hovered = row;
      this.paint();
    }
    this.asked.hover(row, x, y);
  }
}

/** @param {Float32Array} values @returns {[number, number]} */
function range(values) {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) [low, high] = [Math.min(low, value), Math.max(high, value)];
  return [low, high];
}
