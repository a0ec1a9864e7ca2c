// Pictures that are there more than once, each group side by side, the best copy first. Nothing is deleted here.

import { duplicates, imageOf } from "./api.js";
import { counted, h, icon, number } from "./dom.js";
import { link, state } from "./state.js";

const AGAIN = 700; // milliseconds until it is asked again while they are looked for
const KINDS = { exact: "The very same file", near: "Nearly the same", burst: "One moment" };

/** @param {HTMLElement} place */
export function show(place) {
  const { lib } = state();
  let left = false;
  const look = async () => {
    try {
      const found = await duplicates(lib);
      if (left) return;
      draw(place, lib, found);
      if (found.state === "looking") setTimeout(look, AGAIN);
    } catch (error) {
      if (!left) draw(place, lib, { state: "failed", groups: [], every: 0, message: String(/** @type {Error} */ (error).message) });
    }
  };
  look();
  return () => {
    left = true;
  };
}

/**
 * @param {HTMLElement} place
 * @param {string} lib
 * @param {import("./api.js").DuplicatesFound} found
 */
function draw(place, lib, found) {
  const title = h("h1", {}, "Duplicates");
  if (found.state === "looking") place.replaceChildren(title, h("p.looking", { role: "status" }, h("span.spinner"), "Looking at every picture; this takes a while the first time."));
  else if (found.state === "failed") place.replaceChildren(title, h("p.message", {}, found.message));
  else if (!found.groups.length) place.replaceChildren(title, h("div.nothing", {}, icon("check"), h("h2", {}, "Nothing is there twice"), h("p", {}, "No file is the same as another one, or nearly the same.")));
  else {
    const more = found.every > found.groups.length ? `The first ${number(found.groups.length)} of ${counted(found.every, "group")}.` : `${counted(found.every, "group")}.`;
    place.replaceChildren(title, h("p.lead", {}, `${more} The best copy comes first: of the highest resolution, then the sharpest. Nothing is deleted here.`),
      ...found.groups.map((one) => group(lib, one)));
  }
}

/**
 * @param {string} lib
 * @param {import("./api.js").DuplicateGroup} one
 */
function group(lib, one) {
  const name = KINDS[/** @type {keyof typeof KINDS} */ (one.kind)] ?? one.kind;
  return h("section.copies", {}, h("h2", {}, name, h("small", {}, ` ${counted(one.files.length, "file")}`)),
    h("ul.part", {}, one.files.map((file, place) => h("li", {},
      h("a.frame", { ...link({ page: "picture", id: file.id }), "aria-label": `All about ${file.name}` },
        h("img", { src: imageOf(lib, file.id, "small"), alt: "", loading: "lazy", width: 360, height: 270 }), place === 0 && h("span.badge.good", {}, "the best")),
      h("p.caption", {}, file.name), h("small", {}, facts(file))))));
}

/** @param {import("./api.js").DuplicateFile} file */
function facts(file) {
  const size = file.size >= 1e6 ? `${(file.size / 1e6).toFixed(1)} MB` : `${Math.max(1, Math.round(file.size / 1000))} kB`;
  return [file.folder, file.width && `${number(file.width)} × ${number(file.height)}`, file.size && size, file.taken?.slice(0, 16).replace("T", ", ")].filter(Boolean).join(" · ");
}
