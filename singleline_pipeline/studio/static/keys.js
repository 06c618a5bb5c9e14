// Keys of the whole page: what is typed into a field, and what space and Enter do to a button, stay theirs.

/**
 * @param {Record<string, () => unknown>} commands by key; one that returns false leaves the key to the browser
 * @param {{here: () => boolean, label: (key: string) => boolean, leave: () => void}} page whether keys are for it now,
 * what a label's number does, and where Escape leads out of a field
 */
export function listen(commands, page) {
  document.addEventListener("keydown", (event) => {
    const within = /** @type {HTMLElement} */ (event.target);
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (within.matches("input, select, textarea")) {
      if (event.key === "Escape") page.leave();
      return;
    }
    if (!page.here() || (within.matches("button") && [" ", "Enter"].includes(event.key))) return;
    if (/^[1-7]$/.test(event.key)) {
      if (page.label(event.key)) event.preventDefault();
    } else if (Object.hasOwn(commands, event.key) && commands[event.key]() !== false) event.preventDefault();
  });
}
