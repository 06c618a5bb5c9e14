// A drawing on a canvas: the whole line, or what the pen has drawn so far.

/** @typedef {{strokes: Float32Array[], x: number, y: number, side: number, length: number}} Line */

/** What is needed to place strokes and to draw them at one speed. @param {Float32Array[]} strokes @returns {Line} */
export function lineOf(strokes) {
  let [left, top, right, bottom, length] = [Infinity, Infinity, -Infinity, -Infinity, 0];
  for (const points of strokes)
    for (let i = 0; i < points.length; i += 2) {
      left = Math.min(left, points[i]);
      right = Math.max(right, points[i]);
      top = Math.min(top, points[i + 1]);
      bottom = Math.max(bottom, points[i + 1]);
      if (i) length += Math.hypot(points[i] - points[i - 2], points[i + 1] - points[i - 1]);
    }
  if (!strokes.length) [left, top, right, bottom] = [0, 0, 0, 0];
  return { strokes, x: (left + right) / 2, y: (top + bottom) / 2, side: Math.max(right - left, bottom - top, 1), length };
}

/**
 * Draw a line into the middle of a rectangle, from one length along it to another.
 * @param {CanvasRenderingContext2D} pen
 * @param {Line} line
 * @param {{x: number, y: number, width: number, height: number, ink: string, thick: number}} where px
 * @param {number} [from] units @param {number} [to] units
 */
export function draw(pen, line, where, from = 0, to = Infinity) {
  const room = Math.min(where.width, where.height) - 2 * where.thick;
  const scale = Math.min(room / line.side, room / 20); // a speck stays one
  const x = (/** @type {number} */ value) => where.x + where.width / 2 + (value - line.x) * scale;
  const y = (/** @type {number} */ value) => where.y + where.height / 2 + (value - line.y) * scale;
  pen.strokeStyle = pen.fillStyle = where.ink;
  pen.lineWidth = where.thick;
  pen.lineCap = pen.lineJoin = "round";
  let along = 0;
  pen.beginPath();
  for (const points of line.strokes) {
    if (along > to) break;
    if (along >= from) {
      // A stroke of one point is a dot: a line to where it is.
      pen.moveTo(x(points[0]), y(points[1]));
      if (points.length === 2) pen.lineTo(x(points[0]), y(points[1]));
    }
    for (let i = 2; i < points.length; i += 2) {
      const [ax, ay, bx, by] = [points[i - 2], points[i - 1], points[i], points[i + 1]];
      const long = Math.hypot(bx - ax, by - ay);
      const [start, end] = [along, along + long];
      along = end;
      if (end <= from) continue;
      if (start >= to) break;
      if (start < from) pen.moveTo(x(ax + ((bx - ax) * (from - start)) / long), y(ay + ((by - ay) * (from - start)) / long));
      const share = end > to ? (to - start) / long : 1;
      pen.lineTo(x(ax + (bx - ax) * share), y(ay + (by - ay) * share));
    }
  }
  pen.stroke();
}

/**
 * Draw a picture with a frame into the middle of a rectangle, as large as there is room.
 * @param {CanvasRenderingContext2D} pen
 * @param {ImageBitmap} picture
 * @param {{x: number, y: number, width: number, height: number, ink: string, thick: number}} where px
 */
export function frame(pen, picture, where) {
  const thick = Math.max(where.thick, 1);
  const scale = Math.min((where.width - 2 * thick) / picture.width, (where.height - 2 * thick) / picture.height);
  const [width, height] = [picture.width * scale, picture.height * scale];
  const [x, y] = [where.x + (where.width - width) / 2, where.y + (where.height - height) / 2];
  pen.fillStyle = where.ink;
  pen.fillRect(x - thick, y - thick, width + 2 * thick, height + 2 * thick);
  pen.drawImage(picture, x, y, width, height);
}
