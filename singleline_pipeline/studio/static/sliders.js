// Other settings for the line of a page, tried out live by the pipeline's own functions, and written to settings.toml
// when somebody says so.

import { get, post } from "./api.js";

const SLIDERS = /** @type {const} */ ([
  ["join_gap", "Ends joined up to", 0, 60, 1, "units"],
  ["line_gap", "Bridges up to", 0, 120, 1, "units"],
  ["overlap", "One drawing where boxes share", 0.05, 1, 0.05, ""],
  ["epsilon", "Simplified by", 0, 6, 0.25, "units"],
]);
const WAYS = [["route", "route: one line"], ["splice", "splice: into each other"]];
const GAPS = { route: 30, splice: 40 }; // bridges up to, where nobody says another
const ACTIONS = /** @type {const} */ ([
  ["page", "Use for this page"],
  ["as everywhere", "As everywhere"],
  ["everywhere", "Use everywhere"],
  ["built in", "Back to built-in"],
]);
const LATER = 80; // ms after the last movement

export class Sliders {
  /**
   * @param {HTMLElement} element @param {() => void} changed told when there is another result
   * @param {(answer: any) => void} written told what the server answered when settings were written
   */
  constructor(element, changed, written) {
    this.element = element;
    this.changed = changed;
    this.written = written;
    /** What the settings make of the page; null while nobody tries. @type {any} */
    this.result = null;
    this.before = false;
    this.page = "";
    this.asked = 0;
    this.timer = 0;
    /** @type {Record<string, number | string>} */
    this.values = {};
    /** @type {Map<string, {input: HTMLInputElement, output: HTMLElement, unit: string}>} */
    this.sliders = new Map();
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
      if (this.details.open) this.#begin();
      else {
        this.asked++;
        this.result = null;
        this.changed();
      }
    });
    this.method = document.createElement("select");
    this.method.setAttribute("aria-label", "How strokes become one line");
    for (const [value, text] of WAYS) this.method.add(new Option(text, value));
    this.method.addEventListener("change", () => {
      const method = /** @type {"route" | "splice"} */ (this.method.value);
      this.#set({ ...this.values, method, line_gap: GAPS[method] });
      this.#ask(0);
    });
    this.details.append(this.method);
    for (const [name, text, low, high, step, unit] of SLIDERS) {
      const label = document.createElement("label");
      label.className = "slider";
      const output = document.createElement("output");
      const input = document.createElement("input");
      Object.assign(input, { type: "range", min: String(low), max: String(high), step: String(step), name });
      input.addEventListener("input", () => {
        this.#set({ ...this.values, [name]: Number(input.value) });
        this.#ask(LATER);
      });
      this.sliders.set(name, { input, output, unit });
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
    this.details.append(label, this.figures, this.#actions());
    this.element.append(this.details);
  }

  #actions() {
    const actions = document.createElement("div");
    actions.className = "keep";
    actions.setAttribute("role", "group");
    actions.setAttribute("aria-label", "Keep these settings");
    for (const pair of [ACTIONS.slice(0, 2), ACTIONS.slice(2)]) {
      const effects = [];
      for (const [action, text] of pair) {
        const button = document.createElement("button");
        button.dataset.action = action;
        button.textContent = text;
        button.disabled = true;
        button.addEventListener("click", () => this.#write(action));
        const effect = document.createElement("p");
        effect.id = `keeps-${action.replace(" ", "-")}`;
        button.setAttribute("aria-describedby", effect.id);
        effects.push(effect);
        actions.append(button);
      }
      actions.append(...effects);
    }
    this.actions = actions;
    return actions;
  }

  /** Put the sliders where the page's settings are, and try those. */
  async #begin() {
    const page = this.page;
    const said = await this.#reach(get(`/api/settings/${encodeURIComponent(page)}`));
    if (!said || page !== this.page) return;
    this.#set(said.values);
    this.#ask(0);
  }

  /** @param {Record<string, number | string>} values */
  #set(values) {
    this.values = values;
    this.method.value = String(values.method);
    for (const [name, { input, output, unit }] of this.sliders) {
      input.max = String(Math.max(Number(input.max), Number(values[name])));
      input.value = String(values[name]);
      output.textContent = `${values[name]} ${unit}`;
    }
  }

  /** @param {number} later ms */
  #ask(later) {
    clearTimeout(this.timer);
    const number = ++this.asked;
    this.timer = setTimeout(async () => {
      const page = encodeURIComponent(this.page);
      const query = new URLSearchParams(Object.entries(this.values).map(([name, value]) => [name, String(value)]));
      const body = { page_id: this.page, values: this.values };
      const [found, effects] = await Promise.all([
        this.#reach(get(`/api/line/${page}?${query}`)),
        this.#reach(post("/api/settings/effects", body)),
      ]);
      if (number !== this.asked) return;
      if (effects) this.#tell(effects);
      if (!found) return;
      this.result = found;
      const percent = (/** @type {number} */ share) => `${(share * 100).toFixed(1)} %`;
      const points = found.drawings.reduce((/** @type {number} */ sum, /** @type {any} */ one) => sum + one.points, 0);
      this.figures.textContent =
        `${found.strokes_before} strokes traced, ${found.strokes_joined} joined, ${found.strokes_after} in the end; ` +
        `${found.drawings.length} drawings of ${points} points. Line added ${percent(found.added)}, drawn twice ${percent(found.retraced)}, lost ${percent(found.lost)}.`;
      this.changed();
    }, later);
  }

  /** What each button would do, before it is pressed. @param {Record<string, {changes: boolean, sentence: string}>} effects */
  #tell(effects) {
    for (const button of this.actions.querySelectorAll("button")) {
      const effect = effects[button.dataset.action ?? ""];
      button.disabled = !effect.changes;
      const told = /** @type {HTMLElement} */ (document.getElementById(button.getAttribute("aria-describedby") ?? ""));
      told.hidden = !effect.changes;
      told.textContent = `${button.textContent}: ${effect.sentence}`;
    }
  }

  /** @param {string} action */
  async #write(action) {
    const answer = await this.#reach(post("/api/settings", { action, page_id: this.page, values: this.values }));
    if (!answer) return;
    this.#set(answer.settings.values);
    this.#ask(0);
    this.written(answer);
  }

  /** What was asked for; where it cannot be had, say why. @param {Promise<any>} answer @returns {Promise<any>} */
  async #reach(answer) {
    return answer.catch((error) => {
      this.figures.textContent = error.message;
    });
  }
}
