// What limits a query, as chips: a folder, days, a camera, a place, how sure; words that are added or taken away; and
// the order of the answer.

import { overview } from "./api.js";
import { DayRange } from "./day-range.js";
import { h, icon, iconButton, keepingFocus, number } from "./dom.js";
import { SHOWN } from "./groups.js";
import { adding, captionerMenu, captionersOf, modeMenu } from "./modes.js";
import { placeName } from "./places.js";
import { go, state, watch } from "./state.js";

const SURE = [0.5, 0.7, 0.9];

class FilterBar extends HTMLElement {
  connectedCallback() {
    /** @type {import("./api.js").Overview | null} */
    this.facts = null;
    /** @type {string} */
    this.lib = "";
    this.range = new DayRange();
    this.stop = watch((now) => this.draw(now));
    addEventListener("library-changed", () => (this.lib = "")); // its facts are asked for anew
  }

  disconnectedCallback() {
    this.stop?.();
  }

  /** @param {import("./state.js").State} now */
  draw(now) {
    if (now.page !== "search") return;
    if (now.lib !== this.lib) {
      this.lib = now.lib;
      this.facts = null;
      overview(now.lib).then((facts) => {
        if (this.lib !== facts.id) return;
        this.facts = facts;
        this.draw(state());
      }, () => {});
    }
    keepingFocus(this, () => this.replaceChildren(...this.chips(now)));
  }

  /** @param {import("./state.js").State} now */
  chips(now) {
    const facts = /** @type {import("./api.js").Overview | null} */ (this.facts);
    const dated = facts !== null && facts.months.length > 0;
    const adds = adding(now.lib, now.mode);
    const signs = adds && (now.mode || now.image || now.plus.length || now.minus.length);
    const mode = modeMenu(now, now.mode || "auto", (name) => go({ mode: name === "auto" ? "" : name, ...(adding(now.lib, name) === name ? {} : { plus: [], minus: [] }) }));
    return [
      chip("search", now.mode !== "", mode, () => go({ mode: "" }), "mode"),
      this.order(now),
      (captionersOf(now.lib).length > 1 || now.by) && chip("pen", now.by !== "", captionerMenu(now.lib, now.by, (by) => go({ by })), () => go({ by: "" }), "captioner"),
      (facts?.folders.length || now.under) && this.choice("folder", "Folder", "under", now.under, byName(facts?.folders ?? [])),
      (dated || now.since || now.until) && this.days(now),
      (facts?.cameras.length || now.camera) && this.choice("camera", "Camera", "camera", now.camera, facts?.cameras ?? []),
      (facts?.lenses.length || now.lens) && this.choice("lens", "Lens", "lens", now.lens, facts?.lenses ?? []),
      (facts?.places.length || now.near) && this.choice("pin", "Place", "near", now.near, facts?.places.map(placeChoice) ?? []),
      (facts?.keywords.length || now.keyword) && this.choice("tag", "Keyword", "keyword", now.keyword, facts?.keywords ?? []),
      now.q && this.sureness(now),
      ...(signs ? [this.sign(adds, "plus", "+", now.plus), this.sign(adds, "minus", "−", now.minus)] : []),
    ].filter((one) => one instanceof Node);
  }

  /**
   * @param {import("./dom.js").Icon} drawn
   * @param {string} name
   * @param {"under" | "camera" | "lens" | "near" | "keyword"} key
   * @param {string} value
   * @param {{name: string, pictures: number, shown?: string}[]} choices
   */
  choice(drawn, name, key, value, choices) {
    const select = /** @type {HTMLSelectElement} */ (h("select", {
      "aria-label": name, onchange: () => go({ [key]: select.value }),
    }, h("option", { value: "" }, `Any ${name.toLowerCase()}`),
      value && !choices.some((one) => one.name === value) && h("option", { value }, value),
      choices.map((one) => h("option", { value: one.name }, `${one.shown ?? one.name} (${number(one.pictures)})`))));
    select.value = value;
    return chip(drawn, value !== "", select, () => go({ [key]: "" }), name);
  }

  /** @param {import("./state.js").State} now */
  days(now) {
    const button = /** @type {DayRange} */ (this.range).draw(now, this.facts?.months ?? []);
    return chip("day", now.since !== "" || now.until !== "", button, () => go({ since: "", until: "" }), "day");
  }

  /** @param {import("./state.js").State} now */
  order(now) {
    const select = /** @type {HTMLSelectElement} */ (h("select", { "aria-label": "Order", onchange: () => go({ show: select.value }) },
      Object.entries(SHOWN).map(([name, called]) => h("option", { value: name }, name === "" && !now.q && !now.image ? "By name" : called))));
    select.value = now.show;
    return chip("order", now.show !== "", select, () => go({ show: "" }), "order");
  }

  /** @param {import("./state.js").State} now */
  sureness(now) {
    const select = /** @type {HTMLSelectElement} */ (h("select", {
      "aria-label": "How sure each word has to be", onchange: () => go({ least: select.value }),
    }, h("option", { value: "" }, "Any certainty"), SURE.map((one) => h("option", { value: String(one) }, `Words ${one * 100} % sure`))));
    select.value = now.least;
    return chip("gauge", now.least !== "", select, () => go({ least: "" }), "how sure");
  }

  /**
   * @param {string} mode that can add
   * @param {"plus" | "minus"} key
   * @param {string} sign
   * @param {string[]} words
   */
  sign(mode, key, sign, words) {
    const field = /** @type {HTMLInputElement} */ (h("input", {
      type: "text", size: 9, placeholder: key === "plus" ? "add …" : "take away …",
      "aria-label": key === "plus" ? "Words to add" : "Words to take away", maxlength: 100,
      onchange: () => field.value.trim() && go({ mode, [key]: [...words, field.value.trim()] }),
    }));
    return h("span.chip", { class: words.length ? "on" : "" }, h("b", {}, sign),
      words.map((one) => h("button.link", { type: "button", title: "Leave it out", onclick: () => go({ [key]: words.filter((other) => other !== one) }) }, one)),
      field);
  }
}

/** Folders as they lie in each other. @param {import("./api.js").Counted[]} folders */
const byName = (folders) => [...folders].sort((one, other) => one.name.localeCompare(other.name, "en", { numeric: true }));

/** @param {import("./api.js").Overview["places"][number]} place */
function placeChoice({ latitude, longitude, km, pictures, folder }) {
  const where = placeName(latitude, longitude);
  return { name: `${latitude},${longitude},${km}`, pictures, shown: folder ? `${where} · ${folder}` : where };
}

/**
 * @param {import("./dom.js").Icon} drawn
 * @param {boolean} on
 * @param {HTMLElement} content
 * @param {() => void} clear
 * @param {string} name
 */
function chip(drawn, on, content, clear, name) {
  return h("span.chip", { class: on ? "on" : "" }, icon(drawn), content, on && iconButton("close", `Any ${name.toLowerCase()}`, { onclick: clear }));
}

customElements.define("filter-bar", FilterBar);
