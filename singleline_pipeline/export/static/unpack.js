// What lies packed in the page: see packing.py.

/** @param {string} text base64 @returns {Uint8Array<ArrayBuffer>} */
export function bytesOf(text) {
  const raw = atob(text);
  const bytes = new Uint8Array(raw.length);
  for (let at = 0; at < raw.length; at++) bytes[at] = raw.charCodeAt(at);
  return bytes;
}

/** @param {string} text base64 of little-endian 16-bit numbers @returns {Uint16Array} */
export function numbersOf(text) {
  return new Uint16Array(bytesOf(text).buffer);
}

/**
 * Drawings as strokes, each x, y, x, y, ... in units of the drawing's canvas.
 * @param {string} text base64 @param {number} step units @returns {Float32Array[][]}
 */
export function drawingsOf(text, step) {
  const bytes = bytesOf(text);
  let at = 0;
  const number = () => {
    let [value, shift] = [0, 0];
    for (;;) {
      const byte = bytes[at++];
      value |= (byte & 127) << shift;
      if (byte < 128) return value;
      shift += 7;
    }
  };
  const move = () => {
    const value = number();
    return (value >>> 1) ^ -(value & 1);
  };
  const drawings = [];
  while (at < bytes.length) {
    let [x, y] = [0, 0];
    const strokes = Array.from({ length: number() }, () => {
      const points = new Float32Array(2 * number());
      for (let i = 0; i < points.length; i += 2) {
        points[i] = (x += move()) * step;
        points[i + 1] = (y += move()) * step;
      }
      return points;
    });
    drawings.push(strokes);
  }
  return drawings;
}
