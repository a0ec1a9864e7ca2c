// The reports of other commands: tables and plots of comparisons and evaluations.

import { reports } from "./api.js";
import { h, icon } from "./dom.js";

/** @param {HTMLElement} place */
export function show(place) {
  reports().then((found) => draw(place, found), (error) =>
    place.replaceChildren(h("div.nothing", {}, icon("info"), h("h2", {}, "They cannot be shown"), h("p", {}, error.message))));
}

/**
 * @param {HTMLElement} place
 * @param {import("./api.js").Report[]} found
 */
function draw(place, found) {
  place.replaceChildren(h("h1", {}, "Reports"), found.length
    ? h("ul.reports", {}, found.map((one) => h("li", {}, h("a", { href: one.place }, one.title), h("p", {}, one.lead), h("small", {}, `${one.folder} · ${one.day}`))))
    : h("div.nothing", {}, icon("report"), h("h2", {}, "No reports yet"), h("p", {}, "captionret compare-variants and evaluate-retrieval write some into the folder of --out.")));
}
