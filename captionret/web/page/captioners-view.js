// The captioners of a library side by side: how much each says, how far they agree, and where they do not.

import { captioners, imageOf } from "./api.js";
import { h, number } from "./dom.js";
import { captionersOf } from "./modes.js";
import { NOTHING, link } from "./state.js";

const SCORES = { bleu1: "BLEU-1", bleu4: "BLEU-4", rouge_l: "ROUGE-L", cider_d: "CIDEr-D" };

/** A section of the library's page; nothing where one captioner alone captioned it. @param {string} lib */
export function captionersView(lib) {
  const known = captionersOf(lib);
  if (known.length < 2) return "";
  const shown = h("div.captioners", { "aria-live": "polite" });
  const right = /** @type {HTMLSelectElement} */ (h("select", { "aria-label": "Whose captions are taken for right", onchange: () => load(lib, right.value, shown) },
    h("option", { value: "" }, "nobody’s"), h("option", { value: "a person" }, "a person’s"), known.map((one) => h("option", { value: one.name }, one.name))));
  load(lib, "", shown);
  return h("section", {}, h("h2", {}, "Captioners"), h("p.by", {}, "Taken for right: ", right), shown);
}

/**
 * @param {string} lib
 * @param {string} references
 * @param {HTMLElement} place
 */
async function load(lib, references, place) {
  try {
    const found = await captioners(lib, references);
    place.replaceChildren(figures(found.captioners), ...(found.pairs.length ? [pairs(found)] : []), disputed(lib, found));
  } catch (error) {
    place.replaceChildren(h("p.by", {}, String(/** @type {Error} */ (error).message)));
  }
}

/**
 * @param {string[]} columns
 * @param {(string | number | Node)[][]} rows the first of each is its name
 * @param {string} label
 */
function table(columns, rows, label) {
  return h("div.scroll", { role: "region", "aria-label": label, tabindex: 0 }, h("table", {},
    h("thead", {}, h("tr", {}, columns.map((one) => h("th", { scope: "col" }, one)))),
    h("tbody", {}, rows.map(([first, ...rest]) => h("tr", {}, h("th", { scope: "row" }, first), rest.map((one) => h("td", {}, one)))))));
}

/** @param {import("./api.js").CaptionerFigures[]} every */
function figures(every) {
  const scored = Object.keys(SCORES).filter((name) => every.some((one) => name in one.scores));
  return table(["captioner", "kind", "since", "pictures", "words each", "different words", ...scored.map((name) => SCORES[/** @type {keyof typeof SCORES} */ (name)])],
    every.map((one) => [
      h("a", link({ ...NOTHING, page: "search", by: one.name }), one.name), one.kind, one.since, number(one.pictures), one.words.toFixed(1), number(one.different),
      ...scored.map((name) => (name in one.scores ? one.scores[name].toFixed(1) : "–"))]), "Captioners in figures");
}

/** @param {import("./api.js").CaptionersCompared} found */
function pairs(found) {
  return table(["captioner", "and", "pictures of both", "agreement of words", "same of ten hits"],
    found.pairs.map((one) => [one.one, one.other, number(one.pictures), one.agreement.toFixed(2), one.found.toFixed(1)]), "Pairs of captioners");
}

/**
 * @param {string} lib
 * @param {import("./api.js").CaptionersCompared} found
 */
function disputed(lib, found) {
  if (!found.disputed.length || !found.pairs.length) return "";
  return h("div", {}, h("h3", {}, "Over these they agree least"), h("ul.disputed", {}, found.disputed.map((one) => h("li", {},
    h("a", { ...link({ page: "picture", id: one.id }), "aria-label": "All about this picture" }, h("img", { src: imageOf(lib, one.id, "small"), alt: "", loading: "lazy", width: 120, height: 90 })),
    h("dl", {}, Object.entries(one.captions).flatMap(([name, text]) => [h("dt", {}, name), h("dd", {}, text)]))))));
}
