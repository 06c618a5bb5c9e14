// The run that makes labels true: only what they touch is materialized again.

import { post } from "./api.js";

const REFITS = [
  ["page_clusters", "Clusters of pages"],
  ["drawing_clusters", "Clusters of drawings"],
];

export class RunView {
  /** @param {HTMLButtonElement} button @param {HTMLDialogElement} dialog @param {(sentence: string) => void} said */
  constructor(button, dialog, said) {
    this.button = button;
    this.dialog = dialog;
    this.said = said;
    /** @type {any} */
    this.state = { state: "idle", messages: [], seconds: 0, share: 0, url: "" };
    this.waiting = { pages: 0, drawings: 0, corrected: 0, sketchbooks: 0 };
    const sheet = document.createElement("div");
    sheet.className = "sheet";
    this.title = document.createElement("h2");
    this.title.id = "run-title";
    this.title.textContent = "Run what has changed";
    this.about = document.createElement("p");
    this.link = document.createElement("a");
    this.link.textContent = "Look at it in the Dagster UI";
    this.link.target = "_blank";
    this.link.rel = "noopener";
    this.progress = document.createElement("progress");
    this.progress.setAttribute("aria-label", "Run under way");
    this.messages = document.createElement("div");
    this.messages.id = "run-messages";
    this.messages.setAttribute("role", "log");
    this.go = document.createElement("button");
    this.go.className = "main";
    this.go.textContent = "Run now";
    this.go.addEventListener("click", () => this.start([]));
    const close = document.createElement("button");
    close.textContent = "Close";
    close.addEventListener("click", () => dialog.close());
    sheet.append(this.title, this.about, this.progress, this.link, this.messages, this.go, " ", close, this.#refits());
    dialog.append(sheet);
    button.addEventListener("click", () => dialog.showModal());
    this.show(this.state);
  }

  /** What it means to fit clusters anew, and a button for each of the two. */
  #refits() {
    const box = document.createElement("details");
    box.className = "refit";
    const summary = document.createElement("summary");
    summary.textContent = "Fit clusters anew";
    const about = document.createElement("p");
    about.textContent =
      "K-means over all there is now, instead of the fit that was frozen. What you said of single pages and drawings stays. " +
      "A name is carried over to each new cluster in which at least 80 % of the members that were named before had it; the " +
      "others ask for one. Then everything that this changes is made again.";
    box.append(summary, about);
    this.refits = REFITS.map(([clusters, text]) => {
      const button = document.createElement("button");
      button.textContent = text;
      button.addEventListener("click", () => this.start([clusters]));
      box.append(button, " ");
      return button;
    });
    return box;
  }

  /** @param {string[]} refit clusters to fit anew */
  async start(refit) {
    this.#enable(false);
    try {
      this.show(await post("/api/run", { refit }));
    } catch (error) {
      this.about.textContent = /** @type {Error} */ (error).message;
      this.#enable(true);
    }
  }

  /** @param {boolean} on */
  #enable(on) {
    for (const button of [this.go, ...(this.refits ?? [])]) button.disabled = !on;
  }

  /** @param {{pages: number, drawings: number, corrected: number, sketchbooks: number}} waiting labels, corrections and settings that no run has made true */
  wait(waiting) {
    this.waiting = waiting;
    this.show(this.state);
  }

  /** @param {any} state */
  show(state) {
    const before = this.state.state;
    this.state = state;
    const running = state.state === "running";
    const { pages, drawings, corrected, sketchbooks } = this.waiting;
    const count = (/** @type {number} */ number, /** @type {string} */ noun) => number && `${number} ${noun}${number === 1 ? "" : "s"}`;
    const labelled = [count(pages, "page"), count(drawings, "drawing"), count(corrected, "corrected page")].filter(Boolean).join(" and ");
    const changed = [labelled, sketchbooks && `the settings of ${count(sketchbooks, "sketchbook")}`].filter(Boolean);
    const waiting = pages + drawings + corrected + sketchbooks;
    this.button.textContent = running ? "Running …" : waiting ? `Run (${waiting})` : "Run";
    this.button.title = changed.length ? `${changed.join(", and ")} changed since the last run` : "Everything is as labelled";
    this.about.textContent = running
      ? `Under way for ${Math.round(state.seconds)} s. It goes on if you close this; the Dagster UI shows it, too.`
      : changed.length
        ? `${changed.join(", and ")} ${waiting === 1 && labelled ? "is" : "are"} something else by now than in the tables. A run materializes what that makes stale, and nothing else.`
        : "Nothing is waiting. A run would also pick up new scans and what was never run.";
    this.progress.hidden = !running;
    if (running && state.share) this.progress.value = state.share;
    else this.progress.removeAttribute("value");
    this.link.hidden = !state.url;
    if (state.url) this.link.href = state.url;
    this.messages.hidden = state.messages.length === 0;
    const text = state.messages.join("\n");
    if (this.messages.textContent !== text) {
      this.messages.textContent = text;
      this.messages.scrollTop = this.messages.scrollHeight;
    }
    this.#enable(!running);
    if (before === "running" && !running)
      this.said(state.state === "done" ? `The run is done: ${state.messages.at(-1)}` : `The run failed: ${state.messages.at(-1)}`);
  }
}
