// The first page: an answer, what was understood, and what to do where nothing fits.

import { Refused, UNREACHED, imageOf, libraries, query, search } from "./api.js";
import { counted, focusLost, h, icon, iconButton, notify, number } from "./dom.js";
import "./filter-bar.js";
import { modeName } from "./modes.js";
import { ResultGrid } from "./result-grid.js";
import { unreached } from "./reaching.js";
import { served } from "./served.js";
import { NOTHING, UNFILTERED, go, link, state } from "./state.js";
import { completed } from "./words.js";

const COMMONEST = 18;
const LIST = 150; // milliseconds that an answer waits for the list of words
const PATIENCE = 900; // until what is wrong with a query is shown while one types: it may not be finished

const LONG = 1200; // until it is asked why an answer does not come

/** Whether a query is being typed. @param {import("./state.js").State} now */
const typed = (now) => document.activeElement?.closest("search-box") && now.q !== "" && !/\s$/.test(now.q);

/** @param {string} lib */
const noPictures = (lib) => [
  icon("image"),
  h("h2", {}, "No pictures yet"),
  h("p", {}, "What is in the library's folder is found when it has been indexed."),
  ...(served.find(lib)?.writable ? [h("p", {}, h("a.button.first", link({ page: "add", id: "" }), icon("add"), "Add pictures"))] : []),
];

/** @param {number} milliseconds @returns {Promise<undefined>} */
const pause = (milliseconds) => new Promise((then) => setTimeout(then, milliseconds));

/** The search page, which stays as it is while others are open. */
export class SearchPage {
  /** @param {HTMLElement} place */
  constructor(place) {
    this.place = place;
    this.head = h("div.head", { role: "status" });
    this.judged = h("div.judged", { hidden: true });
    this.grid = new ResultGrid();
    this.empty = h("div.nothing", { hidden: true });
    this.asked = "";
    this.top = 0;
    this.saidWhy = false;
    /** The picture that was focused last. @type {string | undefined} */
    this.at = undefined;
    this.grid.addEventListener("focusin", (event) => {
      this.at = /** @type {HTMLElement} */ (event.target).closest("picture-card")?.getAttribute("data-id") ?? undefined;
    });
    place.append(h("h1.hidden", {}, "Search"), h("div.limits", {}, h("filter-bar"), this.head), this.judged, this.empty, this.grid, h("chosen-pictures"));
    addEventListener("library-changed", () => (this.asked = ""));
    addEventListener("server-back", () => (this.unreached ? this.again() : this.grid.again()));
    addEventListener("scroll", () => {
      if (!place.hidden) this.top = scrollY;
    });
  }

  /** @param {import("./state.js").State} now */
  async turn(now) {
    const asked = `${now.lib}?${query(now)}&${now.show}`;
    if (asked === this.asked) {
      scrollTo({ top: this.top, behavior: "instant" });
      if (focusLost()) this.grid.focusOn(this.at);
      return;
    }
    this.asked = asked;
    this.unreached = false;
    this.at = undefined;
    this.drawJudged(now);
    this.stop?.abort();
    this.stop = new AbortController();
    const { signal } = this.stop;
    this.place.classList.add("waiting");
    const long = setTimeout(() => this.sayWhy(signal), LONG);
    const text = await this.textOf(now);
    if (signal.aborted) return;
    try {
      const answer = await search(now, { q: text }, 0, this.grid.each, signal);
      if (signal.aborted) return;
      served.pace = answer.milliseconds;
      this.draw(now, answer, text);
    } catch (error) {
      if (!signal.aborted && typed(now)) await pause(PATIENCE);
      if (!signal.aborted) this.refuse(now, /** @type {Refused} */ (error));
    } finally {
      clearTimeout(long);
      if (!signal.aborted) this.place.classList.remove("waiting");
    }
  }

  /**
   * Why an answer takes long, where that is known. Whoever types on has asked something else.
   * @param {AbortSignal} signal
   */
  async sayWhy(signal) {
    if (signal.aborted || this.saidWhy) return;
    const { loading } = await libraries().catch(() => ({ loading: false }));
    if (!loading || signal.aborted || !this.place.classList.contains("waiting")) return;
    this.saidWhy = true;
    notify("The server has just started and still loads its models. The answer comes as soon as it can.");
  }

  /** Ask the same once more. */
  again() {
    this.asked = "";
    if (state().page === "search") this.turn(state());
  }

  /**
   * What is searched: while a word is being typed, the word that it probably becomes.
   * @param {import("./state.js").State} now
   */
  async textOf(now) {
    if (!typed(now)) return now.q;
    const every = await Promise.race([served.words(now.lib), pause(LIST)]);
    return completed(now.q, every ?? served.lastWords(now.lib));
  }

  /**
   * @param {import("./state.js").State} now
   * @param {import("./api.js").Answer} answer
   * @param {string} text
   */
  draw(now, answer, text) {
    const none = answer.hits.length === 0;
    this.head.replaceChildren(...this.headline(now, answer, text));
    this.empty.hidden = !none && answer.mode !== "";
    if (none) this.empty.replaceChildren(...this.nothing(answer));
    else if (answer.mode === "") this.welcome(now, answer);
    this.empty.classList.toggle("welcome", !none);
    const byKeys = this.grid.querySelector(":focus-visible") !== null;
    this.grid.show(answer, (offset, limit) => search(now, { q: text }, offset, limit));
    if (byKeys) this.grid.focusOn(answer.hits[0]?.id);
  }

  /**
   * @param {import("./state.js").State} now
   * @param {import("./api.js").Answer} answer
   * @param {string} text
   */
  headline(now, answer, text) {
    if (answer.mode === "" || !answer.hits.length) return [];
    const read = answer.understood.filter((one) => one.readings.length && one.readings[0].how === "meaning");
    const notes = [...answer.notes];
    if (text !== now.q) notes.unshift(`Shown for “${text.trim()}”.`);
    return [
      answer.caption && h("p.of-picture", {}, "The picture seems to show: ", h("q", {}, answer.caption)),
      h("p.count", {}, answer.fitting === null && answer.more ? `${number(answer.searched)} pictures searched` : counted(answer.fitting ?? answer.hits.length, "picture"),
        ` in ${answer.milliseconds < 1000 ? `${Math.round(answer.milliseconds)} ms` : `${(answer.milliseconds / 1000).toFixed(1)} s`}`,
        answer.fitting === null && h("span.by", {}, ` · ${modeName(answer.mode)}`)),
      read.length > 0 && h("p.read", {}, read.map((one) => h("span", {}, h("s", {}, one.word), " → ",
        one.readings.slice(0, 4).map((r) => r.word).join(", "), h("small", {}, ` ${one.readings[0].how}`)))),
      ...notes.map((one) => h("p.note", {}, one)),
    ].filter((one) => one instanceof Node);
  }

  /** @param {import("./api.js").Answer} answer */
  nothing(answer) {
    const now = state();
    const limited = Object.keys(UNFILTERED).some((name) => now[/** @type {keyof typeof UNFILTERED} */ (name)]);
    if (!answer.searched) return noPictures(now.lib);
    return [
      icon("search"),
      h("h2", {}, "Nothing fits"),
      ...answer.notes.map((one) => h("p", {}, one)),
      !answer.notes.length && h("p", {}, "No picture here shows that."),
      answer.nearest.length > 0 && h("p", {}, "Words of this library that are near:"),
      answer.nearest.length > 0 && h("ul.chips", {}, answer.nearest.map((word) => h("li", {}, h("a.chip-link", link({ q: word }), word)))),
      limited && h("p", {}, h("button.button", { type: "button", onclick: () => go(UNFILTERED) }, "Search without the filters")),
    ].filter((one) => one instanceof Node);
  }

  /**
   * @param {import("./state.js").State} now
   * @param {import("./api.js").Answer} answer
   */
  async welcome(now, answer) {
    const words = h("ul.chips");
    this.empty.replaceChildren(
      h("h2", {}, `${counted(answer.searched, "picture")} to look through`),
      h("p", {}, "Type what you look for, drop a picture anywhere, or begin with a word:"),
      words);
    const every = await served.words(now.lib);
    words.replaceChildren(...every.slice(0, COMMONEST).map((one) =>
      h("li", {}, h("a.chip-link", link({ q: one.word }), one.word, h("small", {}, number(one.pictures))))));
  }

  /** @param {import("./state.js").State} now */
  drawJudged(now) {
    const every = [...now.like.map((id) => [id, "+"]), ...now.dislike.map((id) => [id, "−"])];
    this.judged.hidden = !every.length;
    this.judged.replaceChildren(
      h("span", {}, "Like these:"),
      ...every.map(([id, sign]) => h("span.judgement", { class: sign === "+" ? "good" : "bad" },
        h("img", { src: imageOf(now.lib, id, "small"), alt: sign === "+" ? "liked" : "disliked", width: 40, height: 40 }), h("b", {}, sign),
        iconButton("close", "Take it back", { onclick: () => go({ like: now.like.filter((one) => one !== id), dislike: now.dislike.filter((one) => one !== id) }) }))),
      h("button.link", { type: "button", onclick: () => go({ like: [], dislike: [] }) }, "Take all back"));
  }

  /**
   * @param {import("./state.js").State} now
   * @param {Refused} error
   */
  refuse(now, error) {
    this.head.replaceChildren();
    this.grid.show({ library: now.lib, mode: "", searched: 0, fitting: null, offset: 0, more: false, hits: [], notes: [], understood: [], nearest: [], caption: null, milliseconds: 0 }, () => Promise.reject(error));
    this.empty.hidden = false;
    this.empty.classList.remove("welcome");
    this.unreached = error.status === UNREACHED;
    if (this.unreached) this.asked = "";
    this.empty.replaceChildren(...(this.unreached ? unreached(() => this.again()) : wrong(now, error)));
  }
}

/**
 * What is shown of a query that is refused.
 * @param {import("./state.js").State} now
 * @param {Refused} error
 */
const wrong = (now, error) => [
  icon("info"),
  h("h2", {}, "That cannot be asked"),
  h("pre.message", {}, error.message),
  h("p.buttons", {},
    now.mode && h("a.button.first", link({ mode: "", plus: [], minus: [] }), `Ask by “${modeName("auto")}”`),
    h("a.button", link({ ...NOTHING, mode: "" }), "Begin anew")),
];
