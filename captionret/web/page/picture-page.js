// One picture: its captions, its words and how sure they are, what its file says, and what is near to it.

import { AttentionView } from "./attention-view.js";
import { Refused, imageOf, listed, picture, search, send, place as placeOf, writeCaption } from "./api.js";
import { copyPaths, doing } from "./chosen.js";
import { focusLost, h, icon, notify, probability } from "./dom.js";
import { firstModes, modeName } from "./modes.js";
import { nearnessView } from "./nearness-view.js";
import { card, judge } from "./picture-card.js";
import { bestOf } from "./scores.js";
import { placeName } from "./places.js";
import { served } from "./served.js";
import { NOTHING, link, state } from "./state.js";

const NEIGHBOURS = 12;
const LONG = 140; // characters of a caption that is set smaller

/** @param {HTMLElement} place */
export function show(place) {
  const page = new PicturePage(place, state());
  page.load();
  return () => page.end();
}

class PicturePage {
  /**
   * @param {HTMLElement} place
   * @param {import("./state.js").State} now
   */
  constructor(place, now) {
    this.place = place;
    this.lib = now.lib;
    this.id = now.id;
    this.seen = { caption: "" }; // the caption that is being written over
    this.stop = new AbortController();
    this.near = h("div.near");
    this.key = (/** @type {KeyboardEvent} */ event) => this.keyed(event);
    addEventListener("keydown", this.key);
  }

  end() {
    this.stop.abort();
    removeEventListener("keydown", this.key);
  }

  async load() {
    this.place.replaceChildren(h("div.waiting"));
    try {
      const facts = await picture(this.lib, this.id);
      if (!this.stop.signal.aborted) this.draw(facts);
    } catch (error) {
      this.place.replaceChildren(h("div.nothing", {}, icon("image"), h("h2", {}, error instanceof Refused && error.status === 404 ? "No such picture" : "It cannot be shown"), h("p", {}, String(/** @type {Error} */ (error).message))));
    }
  }

  /** @param {import("./api.js").PictureFacts} facts */
  draw(facts) {
    const writable = served.find(this.lib)?.writable ?? false;
    this.words = h("div.word-list");
    this.caption = h("div.captions");
    this.drawCaption(facts, writable);
    this.drawWords(facts, writable);
    this.looks = new AttentionView(this.lib, facts);
    this.place.replaceChildren(
      h("h1.hidden", {}, `Picture ${facts.name}`),
      h("div.picture", {},
        h("figure", {}, facts.missing
          ? h("span.gone", {}, icon("image"), "The file is not where it was.")
          : h("img", { src: imageOf(this.lib, facts.id, "large"), alt: facts.captions[0]?.text ?? "", ...(facts.width ? { width: facts.width, height: facts.height } : {}) }), this.looks.canvas),
        h("aside", {}, this.caption, this.buttons(facts), this.looks.words, h("h2", {}, "Words"), this.words, h("h2", {}, "File"), this.file(facts))),
      h("h2.near-head", {}, "Nearest pictures"), this.tabs(), this.near, nearnessView(this.lib, this.id, this.stop.signal));
    this.showNear("auto");
  }

  /**
   * @param {import("./api.js").PictureFacts} facts
   * @param {boolean} writable
   */
  drawCaption(facts, writable) {
    const [best, ...others] = facts.captions;
    const text = best?.text ?? "";
    this.writing = undefined;
    this.caption?.replaceChildren(
      h("p.best", { class: text.length > LONG ? "long" : "" }, text, writable && h("button.icon-button", { type: "button", "aria-label": "Write it in your own words", title: "Write it in your own words (e)", onclick: () => this.edit(facts, text) }, icon("pen"))),
      h("p.by", {}, `by ${facts.captioned_by}`,
        facts.person && writable && h("button.link", { type: "button", onclick: () => this.change("DELETE") }, "Take it back")),
      h("ul.others", { hidden: !others.length && !facts.others.length },
        others.map((one) => h("li", {}, one.text)),
        facts.others.map((one) => h("li", {}, one.captions[0]?.text ?? "", h("small", {}, ` ${one.name}${one.day && `, ${one.day}`}`)))));
  }

  /**
   * Write the caption in place.
   * @param {import("./api.js").PictureFacts} facts
   * @param {string} text
   */
  edit(facts, text) {
    if (this.saving) return;
    if (!this.writing) this.seen = { caption: facts.captions[0]?.text ?? "" };
    this.cancel = () => {
      this.drawCaption(facts, true);
      this.caption?.querySelector("button")?.focus();
    };
    const field = /** @type {HTMLTextAreaElement} */ (h("textarea", { rows: 3, maxlength: 1000, "aria-label": "Caption", value: text,
      onkeydown: (/** @type {KeyboardEvent} */ event) => {
        if (event.key === "Enter" && !event.shiftKey) {
          event.preventDefault();
          this.change("PUT", field.value);
        } else if (event.key === "Escape") this.cancel?.();
      } }));
    field.value = text;
    this.caption?.replaceChildren(field, h("p.edit-actions", {},
      h("button.button.first", { type: "button", onclick: () => this.change("PUT", field.value) }, icon("check"), "Keep"),
      h("button.button", { type: "button", onclick: () => this.cancel?.() }, "Cancel")),
    h("p.by", {}, "It holds at once, in every mode: its words count as certain, beside what is predicted, and words that you strike do not count."));
    this.writing = field;
    field.focus();
  }

  /**
   * @param {"PUT" | "DELETE"} method
   * @param {string} [text]
   */
  async change(method, text) {
    if (this.saving) return;
    this.busy(true);
    try {
      const facts = text === undefined
        ? await send(`${placeOf(this.lib)}/pictures/${this.id}/caption`, method)
        : await writeCaption(this.lib, this.id, text, this.seen);
      served.forget(this.lib);
      dispatchEvent(new Event("library-changed"));
      this.drawCaption(facts, true);
      this.drawWords(facts, true);
      if (focusLost()) this.caption?.querySelector("button")?.focus();
      notify(method === "PUT" ? "Kept. Searches use it from now on." : "The captioner's words are back.");
    } catch (error) {
      notify(String(/** @type {Error} */ (error).message), { bad: true });
    } finally {
      this.busy(false);
    }
  }

  /** Nothing is written on while a caption is being kept. @param {boolean} on */
  busy(on) {
    this.saving = on;
    if (this.writing) this.writing.readOnly = on;
    this.caption?.setAttribute("aria-busy", String(on));
  }

  /**
   * @param {import("./api.js").PictureFacts} facts
   * @param {boolean} writable
   */
  drawWords(facts, writable) {
    const caption = () => this.writing?.value ?? facts.captions[0]?.text ?? ""; // what was already written stays
    this.words?.replaceChildren(
      h("ul", {}, facts.words.slice(0, 24).map((one) => h("li", {},
        h("a", { ...link({ ...NOTHING, page: "search", q: one.word, id: "" }), title: source(one) }, one.word),
        h("span.bar-of", { vars: { "--sure": one.probability } }),
        h("small", {}, probability(one.probability)),
        h("small.source", {}, source(one)),
        writable && one.in_captions && h("button.icon-button", { type: "button", "aria-label": `Strike ${one.word}`, title: `Strike “${one.word}” from the caption`, onclick: () => this.edit(facts, struck(caption(), one.word)) }, icon("close")),
        writable && !one.in_captions && h("button.icon-button", { type: "button", "aria-label": `Add ${one.word}`, title: `Add “${one.word}” to the caption`, onclick: () => this.edit(facts, `${caption()}, ${one.word}`) }, icon("add"))))),
      ...(facts.words.length ? [] : [h("p.by", {}, "No words are known of it.")]));
  }

  /** @param {import("./api.js").PictureFacts} facts */
  file(facts) {
    const copy = doing(async () => copyPaths(await listed(this.lib, [this.id])));
    return h("div", {}, fileFacts(facts), h("button.link", { type: "button", onclick: copy }, "Copy its path"));
  }

  /** @param {import("./api.js").PictureFacts} facts */
  buttons(facts) {
    return h("p.buttons", {},
      h("a.button.first", link({ ...NOTHING, page: "search", image: facts.id, id: "" }), icon("search"), "More like this"),
      this.judging("up", "Like", state().like.includes(facts.id), true),
      this.judging("down", "Dislike", state().dislike.includes(facts.id), false),
      h("a.button", link({ ...NOTHING, page: "compare", image: facts.id, id: "" }), icon("columns"), "Compare"),
      facts.width > 0 && !facts.missing && this.looks?.button);
  }

  /**
   * @param {"up" | "down"} drawn
   * @param {string} name
   * @param {boolean} on
   * @param {boolean} good
   */
  judging(drawn, name, on, good) {
    return h("button.button", { type: "button", class: on ? "on" : "", "aria-pressed": String(on), "aria-label": name, title: on ? "Take it back" : name, onclick: () => judge(this.id, good) }, icon(drawn));
  }

  tabs() {
    const modes = firstModes(this.lib);
    this.tab = h("div.tabs", { role: "tablist", "aria-label": "Compared by" }, modes.map((name) => h("button", {
      type: "button", role: "tab", "aria-selected": String(name === "auto"), data: { name },
      onclick: () => this.showNear(name),
    }, modeName(name))));
    return this.tab;
  }

  /** @param {string} mode */
  async showNear(mode) {
    this.tab?.querySelectorAll("button").forEach((one) => one.setAttribute("aria-selected", String(one.dataset.name === mode)));
    this.near.classList.add("waiting");
    try {
      const asked = { ...NOTHING, lib: this.lib, image: this.id, mode };
      const answer = await search(state(), asked, 0, NEIGHBOURS, this.stop.signal);
      const best = bestOf(answer.hits);
      this.near.replaceChildren(h("div.part", {}, answer.hits.map((one) => card(one, { best }))));
      if (!answer.hits.length) this.near.replaceChildren(h("p.by", {}, answer.notes[0] ?? "Nothing is near to it in this way."));
    } catch (error) {
      if (!this.stop.signal.aborted) this.near.replaceChildren(h("p.by", {}, String(/** @type {Error} */ (error).message)));
    } finally {
      this.near.classList.remove("waiting");
    }
  }

  /** @param {KeyboardEvent} event */
  keyed(event) {
    if (event.target instanceof HTMLTextAreaElement || event.target instanceof HTMLInputElement) return;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape" && !document.querySelector("dialog[open]")) this.writing ? this.cancel?.() : history.back();
    else if (event.key === "e" && !this.writing) {
      event.preventDefault();
      /** @type {HTMLElement | null} */ (this.caption?.querySelector("button"))?.click();
    } else if (event.key === "l" || event.key === "d") judge(this.id, event.key === "l");
  }
}

/** Where a word comes from. @param {import("./api.js").PictureWord} word */
function source(word) {
  const classes = word.classes.map((one) => `${one.name} ${probability(one.probability)}`);
  return [word.in_captions && "caption", ...classes].filter(Boolean).join(", ");
}

/** @param {string} caption @param {string} word */
function struck(caption, word) {
  const escaped = word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return caption.replace(new RegExp(`\\b${escaped}\\b`, "gi"), "").replace(/\s+/g, " ").replace(/ (?=,)|^[\s,]+|[\s,]+$/g, "");
}

/** @param {import("./api.js").PictureFacts} facts */
function fileFacts(facts) {
  const day = facts.taken?.slice(0, 10) ?? "";
  const near = facts.place && `${facts.place.join(",")},5`;
  const alike = (/** @type {string | null} */ shown, /** @type {Partial<import("./state.js").State>} */ filter) =>
    shown && h("a", { ...link({ ...NOTHING, page: "search", id: "", ...filter }), title: "All pictures of which this holds" }, shown);
  /** @type {[string, import("./dom.js").Child | import("./dom.js").Child[]][]} */
  const rows = [
    ["Name", facts.name],
    ["Folder", alike(facts.folder, { under: facts.folder })],
    ["Title", facts.title],
    ["Keywords", facts.keywords.flatMap((one, place) => [place ? ", " : "", alike(one, { keyword: one })])],
    ["Size", facts.width > 0 && `${facts.width} × ${facts.height} pixels`],
    ["Taken", day && [alike(day, { since: day, until: day }), ` ${facts.taken?.slice(11) ?? ""}`]],
    ["Place", facts.place && near && alike(placeName(...facts.place), { near })],
    ["Camera", alike(facts.camera, { camera: facts.camera ?? "" })],
    ["Lens", alike(facts.lens, { lens: facts.lens ?? "" })],
    ["Copies", facts.copies.join("\n")],
  ];
  const known = rows.filter(([, value]) => (Array.isArray(value) ? value.length : value));
  return h("dl.facts", {}, known.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));
}
