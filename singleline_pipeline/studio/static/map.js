// The map: points, and thumbnails as far as there is room for them, on one canvas.
//
// Points are written into the picture's memory and thumbnails cut from a few large sheets, so that a frame costs a few
// milliseconds however many thousand there are.

import { whenCalm } from "./calm.js";
import { inside } from "./lasso.js";
import { DEEPEST, levels } from "./levels.js";
import { colour, pixel, tone } from "./tones.js";

const ROOM = 44; // px that a thumbnail takes at least
const SHARP = 100; // px from which a thumbnail of its own is fetched
const MOST_SHARP = 60; // of these in a view
const CLICK = 5; // px that a pointer may move in a click
const DEEPEST_ZOOM = 2 ** DEEPEST;

/** @typedef {{open: (row: number) => void, preview: (row: number, x: number, y: number) => void, lasso: (rows: number[], add: boolean) => void}} Asked */

export class MapView {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {Asked} asked what to do about clicks, hovering, and a finished lasso
   */
  constructor(canvas, asked) {
    this.canvas = canvas;
    this.asked = asked;
    this.pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", { alpha: false }));
    /** @type {import("./shelf.js").Shelf | null} */
    this.shelf = null;
    this.x = this.y = new Float32Array();
    this.level = new Uint8Array();
    this.scale = 1;
    this.left = this.top = 0;
    this.hovered = -1;
    this.lassoing = false;
    /** @type {number[]} */
    this.line = [];
    /** @type {(ImageBitmap | null)[]} */
    this.sheets = [];
    this.sheetsOf = "";
    /** @type {Map<string, HTMLImageElement>} */
    this.sharp = new Map();
    this.ratio = 1;
    /** @type {Map<number, {x: number, y: number}>} */
    this.pointers = new Map();
    this.moved = 0;
    this.waiting = false;
    new ResizeObserver(() => this.#resize()).observe(canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.paint());
    this.#listen();
  }

  /** Show a shelf's rows; the view stays where it is if it is the same shelf. @param {import("./shelf.js").Shelf} shelf */
  show(shelf) {
    const another = this.shelf !== shelf;
    this.shelf = shelf;
    const { x, y } = shelf.data;
    const known = x.filter((/** @type {number | null} */ v) => v !== null);
    const lows = [Math.min(...known), Math.min(...y.filter((/** @type {any} */ v) => v !== null))];
    const highs = [Math.max(...known), Math.max(...y.filter((/** @type {any} */ v) => v !== null))];
    const side = Math.max(highs[0] - lows[0], highs[1] - lows[1], 1e-6) * 1.0001;
    const to = (/** @type {(number | null)[]} */ values, /** @type {number} */ axis) =>
      Float32Array.from(values, (v) => (v === null ? NaN : (v - lows[axis] + (side - highs[axis] + lows[axis]) / 2) / side));
    this.x = to(x, 0);
    this.y = to(y, 1);
    this.level = levels(this.x, this.y);
    this.#fetchSheets();
    if (another) this.all();
    this.paint();
  }

  /** Zoom so that everything is seen. */
  all() {
    const side = Math.min(this.canvas.clientWidth, this.canvas.clientHeight);
    this.scale = Math.max(side - 90, 60);
    this.left = (this.canvas.clientWidth - this.scale) / 2;
    this.top = (this.canvas.clientHeight - this.scale) / 2 + 10;
    this.paint();
  }

  /** @param {number} factor @param {number} [x] px, that stays where it is @param {number} [y] */
  zoom(factor, x = this.canvas.clientWidth / 2, y = this.canvas.clientHeight / 2) {
    const scale = Math.min(Math.max(this.scale * factor, 60), DEEPEST_ZOOM * ROOM);
    const ratio = scale / this.scale;
    this.left = x - (x - this.left) * ratio;
    this.top = y - (y - this.top) * ratio;
    this.scale = scale;
    this.paint();
  }

  /** @param {number} dx px @param {number} dy px */
  pan(dx, dy) {
    this.left += dx;
    this.top += dy;
    this.paint();
  }

  /** Bring a row into the middle, if it is on the map. @param {number} row */
  centre(row) {
    if (Number.isNaN(this.x[row])) return;
    this.left = this.canvas.clientWidth / 2 - this.x[row] * this.scale;
    this.top = this.canvas.clientHeight / 2 - this.y[row] * this.scale;
    this.paint();
  }

  /** Paint with the next frame. */
  paint() {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => {
      this.waiting = false;
      if (this.shelf?.data && this.canvas.width > 1) this.#paint();
    });
  }

  /** Level that is shown, and the size of a thumbnail, px. */
  #zoomLevel() {
    const level = Math.min(Math.max(Math.floor(Math.log2(this.scale / ROOM)), 0), DEEPEST);
    return { level, size: Math.min((this.scale / 2 ** level) * 0.92, 256) };
  }

  #paint() {
    const shelf = /** @type {import("./shelf.js").Shelf} */ (this.shelf);
    const { width, height } = this.canvas;
    const { ratio } = this;
    const { level, size } = this.#zoomLevel();
    const [sx, dx, dy] = [this.scale * ratio, this.left * ratio, this.top * ratio];
    const thumb = size * ratio;
    if (!this.frame || this.frame.width !== width || this.frame.height !== height) {
      this.frame = this.pen.createImageData(width, height);
      this.pixels = new Uint32Array(this.frame.data.buffer);
    }
    const pixels = /** @type {Uint32Array} */ (this.pixels);
    pixels.fill(pixel(colour("--paper")));
    const tones = [-1, 0, 1, 2, 3, 4].map((code) => tone(shelf.scope, code));
    const inks = tones.map(pixel);
    const off = pixel(colour("--mat"));
    const thumbs = [];
    const radius = Math.round((this.scale > 1500 ? 3 : 2) * ratio);
    const { x, y, level: from, codes } = this.#columns();
    const filtered = shelf.filter.size > 0;
    const edge = thumb / 2;
    for (let row = 0; row < x.length; row++) {
      const px = x[row] * sx + dx;
      const py = y[row] * sx + dy;
      if (!(px > -edge && px < width + edge && py > -edge && py < height + edge)) continue;
      const shown = !filtered || shelf.shows(row);
      if (shown && (from[row] <= level || shelf.selected.has(row)) && this.sheets.length) {
        thumbs.push(row, px, py);
        continue;
      }
      const ink = shown ? inks[codes.charCodeAt(row) - 48] : off;
      const [cx, cy] = [Math.round(px), Math.round(py)];
      const bottom = Math.min(cy + radius, height - 1);
      const right = Math.min(cx + radius, width - 1);
      for (let line = Math.max(cy - radius, 0); line <= bottom; line++)
        for (let at = line * width + Math.max(cx - radius, 0), end = line * width + right; at <= end; at++) pixels[at] = ink;
    }
    this.pen.putImageData(this.frame, 0, 0);
    const sharp = size > SHARP && thumbs.length / 3 < MOST_SHARP;
    for (let i = 0; i < thumbs.length; i += 3)
      if (!shelf.selected.has(thumbs[i])) this.#thumbnail(thumbs[i], thumbs[i + 1], thumbs[i + 2], thumb, tones, sharp);
    for (let i = 0; i < thumbs.length; i += 3)
      if (shelf.selected.has(thumbs[i])) this.#thumbnail(thumbs[i], thumbs[i + 1], thumbs[i + 2], thumb, tones, sharp);
    if (this.line.length) this.#drawLine();
  }

  #columns() {
    const shelf = /** @type {import("./shelf.js").Shelf} */ (this.shelf);
    return { x: this.x, y: this.y, level: this.level, codes: shelf.codes };
  }

  /** @param {number} row @param {number} px @param {number} py @param {number} side @param {string[]} tones @param {boolean} sharp */
  #thumbnail(row, px, py, side, tones, sharp) {
    const shelf = /** @type {import("./shelf.js").Shelf} */ (this.shelf);
    const { tile, across, each } = shelf.data.sheets;
    const aspect = shelf.data.aspect[row];
    const [w, h] = aspect < 1 ? [aspect, 1] : [1, 1 / aspect];
    const [left, top] = [Math.round(px - (side * w) / 2), Math.round(py - (side * h) / 2)];
    const [width, height] = [Math.round(side * w), Math.round(side * h)];
    const chosen = shelf.selected.has(row);
    const border = (chosen ? 4 : 2) * this.ratio;
    this.pen.fillStyle = chosen ? colour("--ink") : tones[shelf.code(row) + 1];
    this.pen.fillRect(left - border, top - border, width + 2 * border, height + 2 * border);
    const own = sharp ? this.#ownThumbnail(row) : null;
    if (own) {
      this.pen.drawImage(own, left, top, width, height);
    } else {
      const sheet = this.sheets[Math.floor(row / each)];
      const at = row % each;
      const [cx, cy] = [(at % across) * tile, Math.floor(at / across) * tile];
      if (sheet)
        this.pen.drawImage(sheet, cx + (tile * (1 - w)) / 2, cy + (tile * (1 - h)) / 2, tile * w, tile * h, left, top, width, height);
    }
    if (row === this.hovered) {
      this.pen.strokeStyle = colour("--focus");
      this.pen.lineWidth = 3 * this.ratio;
      this.pen.strokeRect(left - border, top - border, width + 2 * border, height + 2 * border);
    }
  }

  /** @param {number} row @returns {HTMLImageElement | null} once it is there */
  #ownThumbnail(row) {
    const shelf = /** @type {import("./shelf.js").Shelf} */ (this.shelf);
    const address = shelf.thumbnail(row);
    let image = this.sharp.get(address);
    if (!image) {
      image = new Image();
      image.onload = () => this.paint();
      image.src = address;
      if (this.sharp.size > 400) this.sharp.clear();
      this.sharp.set(address, image);
    }
    return image.complete && image.naturalWidth ? image : null;
  }

  async #fetchSheets() {
    const shelf = /** @type {import("./shelf.js").Shelf} */ (this.shelf);
    const { version, count } = shelf.data.sheets;
    const key = `/sheets/${shelf.kind}/${version}`;
    if (key === this.sheetsOf) return;
    for (const sheet of this.sheets) sheet?.close();
    this.sheetsOf = key;
    this.sheets = new Array(count).fill(null);
    await whenCalm();
    for (let number = 0; number < count; number++) {
      // Without a sheet its thumbnails stay points: the server has been ended, or the tables have just changed.
      const response = await fetch(`${key}/${number}`).catch(() => null);
      if (!response?.ok || key !== this.sheetsOf) return;
      const sheet = await createImageBitmap(await response.blob());
      if (key !== this.sheetsOf) return sheet.close();
      this.sheets[number] = sheet;
      this.paint();
    }
  }

  #drawLine() {
    this.pen.beginPath();
    for (let i = 0; i < this.line.length; i += 2)
      this.pen.lineTo((this.line[i] * this.scale + this.left) * this.ratio, (this.line[i + 1] * this.scale + this.top) * this.ratio);
    this.pen.closePath();
    this.pen.strokeStyle = colour("--accent");
    this.pen.lineWidth = 2 * this.ratio;
    this.pen.stroke();
    this.pen.globalAlpha = 0.12;
    this.pen.fillStyle = colour("--accent");
    this.pen.fill();
    this.pen.globalAlpha = 1;
  }

  #resize() {
    const { clientWidth, clientHeight } = this.canvas;
    if (!clientWidth || !clientHeight) return;
    const first = this.canvas.width <= 1 || this.canvas.width === 300;
    this.ratio = Math.min(devicePixelRatio || 1, 2);
    this.canvas.width = Math.round(clientWidth * this.ratio);
    this.canvas.height = Math.round(clientHeight * this.ratio);
    if (first) this.all();
    this.paint();
  }

  /** The row that is seen at a point, -1 for none. @param {number} px @param {number} py */
  at(px, py) {
    if (!this.shelf?.data) return -1;
    const { level, size } = this.#zoomLevel();
    let [best, nearest] = [-1, Infinity];
    for (let row = 0; row < this.x.length; row++) {
      const dx = this.x[row] * this.scale + this.left - px;
      const dy = this.y[row] * this.scale + this.top - py;
      const reach = this.level[row] <= level ? size / 2 : 6;
      if (!(Math.abs(dx) < reach && Math.abs(dy) < reach) || !this.shelf.shows(row)) continue;
      const distance = dx * dx + dy * dy;
      if (distance < nearest) [best, nearest] = [row, distance];
    }
    return best;
  }

  #listen() {
    const { canvas } = this;
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      canvas.setPointerCapture(event.pointerId);
      this.pointers.set(event.pointerId, { x: event.offsetX, y: event.offsetY });
      this.moved = 0;
      this.line = [];
      this.drawing = (this.lassoing || event.shiftKey) && this.pointers.size === 1;
    });
    canvas.addEventListener("pointermove", (event) => {
      const before = this.pointers.get(event.pointerId);
      if (!before) return this.#hover(event);
      const now = { x: event.offsetX, y: event.offsetY };
      this.moved += Math.abs(now.x - before.x) + Math.abs(now.y - before.y);
      if (this.pointers.size === 2) this.#pinch(event.pointerId, before, now);
      else if (this.drawing) {
        this.line.push((now.x - this.left) / this.scale, (now.y - this.top) / this.scale);
        this.paint();
      } else if (this.moved > CLICK) this.pan(now.x - before.x, now.y - before.y);
      this.pointers.set(event.pointerId, now);
    });
    const end = (/** @type {PointerEvent} */ event) => {
      if (!this.pointers.delete(event.pointerId) || event.type === "pointercancel") return;
      if (this.drawing && this.line.length) {
        const rows = inside(this.line, this.x, this.y).filter((row) => this.shelf?.shows(row));
        this.line = [];
        this.paint();
        this.asked.lasso(rows, event.ctrlKey || event.metaKey);
      } else if (this.moved <= CLICK) {
        const row = this.at(event.offsetX, event.offsetY);
        if (row < 0) return;
        if (event.ctrlKey || event.metaKey || this.lassoing) this.shelf?.toggle(row);
        else this.asked.open(row);
      }
    };
    canvas.addEventListener("pointerup", end);
    canvas.addEventListener("pointercancel", end);
    canvas.addEventListener("pointerleave", () => this.#setHovered(-1, 0, 0));
    canvas.addEventListener(
      "wheel",
      (event) => {
        event.preventDefault();
        this.zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0016)), event.offsetX, event.offsetY);
      },
      { passive: false },
    );
    canvas.addEventListener("keydown", (event) => {
      const move = { ArrowLeft: [70, 0], ArrowRight: [-70, 0], ArrowUp: [0, 70], ArrowDown: [0, -70] }[event.key];
      if (move) this.pan(move[0], move[1]);
      else if (event.key === "+" || event.key === "=") this.zoom(1.3);
      else if (event.key === "-") this.zoom(1 / 1.3);
      else if (event.key === "0") this.all();
      else return;
      event.preventDefault();
      event.stopPropagation();
    });
  }

  /** @param {number} id @param {{x: number, y: number}} before @param {{x: number, y: number}} now */
  #pinch(id, before, now) {
    this.drawing = false;
    this.line = [];
    const other = [...this.pointers].find(([key]) => key !== id)?.[1];
    if (!other) return;
    const apart = (/** @type {{x: number, y: number}} */ p) => Math.hypot(p.x - other.x, p.y - other.y);
    this.pan((now.x - before.x) / 2, (now.y - before.y) / 2);
    this.zoom(apart(now) / Math.max(apart(before), 1), (now.x + other.x) / 2, (now.y + other.y) / 2);
  }

  /** @param {PointerEvent} event */
  #hover(event) {
    if (event.pointerType === "touch") return;
    this.#setHovered(this.at(event.offsetX, event.offsetY), event.offsetX, event.offsetY);
  }

  /** @param {number} row @param {number} px @param {number} py */
  #setHovered(row, px, py) {
    if (row !== this.hovered) {
      this.hovered = row;
      this.paint();
    }
    this.asked.preview(row, px, py);
  }
}
