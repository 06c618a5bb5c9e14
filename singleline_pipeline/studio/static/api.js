// Requests to the studio's server. A write carries the token of the server's present start, and an id of its own, so
// that it can be sent again after a failure without being done twice.

import { asked, random, TAB } from "./early.js";

export { TAB };

let token = "";

/** A refusal in the server's own words. */
export class Refusal extends Error {
  /** @param {number} status @param {string} sentence */
  constructor(status, sentence) {
    super(sentence);
    this.status = status;
  }
}

/** @returns {string} An id for one action of this tab. */
export function requestId() {
  return `${TAB}-${Date.now().toString(36)}${random(4)}`;
}

/** @param {string} path @returns {Promise<any>} */
export async function get(path) {
  return answer(await reach(path, {}));
}

/**
 * Send something that changes things.
 * @param {string} path @param {object} body @returns {Promise<any>}
 */
export async function post(path, body) {
  const send = () =>
    reach(path, {
      method: "POST",
      headers: { "content-type": "application/json", "x-singleline-token": token },
      body: JSON.stringify(body),
    });
  if (!token) await fetchToken();
  let response = await send();
  if (response.status === 403) {
    await fetchToken(); // the server was started anew, and its token is another
    response = await send();
  }
  return answer(response);
}

async function fetchToken() {
  token = (await get("/api/token")).token;
}

/** @param {string} path @param {RequestInit} options */
async function reach(path, options) {
  try {
    return await ((!options.method && asked(path)) || fetch(path, options));
  } catch {
    throw new Refusal(0, "The studio does not answer. Start it again with `singleline studio`; nothing that was saved is lost.");
  }
}

/** @param {Response} response */
async function answer(response) {
  const values = await response.json().catch(() => ({}));
  if (!response.ok) throw new Refusal(response.status, values.error ?? `The studio answered ${response.status}.`);
  return values;
}
