// A query's text, word by word.

/** Words that are not completed: they are nearly always whole. */
export const COMMON = new Set(
  "a an and at by for from her his in into is it of off on or over the their to two up with not".split(" "),
);

/**
 * How long no key has to come before what is typed is searched, in milliseconds: a library that answers at once
 * is asked nearly with every key, a large one less often.
 * @param {number} pace milliseconds that the last answer took
 */
export const pause = (pace) => Math.min(250, Math.max(40, 1.5 * pace));

const FILTER = /(?:^|[\s(-])[a-z]+:(?:"[^"]*|[^\s"]*)$/i;

/** The word that is being typed; "" after a blank, and in a filter, as "under:bea". @param {string} text */
export const lastWord = (text) =>
  FILTER.test(text) ? "" : (/[\p{L}'-]*$/u.exec(text)?.[0].replace(/^-/, "").toLowerCase() ?? "");

/** @param {string} text @param {string} word */
export const replaceLast = (text, word) => text.replace(/(-?)[\p{L}'-]*$/u, (_, minus) => minus + word);

/**
 * The text with its last word completed, where no word of the library is spelt so.
 * @param {string} text
 * @param {{word: string}[]} known the commonest first
 */
export function completed(text, known) {
  const last = lastWord(text);
  if (last.length < 2 || COMMON.has(last) || known.some((one) => one.word === last)) return text;
  const meant = known.find((one) => one.word.startsWith(last));
  return meant ? replaceLast(text, meant.word) : text;
}

/**
 * The text with one more word, unless it holds it; less: one that shall not be seen.
 * @param {string} text
 * @param {string} word
 * @param {boolean} less
 */
export function withWord(text, word, less) {
  const named = /\s/.test(word) ? `"${word}"` : word;
  const plain = text.split(/\s+/).filter((one) => one && one !== named && one !== `-${named}`);
  return [...plain, less ? `-${named}` : named].join(" ");
}

/**
 * Whether a text names nothing that shall be seen, only what shall not.
 * @param {string} text
 */
export function onlyLeavesOut(text) {
  return !text.replace(/(^|\s)-("[^"]*"|\S+)/g, "").trim();
}
