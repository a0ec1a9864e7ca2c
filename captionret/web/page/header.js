// The header: which library, the search box, how to compare, and the other pages.

import { libraries } from "./api.js";
import { h, icon, iconButton, number } from "./dom.js";
import { showKeys } from "./keys.js";
import "./search-box.js";
import { served } from "./served.js";
import { NOTHING, go, link, state, watch } from "./state.js";

const LINKS = /** @type {const} */ ([
  ["search", "Search", "grid"],
  ["compare", "Compare", "columns"],
  ["review", "Review", "pen"],
  ["library", "Library", "library"],
  ["reports", "Reports", "report"],
  ["add", "Add", "add"],
]);

/** @param {HTMLElement} place */
export function drawHeader(place) {
  const brand = h("a.brand", { "aria-label": "captionret: begin anew" },
    h("img", { src: "/page/mark.svg", alt: "", width: 30, height: 30 }), h("span", {}, "captionret"));
  const nav = h("nav", { "aria-label": "Pages" });
  const library = libraryMenu();
  place.append(
    h("div.bar", {},
      brand,
      h("search-box"),
      nav,
      h("div.tools", {}, library, themeButton(), iconButton("help", "Keys", { onclick: showKeys })),
    ),
  );
  watch((now) => {
    const home = link({ ...NOTHING, page: "search", id: "" });
    brand.setAttribute("href", home.href);
    brand.onclick = home.onclick;
    nav.replaceChildren(...LINKS.filter(([page]) => offered(page)).map(([page, name, drawn]) => h("a", {
      ...link({ page, id: "" }), class: now.page === page ? "here" : "",
      "aria-current": now.page === page && "page", title: name,
    }, icon(drawn), h("span", {}, name))));
    const chosen = /** @type {HTMLSelectElement | null} */ (library.querySelector("select"));
    if (chosen) chosen.value = now.lib;
  });
}

/** @param {string} page */
function offered(page) {
  const facts = served.find(state().lib);
  if (page === "review") return facts?.writable ?? false;
  if (page === "reports") return served.reports;
  if (page === "add") return facts?.writable ?? false;
  return true;
}

function libraryMenu() {
  const select = h("select", {
    "aria-label": "Library",
    onchange: () => go({ ...NOTHING, by: "", lib: /** @type {HTMLSelectElement} */ (select).value, id: "", page: state().page === "picture" ? "search" : state().page }),
  });
  const draw = () => {
    select.replaceChildren(...served.all.map((one) => h("option", { value: one.id }, `${one.id} (${number(one.pictures)})`)));
    /** @type {HTMLSelectElement} */ (select).value = state().lib;
  };
  draw();
  addEventListener("library-changed", () => libraries().then((found) => {
    served.set(found);
    draw();
  }, () => {})); // the counts of before stay
  return h("label.menu.library-menu", { hidden: served.all.length < 2 }, select);
}

function themeButton() {
  const dark = () =>
    document.documentElement.dataset.theme
      ? document.documentElement.dataset.theme === "dark"
      : matchMedia("(prefers-color-scheme: dark)").matches;
  const button = iconButton(dark() ? "sun" : "moon", "Light or dark", {
    onclick: () => {
      const next = dark() ? "light" : "dark";
      document.documentElement.dataset.theme = next;
      try {
        localStorage.setItem("theme", next);
      } catch {
        // it holds until the page is closed
      }
      button.replaceChildren(icon(dark() ? "sun" : "moon"));
    },
  });
  return button;
}
