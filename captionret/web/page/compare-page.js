// The same query in two to four modes, side by side; what all of them find is marked.

import { search } from "./api.js";
import { h, icon, iconButton, number } from "./dom.js";
import { firstModes, modeMenu } from "./modes.js";
import { card } from "./picture-card.js";
import { go, state, watch } from "./state.js";

const SHOWN = 12;
const MOST = 4;

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
    const modes = chosen(now);
    this.stop?.abort();
    this.stop = new AbortController();
    const { signal } = this.stop;
    if (!now.q.trim() && !now.image) {
      this.head.replaceChildren();
      this.columns.replaceChildren(h("div.nothing", {}, icon("columns"), h("h2", {}, "One query, several ways to compare"), h("p", {}, "Type a text above, or drop a picture: the answers of two to four modes stand side by side.")));
      return;
    }
    this.columns.style.setProperty("--columns", String(modes.length));
    const answers = await Promise.all(modes.map((mode) => search(now, { mode }, 0, SHOWN, signal).catch((error) => error)));
    if (signal.aborted) return;
    this.draw(modes, answers);
  }

  /**
   * @param {string[]} modes
   * @param {(import("./api.js").Answer | Error)[]} answers
   */
  draw(modes, answers) {
    const found = answers.map((one) => new Set(one instanceof Error ? [] : one.hits.map((hit) => hit.id)));
    const inAll = new Set([...found[0]].filter((id) => found.every((one) => one.has(id))));
    const union = new Set(found.flatMap((one) => [...one]));
    this.head.replaceChildren(
      h("p", {}, `${number(inAll.size)} of ${number(union.size)} pictures are among the first ${SHOWN} of all ${modes.length}.`),
      modes.length < MOST && h("button.button", { type: "button", onclick: () => go({ modes: [...modes, unused(modes)] }) }, icon("add"), "Another mode") || "");
    this.columns.replaceChildren(...modes.map((mode, place) => column(modes, mode, place, answers[place], inAll)));
  }
}

/**
 * @param {string[]} modes
 * @param {string} mode
 * @param {number} place
 * @param {import("./api.js").Answer | Error} answer
 * @param {Set<string>} inAll
 */
function column(modes, mode, place, answer, inAll) {
  const menu = modeMenu(state().lib, mode, (name) => go({ modes: modes.map((one, other) => (other === place ? name : one)) }));
  const head = h("header", {}, menu, modes.length > 2 && iconButton("close", `Without ${mode}`, { onclick: () => go({ modes: modes.filter((_, other) => other !== place) }) }));
  if (answer instanceof Error) return h("section", { "aria-label": mode }, head, h("p.message", {}, answer.message));
  const best = Math.max(0, ...answer.hits.map((one) => one.score));
  return h("section", { "aria-label": mode }, head,
    answer.hits.length ? h("div.part", {}, answer.hits.map((one) => card(one, { best, agreed: inAll.has(one.id) }))) : h("p.by", {}, answer.notes[0] ?? "Nothing fits."));
}

/** @param {import("./state.js").State} now */
function chosen(now) {
  const first = firstModes(now.lib);
  const usual = ["auto", "words", "jaccard"].filter((one) => first.includes(one));
  return now.modes.length >= 2 ? now.modes.slice(0, MOST) : usual;
}

/** @param {string[]} modes */
const unused = (modes) => firstModes(state().lib).find((one) => !modes.includes(one)) ?? "auto";
