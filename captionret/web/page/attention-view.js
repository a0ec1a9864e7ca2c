// Where a captioner looked for each word of its caption, drawn over the picture.

import { attention } from "./api.js";
import { h, icon, notify } from "./dom.js";
import { shades } from "./shades.js";

const SIDE = 480; // pixels of the drawing's longer side; it is as soft as the captioner's cells are large
const DARK = 0.8; // how much is taken from what was not looked at

/** Draws over the picture of a page; `words` are the buttons that choose a word. */
export class AttentionView {
  /**
   * @param {string} lib
   * @param {import("./api.js").PictureFacts} facts
   */
  constructor(lib, facts) {
    this.lib = lib;
    this.facts = facts;
    /** @type {import("./api.js").Attention | undefined} */
    this.found = undefined;
    const scale = SIDE / Math.max(facts.width, facts.height, 1);
    this.canvas = /** @type {HTMLCanvasElement} */ (h("canvas", { width: Math.max(1, Math.round(facts.width * scale)), height: Math.max(1, Math.round(facts.height * scale)), "aria-hidden": "true", hidden: true }));
    this.words = h("div.looked", { hidden: true, "aria-live": "polite" });
    this.button = h("button.button", { type: "button", "aria-expanded": "false", onclick: () => this.toggle() }, icon("eye"), "Where it looked");
  }

  async toggle() {
    if (!this.words.hidden) return this.close();
    this.button.setAttribute("aria-busy", "true");
    try {
      this.found ??= await attention(this.lib, this.facts.id);
      this.open(this.found);
    } catch (error) {
      notify(String(/** @type {Error} */ (error).message), { bad: true });
    } finally {
      this.button.removeAttribute("aria-busy");
    }
    return undefined;
  }

  close() {
    this.words.hidden = true;
    this.canvas.hidden = true;
    this.button.setAttribute("aria-expanded", "false");
  }

  /** @param {import("./api.js").Attention} found */
  open(found) {
    this.words.hidden = false;
    this.button.setAttribute("aria-expanded", "true");
    if (!found.captioner) {
      this.words.replaceChildren(h("p.by", {}, "Nobody who captioned it says where they looked: only captioners of this program with attention do."));
      return;
    }
    this.words.replaceChildren(h("p.by", {}, `Where ${found.captioner} looked for each word:`), h("div.chips.left", { role: "group", "aria-label": "Words of the caption" },
      found.words.map((word, place) => h("button.chip-link", { type: "button", "aria-pressed": "false", onclick: () => this.draw(found, place), onfocus: () => this.draw(found, place), onmouseenter: () => this.draw(found, place) }, word))));
    this.draw(found, Math.max(0, found.words.findIndex((word) => word.length > 3)));
  }

  /**
   * @param {import("./api.js").Attention} found
   * @param {number} place of the word
   */
  draw(found, place) {
    this.words.querySelectorAll("button").forEach((one, other) => one.setAttribute("aria-pressed", String(other === place)));
    const cells = document.createElement("canvas");
    cells.width = found.columns;
    cells.height = found.rows;
    const small = cells.getContext("2d");
    const pen = this.canvas.getContext("2d");
    if (!small || !pen) return;
    small.putImageData(new ImageData(shades(found.weights[place], DARK), found.columns, found.rows), 0, 0);
    pen.clearRect(0, 0, this.canvas.width, this.canvas.height);
    pen.imageSmoothingEnabled = true;
    pen.imageSmoothingQuality = "high";
    pen.drawImage(cells, 0, 0, this.canvas.width, this.canvas.height);
    this.canvas.hidden = false;
  }
}
