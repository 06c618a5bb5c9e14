// One page as large as the screen allows, with the line on it and the drawings cut from it.

import { get } from "./api.js";
import { Choices } from "./bar.js";
import { Correct } from "./correct.js";
import { Private } from "./private.js";
import { drawn, rectangle, SVG } from "./shapes.js";
import { Sliders } from "./sliders.js";

/**
 * @typedef {import("./shelf.js").Shelf} Shelf
 * @typedef {{label: (shelf: Shelf, scope: string, ids: string[], label: string) => Promise<boolean>, similar: (row: number) => void, settled: (answer: any) => void, gone: (said: string[]) => void}} Asked
 */

export class PageView {
  /** @param {HTMLDialogElement} dialog @param {{pages: Shelf, drawings: Shelf}} shelves @param {Asked} asked */
  constructor(dialog, shelves, asked) {
    this.dialog = dialog;
    this.shelves = shelves;
    this.asked = asked;
    /** @type {Shelf} */
    this.shelf = shelves.pages;
    this.row = -1;
    /** @type {number[]} */
    this.rows = [];
    /** @type {any} */
    this.lines = null;
    this.layers = { line: true, traced: false, cuts: true, ignored: false, picture: true };
    this.#build();
    dialog.addEventListener("keydown", (event) => this.#pressed(event));
  }

  get isOpen() {
    return this.dialog.open;
  }

  /** @param {Shelf} shelf @param {number} row @param {number[]} rows those before and after it */
  show(shelf, row, rows) {
    this.shelf = shelf;
    this.rows = rows;
    this.choices.show(shelf);
    if (!this.dialog.open) this.dialog.showModal();
    this.#turnTo(row);
  }

  close() {
    this.dialog.close();
  }

  /** Show again what was decided meanwhile. */
  update() {
    const { data } = this.shelf;
    if (!data || this.row >= data.ids.length) return this.dialog.close();
    this.title.textContent = data.ids[this.row];
    const cluster = data.cluster[this.row];
    const named = cluster < 0 ? "" : `, cluster ${cluster} (${this.shelf.named(cluster)[0]})`;
    this.about.textContent = `${this.shelf.called(this.row)}, ${this.shelf.decidedBy(this.row)}${named}`;
    const label = this.shelf.label(this.row);
    this.choices.ask({ scope: this.shelf.scope, ids: [data.ids[this.row]], what: "", is: data.labels.includes(label) ? label : "" });
    this.#showCuts();
    this.#draw();
  }

  /** The row of the page that is seen. */
  get page() {
    return this.shelf.scope === "page" ? this.row : this.shelf.data.page[this.row];
  }

  /** @param {number} row */
  async #turnTo(row) {
    this.row = row;
    this.lines = null;
    this.sliders.forget();
    this.correct.forget();
    this.private.offer("");
    this.update();
    await Promise.all([this.shelves.pages.ready, this.shelves.drawings.ready]);
    if (this.row !== row) return;
    this.update();
    const page = this.page;
    const { data } = this.shelves.pages;
    if (page < 0 || !data) return;
    this.private.offer(data.ids[page]);
    const lines = await get(`/api/page/${encodeURIComponent(data.ids[page])}`).catch((error) => {
      this.about.textContent = error.message;
    });
    if (!lines || this.row !== row) return;
    this.lines = lines;
    this.sliders.offer(lines.traced.length ? data.ids[page] : "");
    this.correct.offer(lines.traced.length ? data.ids[page] : "");
    this.layerBox.hidden = !lines.traced.length;
    this.#draw();
  }

  #build() {
    const element = (/** @type {string} */ tag, className = "", text = "") => {
      const made = document.createElement(tag);
      if (className) made.className = className;
      if (text) made.textContent = text;
      return made;
    };
    const head = element("div", "page-head");
    this.title = element("h2");
    this.title.id = "page-title";
    this.about = element("span", "about");
    this.about.setAttribute("role", "status");
    const press = (/** @type {string} */ name, /** @type {() => void} */ act, label = name) => {
      const made = element("button", "", name);
      made.setAttribute("aria-label", label);
      made.addEventListener("click", act);
      return made;
    };
    const like = press("More like this", () => {
      this.dialog.close();
      this.asked.similar(this.row);
    });
    head.append(this.title, this.about, press("←", () => this.#step(-1), "The one before"), press("→", () => this.#step(1), "The next one"), like, press("Close", () => this.dialog.close()));
    const body = element("div", "page-body");
    const view = element("div", "page-view");
    this.svg = document.createElementNS(SVG, "svg");
    this.svg.setAttribute("role", "img");
    view.append(this.svg);
    const side = element("div", "page-side");
    const buttons = element("div", "choices");
    buttons.setAttribute("role", "group");
    buttons.setAttribute("aria-label", "Labels");
    const effect = element("p", "effect");
    this.choices = new Choices(buttons, effect, (label) => this.#label(label));
    const choosing = element("div");
    choosing.append(buttons, effect);
    this.layerBox = /** @type {HTMLFieldSetElement} */ (element("fieldset"));
    this.layerBox.append(element("legend", "", "Show"));
    for (const [name, text] of [["picture", "the scan"], ["line", "the line"], ["traced", "strokes as traced"], ["cuts", "drawings cut from it"], ["ignored", "what was left out"]]) {
      const label = element("label");
      const box = /** @type {HTMLInputElement} */ (element("input"));
      box.type = "checkbox";
      box.checked = this.layers[/** @type {keyof typeof this.layers} */ (name)];
      box.addEventListener("change", () => {
        this.layers[/** @type {keyof typeof this.layers} */ (name)] = box.checked;
        this.#draw();
      });
      label.append(box, text);
      this.layerBox.append(label);
    }
    this.cuts = element("div", "cuts");
    const sliders = element("div");
    this.sliders = new Sliders(sliders, () => this.#draw(), (answer) => this.asked.settled(answer));
    const correct = element("div");
    this.correct = new Correct(correct, this.svg, () => this.#draw(), (answer) => this.asked.settled(answer));
    // One at a time: opening one closes the other.
    this.sliders.details.name = this.correct.details.name = "try";
    const hidden = element("div");
    this.private = new Private(hidden, (said) => this.asked.gone(said));
    side.append(choosing, this.cuts, this.layerBox, correct, sliders, hidden);
    body.append(view, side);
    this.dialog.append(head, body);
  }

  #draw() {
    const page = this.page;
    const pages = this.shelves.pages.data;
    this.svg.replaceChildren();
    if (page < 0 || !pages) return;
    const [width, height] = this.lines ? [this.lines.width, this.lines.height] : [pages.aspect[page] * 1000, 1000];
    this.svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    const { state } = this.correct;
    if (!state) this.svg.setAttribute("aria-label", `The page ${this.shelves.pages.describe(page)}`);
    const trial = this.sliders.result;
    const lines = trial ? null : this.lines;
    const shown = this.layers.line || this.layers.traced || trial || state;
    this.svg.append(rectangle([0, 0, width, height], "paper", "#fff"));
    if (this.layers.picture) {
      const image = document.createElementNS(SVG, "image");
      image.setAttribute("href", `/pictures/${encodeURIComponent(pages.ids[page])}/${pages.thumbs[page]}`);
      image.setAttribute("width", String(width));
      image.setAttribute("height", String(height));
      if (shown && (trial || this.lines?.traced.length)) image.setAttribute("class", "faded");
      this.svg.append(image);
    }
    if (state) return this.correct.draw();
    if (trial) {
      if (this.sliders.before) this.svg.append(drawn(trial.before));
      else {
        let first = 0;
        for (const drawing of trial.drawings) {
          this.svg.append(drawn(drawing.strokes, first));
          first += drawing.strokes.length;
          if (this.layers.cuts) this.svg.append(rectangle(drawing.box, "cut"));
        }
      }
    }
    if (lines && this.layers.line && !this.layers.traced) this.svg.append(drawn(lines.line));
    if (lines && this.layers.traced) this.svg.append(drawn(lines.traced));
    if (lines && this.layers.ignored) for (const { box } of lines.ignored) this.svg.append(rectangle(box, "ignored"));
    if (lines && this.layers.cuts)
      for (const { id, box } of lines.drawings) {
        const row = this.shelves.drawings.rowOf.get(id) ?? -1;
        const out = row >= 0 && this.shelves.drawings.code(row) === 1 ? " out" : "";
        const own = this.shelf.scope === "drawing" && row === this.row ? " this" : "";
        this.svg.append(rectangle(box, `cut${out}${own}`));
      }
  }

  /** Rows of the drawings on the page that is seen. */
  #drawings() {
    const { data } = this.shelves.drawings;
    const page = this.page;
    /** @type {number[]} */
    const rows = [];
    if (data && page >= 0) data.page.forEach((/** @type {number} */ of, /** @type {number} */ row) => of === page && rows.push(row));
    return rows;
  }

  #showCuts() {
    const { drawings } = this.shelves;
    const focused = /** @type {HTMLElement | null} */ (document.activeElement)?.dataset?.cut;
    this.cuts.replaceChildren(
      ...this.#drawings().map((row) => {
        const line = document.createElement("div");
        line.className = "cut-row";
        const image = document.createElement("img");
        image.src = drawings.thumbnail(row);
        image.alt = "";
        const text = document.createElement("span");
        text.textContent = `${drawings.data.ids[row]}: ${drawings.code(row) === 1 ? "excluded" : "included"}, ${drawings.decidedBy(row)}`;
        const other = drawings.code(row) === 1 ? "include" : "exclude";
        const button = document.createElement("button");
        button.textContent = other;
        button.dataset.cut = String(row);
        button.setAttribute("aria-label", `${other} ${drawings.data.ids[row]}`);
        button.addEventListener("click", () => this.asked.label(drawings, "drawing", [drawings.data.ids[row]], other));
        line.append(image, text, button);
        return line;
      }),
    );
    if (focused) /** @type {HTMLElement | null} */ (this.cuts.querySelector(`[data-cut="${focused}"]`))?.focus();
  }

  /** @param {string} label */
  async #label(label) {
    await this.asked.label(this.shelf, this.shelf.scope, [this.shelf.data.ids[this.row]], label);
  }

  /** @param {number} places */
  #step(places) {
    const next = this.rows[this.rows.indexOf(this.row) + places];
    if (next !== undefined) this.#turnTo(next);
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    const within = /** @type {HTMLElement} */ (event.target);
    if (event.ctrlKey || event.metaKey || event.altKey || within.matches("input[type=range]")) return;
    if (this.correct.pressed(event)) return event.preventDefault();
    if (event.key === "ArrowRight") this.#step(1);
    else if (event.key === "ArrowLeft") this.#step(-1);
    else if (!/^[1-7]$/.test(event.key) || !this.choices.press(event.key)) return;
    event.preventDefault();
  }
}
