// The published map: what the page is made of, put together.

import { Large } from "./large.js";
import { Plane } from "./plane.js";
import { Rows } from "./rows.js";
import { search } from "./search.js";

const COLOURS = 8;
const MOST_FOUND = 50;

const find = (/** @type {string} */ id) => /** @type {any} */ (document.getElementById(id));
const data = JSON.parse(find("data").textContent);
const rows = new Rows(data);
const dark = matchMedia("(prefers-color-scheme: dark)");
const plural = (/** @type {number} */ count) => `${count} ${rows.kind}${count === 1 ? "" : "s"}`;

let colours = new Map();
/** @param {string} name of a custom property */
function colour(name) {
  let value = colours.get(name);
  if (!value) colours.set(name, (value = getComputedStyle(document.documentElement).getPropertyValue(name).trim()));
  return value;
}

const openable = (/** @type {number} */ row) => {
  plane.focus(row);
  large.open(row);
};
let group = rows.groups[0];
let picked = -1;
const plane = new Plane(find("map"), rows, (row) => colour(`--k${group.of[row] % COLOURS}`), colour, { open: openable, hover: preview, focus: tell });
const large = new Large(rows, plane, colour, (row) => {
  // A drawing that is open has an address of its own, to be sent to somebody.
  const address = row < 0 ? " " : `#${encodeURIComponent(rows.ids[row])}`;
  history.replaceState(null, "", row < 0 ? location.pathname + location.search : address);
  if (row >= 0) tell(row);
});

/** Say which row it is, to a screen reader. @param {number} row */
function tell(row) {
  find("live").textContent = [rows.ids[row], rows.about(row)].filter(Boolean).join(", ");
}

function words() {
  const by = document.createElement("span");
  by.textContent = ` by ${data.by}`;
  find("title").append(data.title, ...(data.by ? [by] : []));
  find("about").textContent = data.about;
  find("about").hidden = !data.about;
  find("map").setAttribute("aria-label", `Map of ${plural(rows.count)}: what looks alike lies together`);
}

/** @param {number} row @param {number} x px @param {number} y px */
function preview(row, x, y) {
  const figure = find("preview");
  figure.hidden = row < 0;
  if (row < 0) return (figure.dataset.row = "");
  const { clientWidth: width, clientHeight: height } = find("map");
  figure.style.left = `${x + 18 + 216 < width ? x + 18 : Math.max(x - 18 - 216, 0)}px`;
  figure.style.top = `${Math.max(Math.min(y + 18, height - 262), 0)}px`;
  if (figure.dataset.row === `${row}`) return;
  figure.dataset.row = row;
  const canvas = figure.firstElementChild;
  canvas.width = canvas.height = 396;
  rows.ready(row).then(() => {
    if (figure.dataset.row === `${row}`)
      rows.draw(canvas.getContext("2d"), row, { x: 8, y: 8, width: 380, height: 380, ink: colour("--ink"), thick: 3.5 });
  });
  figure.lastElementChild.textContent = [rows.ids[row], rows.about(row)].join(" · ");
}

/** Which rows are shown: of the group that was picked, and found. */
function filter() {
  const found = new Set(search(rows.ids, find("text").value));
  const searching = find("text").value.trim() !== "";
  const count = plane.only((row) => (picked < 0 || group.of[row] === picked) && (!searching || found.has(row)));
  find("note").textContent = count === rows.count ? plural(count) : `${count} of ${plural(rows.count)}`;
  return [...found].filter((row) => plane.shown[row]);
}

function legend() {
  const counts = new Uint32Array(group.names.length);
  for (const one of group.of) counts[one]++;
  const chips = group.names.map((name, index) => {
    const chip = document.createElement("button");
    chip.type = "button";
    chip.className = `chip c${index % COLOURS}`;
    chip.setAttribute("aria-pressed", "false");
    const count = document.createElement("span");
    count.textContent = `${counts[index]}`;
    chip.append(name, count);
    chip.addEventListener("click", () => {
      picked = picked === index ? -1 : index;
      chips.forEach((one, at) => one.setAttribute("aria-pressed", `${at === picked}`));
      filter();
      find("live").textContent = find("note").textContent;
    });
    return chip;
  });
  find("legend").replaceChildren(...chips);
  find("legend").hidden = group.names.length < 2;
}

function offer() {
  const found = filter();
  const typed = find("text").value.trim() !== "";
  const entries = found.slice(0, MOST_FOUND).map((row) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = rows.ids[row];
    button.addEventListener("click", () => openable(row));
    const entry = document.createElement("li");
    entry.append(button);
    return entry;
  });
  const left = found.length - entries.length;
  if (left > 0 || !found.length) {
    const entry = document.createElement("li");
    const text = document.createElement("p");
    text.textContent = found.length ? `and ${left} more` : "Nothing of that name";
    entry.append(text);
    entries.push(entry);
  }
  find("found").replaceChildren(...entries);
  find("found").hidden = !typed;
  find("live").textContent = typed ? `${plural(found.length)} found` : "";
  return found;
}

function listen() {
  find("zoom-in").addEventListener("click", () => plane.zoom(1.5));
  find("zoom-out").addEventListener("click", () => plane.zoom(1 / 1.5));
  find("zoom-all").addEventListener("click", () => plane.all());
  find("text").addEventListener("input", offer);
  find("text").addEventListener("focus", () => find("text").value.trim() && offer());
  find("search").addEventListener("submit", (/** @type {Event} */ event) => {
    event.preventDefault();
    const found = offer();
    if (found.length) openable(found[0]);
  });
  find("search").addEventListener("focusout", (/** @type {FocusEvent} */ event) => {
    if (!find("search").contains(event.relatedTarget)) find("found").hidden = true;
  });
  find("search").addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    if (event.key !== "Escape") return;
    find("text").value = "";
    offer();
    find("map").focus();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.target === find("text") || find("large").open) return;
    event.preventDefault();
    find("text").focus();
  });
  find("by").addEventListener("change", () => {
    group = rows.groups[find("by").selectedIndex];
    picked = -1;
    legend();
    filter();
    plane.redraw();
  });
  dark.addEventListener("change", () => {
    colours = new Map();
    plane.redraw();
    large.recolour();
  });
  addEventListener("hashchange", goToAddress);
}

function goToAddress() {
  const row = rows.ids.indexOf(decodeURIComponent(location.hash.slice(1)));
  if (row >= 0 && row !== large.row) openable(row);
}

words();
for (const { name } of rows.groups) find("by").add(new Option(name));
find("colours").hidden = rows.groups.length < 2;
legend();
filter();
listen();
plane.redraw();
goToAddress();
