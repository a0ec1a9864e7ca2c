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
