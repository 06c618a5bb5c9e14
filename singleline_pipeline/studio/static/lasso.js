// The line drawn around points to select them.

/**
 * Rows whose point lies inside a closed line (even-odd rule).
 * @param {number[]} line x, y, x, y, ... in the units of the points
 * @param {Float32Array} x @param {Float32Array} y
 * @returns {number[]}
 */
export function inside(line, x, y) {
  const rows = [];
  if (line.length < 6) return rows;
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  for (let i = 0; i < line.length; i += 2) {
    left = Math.min(left, line[i]);
    right = Math.max(right, line[i]);
    top = Math.min(top, line[i + 1]);
    bottom = Math.max(bottom, line[i + 1]);
  }
  for (let row = 0; row < x.length; row++) {
    if (!(x[row] >= left && x[row] <= right && y[row] >= top && y[row] <= bottom)) continue;
    let crossings = 0;
    for (let i = 0, j = line.length - 2; i < line.length; j = i, i += 2) {
      const [ax, ay, bx, by] = [line[i], line[i + 1], line[j], line[j + 1]];
      if (ay > y[row] !== by > y[row] && x[row] < ((bx - ax) * (y[row] - ay)) / (by - ay) + ax) crossings++;
    }
    if (crossings % 2) rows.push(row);
  }
  return rows;
}
