// Colour of each group, from the style sheet, so that the map follows light and dark as the rest does.

/** Asked for thousands of times a frame. @type {Map<string, string>} */
const known = new Map();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => known.clear());

/** @param {string} scope page or drawing @param {number} code @returns {string} */
export function tone(scope, code) {
  return colour(code < 0 ? "--none" : scope === "drawing" ? `--d${code}` : `--c${code}`);
}

/** @param {string} name of a custom property */
export function colour(name) {
  let value = known.get(name);
  if (value === undefined) {
    value = getComputedStyle(document.documentElement).getPropertyValue(name).trim();
    known.set(name, value);
  }
  return value;
}

/** A colour #rrggbb as a pixel of an ImageData's Uint32Array (little-endian ABGR). @param {string} hex */
export function pixel(hex) {
  const value = parseInt(hex.slice(1), 16);
  return (255 << 24) | ((value & 255) << 16) | (value & 0xff00) | (value >> 16);
}
