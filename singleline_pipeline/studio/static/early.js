// What the page shows first, asked for before the rest of its own files are here.

/** Letters and digits that no other tab has; kept over a reload, so that undo still knows what was done here. */
export const TAB = sessionStorage.getItem("tab") ?? random(10);
sessionStorage.setItem("tab", TAB);

const PATH = `/api/${location.hash === "#drawings" ? "drawings" : "pages"}?tab=${TAB}`;
/** @type {Promise<Response> | null} */
let response = fetch(PATH);
response.catch(() => {}); // whoever takes it is told

/** The answer that was asked for early, once. @param {string} path @returns {Promise<Response> | null} */
export function asked(path) {
  if (path !== PATH) return null;
  const found = response;
  response = null;
  return found;
}

/** @param {number} length */
export function random(length) {
  const values = crypto.getRandomValues(new Uint8Array(length));
  return Array.from(values, (v) => "abcdefghijkmnpqrstuvwxyz23456789"[v % 32]).join("");
}
