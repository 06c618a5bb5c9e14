// What changed, for the eye and for a screen reader.

/** Say what happened. @param {string} sentence */
export function say(sentence) {
  const live = /** @type {HTMLElement} */ (document.getElementById("live"));
  live.textContent = "";
  live.textContent = sentence;
  const effect = document.getElementById("effect");
  if (effect) effect.textContent = sentence;
}

/** Say what is wrong, until it is right again. @param {string[]} sentences */
export function complain(sentences) {
  const notice = /** @type {HTMLElement} */ (document.getElementById("notice"));
  notice.textContent = sentences.join("\n");
  notice.hidden = sentences.length === 0;
}
