// Other settings for the line of a page, tried out live by the pipeline's own functions. Nothing is written.

import { get } from "./api.js";

const SLIDERS = /** @type {const} */ ([
  ["join_gap", "Ends joined up to", 15, 0, 60, 1, "units"],
  ["line_gap", "Bridges up to", 30, 0, 120, 1, "units"],
  ["overlap", "One drawing where boxes share", 0.25, 0.05, 1, 0.05, ""],
  ["epsilon", "Simplified by", 1, 0, 6, 0.25, "units"],
]);
const LATER = 80; // ms after the last movement

export class Sliders {
  /** @param {HTMLElement} element @param {() => void} changed told when there is another result */
  constructor(element, changed) {
    this.element = element;
    this.changed = changed;
    /** What the settings make of the page; null while nobody tries. @type {any} */
    this.result = null;
    this.before = false;
    this.page = "";
    this.asked = 0;
    this.timer = 0;
    /** @type {Record<string, number | string>} */
    this.values = {};
    this.#build();
    this.forget();
  }

  /** Have nothing to try. */
  forget() {
    this.page = "";
    this.result = null;
    this.asked++;
    this.element.hidden = true;
    this.details.open = false;
  }

  /** Offer to try settings on a page that was traced. @param {string} page its id; empty: there is nothing to try */
  offer(page) {
    this.page = page;
    this.element.hidden = !page;
  }

  #build() {
    this.details = document.createElement("details");
    const summary = document.createElement("summary");
    summary.textContent = "Try other settings";
    this.details.append(summary);
    this.details.addEventListener("toggle", () => {
      if (this.details.open) this.#ask(0);
      else {
        this.asked++;
        this.result = null;
        this.changed();
      }
    });
    const method = document.createElement("select");
    method.setAttribute("aria-label", "How strokes become one line");
    for (const [value, text] of [["route", "route: one line"], ["splice", "splice: into each other"]]) method.add(new Option(text, value));
    method.addEventListener("change", () => {
      this.values.method = method.value;
      this.#ask(0);
    });
    this.details.append(method);
    for (const [name, text, usual, low, high, step, unit] of SLIDERS) {
      this.values[name] = usual;
      const label = document.createElement("label");
      label.className = "slider";
      const output = document.createElement("output");
      output.textContent = `${usual} ${unit}`;
      const input = document.createElement("input");
      Object.assign(input, { type: "range", min: String(low), max: String(high), step: String(step), value: String(usual), name });
      input.addEventListener("input", () => {
        this.values[name] = Number(input.value);
        output.textContent = `${input.value} ${unit}`;
        this.#ask(LATER);
      });
      label.append(text, output, input);
      this.details.append(label);
    }
    const label = document.createElement("label");
    const before = document.createElement("input");
    before.type = "checkbox";
    before.addEventListener("change", () => {
      this.before = before.checked;
      this.changed();
    });
    label.append(before, "show the strokes before");
    this.figures = document.createElement("p");
    this.figures.className = "figures";
    this.figures.setAttribute("role", "status");
    this.details.append(label, this.figures);
    this.element.append(this.details);
  }

  /** @param {number} later ms */
  #ask(later) {
    clearTimeout(this.timer);
    const number = ++this.asked;
    this.timer = setTimeout(async () => {
      const query = new URLSearchParams(Object.entries(this.values).map(([name, value]) => [name, String(value)]));
      const found = await get(`/api/line/${encodeURIComponent(this.page)}?${query}`).catch((error) => {
        this.figures.textContent = error.message;
      });
      if (!found || number !== this.asked) return;
      this.result = found;
      const percent = (/** @type {number} */ share) => `${(share * 100).toFixed(1)} %`;
      const points = found.drawings.reduce((/** @type {number} */ sum, /** @type {any} */ one) => sum + one.points, 0);
      this.figures.textContent =
        `${found.strokes_before} strokes traced, ${found.strokes_joined} joined, ${found.strokes_after} in the end; ` +
        `${found.drawings.length} drawings of ${points} points. Line added ${percent(found.added)}, drawn twice ${percent(found.retraced)}, lost ${percent(found.lost)}.`;
      this.changed();
    }, later);
  }
}
