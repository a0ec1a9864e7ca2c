// The columns of a comparison: a mode, and after a colon the captioner whose captions it compares.

export const MOST = 4;

/** @param {string} text "words", "jaccard:captions.csv" */
export function readColumn(text) {
  const [mode, ...rest] = text.split(":");
  return { mode, by: rest.join(":") };
}

/** @param {string} mode @param {string} by */
export const columnOf = (mode, by) => (by ? `${mode}:${by}` : mode);

/**
 * The columns that are chosen, each once; where fewer than two are, the usual ones.
 * @param {string[]} chosen
 * @param {string[]} modes of the library, the usual first
 * @param {string} by the captioner that is looked at
 */
export function columnsOf(chosen, modes, by) {
  const each = [...new Set(chosen)].slice(0, MOST);
  if (each.length >= 2) return each;
  return ["auto", "words", "jaccard"].filter((one) => modes.includes(one)).map((one) => columnOf(one, by));
}

/**
 * One more column that there is not yet: another captioner in the last one's mode, else another mode.
 * @param {string[]} columns
 * @param {string[]} modes
 * @param {string[]} captioners
 */
export function oneMore(columns, modes, captioners) {
  const { mode } = readColumn(columns[columns.length - 1]);
  const byOthers = captioners.length > 1 ? captioners.map((one) => columnOf(mode, one)) : [];
  return [...byOthers, ...modes].find((one) => !columns.includes(one)) ?? "";
}
