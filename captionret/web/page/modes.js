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
 * The mode by which words are added to a query and taken from it: the chosen one if it can, otherwise the first that
 * can; "" where none does.
 * @param {string} lib
 * @param {string} chosen
 */
export function adding(lib, chosen) {
  const can = modesOf(lib).filter((one) => one.adds).map((one) => one.name);
  return can.includes(chosen) ? chosen : (firstModes(lib).find((name) => can.includes(name)) ?? "");
}

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
 * A menu of all modes of a library; those that cannot compare what is asked with are there, but not to be chosen.
 * @param {import("./state.js").State} now
 * @param {string} chosen
 * @param {(mode: string) => void} then
 */
export function modeMenu({ lib, q, image }, chosen, then) {
  const first = firstModes(lib);
  const able = (/** @type {string} */ name) => {
    const accepts = modesOf(lib).find((one) => one.name === name)?.accepts ?? [];
    return (!q || accepts.includes("text")) && (!image || accepts.includes("image"));
  };
  const option = (/** @type {string} */ name) => h("option", { value: name, disabled: !able(name) && name !== chosen }, modeName(name));
  const rest = modesOf(lib).filter((one) => !first.includes(one.name)).map((one) => one.name);
  const select = /** @type {HTMLSelectElement} */ (h("select", {
    "aria-label": "Compare by", onchange: () => then(select.value),
    title: modesOf(lib).find((one) => one.name === chosen)?.about ?? "",
  }, first.map(option), h("optgroup", { label: "Further modes" }, rest.map(option))));
  select.value = chosen;
  return select;
}
