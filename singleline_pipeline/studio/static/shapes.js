// Lines and boxes on a page, in SVG.

export const SVG = "http://www.w3.org/2000/svg";
const STROKES = ["#003ce1", "#eb3e86", "#0f4424", "#379fa2", "#af71fe", "#7a6938", "#700d56", "#8a9920"];

/** @param {number[]} box x0, y0, x1, y1 @param {string} className @param {string} [fill] */
export function rectangle([x0, y0, x1, y1], className, fill) {
  const made = document.createElementNS(SVG, "rect");
  made.setAttribute("x", String(x0));
  made.setAttribute("y", String(y0));
  made.setAttribute("width", String(Math.max(x1 - x0, 1)));
  made.setAttribute("height", String(Math.max(y1 - y0, 1)));
  made.setAttribute("class", className);
  if (fill) made.setAttribute("fill", fill);
  return made;
}

/** @param {number[][]} strokes flat x, y, ... @param {number} [first] number of the first one's colour */
export function drawn(strokes, first = 0) {
  const group = document.createElementNS(SVG, "g");
  group.setAttribute("class", "line");
  strokes.forEach((stroke, number) => {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", `M${stroke.length === 2 ? `${stroke} ${stroke}` : stroke.join(" ")}`);
    path.setAttribute("stroke", STROKES[(first + number) % STROKES.length]);
    group.append(path);
  });
  return group;
}

/** How far a point is from a stroke. @param {number[]} stroke flat x, y, ... @param {number} x @param {number} y */
export function distance(stroke, x, y) {
  let least = Math.hypot(stroke[0] - x, stroke[1] - y);
  for (let i = 2; i < stroke.length; i += 2) {
    const [ax, ay, dx, dy] = [stroke[i - 2], stroke[i - 1], stroke[i] - stroke[i - 2], stroke[i + 1] - stroke[i - 1]];
    const along = Math.min(Math.max(((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy || 1), 0), 1);
    least = Math.min(least, Math.hypot(ax + along * dx - x, ay + along * dy - y));
  }
  return least;
}
