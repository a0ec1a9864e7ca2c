// A picture in a list: what it shows, the words that made it a hit and how sure they are, and what can be done.

import { imageOf } from "./api.js";
import { isChosen } from "./chosen.js";
import { h, icon, iconButton, notify, probability } from "./dom.js";
import { lookForServer } from "./reaching.js";
import { share } from "./scores.js";
import { NOTHING, address, go, link, state, watch } from "./state.js";
import { onlyLeavesOut, withWord } from "./words.js";

/**
 * @typedef {import("./api.js").Found} Found
 */

/**
 * A card.
 * @param {Found} found
 * @param {{best?: number | null, agreed?: boolean, choice?: boolean}} [options] best: the best score of the answer;
 * agreed: marked; choice: it can be chosen
 */
export function card(found, { best = null, agreed = false, choice = false } = {}) {
  const now = state();
  const like = { ...NOTHING, page: "search", image: found.id, mode: now.mode, id: "" };
  const shown = h("a.shown", {
    ...link(like), "aria-label": `${found.caption}. More like this`,
    title: "More like this", data: { id: found.id },
  }, picture(now.lib, found));
  const made = h("picture-card", { role: "group", "aria-label": found.caption, class: [found.weak && "weak", agreed && "agreed"].filter(Boolean).join(" "), data: { id: found.id } },
    h("div.frame", {},
      shown,
      found.weak && guess(found),
      agreed && h("span.badge.good", { title: "Found by all" }, "in all"),
      best !== null && h("span.score", { title: `score ${found.score.toPrecision(3)}`, vars: { "--share": share(found.score, best) } })),
    h("div.actions", {},
      choice && iconButton("check", "Choose it", { class: isChosen(found.id) ? "on" : "", "aria-pressed": String(isChosen(found.id)), data: { choose: found.id } }),
      iconButton("up", "More of this kind", { class: now.like.includes(found.id) ? "on" : "", "aria-pressed": String(now.like.includes(found.id)), onclick: () => judge(found.id, true) }),
      iconButton("down", "Less of this kind", { class: now.dislike.includes(found.id) ? "on" : "", "aria-pressed": String(now.dislike.includes(found.id)), onclick: () => judge(found.id, false) }),
      h("a.icon-button", { ...link({ page: "picture", id: found.id }), "aria-label": `All about this picture: ${found.caption}`, title: "All about this picture" }, icon("info"))),
    h("p.caption", {}, found.caption, found.person && h("span.person", { title: "A person wrote this caption" }, icon("pen"))),
    found.words.length > 0 && h("ul.words", { "aria-label": "Words" }, found.words.slice(0, 6).map((one) => h("li", {}, wordButton(one)))));
  return made;
}

/**
 * Why a hit is little more than a guess.
 * @param {Found} found
 */
function guess(found) {
  if (found.by_name) return h("span.badge", { title: "Nothing fits; its file is called so" }, "by its name");
  if (found.by_caption.length === 0) return h("span.badge", { title: "Little more than a guess" }, "a guess");
  return h("span.badge", { title: `Its caption says ${found.by_caption.join(" ")}` }, "by its caption");
}

/**
 * @param {string} lib
 * @param {Found} found
 */
function picture(lib, found) {
  const drawn = h("img", {
    src: imageOf(lib, found.id, "small"), alt: "", loading: "lazy", decoding: "async", width: 360, height: 270,
    onerror: () => {
      lookForServer();
      const gone = h("span.gone", { onagain: () => gone.replaceWith(picture(lib, found)) }, icon("image"), `${found.name} cannot be shown`);
      drawn.replaceWith(gone);
    },
  });
  return drawn;
}

/**
 * A word, which a click searches and a click with Alt leaves out.
 * @param {import("./api.js").Word} found
 */
export function wordButton({ word, probability: sure, certain }) {
  const shown = certain ? "(caption)" : probability(sure);
  return h("button.word", {
    type: "button", title: `${word} ${shown}: search it; with Alt: leave it out`, vars: { "--sure": sure },
    onclick: (/** @type {MouseEvent} */ event) => {
      const now = state();
      const from = now.page === "search" ? now.q : "";
      const left = withWord(from, word, true);
      if (!event.altKey) go({ ...NOTHING, page: "search", q: word, id: "" });
      else if (onlyLeavesOut(left) && !now.image && !now.like.length) notify(`Search for something else first: without ${word} nothing is asked for.`);
      else go({ page: "search", q: left, id: "" });
    },
  }, word, h("small", {}, shown));
}

/**
 * @typedef {{like: string[], dislike: string[]}} Judged
 * @typedef {{before: Judged, after: Judged, earlier: Judgement | undefined}} Judgement
 * @type {Judgement | undefined}
 */
let last;

/**
 * Like or dislike a picture, or take that back.
 * @param {string} id
 * @param {boolean} good
 */
export function judge(id, good) {
  const now = state();
  const before = { like: now.like, dislike: now.dislike };
  const without = (/** @type {string[]} */ list) => list.filter((one) => one !== id);
  const key = good ? "like" : "dislike";
  const was = now[key].includes(id);
  const after = { like: without(now.like), dislike: without(now.dislike) };
  if (!was) after[key] = [...after[key], id];
  if (!now.q && !now.image && !after.like.length && after.dislike.length) {
    notify("Search for something first, or like a picture.");
    return;
  }
  last = { before, after, earlier: last };
  go({ ...after, page: "search" });
  const takeAway = notify(was ? "Taken back." : good ? "More of this kind." : "Less of this kind.", { action: ["Undo", undo] });
  const stop = watch((next) => {
    if (asked(next) === asked(now)) return;
    takeAway(); // of another query there is nothing to undo
    stop();
  });
}

/** What is asked for, but for likes. @param {import("./state.js").State} now */
const asked = (now) => [now.lib, now.q, now.image].join("\n");

/** Take the last like or dislike back; where the address alone tells of them, the one that it names last. */
export function undo() {
  const { like, dislike } = state();
  if (!like.length && !dislike.length) notify("Nothing is liked or disliked.");
  else if (last && same(last.after.like, like) && same(last.after.dislike, dislike)) {
    const { before, earlier } = last;
    last = earlier;
    go({ ...before, page: "search" });
  } else go(dislike.length ? { dislike: dislike.slice(0, -1), page: "search" } : { like: like.slice(0, -1), page: "search" });
}

/** @param {string[]} one @param {string[]} other */
const same = (one, other) => one.join() === other.join();

/** Where the page of a picture lies. @param {string} id */
export const pageOf = (id) => address({ page: "picture", id });
