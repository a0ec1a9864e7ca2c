// Pictures that somebody has chosen, to take them along: the paths of their files, or a list of them as a table.

import { listed } from "./api.js";
import { counted, h, icon, notify } from "./dom.js";
import { NOTHING, go, state, watch } from "./state.js";
import { tableOf } from "./tables.js";

const MOST = 400; // that the server lists at once
const LIKED = 50; // that a query may be moved by

/** @type {Set<string>} */
const chosen = new Set();
let lib = "";
let last = "";

/** @param {string} id */
export const isChosen = (id) => lib === state().lib && chosen.has(id);

/**
 * Choose a picture, or let it go.
 * @param {string} id
 * @param {string[]} [every] all that are shown, where those since the last choice are meant, too
 */
export function choose(id, every = []) {
  if (lib !== state().lib) chosen.clear();
  lib = state().lib;
  const on = !chosen.has(id);
  const ends = [every.indexOf(last), every.indexOf(id)].sort((one, other) => one - other);
  const meant = ends[0] < 0 ? [id] : every.slice(ends[0], ends[1] + 1);
  for (const one of meant) on ? chosen.add(one) : chosen.delete(one);
  last = id;
  changed();
}

/** Show everywhere what is chosen. */
function changed() {
  document.querySelectorAll("[data-choose]").forEach((one) => {
    const on = isChosen(/** @type {HTMLElement} */ (one).dataset.choose ?? "");
    one.classList.toggle("on", on);
    one.setAttribute("aria-pressed", String(on));
  });
  dispatchEvent(new Event("chosen"));
}

function none() {
  chosen.clear();
  changed();
}

/** @typedef {import("./api.js").Listed} Listed */

/** What is known of the chosen pictures. */
async function files() {
  const every = [...chosen];
  /** @type {Listed[]} */
  const found = [];
  for (let at = 0; at < every.length; at += MOST) found.push(...(await listed(lib, every.slice(at, at + MOST))));
  return found;
}

/** @param {() => Promise<string>} work whose answer is shown */
export const doing = (work) => () => work().then((text) => notify(text), (error) => notify(error.message, { bad: true }));

/** @param {Listed[]} found */
export async function copyPaths(found) {
  try {
    await navigator.clipboard.writeText(found.map((one) => one.path).join("\n"));
  } catch {
    throw new Error("The browser does not let this page copy. A list that is saved holds the paths, too.");
  }
  return `${counted(found.length, "path")} copied.`;
}

async function saveList() {
  const found = await files();
  const address = URL.createObjectURL(new Blob([tableOf(found)], { type: "text/csv" }));
  h("a", { href: address, download: `${lib} - ${counted(found.length, "picture")}.csv` }).click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
  return `A list of ${counted(found.length, "picture")} is saved.`;
}

/**
 * A button whose name has room on a desk alone.
 * @param {import("./dom.js").Icon} drawn
 * @param {string} name
 * @param {() => void} onclick
 */
const action = (drawn, name, onclick) => h("button.button", { type: "button", title: name, onclick }, icon(drawn), h("span", {}, name));

class ChosenPictures extends HTMLElement {
  connectedCallback() {
    this.setAttribute("role", "region");
    this.setAttribute("aria-label", "Chosen pictures");
    this.draw = this.draw.bind(this);
    addEventListener("chosen", this.draw);
    watch(this.draw);
  }

  draw() {
    this.hidden = !chosen.size || lib !== state().lib;
    if (this.hidden) return;
    const count = h("b", { role: "status" }, `${counted(chosen.size, "picture")} chosen`);
    if (this.firstChild) return void this.querySelector("b")?.replaceWith(count);
    this.append(count,
      action("copies", "Copy paths", doing(async () => copyPaths(await files()))),
      action("report", "Save a list", doing(saveList)),
      action("search", "More like these", () => go({ ...NOTHING, page: "search", id: "", like: [...chosen].slice(0, LIKED) })),
      action("close", "None", none));
  }
}

customElements.define("chosen-pictures", ChosenPictures);
