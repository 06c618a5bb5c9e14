// What changed, for the eye and for a screen reader.

/** Say what happened. @param {string} sentence */
export function say(sentence) {
  const live = /** @type {HTMLElement} */ (document.getElementById("live"));
  live.textContent = "";
  live.textContent = sentence;
  const effect = document.getElementById("effect");
  if (effect) effect.textContent = sentence;
}

/** What is wrong, by what it is wrong with. @type {Map<string, string[]>} */
const wrong = new Map();

/**
 * Say what is wrong, until it is right again.
 * @param {"tables" | "request" | "server"} what tables and labels as they are, the last thing that was asked for, or
 * the server that does not answer
 * @param {string[]} sentences none: nothing is
 */
export function complain(what, sentences) {
  wrong.set(what, sentences);
  const all = [...wrong.values()].flat();
  const notice = /** @type {HTMLElement} */ (document.getElementById("notice"));
  const text = all.join("\n");
  if (notice.textContent !== text) notice.textContent = text;
  notice.hidden = all.length === 0;
}
