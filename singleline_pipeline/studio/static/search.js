// Search by sketchbook and page.

/**
 * Rows whose id begins with what was typed, else those whose id holds it; of several words, all of them.
 * @param {string[]} ids @param {string} text @returns {number[]}
 */
export function search(ids, text) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (!words.length) return [];
  const rows = ids.map((id, row) => ({ id: id.toLowerCase(), row })).filter(({ id }) => words.every((word) => id.includes(word)));
  const first = rows.filter(({ id }) => id.startsWith(words[0]));
  return (first.length ? first : rows).map(({ row }) => row);
}
