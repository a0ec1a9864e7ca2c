// How a picture stands among the others: whether it is a hub, and which are nearly the same.

import { nearness } from "./api.js";
import { counted, h } from "./dom.js";
import { modeName } from "./modes.js";
import { card } from "./picture-card.js";

/**
 * A section that fills itself; it stays hidden where there is nothing to say.
 * @param {string} lib
 * @param {string} id
 * @param {AbortSignal} signal
 */
export function nearnessView(lib, id, signal) {
  const place = h("section.nearness", { hidden: true });
  nearness(lib, id, signal).then((found) => {
    place.append(...copies(found), ...hub(found));
    place.hidden = !place.childElementCount;
  }, () => {}); // the page says what is wrong with the picture itself
  return place;
}

/** @param {import("./api.js").Nearness} found */
function copies(found) {
  if (!found.copies.length) return [];
  return [h("h2.near-head", {}, "Nearly the same"), h("div.part", {}, found.copies.map((one) => card(one.picture)))];
}

/** @param {import("./api.js").Nearness} found */
function hub(found) {
  if (found.lists === null || found.more === null) return [];
  const lists = Math.round(found.lists);
  const kind = lists === 0 ? "No picture has it among its nearest" : `It is among the ${found.k} nearest of ${counted(lists, "picture")}`;
  const share = found.more < 0.005 ? "no other is among more" : `${Math.round(100 * found.more)} % are among more`;
  return [h("h2.near-head", {}, lists >= 5 * found.k ? "A hub" : "Among the others"),
    h("p.by", {}, `${kind}; ${found.k} are usual, and ${share}. Counted by “${modeName(found.mode)}”, over ${counted(found.pictures, "picture")}.`)];
}
