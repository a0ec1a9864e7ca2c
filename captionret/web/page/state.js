// The one state of the page, which the address holds: back, forward and bookmarks work by themselves.

/**
 * @typedef {object} State
 * @property {string} page search, picture, library, review, compare, add, reports or duplicates
 * @property {string} lib the library
 * @property {string} q the text, in the query language
 * @property {string} image the picture that is asked with: of the library, or one that was sent
 * @property {string} mode
 * @property {string} by whose captions are searched and shown; "": the best of each picture
 * @property {string[]} like
 * @property {string[]} dislike
 * @property {string[]} plus
 * @property {string[]} minus
 * @property {string} under
 * @property {string} since
 * @property {string} until
 * @property {string} camera
 * @property {string} lens
 * @property {string} keyword
 * @property {string} near latitude, longitude and kilometres: "48.2,16.4,5"
 * @property {string} least
 * @property {string} show the order: "", "newest", "date", or in groups: "day", "folder"
 * @property {string} id the picture whose page is open
 * @property {string[]} modes that are compared side by side, each with a captioner behind a colon if one is meant
 */

const TEXTS = /** @type {const} */ (["lib", "q", "image", "mode", "by", "under", "since", "until", "camera", "lens", "keyword", "near", "least", "show", "id"]);
const LISTS = /** @type {const} */ (["like", "dislike", "plus", "minus", "modes"]);
const PAGES = ["picture", "library", "review", "compare", "add", "reports", "duplicates"];
export const UNFILTERED = { under: "", since: "", until: "", camera: "", lens: "", keyword: "", near: "", least: "" };

/** @type {Set<(state: State) => void>} */
const watching = new Set();
let current = read(new URL(location.href));

/**
 * @param {URL} url
 * @returns {State}
 */
export function read(url) {
  const page = url.pathname.replace(/^\//, "");
  /** @type {Record<string, unknown>} */
  const found = { page: PAGES.includes(page) ? page : "search" };
  for (const name of TEXTS) found[name] = url.searchParams.get(name) ?? "";
  for (const name of LISTS) found[name] = url.searchParams.getAll(name);
  return /** @type {State} */ (found);
}

/**
 * Where a state lies.
 * @param {Partial<State>} changes from the present one
 */
export function address(changes) {
  const next = { ...current, ...changes };
  const query = new URLSearchParams();
  for (const name of TEXTS) {
    if (name === "id" && next.page !== "picture") continue;
    if (next[name]) query.set(name, next[name]);
  }
  for (const name of LISTS) {
    if (name === "modes" && next.page !== "compare") continue;
    for (const one of next[name]) query.append(name, one);
  }
  const text = query.toString();
  return `/${next.page === "search" ? "" : next.page}${text ? `?${text}` : ""}`;
}

/** The present state. */
export const state = () => current;

/**
 * Go to another state.
 * @param {Partial<State>} changes
 * @param {boolean} [instead] of the present one, rather than after it
 */
export function go(changes, instead = false) {
  const place = address(changes);
  if (place === location.pathname + location.search) return;
  if (instead) history.replaceState(null, "", place);
  else history.pushState(null, "", place);
  arrive(!instead);
}

/**
 * Call `then` with every new state, and with the present one now; the answer ends it.
 * @param {(state: State) => void} then
 */
export function watch(then) {
  watching.add(then);
  then(current);
  return () => void watching.delete(then);
}

/** @param {boolean} upwards whether a new page begins at its top */
function arrive(upwards) {
  current = read(new URL(location.href));
  const now = current;
  for (const then of [...watching]) if (now === current) then(now);
  if (upwards) scrollTo({ top: 0, behavior: "instant" });
}

addEventListener("popstate", () => arrive(false));

/**
 * A click on a link inside the page changes the state; with a key held the browser opens it as usual.
 * @param {Partial<State>} changes
 */
export function link(changes) {
  return {
    href: address(changes),
    onclick: (/** @type {MouseEvent} */ event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
      event.preventDefault();
      go(changes);
    },
  };
}

/** A query that asks for nothing. */
export const NOTHING = { q: "", image: "", like: [], dislike: [], plus: [], minus: [], ...UNFILTERED };
