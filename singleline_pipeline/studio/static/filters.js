// A button a group, with how many there are: pressed ones are shown, and without any all are.

import { NAMES } from "./bar.js";

/** @param {HTMLElement} element @param {import("./shelf.js").Shelf} shelf */
export function showFilters(element, shelf) {
  const counts = new Map();
  for (let row = 0; row < shelf.size; row++) counts.set(shelf.code(row), (counts.get(shelf.code(row)) ?? 0) + 1);
  const codes = [...shelf.data.labels.keys(), ...(counts.has(-1) ? [-1] : [])];
  element.classList.toggle("drawing", shelf.scope === "drawing");
  const focused = /** @type {HTMLElement | null} */ (document.activeElement)?.closest("#filters button")?.getAttribute("data-code");
  element.replaceChildren(
    ...codes.map((code) => {
      const chip = document.createElement("button");
      chip.className = `chip t${code < 0 ? "n" : code}`;
      chip.dataset.code = String(code);
      chip.setAttribute("aria-pressed", String(shelf.filter.has(code)));
      const label = shelf.data.labels[code] ?? shelf.data.unsaid;
      const name = shelf.scope === "drawing" ? `${label}d` : (NAMES[/** @type {keyof typeof NAMES} */ (label)] ?? label);
      chip.textContent = `${name} ${counts.get(code) ?? 0}`;
      chip.addEventListener("click", () => shelf.toggleFilter(code));
      return chip;
    }),
  );
  if (focused) /** @type {HTMLElement | null} */ (element.querySelector(`[data-code="${focused}"]`))?.focus();
}
