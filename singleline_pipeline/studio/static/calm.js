// What is seen first goes first: what can wait asks here when its turn has come.

const FIRST = 12; // thumbnails that a page shows at first
const LONGEST = 500; // ms

/** Until the first thumbnails of the strips are there, or half a second. @returns {Promise<void>} */
export async function whenCalm() {
  await new Promise((resolve) => requestAnimationFrame(resolve));
  const first = /** @type {HTMLImageElement[]} */ ([...document.querySelectorAll("#strips img")].slice(0, FIRST));
  const there = first
    .filter((image) => !image.complete)
    .map((image) => new Promise((resolve) => ["load", "error"].forEach((event) => image.addEventListener(event, resolve, { once: true }))));
  await Promise.race([Promise.all(there), new Promise((resolve) => setTimeout(resolve, LONGEST))]);
}
