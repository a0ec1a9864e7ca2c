// The captions that are least sure, one after the other, by keyboard alone: accept, edit, skip.

import { ask, imageOf, place as placeOf, send, writeCaption } from "./api.js";
import { counted, h, icon, notify, probability } from "./dom.js";
import { served } from "./served.js";
import { link, state } from "./state.js";

/** @param {HTMLElement} place */
export function show(place) {
  const page = new ReviewPage(place, state().lib);
  page.load();
  return () => page.end();
}

class ReviewPage {
  /**
   * @param {HTMLElement} place
   * @param {string} lib
   */
  constructor(place, lib) {
    this.place = place;
    this.lib = lib;
    this.at = 0;
    this.reviewed = 0;
    this.pictures = 0;
    this.saving = false;
    /** @type {{picture: import("./api.js").Found, sureness: number}[]} */
    this.items = [];
    this.key = (/** @type {KeyboardEvent} */ event) => this.keyed(event);
    addEventListener("keydown", this.key);
  }

  end() {
    removeEventListener("keydown", this.key);
    if (this.changed) dispatchEvent(new Event("library-changed"));
  }

  async load() {
    try {
      const queue = await ask(`${placeOf(this.lib)}/review?limit=200`);
      this.items = queue.items;
      this.reviewed = queue.reviewed;
      this.pictures = queue.pictures;
      this.at = 0;
      this.draw();
    } catch (error) {
      this.place.replaceChildren(h("div.nothing", {}, icon("info"), h("h2", {}, "There is no queue"), h("p", {}, String(/** @type {Error} */ (error).message))));
    }
  }

  draw() {
    const item = this.items[this.at];
    if (!item) {
      this.place.replaceChildren(h("div.nothing", {}, icon("check"), h("h2", {}, "All looked over"), h("p", {}, `${counted(this.reviewed, "caption was", "captions were")} accepted or written by a person.`)));
      return;
    }
    const { picture, sureness } = item;
    this.field = /** @type {HTMLTextAreaElement} */ (h("textarea", { rows: 2, maxlength: 1000, "aria-label": "Caption", readonly: true }));
    this.field.value = picture.caption;
    this.field.addEventListener("dblclick", () => this.edit());
    this.place.replaceChildren(
      h("h1.hidden", {}, "Review"),
      h("div.review", {},
        h("p.progress", {}, h("span", {}, `${this.at + 1} of ${this.items.length}, the least sure first`), h("span", {}, `${this.reviewed} of ${this.pictures} looked over`)),
        h("progress", { max: Math.max(1, this.pictures), value: this.reviewed, "aria-label": "Looked over" }),
        h("figure", {}, h("a", link({ page: "picture", id: picture.id }), h("img", { src: imageOf(this.lib, picture.id, "medium"), alt: `The picture ${picture.name}` }))),
        this.field,
        h("p.by", {}, `Each word is ${probability(sureness)} sure on average.`),
        this.buttons = h("p.buttons", {},
          action("check", "Accept", "a", () => this.accept(), true),
          action("pen", "Edit", "e", () => this.edit()),
          action("next", "Skip", "s", () => this.next()))));
    const next = this.items[this.at + 1];
    if (next) new Image().src = imageOf(this.lib, next.picture.id, "medium");
  }

  next() {
    this.at += 1;
    if (this.at >= this.items.length && this.items.length) this.load();
    else this.draw();
  }

  async accept() {
    const { picture } = this.items[this.at];
    await this.doing(() => send(`${placeOf(this.lib)}/pictures/${picture.id}/accept`, "POST"));
  }

  edit() {
    if (!this.field) return;
    this.field.readOnly = false;
    this.field.focus();
    this.field.select();
    this.buttons?.replaceChildren(
      action("check", "Keep", "Enter", () => this.keep(), true),
      action("close", "Cancel", "Esc", () => this.draw()));
  }

  async keep() {
    const { picture } = this.items[this.at];
    const text = this.field?.value.trim() ?? "";
    if (text === picture.caption) return this.accept();
    this.changed = true;
    served.forget(this.lib);
    return this.doing(() => writeCaption(this.lib, picture.id, text, picture));
  }

  /** One thing at a time: a key that is pressed again meanwhile is meant for the same picture. @param {() => Promise<unknown>} work */
  async doing(work) {
    if (this.saving) return;
    this.saving = true;
    this.place.setAttribute("aria-busy", "true");
    try {
      await work();
      this.reviewed += 1;
      this.next();
    } catch (error) {
      notify(String(/** @type {Error} */ (error).message), { bad: true });
    } finally {
      this.saving = false;
      this.place.removeAttribute("aria-busy");
    }
  }

  /** @param {KeyboardEvent} event */
  keyed(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || this.saving || !this.items[this.at]) return;
    const writing = event.target === this.field && this.field && !this.field.readOnly;
    if (writing) {
      if (event.key === "Enter" && !event.shiftKey) {
        event.preventDefault();
        this.keep();
      } else if (event.key === "Escape") this.draw();
      return;
    }
    if (event.target instanceof HTMLInputElement) return;
    const does = { a: () => this.accept(), e: () => this.edit(), s: () => this.next() };
    if (event.key in does) {
      event.preventDefault();
      does[/** @type {keyof typeof does} */ (event.key)]();
    }
  }
}

/**
 * @param {import("./dom.js").Icon} drawn
 * @param {string} name
 * @param {string} key
 * @param {() => void} does
 * @param {boolean} [first]
 */
function action(drawn, name, key, does, first = false) {
  return h("button.button", { type: "button", class: first ? "first" : "", onclick: does }, icon(drawn), name, h("kbd", {}, key));
}
