// Pictures under headings: of the day on which they were taken, or of their folder.

import { h } from "./dom.js";
import { link } from "./state.js";

/** How answers can be ordered; the first is not in the address. */
export const SHOWN = /** @type {const} */ ({ "": "Best first", newest: "Newest first", date: "Oldest first", day: "By day", folder: "By folder" });

/** @param {string} name a day as "2019-06-01" */
export function dayName(name) {
  const [year, month, day] = name.split("-").map(Number);
  const date = new Date(2000, month - 1, day);
  date.setFullYear(year);
  return date.toLocaleDateString("en-GB", { weekday: "long", day: "numeric", month: "long", year: "numeric" }).replace(",", "");
}

/**
 * What stands over a group, and leads to all of it.
 * @param {string} name as the server names it
 */
export function groupHead(name) {
  if (/^\d{4}-\d\d-\d\d$/.test(name)) return h("h2.group", {}, h("a", link({ since: name, until: name }), dayName(name)));
  if (name === "no date") return h("h2.group", {}, "No date");
  if (name === ".") return h("h2.group", {}, "In no folder");
  return h("h2.group", {}, h("a", link({ under: name }), name));
}
