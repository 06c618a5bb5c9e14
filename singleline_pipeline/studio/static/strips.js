// Strips of thumbnails: one a cluster with the most doubtful first, or one list of what was looked for.

const AT_ONCE = 20; // thumbnails that a strip gets at a time

/**
 * @typedef {{title: string, about: string, cluster: number, rows: number[], why?: Map<number, string>}} Strip
 */

export class Strips extends EventTarget {
  /** Tells `target` when another thumbnail or cluster is the one that keys act on, `open` when one is to be seen.
   * @param {HTMLElement} element */
  constructor(element) {
    super();
    this.element = element;
    /** @type {import("./shelf.js").Shelf | null} */
    this.shelf = null;
    /** @type {Strip[]} */
    this.strips = [];
    /** Strip and place in it of what keys act on; place -1 is the strip's head. */
    this.at = { strip: 0, place: -1 };
    this.more = new IntersectionObserver(
      (seen) => {
        for (const { isIntersecting, target } of seen) if (isIntersecting) this.#append(/** @type {HTMLElement} */ (target.parentElement));
      },
      { root: element, rootMargin: "300px" },
    );
    element.addEventListener("click", (event) => this.#clicked(event));
    element.addEventListener("dblclick", (event) => {
      const place = this.#place(event.target);
      if (place && place.place >= 0) this.dispatchEvent(new CustomEvent("open", { detail: this.rowAt(place) }));
    });
    element.addEventListener("focusin", (event) => {
      const place = this.#place(event.target);
      if (place) this.#moveTo(place, false);
    });
  }

  /** @param {import("./shelf.js").Shelf} shelf @param {Strip[]} strips @param {boolean} wrapped in rows, for a single list */
  show(shelf, strips, wrapped = false) {
    const focused = this.element.contains(document.activeElement);
    const kept = this.strips.length === strips.length ? { ...this.at } : { strip: 0, place: wrapped ? 0 : -1 };
    this.shelf = shelf;
    this.strips = strips;
    this.more.disconnect();
    this.element.classList.toggle("drawing", shelf.scope === "drawing");
    this.element.setAttribute("aria-rowcount", String(strips.length));
    this.element.replaceChildren(...strips.map((strip, number) => this.#strip(strip, number, wrapped)));
    for (const strip of this.element.children) this.#append(/** @type {HTMLElement} */ (strip.querySelector(".thumbs")));
    this.at = this.#clamped(kept);
    this.#mark(focused);
  }

  /** Show again what was decided and selected, without moving anything. */
  update() {
    for (const thumb of this.element.querySelectorAll(".thumb")) this.#dress(/** @type {HTMLElement} */ (thumb));
    this.strips.forEach((strip, number) => {
      const head = this.element.children[number].querySelector(".head");
      if (head) this.#head(/** @type {HTMLElement} */ (head), strip);
    });
  }

  /** The row that keys act on, -1 where it is a strip's head. */
  get row() {
    return this.rowAt(this.at);
  }

  /** The cluster whose head keys act on, -1 where it is none. */
  get cluster() {
    return this.at.place < 0 ? (this.strips[this.at.strip]?.cluster ?? -1) : -1;
  }

  /** @param {{strip: number, place: number}} at */
  rowAt(at) {
    return this.strips[at.strip]?.rows[at.place] ?? -1;
  }

  /** Move what keys act on, and focus it. @param {number} strips down @param {number} places to the right */
  move(strips, places) {
    const { strip, place } = this.at;
    const wrapped = this.element.firstElementChild?.classList.contains("wrapped");
    if (wrapped && strips) {
      const thumbs = this.element.querySelector(".thumbs");
      const across = Math.max(1, Math.floor(((thumbs?.clientWidth ?? 90) - 8) / 90));
      this.#moveTo({ strip, place: place + strips * across }, true);
    } else this.#moveTo({ strip: strip + strips, place: strips ? (place < 0 ? -1 : place) : place + places }, true);
  }

  /** To the next strip's head after this one for which something holds; of the first ones if there is none after it.
   * @param {(strip: Strip) => boolean} wanted @returns {boolean} */
  toHead(wanted) {
    const count = this.strips.length;
    for (let step = 1; step <= count; step++) {
      const strip = (this.at.strip + step) % count;
      if (wanted(this.strips[strip])) {
        this.#moveTo({ strip, place: -1 }, true);
        return true;
      }
    }
    return false;
  }

  /** Focus what keys act on. */
  focus() {
    this.#mark(true);
  }

  /** @param {Strip} strip @param {number} number @param {boolean} wrapped */
  #strip(strip, number, wrapped) {
    const element = document.createElement("div");
    element.className = wrapped ? "strip wrapped" : "strip";
    element.setAttribute("role", "row");
    element.dataset.strip = String(number);
    const head = document.createElement("div");
    head.className = "head";
    head.setAttribute("role", "rowheader");
    head.tabIndex = -1;
    this.#head(head, strip);
    const thumbs = document.createElement("div");
    thumbs.className = "thumbs";
    thumbs.setAttribute("role", "presentation");
    element.append(head, thumbs);
    return element;
  }

  /** @param {HTMLElement} head @param {Strip} strip */
  #head(head, strip) {
    const shelf = /** @type {import("./shelf.js").Shelf} */ (this.shelf);
    const name = document.createElement("span");
    name.className = "name";
    name.textContent = strip.title;
    const about = document.createElement("span");
    about.className = "about";
    about.textContent = strip.about;
    if (strip.cluster >= 0) {
      const [called, given] = shelf.named(strip.cluster);
      name.textContent = `${strip.cluster}. ${called}`;
      name.classList.toggle("asks", !given);
      about.textContent = clusterNote(shelf, strip);
    }
    head.replaceChildren(name, about);
  }

  /** Add the next thumbnails of a strip. @param {HTMLElement} thumbs */
  #append(thumbs) {
    const number = Number(/** @type {HTMLElement} */ (thumbs.parentElement).dataset.strip);
    const { rows, why } = this.strips[number];
    const sentinel = thumbs.querySelector(".more");
    if (sentinel) this.more.unobserve(sentinel);
    sentinel?.remove();
    const from = thumbs.childElementCount;
    const shelf = /** @type {import("./shelf.js").Shelf} */ (this.shelf);
    for (let place = from; place < Math.min(from + AT_ONCE, rows.length); place++) {
      const thumb = document.createElement("div");
      thumb.className = "thumb";
      thumb.setAttribute("role", "gridcell");
      thumb.tabIndex = -1;
      thumb.dataset.place = String(place);
      const image = document.createElement("img");
      image.alt = "";
      image.loading = "lazy";
      image.decoding = "async";
      image.draggable = false;
      image.src = shelf.thumbnail(rows[place]);
      const mark = document.createElement("span");
      mark.className = "mark";
      mark.setAttribute("aria-hidden", "true");
      thumb.append(image, mark);
      thumb.title = [shelf.data.ids[rows[place]], why?.get(rows[place])].filter(Boolean).join(": ");
      thumbs.append(thumb);
      this.#dress(thumb);
    }
    if (thumbs.childElementCount < rows.length) {
      const more = document.createElement("span");
      more.className = "more";
      thumbs.append(more);
      this.more.observe(more);
    }
  }

  /** @param {HTMLElement} thumb */
  #dress(thumb) {
    const shelf = /** @type {import("./shelf.js").Shelf} */ (this.shelf);
    const place = this.#place(thumb);
    const strip = this.strips[place?.strip ?? 0];
    const row = place ? this.rowAt(place) : -1;
    if (row < 0) return;
    const code = shelf.code(row);
    const selected = shelf.selected.has(row);
    thumb.className = `thumb t${code < 0 ? "n" : code}${shelf.byHand(row) ? " hand" : ""}${shelf.scope === "drawing" && code === 1 ? " out" : ""}`;
    thumb.setAttribute("aria-selected", String(selected));
    const why = strip.why?.get(row);
    thumb.setAttribute("aria-label", shelf.describe(row) + (why ? `. ${why}` : ""));
    const mark = thumb.querySelector(".mark");
    if (mark) mark.textContent = shelf.scope === "drawing" ? (code === 1 ? "×" : "in") : shelf.label(row)[0].toUpperCase();
  }

  /** @param {EventTarget | null} target @returns {{strip: number, place: number} | null} */
  #place(target) {
    const element = /** @type {HTMLElement | null} */ (target);
    const strip = element?.closest?.("[data-strip]");
    if (!strip) return null;
    const thumb = /** @type {HTMLElement | null} */ (element?.closest("[data-place]") ?? null);
    if (!thumb && !element?.closest(".head")) return null;
    return { strip: Number(/** @type {HTMLElement} */ (strip).dataset.strip), place: thumb ? Number(thumb.dataset.place) : -1 };
  }

  /** @param {MouseEvent} event */
  #clicked(event) {
    const place = this.#place(event.target);
    if (!place) return;
    const from = this.at;
    this.#moveTo(place, true);
    const row = this.rowAt(place);
    const shelf = /** @type {import("./shelf.js").Shelf} */ (this.shelf);
    if (row < 0) return;
    if (event.shiftKey && from.strip === place.strip && from.place >= 0) {
      const [low, high] = [Math.min(from.place, place.place), Math.max(from.place, place.place)];
      shelf.select([...shelf.selected, ...this.strips[place.strip].rows.slice(low, high + 1)]);
    } else shelf.toggle(row);
  }

  /** @param {{strip: number, place: number}} at @param {boolean} focus */
  #moveTo(at, focus) {
    const before = this.at;
    this.at = this.#clamped(at);
    while (this.at.place >= this.#thumbs(this.at.strip).length && this.at.place >= 0) this.#append(this.#holder(this.at.strip));
    this.#mark(focus);
    if (before.strip !== this.at.strip || before.place !== this.at.place || !focus) this.dispatchEvent(new Event("target"));
  }

  /** @param {{strip: number, place: number}} at */
  #clamped(at) {
    const strip = Math.min(Math.max(at.strip, 0), Math.max(this.strips.length - 1, 0));
    const rows = this.strips[strip]?.rows.length ?? 0;
    return { strip, place: Math.min(Math.max(at.place, -1), rows - 1) };
  }

  /** @param {number} strip */
  #holder(strip) {
    return /** @type {HTMLElement} */ (this.element.children[strip].querySelector(".thumbs"));
  }

  /** @param {number} strip */
  #thumbs(strip) {
    return this.#holder(strip).querySelectorAll(".thumb");
  }

  /** One element only can be reached with the Tab key: the one that keys act on. @param {boolean} focus */
  #mark(focus) {
    for (const old of this.element.querySelectorAll("[tabindex='0']")) /** @type {HTMLElement} */ (old).tabIndex = -1;
    for (const old of this.element.querySelectorAll(".head.on")) old.classList.remove("on");
    if (!this.strips.length) return;
    const strip = this.element.children[this.at.strip];
    const head = /** @type {HTMLElement} */ (strip.querySelector(".head"));
    const element = this.at.place < 0 ? head : /** @type {HTMLElement} */ (this.#thumbs(this.at.strip)[this.at.place] ?? head);
    head.classList.toggle("on", this.at.place < 0);
    element.tabIndex = 0;
    if (focus && document.activeElement !== element) {
      element.focus({ preventScroll: true });
      const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
      element.scrollIntoView({ block: "nearest", inline: "nearest", behavior: calm ? "instant" : "auto" });
    }
  }
}

/** How many there are, and what of that is known. @param {import("./shelf.js").Shelf} shelf @param {Strip} strip */
function clusterNote(shelf, strip) {
  const { agreement, by_hand, name } = shelf.clusters[strip.cluster];
  const all = `${strip.rows.length} ${strip.rows.length === 1 ? shelf.scope : shelf.kind}`;
  if (by_hand) return `${all}, named by hand`;
  if (name) return `${all}, name carried over (${Math.round((agreement ?? 0) * 100)} % agree)`;
  if (agreement !== null) return `${all}, asks for a name: only ${Math.round(agreement * 100)} % of the named ones agree`;
  return `${all}, not named yet`;
}
