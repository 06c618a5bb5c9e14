// The bar at the bottom: what a label would be given to, the labels, and what each of them would change.

import { post } from "./api.js";

export const NAMES = { include: "include", exclude: "exclude", badscans: "bad scans" };
const AS_IT_IS = "7";
const LATER = 60; // ms without another target before the server is asked what labels would change

/**
 * @typedef {{scope: string, ids: string[], what: string, is: string, note?: string}} Target `is`: the label that it
 * has, or looks like; empty where there are several. `note`: what there is to say of it
 */

/** Buttons for the labels of a kind, with what each would change. */
export class Choices {
  /**
   * @param {HTMLElement} buttons where they go @param {HTMLElement} effect where the effect is told
   * @param {(label: string) => void} chosen
   */
  constructor(buttons, effect, chosen) {
    this.buttons = buttons;
    this.effect = effect;
    this.chosen = chosen;
    /** @type {Record<string, {changed: number, sentence: string}>} */
    this.effects = {};
    /** @type {Target | null} */
    this.target = null;
    this.asked = 0;
    this.timer = 0;
    for (const [event, here] of /** @type {const} */ ([["pointerover", true], ["focusin", true], ["pointerout", false], ["focusout", false]]))
      buttons.addEventListener(event, ({ target }) => {
        const button = /** @type {HTMLElement} */ (target).closest("button");
        if (button) this.#say(here ? button : null);
      });
  }

  /** @param {import("./shelf.js").Shelf} shelf */
  show(shelf) {
    this.buttons.classList.toggle("drawing", shelf.scope === "drawing");
    this.buttons.replaceChildren(
      ...shelf.data.labels.map((/** @type {string} */ label, /** @type {number} */ code) =>
        this.#button(String(code + 1), NAMES[/** @type {keyof typeof NAMES} */ (label)] ?? label, `t${code}`, label),
      ),
      this.#button("6", "take back", "tn", ""),
      this.#button(AS_IT_IS, "as it is", "tn", null),
    );
  }

  /** @param {string} key @param {string} name @param {string} tone @param {string | null} label null: the one that it has */
  #button(key, name, tone, label) {
    const button = document.createElement("button");
    button.className = `choice ${tone}`;
    button.dataset.key = key;
    if (label !== null) button.dataset.label = label;
    const shown = document.createElement("kbd");
    shown.textContent = key;
    const more = document.createElement("span");
    more.className = "more";
    button.append(shown, name, more);
    button.setAttribute("aria-keyshortcuts", key);
    button.addEventListener("click", () => this.chosen(button.dataset.label ?? ""));
    return button;
  }

  /** Do what a key says. @param {string} key @returns {boolean} whether it is one of the labels' */
  press(key) {
    const button = /** @type {HTMLButtonElement | null} */ (this.buttons.querySelector(`[data-key="${key}"]`));
    if (button && !button.disabled) button.click();
    return button !== null;
  }

  /** Ask what labels would change for a target. @param {Target | null} target */
  ask(target) {
    clearTimeout(this.timer);
    this.asked++;
    this.target = target;
    this.#tell({});
    for (const button of this.buttons.querySelectorAll("button")) {
      button.disabled = !target;
      if (button.dataset.key !== AS_IT_IS) continue;
      button.dataset.label = target?.is ?? "";
      button.disabled = !target?.is;
    }
    if (!target) return;
    const number = this.asked;
    this.timer = setTimeout(async () => {
      const found = await post("/api/effects", { scope: target.scope, ids: target.ids }).catch(() => null);
      if (found && number === this.asked) this.#tell(found);
    }, LATER);
  }

  /** @param {Record<string, {changed: number, sentence: string}>} effects */
  #tell(effects) {
    this.effects = effects;
    for (const button of this.buttons.querySelectorAll("button")) {
      const effect = effects[button.dataset.label ?? ""];
      const more = /** @type {HTMLElement} */ (button.querySelector(".more"));
      more.textContent = effect?.changed ? `+${effect.changed}` : "";
      if (effect) button.setAttribute("aria-description", effect.sentence);
      else button.removeAttribute("aria-description");
    }
    const hovered = /** @type {HTMLElement | null} */ (this.buttons.querySelector("button:hover, button:focus"));
    this.#say(hovered);
  }

  /** Tell the effect of a button, or without one that of the label that a cluster most likely gets.
   * @param {HTMLElement | null} button */
  #say(button) {
    const likely = this.target?.scope.endsWith("_cluster") ? (this.target.scope === "drawing_cluster" ? "exclude" : this.target.is) : "";
    const label = button ? (button.dataset.label ?? "") : likely;
    const said = this.effects[label]?.sentence ?? "";
    const told = said && (button || label) ? `${button ? "" : `${label}: `}${said}` : "";
    this.effect.textContent = told || this.target?.note || "";
  }
}
