// One drawing, large: the pen draws it in real time. Neighbours on the map are one key or click away.

import { draw } from "./line.js";
import { nearest, towards } from "./neighbours.js";

const NEAR = 7; // neighbours that are offered

export class Large {
  /**
   * @param {import("./rows.js").Rows} rows
   * @param {import("./plane.js").Plane} plane
   * @param {(name: string) => string} colour of the style sheet
   * @param {(row: number) => void} shown told which row is open, -1 for none
   */
  constructor(rows, plane, colour, shown) {
    this.rows = rows;
    this.plane = plane;
    this.colour = colour;
    this.shown = shown;
    const find = (/** @type {string} */ id) => /** @type {HTMLElement} */ (document.getElementById(id));
    this.dialog = /** @type {HTMLDialogElement} */ (find("large"));
    this.paper = /** @type {HTMLCanvasElement} */ (find("paper"));
    this.pen = /** @type {CanvasRenderingContext2D} */ (this.paper.getContext("2d"));
    [this.name, this.of, this.near, this.play] = ["name", "of", "near", "play"].map(find);
    this.row = -1;
    this.turn = 0;
    this.drawing = false;
    this.play.hidden = rows.kind === "page";
    this.play.addEventListener("click", () => (this.drawing ? this.#whole() : this.#start()));
    find("close").addEventListener("click", () => this.dialog.close());
    this.dialog.addEventListener("click", (event) => event.target === this.dialog && this.dialog.close());
    this.dialog.addEventListener("close", () => {
      this.turn++;
      this.row = -1;
      this.shown(-1);
    });
    this.dialog.addEventListener("keydown", (event) => this.#key(event));
    // While the pen draws, the next frame sees the new size by itself.
    new ResizeObserver(() => this.row >= 0 && !this.drawing && this.#whole()).observe(this.paper);
  }

  /** @param {number} row */
  open(row) {
    this.row = row;
    if (!this.dialog.open) this.dialog.showModal();
    const { ids, kind, lines } = this.rows;
    const strokes = kind === "drawing" ? lines[row].strokes.length : 0;
    const about = [this.rows.about(row), strokes === 1 ? "one line" : strokes ? `${strokes} lines` : ""].filter(Boolean).join(" · ");
    this.name.textContent = ids[row];
    this.of.textContent = about;
    this.paper.setAttribute("aria-label", `${kind} ${ids[row]}, ${about}`);
    this.#neighbours();
    this.shown(row);
    if (kind === "drawing" && !matchMedia("(prefers-reduced-motion: reduce)").matches) this.#start();
    else this.#whole();
  }

  /** Draw what is open again, in the colours that there are now. */
  recolour() {
    if (this.row < 0) return;
    this.#whole();
    this.#neighbours();
  }

  /** Width and height that the paper should have, px of the screen. */
  #wanted() {
    const ratio = Math.min(devicePixelRatio || 1, 2);
    return { ratio, width: Math.round(this.paper.clientWidth * ratio), height: Math.round(this.paper.clientHeight * ratio) };
  }

  /** Clear the paper, and say where on it the drawing is to be. */
  #fit() {
    const { ratio, width, height } = this.#wanted();
    [this.paper.width, this.paper.height] = [width, height];
    this.pen.clearRect(0, 0, width, height);
    const margin = Math.min(width, height) * 0.05;
    return {
      x: margin,
      y: margin,
      width: width - 2 * margin,
      height: height - 2 * margin,
      ink: this.colour("--ink"),
      thick: Math.max(Math.min(width, height) / 320, 1.5 * ratio),
    };
  }

  async #whole() {
    const turn = ++this.turn;
    this.#says(false);
    await this.rows.ready(this.row);
    if (turn === this.turn) this.rows.draw(this.pen, this.row, this.#fit());
  }

  /** Draw the line at one speed, stroke after stroke, each frame what the pen has drawn since the last. */
  #start() {
    const turn = ++this.turn;
    const line = this.rows.lines[this.row];
    const speed = line.length / (this.rows.tenths[this.row] * 100);
    let where = this.#fit();
    this.#says(true);
    let [begin, done] = [NaN, 0];
    const frame = (/** @type {number} */ now) => {
      if (turn !== this.turn) return;
      if (Number.isNaN(begin)) begin = now;
      const along = (now - begin) * speed;
      if (!(along < line.length)) return this.#whole();
      const { width, height } = this.#wanted();
      if (width !== this.paper.width || height !== this.paper.height) [where, done] = [this.#fit(), 0];
      draw(this.pen, line, where, done, along);
      done = along;
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  }

  /** @param {boolean} drawing */
  #says(drawing) {
    this.drawing = drawing;
    this.play.textContent = drawing ? "Show it whole" : "Draw it";
  }

  #neighbours() {
    const { x, y } = this.rows;
    const rows = nearest(x, y, this.row, NEAR, (row) => this.plane.shown[row] > 0);
    this.near.replaceChildren(...rows.map((row) => this.#neighbour(row)));
  }

  /** @param {number} row */
  #neighbour(row) {
    const button = document.createElement("button");
    button.type = "button";
    button.title = this.rows.ids[row];
    button.setAttribute("aria-label", this.rows.ids[row]);
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = 116;
    const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    const where = { x: 4, y: 4, width: 108, height: 108, ink: this.colour("--ink"), thick: 2.4 };
    this.rows.ready(row).then(() => this.rows.draw(pen, row, where));
    button.append(canvas);
    button.addEventListener("click", () => {
      this.plane.focus(row);
      this.open(row);
      this.paper.scrollIntoView({ block: "nearest" });
      /** @type {HTMLElement} */ (this.near.firstElementChild)?.focus();
    });
    return button;
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!move) return;
    event.preventDefault();
    const row = towards(this.rows.x, this.rows.y, this.row, move[0], move[1], (one) => this.plane.shown[one] > 0);
    if (row < 0) return;
    this.plane.focus(row);
    this.open(row);
  }
}
