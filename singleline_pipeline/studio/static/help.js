// The keys, in a table.

const KEYS = [
  ["1 – 5", "give the label with that number to what is selected, else to the page or the cluster that has the focus"],
  ["6", "take the label back"],
  ["7", "right as it is: label it as what it is now"],
  ["← → ↑ ↓", "to the next page, the next cluster"],
  ["space", "select, or no longer"],
  ["a", "select all of the strip"],
  ["Esc", "select nothing"],
  ["z, y", "undo, redo"],
  ["Enter", "open the page"],
  ["f", "more like this"],
  ["u", "look at the 20 in most doubt"],
  ["t", "look twice: pages that were scanned twice, and what is like nothing else; again, to take labels over"],
  ["b", "back to the clusters"],
  ["n", "to the next cluster without a name"],
  ["l", "lasso on or off"],
  ["m", "to the map: arrows, +, −, 0"],
  ["/", "search"],
  ["p, d", "pages, drawings"],
];

/** @param {HTMLDialogElement} dialog */
export function showKeys(dialog) {
  if (!dialog.childElementCount) {
    const sheet = document.createElement("div");
    sheet.className = "sheet";
    const title = document.createElement("h2");
    title.id = "help-title";
    title.textContent = "Keys";
    const table = document.createElement("table");
    for (const [key, what] of KEYS) {
      const row = table.insertRow();
      const shown = document.createElement("kbd");
      shown.textContent = key;
      row.insertCell().append(shown);
      row.insertCell().textContent = what;
    }
    const close = document.createElement("button");
    close.textContent = "Close";
    close.addEventListener("click", () => dialog.close());
    sheet.append(title, table, close);
    dialog.append(sheet);
  }
  dialog.showModal();
}
