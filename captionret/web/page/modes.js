// The ways to compare, as people choose among them.

import { h } from "./dom.js";
import { served } from "./served.js";

// these first; the other modes follow by their names
const CALLED = {
  auto: "Best match",
  words: "Words",
  embedding: "Meaning",
  hybrid: "All together",
  jaccard: "Captions, as published",
  cnn: "Looks alike",
};

/** How a mode is called for people. @param {string} name */
export const modeName = (name) => CALLED[/** @type {keyof typeof CALLED} */ (name)] ?? name;

/** @param {string} lib */
const modesOf = (lib) => served.find(lib)?.modes ?? [];

/** Those with a name of their own that a library can answer by. @param {string} lib */
export const firstModes = (lib) => Object.keys(CALLED).filter((name) => modesOf(lib).some((one) => one.name === name));

/** Whose captions a library holds, the best first. @param {string} lib */
export const captionersOf = (lib) => served.find(lib)?.captioners ?? [];

/**
 * A menu of the captioners of a library.
 * @param {string} lib
 * @param {string} chosen
 * @param {(by: string) => void} then
 */
export function captionerMenu(lib, chosen, then) {
  const known = captionersOf(lib);
  const select = /** @type {HTMLSelectElement} */ (h("select", {
    "aria-label": "Captions by", title: "Whose captions are searched and shown", onchange: () => then(select.value),
  }, h("option", { value: "" }, "The best captions"),
    chosen && !known.some((one) => one.name === chosen) && h("option", { value: chosen }, chosen),
    known.map((one) => h("option", { value: one.name }, one.kind === "file" ? `${one.name} (a file)` : one.name))));
  select.value = chosen;
  return select;
}

/**
 * A menu of all modes of a library.
 * @param {string} lib
 * @param {string} chosen
 * @param {(mode: string) => void} then
 */
export function modeMenu(lib, chosen, then) {
  const first = firstModes(lib);
  const rest = modesOf(lib).filter((one) => !first.includes(one.name)).map((one) => one.name);
  const select = /** @type {HTMLSelectElement} */ (h("select", {
    "aria-label": "Compare by", onchange: () => then(select.value),
    title: modesOf(lib).find((one) => one.name === chosen)?.about ?? "",
  }, first.map((name) => h("option", { value: name }, modeName(name))),
    h("optgroup", { label: "Further modes" }, rest.map((name) => h("option", { value: name }, name)))));
  select.value = chosen;
  return select;
}
