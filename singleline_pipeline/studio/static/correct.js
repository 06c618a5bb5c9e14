// A page corrected by hand: a stroke erased, a part split off, drawings merged. With a mouse, a finger, or keys.

import { get, post, requestId, TAB } from "./api.js";
import { distance, drawn, rectangle, SVG } from "./shapes.js";

const TOOLS = /** @type {const} */ ([
  ["erase", "Erase", "Tap a stroke to erase it."],
  ["split", "Split off", "Draw around the part that is to be a drawing of its own."],
  ["merge", "Merge", "Tap the drawings that are to be one."],
]);
const KEYS = {
  erase: "Arrow keys move the mark, Enter erases the stroke that is nearest to it.",
  split: "Arrow keys move the mark, space sets a corner of the outline, Enter closes it.",
  merge: "Arrow keys move the mark, space chooses the drawing under it, Enter merges.",
};
const REACH = 24; // screen px from which a stroke is meant
const STEP = 0.02; // of the page's longer side, for an arrow key; with Shift a fifth of it

/** @typedef {"erase" | "split" | "merge"} Tool */

export class Correct {
  /** @param {HTMLElement} element @param {SVGSVGElement} svg the page @param {() => void} changed told when the page is to be drawn again
   * @param {(answer: any) => void} written told what the server answered when something was corrected */
  constructor(element, svg, changed, written) {
    this.element = element;
    this.svg = svg;
    this.changed = changed;
    this.written = written;
    /** The page under all corrections; null while nobody corrects. @type {any} */
    this.state = null;
    /** @type {Tool} */
    this.tool = "erase";
    this.page = "";
    this.asked = 0;
    /** Drawings to merge, by number. @type {Set<number>} */
    this.chosen = new Set();
    /** The outline so far, x, y, ... @type {number[]} */
    this.outline = [];
    /** @type {number[] | null} */
    this.mark = null;
    this.near = -1;
    this.#build();
    this.forget();
    svg.addEventListener("pointerdown", (event) => this.#down(event));
    svg.addEventListener("pointermove", (event) => this.#moved(event));
    svg.addEventListener("pointerup", (event) => this.#up(event));
    svg.addEventListener("pointercancel", () => this.#begin([]));
  }

  /** Have nothing to correct. */
  forget() {
    this.page = "";
    this.element.hidden = true;
    this.details.open = false;
    this.#close();
  }

  /** Offer to correct a page that was traced. @param {string} page its id; empty: it was not */
  offer(page) {
    this.page = page;
    this.element.hidden = !page;
  }

  /** Draw the page as it is corrected, over its scan. */
  draw() {
    const { strokes, erased, drawings } = this.state;
    const gone = drawn(erased);
    gone.setAttribute("class", "line erased");
    const line = drawn(strokes);
    if (this.near >= 0) line.children[this.near]?.setAttribute("class", "near");
    this.svg.append(gone, line);
    drawings.forEach((/** @type {any} */ drawing, /** @type {number} */ number) =>
      this.svg.append(rectangle(drawing.box, `cut${this.chosen.has(number) ? " this" : ""}`)),
    );
    if (this.outline.length) {
      const outline = document.createElementNS(SVG, "polygon");
      outline.setAttribute("points", this.outline.join(" "));
      outline.setAttribute("class", "outline");
      this.svg.append(outline);
    }
    if (this.mark) {
      const mark = document.createElementNS(SVG, "circle");
      mark.setAttribute("cx", String(this.mark[0]));
      mark.setAttribute("cy", String(this.mark[1]));
      mark.setAttribute("r", String(7 / this.#scale()));
      mark.setAttribute("class", "mark");
      this.svg.append(mark);
    }
  }

  /** Act on a key of the page view; whether it was one of these. @param {KeyboardEvent} event */
  pressed(event) {
    if (!this.state) return false;
    if (event.key === "z") this.#takeBack("undo");
    else if (event.key === "y" || event.key === "Z") this.#takeBack("redo");
    else if (event.key === "Escape" && (this.outline.length || this.chosen.size)) this.#begin([]);
    else if (event.target === this.svg) return this.#marked(event);
    else return false;
    return true;
  }

  #build() {
    this.details = document.createElement("details");
    const summary = document.createElement("summary");
    summary.textContent = "Correct by hand";
    this.details.append(summary);
    this.details.addEventListener("toggle", () => (this.details.open ? this.#open() : this.#close()));
    const tools = document.createElement("div");
    tools.className = "tools-of-page";
    tools.setAttribute("role", "group");
    tools.setAttribute("aria-label", "What to do");
    this.tools = TOOLS.map(([tool, name]) => this.#button(tools, name, () => this.#take(tool)));
    this.about = document.createElement("p");
    this.about.className = "figures";
    this.about.setAttribute("role", "status");
    const acts = document.createElement("div");
    acts.className = "tools-of-page";
    this.merge = this.#button(acts, "Merge", () => this.#merge());
    this.undo = this.#button(acts, "Undo", () => this.#takeBack("undo"));
    this.redo = this.#button(acts, "Redo", () => this.#takeBack("redo"));
    this.details.append(tools, this.about, acts);
    this.element.append(this.details);
  }

  /** @param {HTMLElement} place @param {string} name @param {() => void} act */
  #button(place, name, act) {
    const made = document.createElement("button");
    made.textContent = name;
    made.addEventListener("click", act);
    place.append(made);
    return made;
  }

  async #open() {
    const page = this.page;
    const state = await this.#reach(get(`/api/corrections/${encodeURIComponent(page)}?tab=${TAB}`));
    if (!state || page !== this.page || !this.details.open) return;
    this.svg.setAttribute("tabindex", "0");
    this.svg.setAttribute("role", "application");
    this.svg.setAttribute("class", "correcting");
    this.#show(state);
    this.#take(this.tool);
    this.element.scrollIntoView({ block: "nearest" });
  }

  #close() {
    this.asked++;
    if (!this.state) return;
    this.state = null;
    this.mark = null;
    this.svg.removeAttribute("tabindex");
    this.svg.removeAttribute("class");
    this.svg.setAttribute("role", "img");
    this.#begin([]);
  }

  /** @param {Tool} tool */
  #take(tool) {
    this.tool = tool;
    TOOLS.forEach(([name], number) => this.tools[number].setAttribute("aria-pressed", String(name === tool)));
    this.merge.hidden = tool !== "merge";
    this.#begin([]);
    this.#tell("");
  }

  /** What is said, and after it what to do next. @param {string} said */
  #tell(said) {
    const { strokes, erased, drawings, problems } = this.state;
    const counted = `${count(strokes.length, "stroke")}, ${erased.length} erased, ${count(drawings.length, "drawing")}.`;
    const what = TOOLS.find(([tool]) => tool === this.tool)?.[2] ?? "";
    this.about.textContent = [said, counted, what, ...problems, this.state.corrections ? "The next run makes it so." : ""].filter(Boolean).join(" ");
    this.svg.setAttribute("aria-label", `${counted} ${KEYS[this.tool]}`);
  }

  /** @param {any} state what the server answered */
  #show(state) {
    this.state = state;
    this.undo.disabled = !state.undo;
    this.redo.disabled = !state.redo;
    this.#begin([]);
    this.#tell(state.said ?? "");
  }

  /** Begin an outline, or nothing. @param {number[]} outline */
  #begin(outline) {
    this.outline = outline;
    this.drawing = false;
    this.near = -1;
    this.chosen.clear();
    this.#choose();
  }

  #choose() {
    this.merge.disabled = this.chosen.size < 2;
    this.merge.textContent = this.chosen.size ? `Merge ${count(this.chosen.size, "drawing")}` : "Merge";
    this.changed();
  }

  // What was drawn

  /** @param {PointerEvent} event */
  #down(event) {
    if (!this.state || event.button) return;
    this.mark = null;
    const [x, y] = this.#place(event);
    if (this.tool === "erase") this.#erase(x, y);
    else if (this.tool === "merge") this.#toggle(x, y);
    else {
      this.svg.setPointerCapture(event.pointerId);
      this.#begin([x, y]);
      this.drawing = true;
    }
  }

  /** @param {PointerEvent} event */
  #moved(event) {
    if (!this.state) return;
    const [x, y] = this.#place(event);
    if (this.drawing) {
      const [lastX, lastY] = this.outline.slice(-2);
      if (Math.hypot(x - lastX, y - lastY) * this.#scale() < 3) return;
      this.outline.push(round(x), round(y));
      this.changed();
    } else if (this.tool === "erase" && event.pointerType === "mouse") this.#look(x, y);
  }

  /** @param {PointerEvent} event */
  #up(event) {
    if (!this.drawing) return;
    this.svg.releasePointerCapture(event.pointerId);
    this.#split();
  }

  /** Mark the stroke that is meant. @param {number} x @param {number} y */
  #look(x, y) {
    const near = this.#nearest(x, y);
    if (near === this.near) return;
    this.near = near;
    this.changed();
  }

  /** @param {number} x @param {number} y */
  #nearest(x, y) {
    let [near, least] = [-1, REACH / this.#scale()];
    this.state.strokes.forEach((/** @type {number[]} */ stroke, /** @type {number} */ number) => {
      const away = distance(stroke, x, y);
      if (away < least) [near, least] = [number, away];
    });
    return near;
  }

  /** @param {number} x @param {number} y */
  #erase(x, y) {
    const near = this.#nearest(x, y);
    if (near >= 0) this.#send("erase", pairs(this.state.strokes[near]));
    else this.#tell("There is no stroke here.");
  }

  /** Choose the smallest drawing around a point, or no longer. @param {number} x @param {number} y */
  #toggle(x, y) {
    const size = (/** @type {number[]} */ [x0, y0, x1, y1]) => (x1 - x0) * (y1 - y0);
    const around = this.state.drawings
      .map((/** @type {any} */ drawing, /** @type {number} */ number) => ({ number, box: drawing.box }))
      .filter((/** @type {any} */ { box }) => x >= box[0] && x <= box[2] && y >= box[1] && y <= box[3])
      .sort((/** @type {any} */ a, /** @type {any} */ b) => size(a.box) - size(b.box));
    if (!around.length) return this.#tell("There is no drawing here.");
    const { number } = around[0];
    if (!this.chosen.delete(number)) this.chosen.add(number);
    this.#choose();
    this.#tell(`${count(this.chosen.size, "drawing")} chosen.`);
  }

  #split() {
    const outline = this.outline;
    if (outline.length < 6) {
      this.#begin([]);
      return this.#tell("An outline needs three corners.");
    }
    this.drawing = false;
    this.#send("split", pairs(outline));
  }

  #merge() {
    if (this.chosen.size < 2) return this.#tell("Choose two drawings first.");
    this.#send("merge", [...this.chosen].map((number) => this.state.drawings[number].box.join(",")).join(" "));
  }

  // With keys

  /** @param {KeyboardEvent} event */
  #marked(event) {
    const { width, height } = this.svg.viewBox.baseVal;
    const [x, y] = this.mark ?? [width / 2, height / 2];
    const step = Math.max(width, height) * STEP * (event.shiftKey ? 0.2 : 1);
    const ways = /** @type {Record<string, number[]>} */ ({ ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] });
    const way = ways[event.key];
    if (way) {
      this.mark = [Math.min(Math.max(x + way[0], 0), width), Math.min(Math.max(y + way[1], 0), height)];
      if (this.tool === "erase") this.#follow();
      this.changed();
    } else if (event.key === "Enter") {
      if (this.tool === "erase") this.#erase(x, y);
      else if (this.tool === "split") this.#split();
      else this.#merge();
    } else if (event.key === " ") {
      if (this.tool === "split") {
        this.outline.push(round(x), round(y));
        this.changed();
        this.#tell(`${count(this.outline.length / 2, "corner")} set.`);
      } else if (this.tool === "merge") this.#toggle(x, y);
    } else return false;
    return true;
  }

  /** Say which stroke the mark is near to. */
  #follow() {
    const [x, y] = this.mark ?? [0, 0];
    const near = this.#nearest(x, y);
    if (near === this.near) return;
    this.near = near;
    if (near >= 0) this.#tell(`Near stroke ${near + 1} of ${this.state.strokes.length}.`);
  }

  // Sent

  /** @param {Tool} action @param {string} shape */
  #send(action, shape) {
    return this.#write("/api/corrections", { action, shape });
  }

  /** @param {"undo" | "redo"} what */
  #takeBack(what) {
    return this.#write("/api/corrections/undo", { what });
  }

  /** @param {string} path @param {object} body */
  async #write(path, body) {
    const number = ++this.asked;
    const state = await this.#reach(post(path, { request_id: requestId(), page_id: this.page, ...body }));
    if (state) this.written(state);
    if (number !== this.asked || !this.state) return;
    if (state) this.#show(state);
    else this.#begin([]);
  }

  /** What was asked for; where it cannot be had, say why. @param {Promise<any>} answer @returns {Promise<any>} */
  async #reach(answer) {
    return answer.catch((error) => {
      this.about.textContent = error.message;
    });
  }

  /** Where on the page, px of it. @param {PointerEvent} event @returns {number[]} */
  #place(event) {
    const place = new DOMPoint(event.clientX, event.clientY).matrixTransform(this.svg.getScreenCTM()?.inverse());
    return [round(place.x), round(place.y)];
  }

  /** Screen px a page px. */
  #scale() {
    return this.svg.getScreenCTM()?.a ?? 1;
  }
}

/** @param {number} number */
function round(number) {
  return Math.round(number * 10) / 10;
}

/** Points as SVG writes them. @param {number[]} flat x, y, ... */
function pairs(flat) {
  const points = [];
  for (let i = 0; i < flat.length; i += 2) points.push(`${flat[i]},${flat[i + 1]}`);
  return points.join(" ");
}

/** @param {number} number @param {string} what */
function count(number, what) {
  return `${number} ${what}${number === 1 ? "" : "s"}`;
}
