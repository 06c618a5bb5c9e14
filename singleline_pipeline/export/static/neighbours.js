// Who lies next to whom on the map.

/**
 * The nearest row in a direction, -1 where there is none: within 60 degrees of it, straight ahead before aside.
 * Of rows in one place, those after a row lie to its right, those before to its left, so that keys reach all.
 * @param {Float32Array} x @param {Float32Array} y @param {number} from
 * @param {number} dx -1, 0 or 1 @param {number} dy
 * @param {(row: number) => boolean} shown
 */
export function towards(x, y, from, dx, dy, shown) {
  let [best, nearest] = [-1, Infinity];
  for (let row = 0; row < x.length; row++) {
    if (row === from || !shown(row)) continue;
    let [ox, oy] = [x[row] - x[from], y[row] - y[from]];
    if (!ox && !oy) ox = (row - from) * 1e-9;
    const ahead = ox * dx + oy * dy;
    const aside = Math.abs(ox * dy) + Math.abs(oy * dx);
    if (ahead <= 0 || aside > 1.75 * ahead) continue;
    const distance = ahead + 2 * aside;
    if (distance < nearest) [best, nearest] = [row, distance];
  }
  return best;
}

/** The nearest rows, nearest first. @param {Float32Array} x @param {Float32Array} y @param {number} from @param {number} count @param {(row: number) => boolean} shown */
export function nearest(x, y, from, count, shown) {
  return Array.from(x, (_, row) => ({ row, distance: (x[row] - x[from]) ** 2 + (y[row] - y[from]) ** 2 }))
    .filter(({ row }) => row !== from && shown(row))
    .sort((a, b) => a.distance - b.distance || a.row - b.row)
    .slice(0, count)
    .map(({ row }) => row);
}
