// Where a query is typed, and a picture dropped or pasted, with the library's words to complete it.

import { imageOf, sendPicture } from "./api.js";
import { h, icon, iconButton, notify, number } from "./dom.js";
import { served } from "./served.js";
import { NOTHING, go, state, watch } from "./state.js";
import { COMMON, lastWord, pause, replaceLast } from "./words.js";

const MOST_SHOWN = 7;
const LONGEST = 1000; // characters of a query

class SearchBox extends HTMLElement {
  constructor() {
    super();
    this.chosen = -1;
    this.asked = "";
    /** @type {import("./api.js").CountedWord[]} */
    this.offered = [];
    this.field = /** @type {HTMLInputElement} */ (h("input", {
      type: "search", name: "q", autocomplete: "off", autocapitalize: "off", spellcheck: "false", enterkeyhint: "search",
      placeholder: "a dog on a beach -people", "aria-label": "What do you look for?", role: "combobox",
      "aria-expanded": "false", "aria-controls": "offered", "aria-autocomplete": "list", maxlength: LONGEST,
      oninput: () => this.typed(), onkeydown: (/** @type {KeyboardEvent} */ event) => this.key(event),
      onblur: () => setTimeout(() => this.fold(), 150),
    }));
    this.file = /** @type {HTMLInputElement} */ (h("input", {
      type: "file", accept: "image/*,.heic,.tif,.tiff", hidden: true, "aria-label": "A picture to search with", tabindex: -1,
      onchange: () => this.take(this.file.files?.[0]),
    }));
    this.picture = h("span.query-picture", { hidden: true });
    this.list = h("ul", { id: "offered", role: "listbox", "aria-label": "Words of the library", hidden: true });
  }

  connectedCallback() {
    const form = h("form", { role: "search", onsubmit: (/** @type {Event} */ event) => this.submit(event) },
      icon("search"), this.picture, this.field,
      iconButton("image", "Search with a picture", { onclick: () => this.file.click() }), this.file, this.list);
    this.append(form);
    this.addEventListener("wanted", () => {
      this.field.focus();
      this.field.select();
    });
    this.listenForPictures();
    watch((now) => this.draw(now));
  }

  /** @param {import("./state.js").State} now */
  draw(now) {
    if (now.q !== this.asked) this.field.value = now.q; // what is being typed stays as it is
    this.asked = now.q;
    this.picture.hidden = !now.image;
    if (now.image)
      this.picture.replaceChildren(
        h("img", { src: imageOf(now.lib, now.image, "small"), alt: "the picture that is searched with", width: 34, height: 34 }),
        iconButton("close", "Without the picture", { onclick: () => go({ image: "" }) }));
    this.field.placeholder = now.image ? "… and words" : "a dog on a beach -people";
  }

  typed() {
    if (this.field.value.length >= LONGEST) notify(`A query has at most ${number(LONGEST)} characters. What came after them is left out.`);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.search(true), pause(served.pace));
    this.offer();
  }

  /** @param {boolean} unfinished whether more may be typed: the address is not kept in the history then */
  search(unfinished) {
    const now = state();
    const page = now.page === "compare" ? "compare" : "search";
    const first = !now.q && !now.image; // the page without a query stays one step back
    this.asked = this.field.value;
    go({ page, q: this.field.value, id: "", ...(now.page === page ? {} : { ...NOTHING, q: this.field.value }) }, unfinished && !first && now.page === page);
  }

  /** @param {Event} event */
  submit(event) {
    event.preventDefault();
    if (this.chosen >= 0) return this.accept(this.offered[this.chosen].word);
    clearTimeout(this.timer);
    this.search(true);
    this.fold();
    if (matchMedia("(pointer: coarse)").matches) this.field.blur();
    return undefined;
  }

  async offer() {
    const last = lastWord(this.field.value);
    const every = await served.words(state().lib);
    if (lastWord(this.field.value) !== last) return;
    const known = last.length > 0 && !COMMON.has(last);
    this.offered = known ? every.filter((one) => one.word.startsWith(last)).slice(0, MOST_SHOWN) : [];
    if (this.offered.length === 1 && this.offered[0].word === last) this.offered = [];
    this.chosen = -1;
    this.list.replaceChildren(...this.offered.map((one, place) => h("li", {
      role: "option", id: `offered-${place}`, "aria-selected": "false",
      onmousedown: (/** @type {Event} */ event) => {
        event.preventDefault();
        this.accept(one.word);
      },
    }, h("span", {}, h("b", {}, one.word.slice(0, last.length)), one.word.slice(last.length)), h("small", {}, number(one.pictures)))));
    const open = this.offered.length > 0 && document.activeElement === this.field;
    this.list.hidden = !open;
    this.field.setAttribute("aria-expanded", String(open));
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    if (event.key === "Escape") {
      event.preventDefault(); // it would empty the field
      if (this.list.hidden) this.field.blur();
      this.fold();
    } else if ((event.key === "ArrowDown" || event.key === "ArrowUp") && !this.list.hidden) {
      event.preventDefault();
      const step = event.key === "ArrowDown" ? 1 : -1;
      const count = this.offered.length + 1;
      this.chosen = ((this.chosen + 1 + step + count) % count) - 1;
      [...this.list.children].forEach((one, place) => one.setAttribute("aria-selected", String(place === this.chosen)));
      if (this.chosen < 0) this.field.removeAttribute("aria-activedescendant");
      else this.field.setAttribute("aria-activedescendant", `offered-${this.chosen}`);
    } else if (event.key === "ArrowDown") {
      event.preventDefault();
      /** @type {HTMLElement | null} */ (document.querySelector("picture-card .shown"))?.focus();
    } else if (event.key === "Tab" && this.chosen >= 0) {
      event.preventDefault();
      this.accept(this.offered[this.chosen].word);
    }
  }

  /** @param {string} word */
  accept(word) {
    this.field.value = `${replaceLast(this.field.value, word)} `;
    this.fold();
    this.search(true);
  }

  fold() {
    this.list.hidden = true;
    this.chosen = -1;
    this.field.setAttribute("aria-expanded", "false");
    this.field.removeAttribute("aria-activedescendant");
  }

  listenForPictures() {
    addEventListener("paste", (event) => {
      const file = [...(event.clipboardData?.files ?? [])].find((one) => one.type.startsWith("image/"));
      if (file) this.take(file);
    });
    const dropping = (/** @type {boolean} */ on) => document.documentElement.classList.toggle("dropping", on);
    addEventListener("dragover", (event) => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      dropping(state().page !== "add");
    });
    addEventListener("dragleave", (event) => {
      if (!event.relatedTarget) dropping(false);
    });
    addEventListener("drop", (event) => {
      dropping(false);
      if (!event.dataTransfer?.files.length || event.defaultPrevented) return;
      event.preventDefault();
      this.take(event.dataTransfer.files[0]);
    });
  }

  /** @param {File | undefined} file */
  async take(file) {
    if (!file) return;
    this.classList.add("busy");
    try {
      const { id } = await sendPicture(file);
      go({ ...NOTHING, page: "search", q: "", image: id, id: "" });
    } catch (error) {
      notify(String(/** @type {Error} */ (error).message), { bad: true });
    } finally {
      this.classList.remove("busy");
      this.file.value = "";
    }
  }
}

customElements.define("search-box", SearchBox);
