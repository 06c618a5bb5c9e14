// A page made private: it asks once, and then says what was removed.

import { post } from "./api.js";

export class Private {
  /** @param {HTMLElement} element @param {(said: string[]) => void} done told what was removed */
  constructor(element, done) {
    this.page = "";
    this.details = document.createElement("details");
    const summary = document.createElement("summary");
    summary.textContent = "Make private";
    this.about = document.createElement("p");
    this.about.className = "figures";
    this.about.setAttribute("role", "status");
    this.button = document.createElement("button");
    this.button.textContent = "Take it out of everything";
    this.button.addEventListener("click", () => this.#do(done));
    this.details.append(summary, this.about, this.button);
    element.append(this.details);
  }

  /** @param {string} page its id */
  offer(page) {
    this.page = page;
    this.details.open = false;
    this.button.disabled = !page;
    this.about.textContent =
      "The page is removed from every table, map, dataset and picture, and not read again. The scan itself stays where it lies. “singleline private --undo” reads it again.";
  }

  /** @param {(said: string[]) => void} done */
  async #do(done) {
    this.button.disabled = true;
    this.about.textContent = "It is taken out. This takes some seconds …";
    try {
      done((await post("/api/private", { page_id: this.page })).said);
    } catch (error) {
      this.about.textContent = /** @type {Error} */ (error).message;
      this.button.disabled = false;
    }
  }
}
