// Pictures as a table for spreadsheets.

const COLUMNS = /** @type {const} */ (["path", "caption", "person", "taken", "camera", "keywords"]);

/**
 * A value as CSV has it. A spreadsheet would compute what begins like a formula.
 * @param {unknown} value
 */
function cell(value) {
  const text = Array.isArray(value) ? value.join(", ") : String(value ?? "");
  const plain = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain;
}

/**
 * A table with a head, as UTF-8 that spreadsheets recognise.
 * @param {import("./api.js").Listed[]} pictures
 */
export const tableOf = (pictures) =>
  `\ufeff${[COLUMNS, ...pictures.map((one) => COLUMNS.map((name) => one[name]))].map((row) => row.map(cell).join(",")).join("\r\n")}\r\n`;
