// All pages, or all drawings: what the server knows of them, and what is selected here.

import { get, TAB } from "./api.js";

/**
 * @typedef {{name: string, suggested: string, agreement: number | null, by_hand: boolean}} ClusterName
 * @typedef {{row: number, why: string}} Doubtful
 */

const BY = ["by hand", "too small", "by its cluster", "suggested", "nobody decided"];

/** One kind, by row. Tells its listeners `loaded`, `decided`, `selected`, `filtered`. */
export class Shelf extends EventTarget {
  /** @param {"pages" | "drawings"} kind */
  constructor(kind) {
    super();
    this.kind = kind;
    this.scope = kind.slice(0, -1);
    /** @type {any} */
    this.data = null;
    /** Kept once there is something to show. @type {Promise<void>} */
    this.ready = new Promise((resolve) => this.addEventListener("loaded", () => resolve(), { once: true }));
    /** @type {Map<string, number>} */
    this.rowOf = new Map();
    /** Whether rows are others than before the last load. */
    this.moved = false;
    /** @type {string} */
    this.codes = "";
    /** @type {string} */
    this.by = "";
    /** @type {ClusterName[]} */
    this.clusters = [];
    /** @type {any} */
    this.decided = null;
    /** @type {Set<number>} */
    this.selected = new Set();
    /** Codes that are shown; empty: all. @type {Set<number>} */
    this.filter = new Set();
  }

  /** @returns {number} */
  get size() {
    return this.data ? this.data.ids.length : 0;
  }

  /** Read everything again, keeping what is selected. */
  async load() {
    const before = [...this.selected].map((row) => this.data.ids[row]);
    const data = await get(`/api/${this.kind}?tab=${TAB}`);
    this.moved = this.data !== null && this.data.ids.join() !== data.ids.join();
    this.data = data;
    this.rowOf = new Map(data.ids.map((/** @type {string} */ id, /** @type {number} */ row) => [id, row]));
    this.selected = new Set(before.map((id) => this.rowOf.get(id) ?? -1).filter((row) => row >= 0));
    this.#take(data.decided);
    this.dispatchEvent(new Event("loaded"));
  }

  /** Take what is decided by now, from the answer to a label or from the server. @param {any} [decided] */
  async refresh(decided) {
    if (!this.data) return;
    const found = decided ?? (await get(`/api/${this.kind}/decided?tab=${TAB}`));
    if (found.codes.length !== this.size) return this.load();
    this.#take(found);
    this.dispatchEvent(new Event("decided"));
  }

  /** @param {any} decided */
  #take(decided) {
    this.decided = decided;
    this.codes = decided.codes;
    this.by = decided.by;
    this.clusters = decided.clusters;
  }

  /** Code of what a row is, -1 for nothing. @param {number} row */
  code(row) {
    return this.codes.charCodeAt(row) - 49;
  }

  /** @param {number} row */
  label(row) {
    return this.data.labels[this.code(row)] ?? this.data.unsaid;
  }

  /** What a row is, as one says it. @param {number} row */
  called(row) {
    return this.scope === "drawing" ? `${this.label(row)}d` : this.label(row);
  }

  /** @param {number} row */
  decidedBy(row) {
    return BY[this.by.charCodeAt(row) - 48];
  }

  /** @param {number} row */
  byHand(row) {
    return this.by[row] === "0";
  }

  /** What a screen reader says of a row, and the caption under a preview. @param {number} row */
  describe(row) {
    return `${this.data.ids[row]}, ${this.called(row)}, ${this.decidedBy(row)}`;
  }

  /** @param {number} row */
  shows(row) {
    return this.filter.size === 0 || this.filter.has(this.code(row));
  }

  /** @param {number} row */
  thumbnail(row) {
    return this.data.thumbs[row] ? `/thumbnails/${this.kind}/${this.data.thumbs[row]}` : "/static/blank.svg";
  }

  /** What a cluster is called. @param {number} number @returns {[string, boolean]} name, and whether it has one */
  named(number) {
    const { name, suggested } = this.clusters[number];
    if (this.scope === "drawing") return name ? [`${name}d`, true] : ["not decided", false];
    return name ? [name, true] : [suggested ? `looks like ${suggested}` : "no name", false];
  }

  /** @param {Iterable<number>} rows */
  select(rows) {
    this.selected = new Set(rows);
    this.dispatchEvent(new Event("selected"));
  }

  /** @param {number} row */
  toggle(row) {
    if (!this.selected.delete(row)) this.selected.add(row);
    this.dispatchEvent(new Event("selected"));
  }

  /** Show one more group only, or no longer. @param {number} code */
  toggleFilter(code) {
    if (!this.filter.delete(code)) this.filter.add(code);
    this.dispatchEvent(new Event("filtered"));
  }
}
