// What other tabs, other programs and a spreadsheet say: asked for every other second, and at once where this browser's
// own tabs tell of it.

import { get } from "./api.js";

const EVERY = 2000; // ms

/** Follows the versions of labels and tables. */
export class Sync {
  /** @param {(status: {lake: string, labels: string, run: any}) => Promise<void>} changed told of every answer
   * @param {(error: Error) => void} failed */
  constructor(changed, failed) {
    this.changed = changed;
    this.failed = failed;
    this.channel = new BroadcastChannel("singleline-studio");
    this.channel.onmessage = () => this.look();
    document.addEventListener("visibilitychange", () => this.look());
    setInterval(() => this.look(), EVERY);
    this.looking = false;
  }

  /** Tell the other tabs that there is something new. */
  tell() {
    this.channel.postMessage("new");
  }

  /** Ask now. */
  async look() {
    if (this.looking || document.visibilityState === "hidden") return;
    this.looking = true;
    try {
      await this.changed(await get("/api/status"));
    } catch (error) {
      this.failed(/** @type {Error} */ (error));
    } finally {
      this.looking = false;
    }
  }
}
