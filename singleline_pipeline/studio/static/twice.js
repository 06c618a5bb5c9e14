// What to look at twice: pages that were scanned twice, side by side, with the labels that one can take over from the
// other; and what is like nothing else.

import { get, post, requestId } from "./api.js";
import { complain } from "./live.js";

/** @typedef {{rows: number[], likeness: number, to: string, offer: string}} Pair */

export class TwiceView {
  /** @param {HTMLDialogElement} dialog
   * @param {{take: (answer: any) => void, open: (row: number) => void, undo: () => Promise<void>}} asked what is done
   * with the answer to a write, with a page that is to be seen, and to take back what was done last */
  constructor(dialog, asked) {
    this.dialog = dialog;
    this.asked = asked;
    /** @type {import("./shelf.js").Shelf | null} */
    this.shelf = null;
    dialog.addEventListener("keydown", (event) => this.#pressed(event));
  }

  /** Ask the server and show the answer. @param {import("./shelf.js").Shelf} shelf */
  async show(shelf) {
    this.shelf = shelf;
    const found = await this.#found();
    if (!found) return;
    this.#fill(found);
    if (!this.dialog.open) this.dialog.showModal();
    this.#focus(0);
  }

  async #found() {
    try {
      return await get(`/api/${this.shelf?.kind}/twice`);
    } catch (error) {
      complain("request", [/** @type {Error} */ (error).message]);
      return null;
    }
  }

  /** @param {{pairs: Pair[], outliers: {row: number, why: string}[], refit: string}} found */
  #fill({ pairs, outliers, refit }) {
    const { kind } = /** @type {import("./shelf.js").Shelf} */ (this.shelf);
    const sheet = element("div", "sheet");
    const title = element("h2", "", "Look twice");
    title.id = "twice-title";
    sheet.append(title);
    if (refit) sheet.append(element("p", "", `${refit} The button is under Run.`));
    if (kind === "pages") {
      const text = pairs.length ? `Scanned twice (${pairs.length})` : "No page was scanned twice.";
      sheet.append(element(pairs.length ? "h2" : "p", "", text), ...pairs.map((pair) => this.#pair(pair)));
    }
    const text = outliers.length ? `Like nothing else (${outliers.length})` : `None of the ${kind} is like nothing else.`;
    sheet.append(element(outliers.length ? "h2" : "p", "", text), this.#outliers(outliers));
    const close = element("button", "", "Close");
    close.addEventListener("click", () => this.dialog.close());
    sheet.append(close);
    this.dialog.replaceChildren(sheet);
  }

  /** @param {Pair} pair */
  #pair({ rows, likeness, to, offer }) {
    const box = element("div", "twin");
    box.tabIndex = 0;
    box.setAttribute("role", "group");
    const shelf = /** @type {import("./shelf.js").Shelf} */ (this.shelf);
    box.setAttribute("aria-label", `${rows.map((row) => shelf.describe(row)).join("; ")}. ${offer}`);
    const about = element("div");
    about.append(element("p", "", `${Math.round(100 * likeness)} % of the ink lies alike.`));
    if (offer) {
      about.append(element("p", "", offer));
      const take = element("button", "main", "Take over");
      take.setAttribute("aria-keyshortcuts", "t");
      take.addEventListener("click", () => this.#takeOver(to));
      box.dataset.to = to;
      about.append(take);
    } else {
      const both = rows.every((row) => shelf.byHand(row));
      about.append(element("p", "", both ? "Both are labelled." : "Neither is labelled: label one, and the other can take it over."));
    }
    box.append(...rows.map((row) => this.#figure(row)), about);
    return box;
  }

  /** @param {{row: number, why: string}[]} outliers */
  #outliers(outliers) {
    const list = element("div", "odd");
    for (const { row, why } of outliers) {
      const button = element("button");
      button.title = why;
      button.append(this.#figure(row));
      button.addEventListener("click", () => {
        this.dialog.close();
        this.asked.open(row);
      });
      list.append(button);
    }
    return list;
  }

  /** @param {number} row */
  #figure(row) {
    const shelf = /** @type {import("./shelf.js").Shelf} */ (this.shelf);
    const figure = element("figure", shelf.code(row) < 0 ? "tn" : `t${shelf.code(row)}`);
    const image = document.createElement("img");
    image.src = shelf.thumbnail(row);
    image.alt = "";
    figure.append(image, element("figcaption", "", shelf.describe(row)));
    return figure;
  }

  /** @param {string} page */
  async #takeOver(page) {
    const place = this.#boxes().findIndex((box) => box.dataset.to === page);
    try {
      this.asked.take(await post("/api/take-over", { request_id: requestId(), page }));
    } catch (error) {
      complain("request", [/** @type {Error} */ (error).message]);
      return;
    }
    await this.#again(place);
  }

  /** Show what is there now, and go on to the next pair that has an offer. @param {number} place */
  async #again(place) {
    const found = await this.#found();
    if (!found) return;
    this.#fill(found);
    const boxes = this.#boxes();
    const next = boxes.findIndex((box, index) => index >= place && box.dataset.to);
    this.#focus(next < 0 ? place : next);
  }

  #boxes() {
    return /** @type {HTMLElement[]} */ ([...this.dialog.querySelectorAll(".twin")]);
  }

  /** @param {number} place */
  #focus(place) {
    const boxes = this.#boxes();
    boxes[Math.max(0, Math.min(place, boxes.length - 1))]?.focus();
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const boxes = this.#boxes();
    const at = boxes.findIndex((box) => box.contains(document.activeElement));
    if (event.key === "t" && boxes[at]?.dataset.to) this.#takeOver(/** @type {string} */ (boxes[at].dataset.to));
    else if (event.key === "z") this.asked.undo().then(() => this.#again(Math.max(at, 0)));
    else if (event.key === "ArrowDown") this.#focus(at + 1);
    else if (event.key === "ArrowUp") this.#focus(at - 1);
    else return;
    event.preventDefault();
  }
}

/** @param {string} tag @param {string} [name] its class @param {string} [text] @returns {HTMLElement} */
function element(tag, name = "", text = "") {
  const made = document.createElement(tag);
  if (name) made.className = name;
  made.textContent = text;
  return made;
}
