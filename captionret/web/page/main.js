// The shell: the header, and below it the page that the state names.

import { libraries } from "./api.js";
import { focusLost, h, notify, typing } from "./dom.js";
import { drawHeader } from "./header.js";
import { showKeys } from "./keys.js";
import { lookForServer, unreached } from "./reaching.js";
import { SearchPage } from "./search-page.js";
import { served } from "./served.js";
import { go, state, watch } from "./state.js";

/** @type {Record<string, () => Promise<{show: (place: HTMLElement) => void | (() => void)}>>} */
const PAGES = {
  picture: () => import("./picture-page.js"),
  library: () => import("./library-page.js"),
  compare: () => import("./compare-page.js"),
  review: () => import("./review-page.js"),
  add: () => import("./add-page.js"),
  reports: () => import("./reports-page.js"),
  duplicates: () => import("./duplicates-page.js"),
};
const TITLES = { picture: "Picture", library: "Library", compare: "Compare", review: "Review", add: "Add pictures", reports: "Reports", duplicates: "Duplicates" };

const finding = h("section.search-page", { "aria-label": "Search" });
const other = h("section", { hidden: true });
/** @type {SearchPage | undefined} */
let search;
let open = "";
let unopened = false;
/** @type {void | (() => void)} */
let leave;

/** @param {import("./state.js").State} now */
async function turn(now) {
  document.title = title(now);
  const key = now.page === "search" ? "search" : [now.page, now.id, now.lib].join(" ");
  finding.hidden = now.page !== "search";
  other.hidden = now.page === "search";
  if (now.page === "search") {
    search ??= new SearchPage(finding);
    search.turn(now);
  }
  if (key === open) return;
  open = key;
  unopened = false;
  if (leave) leave();
  leave = undefined;
  other.replaceChildren();
  if (now.page === "search") return;
  let show;
  try {
    ({ show } = await PAGES[now.page]());
  } catch {
    if (key === open) cannotOpen();
    return;
  }
  if (key !== open) return; // somebody has gone on meanwhile
  other.className = `${now.page}-page`;
  leave = show(other);
  // whoever came by a link that is not here any more goes on from the page's beginning
  if (focusLost()) document.getElementById("content")?.focus({ preventScroll: true });
}

/** A page's program did not come. */
function cannotOpen() {
  lookForServer();
  unopened = true;
  other.replaceChildren(h("div.nothing", {}, unreached(() => location.reload())));
}

/** The server answers again: a page that shows that something did not come is shown anew. */
function goOn() {
  if (unopened) location.reload(); // a program that did not come once is not asked for again
  else if (state().page !== "search" && other.querySelector(".nothing")) {
    open = "";
    turn(state());
  }
}

/** @param {import("./state.js").State} now */
function title(now) {
  const page = TITLES[/** @type {keyof typeof TITLES} */ (now.page)];
  return [now.q || page, "captionret"].filter(Boolean).join(" – ");
}

async function begin() {
  try {
    const found = await libraries();
    served.set(found);
  } catch (error) {
    notify(String(/** @type {Error} */ (error).message), { bad: true });
    return;
  }
  if (!served.find(state().lib)) go({ lib: served.all[0].id }, true);
  drawHeader(/** @type {HTMLElement} */ (document.getElementById("top")));
  document.getElementById("content")?.append(finding, other);
  watch((now) => {
    if (!served.find(now.lib)) go({ lib: served.all[0].id }, true);
    else turn(now);
  });
}

addEventListener("server-back", goOn);
addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "/" && !typing()) {
    event.preventDefault();
    document.querySelector("search-box")?.dispatchEvent(new Event("wanted"));
  } else if (event.key === "?" && !typing()) showKeys();
});

begin();
