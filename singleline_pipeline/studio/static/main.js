// The studio's page: which shelf is shown, what a label is given to, and what keys do.

import { get, post, requestId, TAB } from "./api.js";
import { Choices } from "./bar.js";
import { whenCalm } from "./calm.js";
import { showEmpty } from "./empty.js";
import { showFilters } from "./filters.js";
import { showKeys } from "./help.js";
import { listen } from "./keys.js";
import { complain, say } from "./live.js";
import { MapView } from "./map.js";
import { PageView } from "./page-view.js";
import { RunView } from "./run.js";
import { search } from "./search.js";
import { Shelf } from "./shelf.js";
import { Strips } from "./strips.js";
import { Sync } from "./sync.js";
import { TwiceView } from "./twice.js";

const by = (/** @type {string} */ id) => /** @type {HTMLElement} */ (document.getElementById(id));
const button = (/** @type {string} */ id) => /** @type {HTMLButtonElement} */ (by(id));
const dialog = (/** @type {string} */ id) => /** @type {HTMLDialogElement} */ (by(id));

const shelves = { pages: new Shelf("pages"), drawings: new Shelf("drawings") };
/** @type {Shelf} */
let shelf = shelves[location.hash === "#drawings" ? "drawings" : "pages"];
/** What the strips show: clusters, or a list. @type {{title: string, rows: number[], why?: Map<number, string>} | null} */
let list = null;
let versions = { lake: "", labels: "" };

const strips = new Strips(by("strips"));
const choices = new Choices(by("choices"), by("effect"), (label) => give(label));
const map = new MapView(/** @type {HTMLCanvasElement} */ (by("map")), {
  open: (row) => open(row),
  preview: showPreview,
  lasso: (rows, add) => {
    shelf.select(add ? [...shelf.selected, ...rows] : rows);
    say(`${count(rows.length)} selected.`);
  },
});
const page = new PageView(dialog("page-dialog"), shelves, { label: send, similar: (row) => similar(row), settled, gone });
const run = new RunView(button("run"), dialog("run-dialog"), say);
const twice = new TwiceView(dialog("twice-dialog"), { take, open: (row) => open(row), undo: () => correct("undo") });
const sync = new Sync(
  async (status) => {
    complain("server", []);
    complain("tables", problems());
    run.show(status.run);
    const before = versions;
    versions = status;
    if (before.lake && before.lake !== status.lake) await load();
    else if (before.labels && before.labels !== status.labels) await Promise.all(Object.values(shelves).map((one) => one.refresh()));
  },
  (error) => complain("server", [error.message]),
);

/** @param {number} number */
function count(number) {
  return `${number} ${number === 1 ? shelf.scope : shelf.kind}`;
}

function problems() {
  return shelf.data ? [...shelf.data.problems, ...shelf.decided.problems] : [];
}

async function load() {
  await shelf.load();
  await whenCalm();
  await shelves[shelf.kind === "pages" ? "drawings" : "pages"].load();
}

// What is shown

function showAll() {
  const there = shelf.size > 0;
  by("empty").hidden = there;
  for (const id of ["map-pane", "strips-pane", "panes"]) by(id).hidden = !there;
  by("bar").hidden = !there;
  if (!there) {
    showEmpty(by("empty"), shelf, shelves.pages.size > 0);
    return;
  }
  button("twice").classList.toggle("main", Boolean(shelf.data.refit));
  choices.show(shelf);
  showFilters(by("filters"), shelf);
  showStrips();
  map.show(shelf);
  const missing = shelf.data.x.filter((/** @type {number | null} */ x) => x === null).length;
  by("map-note").hidden = !missing;
  by("map-note").textContent = missing ? `${count(missing)} ${missing === 1 ? "is" : "are"} not on the map yet: the next run puts ${missing === 1 ? "it" : "them"} there.` : "";
  showTarget();
  showHistory();
}

function showStrips() {
  const wanted = (/** @type {number} */ row) => shelf.shows(row);
  by("list-title").textContent = list ? list.title : "Clusters";
  by("back").hidden = !list;
  if (list) {
    const rows = list.rows.filter(wanted);
    strips.show(shelf, [{ title: count(rows.length), about: "", cluster: -1, rows, why: list.why }], true);
    return;
  }
  /** @type {number[][]} */
  const members = shelf.data.clusters.map(() => []);
  /** @type {number[]} */
  const loose = [];
  const order = Array.from({ length: shelf.size }, (_, row) => row).sort((a, b) => shelf.data.doubt[b] - shelf.data.doubt[a]);
  for (const row of order) if (wanted(row)) (members[shelf.data.cluster[row]] ?? loose).push(row);
  const found = members.map((rows, cluster) => ({ title: "", about: "", cluster, rows }));
  const filtered = shelf.filter.size ? found.filter(({ rows }) => rows.length) : found;
  if (loose.length) filtered.push({ title: "Without a cluster", about: count(loose.length), cluster: -1, rows: loose });
  strips.show(shelf, filtered);
}

/** @param {number} row @param {number} x @param {number} y */
function showPreview(row, x, y) {
  const preview = by("preview");
  preview.hidden = row < 0;
  if (row < 0) return;
  const image = /** @type {HTMLImageElement} */ (preview.querySelector("img"));
  const address = shelf.thumbnail(row);
  if (image.getAttribute("src") !== address) image.src = address;
  /** @type {HTMLElement} */ (preview.querySelector("figcaption")).textContent = shelf.describe(row);
  const pane = by("map-pane");
  preview.style.left = `${x > pane.clientWidth / 2 ? x - 208 : x + 20}px`;
  preview.style.top = `${Math.min(Math.max(y - 110, 6), Math.max(pane.clientHeight - 280, 6))}px`;
}

// What a label is given to

/** @returns {import("./bar.js").Target | null} */
function target() {
  const { data, selected, scope } = shelf;
  if (selected.size) {
    const rows = [...selected];
    const labels = new Set(rows.map((row) => shelf.label(row)));
    return { scope, ids: rows.map((row) => data.ids[row]), what: `${count(rows.length)} selected`, is: labels.size === 1 ? known([...labels][0]) : "" };
  }
  if (strips.row >= 0) return { scope, ids: [data.ids[strips.row]], what: shelf.describe(strips.row), is: known(shelf.label(strips.row)), note: list?.why?.get(strips.row) };
  const { cluster } = strips;
  if (cluster < 0) return null;
  const { name, suggested } = shelf.clusters[cluster];
  return { scope: `${scope}_cluster`, ids: [data.clusters[cluster]], what: `Cluster ${cluster}: ${shelf.named(cluster)[0]}`, is: name || suggested };
}

/** @param {string} label */
function known(label) {
  return shelf.data.labels.includes(label) ? label : "";
}

function showTarget() {
  if (!shelf.size) return;
  const chosen = target();
  by("target").textContent = chosen ? chosen.what : "Choose a page or a cluster";
  choices.ask(chosen);
  const actions = [];
  const row = shelf.selected.size === 1 ? [...shelf.selected][0] : shelf.selected.size ? -1 : strips.row;
  if (row >= 0) {
    actions.push(action("Open", () => open(row)));
    actions.push(action("More like this", () => similar(row)));
  }
  if (shelf.selected.size) actions.push(action("Select nothing", () => shelf.select([])));
  by("actions").replaceChildren(...actions);
}

/** @param {string} name @param {() => void} act */
function action(name, act) {
  const element = document.createElement("button");
  element.textContent = name;
  element.addEventListener("click", act);
  return element;
}

/** Give the label to what it is meant for, and go on to what comes next. @param {string} label */
async function give(label) {
  const chosen = target();
  if (!chosen) return;
  const single = !shelf.selected.size && strips.row >= 0;
  if (!(await send(shelf, chosen.scope, chosen.ids, label))) return;
  if (shelf.selected.size) shelf.select([]);
  else if (single) strips.move(0, 1);
  else nextCluster();
}

/** @param {Shelf} of @param {string} scope @param {string[]} ids @param {string} label @returns {Promise<boolean>} */
async function send(of, scope, ids, label) {
  try {
    take(await post("/api/labels", { request_id: requestId(), scope, ids, label }));
    return true;
  } catch (error) {
    complain("request", [/** @type {Error} */ (error).message]);
    return false;
  }
}

/** @param {"undo" | "redo"} what */
async function correct(what) {
  try {
    const answer = await post(`/api/${what}`, { request_id: requestId(), tab: TAB });
    take(answer);
    if (answer.kind !== shelf.kind) choose(answer.kind);
  } catch (error) {
    say(/** @type {Error} */ (error).message);
  }
}

/** Take in what a write answered. @param {any} answer */
function take(answer) {
  complain("request", []);
  for (const one of Object.values(shelves)) one.refresh(answer.decided[one.kind]);
  versions = { ...versions, labels: answer.decided.pages.version };
  sync.tell();
  say(answer.said);
}

/** Settings were written, or a page was corrected. @param {any} answer */
function settled(answer) {
  run.wait(answer.waiting);
  sync.tell();
  say(answer.said);
}

/** A page was made private. @param {string[]} said what was removed */
async function gone(said) {
  page.close();
  await load();
  sync.tell();
  complain("request", said);
  say(said[0]);
}

function nextCluster() {
  if (list) return;
  if (!strips.toHead((strip) => strip.cluster >= 0 && !shelf.clusters[strip.cluster].name)) strips.focus();
}

function showHistory() {
  const { undo, redo, waiting } = shelf.decided;
  button("undo").disabled = !undo;
  button("redo").disabled = !redo;
  run.wait(waiting);
}

// Other lists

/** Ask the server for something to show; where it cannot answer, say why. @param {string} path */
async function asked(path) {
  try {
    return await get(path);
  } catch (error) {
    complain("request", [/** @type {Error} */ (error).message]);
    return { rows: [] };
  }
}

async function lookAtThese() {
  const { rows } = await asked(`/api/${shelf.kind}/uncertain?count=20`);
  if (!rows.length) return;
  showList(`Look at these ${rows.length}: most in doubt`, rows.map((/** @type {any} */ one) => one.row), new Map(rows.map((/** @type {any} */ one) => [one.row, one.why])));
}

/** @param {number} row */
async function similar(row) {
  const { rows } = await asked(`/api/${shelf.kind}/similar?count=40&id=${encodeURIComponent(shelf.data.ids[row])}`);
  if (!rows.length) return;
  showList(`More like ${shelf.data.ids[row]}`, rows);
}

/** @param {string} title @param {number[]} rows @param {Map<number, string>} [why] */
function showList(title, rows, why) {
  list = { title, rows, why };
  shelf.selected.clear();
  strips.at = { strip: 0, place: 0 };
  showStrips();
  pane("strips");
  strips.focus();
  showTarget();
  map.paint();
  say(`${title}: ${count(rows.length)}.`);
}

function showClusters() {
  list = null;
  showStrips();
  strips.focus();
  showTarget();
}

/** @param {number} row */
function open(row) {
  const rows = list ? list.rows : (strips.strips.find((strip) => strip.rows.includes(row))?.rows ?? [row]);
  page.show(shelf, row, rows);
}

/** @param {"map" | "strips"} which */
function pane(which) {
  by("work").dataset.pane = which;
  by("show-map").setAttribute("aria-pressed", String(which === "map"));
  by("show-strips").setAttribute("aria-pressed", String(which === "strips"));
}

/** @param {"pages" | "drawings"} kind */
function choose(kind) {
  if (shelf.kind === kind) return;
  shelf = shelves[kind];
  list = null;
  strips.at = { strip: 0, place: -1 };
  history.replaceState(null, "", `#${kind}`);
  showTabs();
  if (shelf.data) showAll();
}

function showTabs() {
  for (const kind of /** @type {const} */ (["pages", "drawings"])) {
    const tab = button(`tab-${kind}`);
    tab.setAttribute("aria-selected", String(shelf.kind === kind));
    tab.tabIndex = shelf.kind === kind ? 0 : -1;
  }
  by("work").setAttribute("aria-labelledby", `tab-${shelf.kind}`);
}

// Keys

/** What keys do, by key. What returns false leaves the key to the browser. */
const commands = {
  ArrowRight: () => strips.move(0, 1),
  ArrowLeft: () => strips.move(0, -1),
  ArrowDown: () => strips.move(1, 0),
  ArrowUp: () => strips.move(-1, 0),
  " ": () => (strips.row < 0 ? false : shelf.toggle(strips.row)),
  Enter: () => (strips.row < 0 ? false : open(strips.row)),
  Escape: () => shelf.select([]),
  a: () => shelf.select([...shelf.selected, ...(strips.strips[strips.at.strip]?.rows ?? [])]),
  z: () => correct("undo"),
  y: () => correct("redo"),
  Z: () => correct("redo"),
  f: () => (strips.row < 0 ? false : similar(strips.row)),
  u: lookAtThese,
  t: () => twice.show(shelf),
  b: showClusters,
  n: nextCluster,
  l: () => button("lasso").click(),
  m: () => {
    pane("map");
    by("map").focus();
  },
  "/": () => by("search-for").focus(),
  p: () => choose("pages"),
  d: () => choose("drawings"),
  "?": () => showKeys(dialog("help-dialog")),
};

// Wiring

for (const one of Object.values(shelves)) {
  one.addEventListener("loaded", () => {
    if (one.moved) {
      if (one === shelf) list = null;
      page.close();
    }
    if (one === shelf) showAll();
  });
  one.addEventListener("decided", () => {
    if (page.isOpen) page.update();
    if (one !== shelf) return;
    strips.update();
    map.paint();
    showFilters(by("filters"), shelf);
    showTarget();
    showHistory();
  });
  one.addEventListener("selected", () => {
    strips.update();
    map.paint();
    showTarget();
  });
  one.addEventListener("filtered", () => {
    showFilters(by("filters"), shelf);
    showStrips();
    map.paint();
    showTarget();
  });
}
strips.addEventListener("target", () => showTarget());
strips.addEventListener("open", (event) => open(/** @type {CustomEvent} */ (event).detail));
listen(commands, {
  here: () => shelf.size > 0 && !document.querySelector("dialog[open]"),
  label: (key) => choices.press(key),
  leave: () => strips.focus(),
});
for (const kind of /** @type {const} */ (["pages", "drawings"])) button(`tab-${kind}`).addEventListener("click", () => choose(kind));
for (const tab of document.querySelectorAll("[role=tab]"))
  tab.addEventListener("keydown", (event) => {
    if (!/^Arrow(Left|Right)$/.test(/** @type {KeyboardEvent} */ (event).key)) return;
    event.stopPropagation();
    choose(shelf.kind === "pages" ? "drawings" : "pages");
    button(`tab-${shelf.kind}`).focus();
  });
by("search").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = /** @type {HTMLInputElement} */ (by("search-for")).value;
  if (!text.trim()) return showClusters();
  const rows = search(shelf.data?.ids ?? [], text);
  if (rows.length) showList(`Found for “${text.trim()}”`, rows);
  else say(`No ${shelf.scope} is called ${text.trim()}.`);
  if (rows.length) map.centre(rows[0]);
});
button("undo").addEventListener("click", () => correct("undo"));
button("redo").addEventListener("click", () => correct("redo"));
button("help-button").addEventListener("click", () => showKeys(dialog("help-dialog")));
button("look").addEventListener("click", lookAtThese);
button("twice").addEventListener("click", () => twice.show(shelf));
button("back").addEventListener("click", showClusters);
button("zoom-in").addEventListener("click", () => map.zoom(1.5));
button("zoom-out").addEventListener("click", () => map.zoom(1 / 1.5));
button("zoom-all").addEventListener("click", () => map.all());
button("lasso").addEventListener("click", () => {
  map.lassoing = !map.lassoing;
  button("lasso").setAttribute("aria-pressed", String(map.lassoing));
  by("map").classList.toggle("lasso", map.lassoing);
});
button("show-map").addEventListener("click", () => pane("map"));
button("show-strips").addEventListener("click", () => pane("strips"));
pane("strips");
showTabs();
load()
  .then(() => sync.look())
  .catch((error) => complain("server", [error.message]));
