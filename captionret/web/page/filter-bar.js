// What limits a query, as chips: a folder, days, a camera, how sure; and words that are added or taken away.

import { overview } from "./api.js";
import { h, icon, iconButton } from "./dom.js";
import { captionerMenu, captionersOf, modeMenu } from "./modes.js";
import { served } from "./served.js";
import { go, state, watch } from "./state.js";

const SURE = [0.5, 0.7, 0.9];

class FilterBar extends HTMLElement {
  connectedCallback() {
    /** @type {import("./api.js").Overview | null} */
    this.facts = null;
    /** @type {string} */
    this.lib = "";
    this.stop = watch((now) => this.draw(now));
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
    this.replaceChildren(...this.chips(now));
  }

  /** @param {import("./state.js").State} now */
  chips(now) {
    const facts = /** @type {import("./api.js").Overview | null} */ (this.facts);
    const dated = facts !== null && facts.months.length > 0;
    const adds = served.find(now.lib)?.modes.find((one) => one.name === now.mode)?.adds ?? false;
    const mode = modeMenu(now.lib, now.mode || "auto", (name) => go({ mode: name === "auto" ? "" : name }));
    return [
      chip("search", now.mode !== "", mode, () => go({ mode: "" }), "mode"),
      (captionersOf(now.lib).length > 1 || now.by) && chip("pen", now.by !== "", captionerMenu(now.lib, now.by, (by) => go({ by })), () => go({ by: "" }), "captioner"),
      (facts?.folders.length || now.under) && this.choice("folder", "Folder", "under", now.under, facts?.folders ?? []),
      (dated || now.since || now.until) && this.days(now),
      (facts?.cameras.length || now.camera) && this.choice("camera", "Camera", "camera", now.camera, facts?.cameras ?? []),
      now.q && this.sureness(now),
      ...(adds ? [this.sign("plus", "+", now.plus), this.sign("minus", "−", now.minus)] : []),
    ].filter((one) => one instanceof Node);
  }

  /**
   * @param {import("./dom.js").Icon} drawn
   * @param {string} name
   * @param {"under" | "camera"} key
   * @param {string} value
   * @param {import("./api.js").Counted[]} choices
   */
  choice(drawn, name, key, value, choices) {
    const select = /** @type {HTMLSelectElement} */ (h("select", {
      "aria-label": name, onchange: () => go({ [key]: select.value }),
    }, h("option", { value: "" }, `Any ${name.toLowerCase()}`),
      value && !choices.some((one) => one.name === value) && h("option", { value }, value),
      choices.map((one) => h("option", { value: one.name }, `${one.name} (${one.pictures})`))));
    select.value = value;
    return chip(drawn, value !== "", select, () => go({ [key]: "" }), name);
  }

  /** @param {import("./state.js").State} now */
  days(now) {
    const day = (/** @type {"since" | "until"} */ key) => h("input", {
      type: "date", value: now[key], "aria-label": key === "since" ? "From" : "To",
      onchange: (/** @type {Event} */ event) => go({ [key]: /** @type {HTMLInputElement} */ (event.target).value }),
    });
    return chip("day", now.since !== "" || now.until !== "", h("span.days", {}, day("since"), "–", day("until")),
      () => go({ since: "", until: "" }), "days");
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
   * @param {"plus" | "minus"} key
   * @param {string} sign
   * @param {string[]} words
   */
  sign(key, sign, words) {
    const field = /** @type {HTMLInputElement} */ (h("input", {
      type: "text", size: 9, placeholder: key === "plus" ? "add …" : "take away …",
      "aria-label": key === "plus" ? "Words to add" : "Words to take away", maxlength: 100,
      onchange: () => field.value.trim() && go({ [key]: [...words, field.value.trim()] }),
    }));
    return h("span.chip", { class: words.length ? "on" : "" }, h("b", {}, sign),
      words.map((one) => h("button.link", { type: "button", title: "Leave it out", onclick: () => go({ [key]: words.filter((other) => other !== one) }) }, one)),
      field);
  }
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
