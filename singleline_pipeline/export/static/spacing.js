// Which rows are drawn at which zoom: as many as there is room for, spread evenly, none over another; on the way in, more
// come and none goes.

/**
 * How much room each row has: its distance to the nearest of the rows before it, in an order in which each is as far as
 * can be from all before. A row is drawn from the zoom at which that is as long as its picture is wide.
 * @param {Float32Array} x @param {Float32Array} y
 * @param {ArrayLike<number>} shown 0 for rows that are left out
 * @returns {Float32Array} in units of x and y, along the axis on which they are further apart; 0 for what is left out
 */
export function spacing(x, y, shown) {
  const room = new Float32Array(x.length);
  const free = new Float32Array(x.length);
  for (let row = 0; row < x.length; row++) free[row] = shown[row] ? Infinity : -1;
  let next = middle(x, y, shown);
  while (next >= 0) {
    room[next] = free[next];
    const [cx, cy] = [x[next], y[next]];
    free[next] = -1;
    let farthest = -1;
    next = -1;
    for (let row = 0; row < x.length; row++) {
      if (free[row] < 0) continue;
      const distance = Math.max(Math.abs(x[row] - cx), Math.abs(y[row] - cy));
      if (distance < free[row]) free[row] = distance;
      if (free[row] > farthest) [next, farthest] = [row, free[row]];
    }
  }
  return room;
}

/** The row nearest to the middle of the map, -1 where none is shown. @param {Float32Array} x @param {Float32Array} y @param {ArrayLike<number>} shown @param {number} [cx] @param {number} [cy] */
export function middle(x, y, shown, cx = 0.5, cy = 0.5) {
  let [best, nearest] = [-1, Infinity];
  for (let row = 0; row < x.length; row++) {
    const distance = shown[row] ? Math.hypot(x[row] - cx, y[row] - cy) : Infinity;
    if (distance < nearest) [best, nearest] = [row, distance];
  }
  return best;
}
