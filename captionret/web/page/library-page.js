// A library at a glance: counts, what it shows, when it was taken, what failed, and a map of it.

import { exportOf, overview } from "./api.js";
import { captionersView } from "./captioners-view.js";
import { counted, h, icon, number } from "./dom.js";
import { MapView } from "./map-view.js";
import { allMonths } from "./months.js";
import { served } from "./served.js";
import { NOTHING, link, state } from "./state.js";

const MOST_WORDS = 60;

/** @param {HTMLElement} place */
export function show(place) {
  const { lib } = state();
  draw(place, lib).catch((error) =>
    place.replaceChildren(h("div.nothing", {}, icon("info"), h("h2", {}, "It cannot be shown"), h("p", {}, error.message))));
}

/**
 * @param {HTMLElement} place
 * @param {string} lib
 */
async function draw(place, lib) {
  const facts = await overview(lib);
  const words = h("ul.word-bars");
  place.replaceChildren(
    h("h1", {}, lib),
    h("p.lead", {}, facts.root, facts.captioned_by && ` · captioned by ${facts.captioned_by}`),
    h("ul.tiles", {},
      tile(facts.pictures, "picture", "pictures"), tile(facts.copies, "copy", "copies"),
      tile(facts.by_person, "caption by a person", "captions by a person"), tile(facts.failures.length, "file that failed", "files that failed")),
    h("p.buttons", {}, h("a.button", link({ page: "duplicates", id: "" }), icon("copies"), "Look for duplicates")),
    facts.pictures > 2 && h("section.map-section", {}, h("h2", {}, "Map"),
      h("p.by", {}, "Pictures that are alike stand together. Scroll or pinch to zoom, drag to move; a click opens one."), new MapView(lib)) || "",
    h("section", {}, h("h2", {}, "Words"), h("p.by", {}, "With how many pictures show each, with a probability of at least .5."), words),
    captionersView(lib), timeLine(facts), most("Cameras", facts.cameras, "camera"), most("Lenses", facts.lenses, "lens"), most("Keywords", facts.keywords, "keyword"), most("Folders", facts.folders.slice(0, 20), "under"), failures(facts), exports(lib));
  const every = await served.words(lib);
  const shown = every.slice(0, MOST_WORDS);
  const top = Math.max(1, ...shown.map((one) => one.pictures));
  words.replaceChildren(...shown.map((one) => h("li", {}, h("a", { ...link({ ...NOTHING, page: "search", q: one.word }), vars: { "--share": one.pictures / top } }, one.word, h("small", {}, number(one.pictures))))));
}

/** @param {number} count @param {string} one @param {string} many */
const tile = (count, one, many) => h("li", {}, h("b", {}, number(count)), h("span", {}, count === 1 ? one : many));

/** @param {import("./api.js").Overview} facts */
function timeLine(facts) {
  if (!facts.months.length) return "";
  const every = allMonths(facts.months);
  const top = Math.max(...every.map((one) => one.pictures));
  return h("section", {}, h("h2", {}, "Time"),
    h("div.time-line", {}, every.map((one) => h("a", {
      ...link({ ...NOTHING, page: "search", since: one.name, until: one.name }), vars: { "--share": one.pictures / top },
      class: one.pictures ? "" : "none", "aria-label": `${one.name}: ${counted(one.pictures, "picture")}`, title: `${one.name}: ${counted(one.pictures, "picture")}`,
    }))),
    h("p.ends", {}, h("span", {}, every[0].name), h("span", {}, every[every.length - 1].name)),
    facts.undated > 0 && h("p.by", {}, `${counted(facts.undated, "picture does", "pictures do")} not say when.`));
}

/**
 * @param {string} title
 * @param {import("./api.js").Counted[]} counts
 * @param {"camera" | "lens" | "keyword" | "under"} key
 */
function most(title, counts, key) {
  if (!counts.length) return "";
  return h("section", {}, h("h2", {}, title), h("ul.chips.left", {}, counts.map((one) =>
    h("li", {}, h("a.chip-link", link({ ...NOTHING, page: "search", [key]: one.name }), one.name, h("small", {}, number(one.pictures)))))));
}

/** @param {string} lib */
function exports(lib) {
  return h("section", {}, h("h2", {}, "For other programs"), h("p.by", {}, "All captions with who made them, and facts of the pictures:"),
    h("ul.exports", {}, Object.entries(served.exports).map(([name, about]) => h("li", {}, h("a.chip-link", { href: exportOf(lib, name), download: "" }, name), h("span", {}, about)))));
}

/** @param {import("./api.js").Overview} facts */
function failures(facts) {
  if (!facts.failures.length) return "";
  return h("section", {}, h("h2", {}, "Files that failed"), h("ul.failures", {}, facts.failures.map((one) => h("li", {}, h("b", {}, one.path), h("span", {}, one.reason)))));
}
