// The same query in two to four columns: modes, captioners, or both; what all of them find is marked.

import { sideBySide } from "./api.js";
import { MOST, columnOf, columnsOf, oneMore, readColumn } from "./columns.js";
import { h, icon, iconButton, keepingFocus, number } from "./dom.js";
import { captionerMenu, captionersOf, firstModes, modeMenu } from "./modes.js";
import { card } from "./picture-card.js";
import { bestOf } from "./scores.js";
import { go, state, watch } from "./state.js";

const SHOWN = 12;

/** @param {HTMLElement} place */
export function show(place) {
  const page = new ComparePage(place);
  const stop = watch((now) => now.page === "compare" && page.turn(now));
  return () => {
    stop();
    page.stop?.abort();
  };
}

class ComparePage {
  /** @param {HTMLElement} place */
  constructor(place) {
    this.head = h("div.limits");
    this.columns = h("div.columns");
    place.append(h("h1.hidden", {}, "Compare"), this.head, this.columns);
  }

  /** @param {import("./state.js").State} now */
  async turn(now) {
    const chosen = columnsOf(now.modes, firstModes(now.lib), now.by);
    this.stop?.abort();
    this.stop = new AbortController();
    const { signal } = this.stop;
    if (!now.q.trim() && !now.image) {
      this.nothing(icon("columns"), "One query, several ways to compare", "Type a text above, or drop a picture: the answers of two to four modes or captioners stand side by side.");
      return;
    }
    this.columns.style.setProperty("--columns", String(chosen.length));
    try {
      const found = await sideBySide(now, chosen, SHOWN, signal);
      if (!signal.aborted) this.draw(chosen, found);
    } catch (error) {
      if (!signal.aborted) this.nothing(icon("info"), "That cannot be compared", String(/** @type {Error} */ (error).message));
    }
  }

  /**
   * @param {Node} drawn
   * @param {string} title
   * @param {string} text
   */
  nothing(drawn, title, text) {
    this.head.replaceChildren();
    this.columns.replaceChildren(h("div.nothing", {}, drawn, h("h2", {}, title), h("p", {}, text)));
  }

  /**
   * @param {string[]} chosen
   * @param {import("./api.js").SideBySide} found
   */
  draw(chosen, found) {
    const inAll = new Set(found.agreed);
    const { lib } = state();
    const next = oneMore(chosen, firstModes(lib), captionersOf(lib).map((one) => one.name));
    this.head.replaceChildren(
      h("p", {}, `${number(inAll.size)} of ${number(found.different)} pictures are among the first ${SHOWN} of all ${chosen.length}.`),
      chosen.length < MOST && next && h("button.button", { type: "button", onclick: () => go({ modes: [...chosen, next] }) }, icon("add"), "Another column") || "");
    keepingFocus(this.columns, () => this.columns.replaceChildren(...found.columns.map((one, place) => column(chosen, one, place, inAll))));
  }
}

/**
 * @param {string[]} chosen
 * @param {import("./api.js").Column} answer
 * @param {number} place
 * @param {Set<string>} inAll
 */
function column(chosen, answer, place, inAll) {
  const { lib } = state();
  const { mode, by } = readColumn(chosen[place]);
  const turn = (/** @type {string} */ changed) => go({ modes: chosen.map((one, other) => (other === place ? changed : one)) });
  const head = h("header", {},
    h("span.of", {},
      modeMenu(state(), mode, (name) => turn(columnOf(name, by))),
      (captionersOf(lib).length > 1 || by) && captionerMenu(lib, by, (name) => turn(columnOf(mode, name)))),
    chosen.length > 2 && iconButton("close", `Without ${chosen[place]}`, { onclick: () => go({ modes: chosen.filter((_, other) => other !== place) }) }));
  const label = { "aria-label": by ? `${mode}, captions by ${by}` : mode };
  if (answer.problem) return h("section", label, head, h("p.message", {}, answer.problem));
  const best = bestOf(answer.hits);
  return h("section", label, head,
    answer.hits.length ? h("div.part", {}, answer.hits.map((one) => card(one, { best, agreed: inAll.has(one.id) }))) : h("p.by", {}, answer.notes[0] ?? "Nothing fits."));
}
