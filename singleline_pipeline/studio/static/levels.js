// Which points of the map are shown as thumbnails at which zoom: a thinned-out choice that stays as it is while the map
// is moved, and that only grows when it is zoomed in.

export const DEEPEST = 14;

/**
 * The zoom level from which each point is a thumbnail: at level L the map is cut into squares of side 2^-L, and the
 * first point of each square, in an order that is shuffled but always the same, is shown.
 * @param {Float32Array} x from 0 to 1, NaN where it is not on the map
 * @param {Float32Array} y
 * @returns {Uint8Array}
 */
export function levels(x, y) {
  const order = shuffled(x.length);
  const found = new Uint8Array(x.length).fill(DEEPEST);
  const placed = new Uint8Array(x.length);
  for (let level = 0; level < DEEPEST; level++) {
    const across = 2 ** level;
    const taken = new Set();
    const square = (/** @type {number} */ row) => Math.floor(x[row] * across) * 65536 + Math.floor(y[row] * across);
    for (let row = 0; row < x.length; row++) if (placed[row]) taken.add(square(row));
    let left = false;
    for (const row of order) {
      if (placed[row] || Number.isNaN(x[row])) continue;
      const here = square(row);
      if (taken.has(here)) {
        left = true;
        continue;
      }
      taken.add(here);
      found[row] = level;
      placed[row] = 1;
    }
    if (!left) break;
  }
  return found;
}

/** @param {number} count */
function shuffled(count) {
  const order = Uint32Array.from({ length: count }, (_, row) => row);
  let seed = 2463534242;
  for (let last = count - 1; last > 0; last--) {
    seed ^= seed << 13;
    seed ^= seed >>> 17;
    seed ^= seed << 5;
    const other = (seed >>> 0) % (last + 1);
    [order[last], order[other]] = [order[other], order[last]];
  }
  return order;
}
