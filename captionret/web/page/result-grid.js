// Pictures in rows, asked for while one scrolls. Parts that are far away are taken off the page, so that ten
// thousand are as light as sixty.

import { h } from "./dom.js";
import { go } from "./state.js";
import { card, judge } from "./picture-card.js";

const EACH = 40; // pictures that are asked for at a time
const NEAR = "1500px"; // from the window: what is farther away is folded

/**
 * @typedef {import("./api.js").Answer} Answer
 */

class ResultGrid extends HTMLElement {
  constructor() {
    super();
    this.folding = new IntersectionObserver((seen) => seen.forEach((one) => this.fold(one)), { rootMargin: NEAR });
    this.reaching = new IntersectionObserver((seen) => seen.some((one) => one.isIntersecting) && this.more(), { rootMargin: NEAR });
    this.addEventListener("keydown", (event) => this.key(event));
  }

  /**
   * Show an answer; `next` asks for the hits from an offset on.
   * @param {Answer} answer
   * @param {(offset: number, limit: number) => Promise<Answer>} next
   */
  show(answer, next) {
    this.next = next;
    this.best = Math.max(0, ...answer.hits.map((one) => one.score));
    this.count = 0;
    this.asking = false;
    /** @type {Map<Element, Answer["hits"]>} */
    this.parts = new Map();
    this.folding.disconnect();
    this.reaching.disconnect();
    this.end = h("div.end", { "aria-hidden": "true" });
    this.replaceChildren(this.end);
    this.add(answer);
  }

  /** @param {Answer} answer */
  add(answer) {
    if (answer.hits.length) {
      const part = h("div.part", {}, answer.hits.map((one) => card(one, { best: this.best })));
      this.end?.before(part);
      this.parts?.set(part, answer.hits);
      this.folding.observe(part);
    }
    this.count = answer.offset + answer.hits.length;
    if (answer.more && this.end) this.reaching.observe(this.end);
  }

  async more() {
    if (this.asking || !this.next || !this.end) return;
    this.asking = true;
    this.reaching.unobserve(this.end);
    const { next } = this;
    try {
      const answer = await next(this.count ?? 0, EACH);
      if (next === this.next) this.add(answer);
    } catch {
      // the next query shows what is wrong
    } finally {
      if (next === this.next) this.asking = false;
    }
  }

  /** @param {IntersectionObserverEntry} seen */
  fold(seen) {
    const part = /** @type {HTMLElement} */ (seen.target);
    const hits = this.parts?.get(part);
    if (!hits || !this.checkVisibility()) return; // another page is open
    if (seen.isIntersecting && !part.childElementCount) {
      part.replaceChildren(...hits.map((one) => card(one, { best: this.best })));
      part.style.removeProperty("height");
    } else if (!seen.isIntersecting && part.childElementCount && !part.contains(document.activeElement)) {
      part.style.setProperty("height", `${part.getBoundingClientRect().height}px`);
      part.replaceChildren();
    }
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const chosen = /** @type {HTMLElement | null} */ (event.target);
    if (event.ctrlKey || event.metaKey || event.altKey || !chosen?.closest("picture-card")) return;
    const every = /** @type {HTMLElement[]} */ ([...this.querySelectorAll(".shown")]);
    const place = every.findIndex((one) => one.closest("picture-card") === chosen.closest("picture-card"));
    const columns = across(every);
    const steps = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns };
    const id = every[place].dataset.id ?? "";
    if (event.key in steps) {
      const next = place + steps[/** @type {keyof typeof steps} */ (event.key)];
      event.preventDefault();
      if (next < 0) document.querySelector("search-box")?.dispatchEvent(new Event("wanted"));
      else every[Math.min(next, every.length - 1)].focus();
    } else if (event.key === "o") go({ page: "picture", id });
    else if (event.key === "l" || event.key === "d") judge(id, event.key === "l");
    else if (event.key === "u") history.back();
  }
}

/** How many stand in a row. @param {HTMLElement[]} every */
function across(every) {
  const top = every[0]?.getBoundingClientRect().top;
  const second = every.findIndex((one) => one.getBoundingClientRect().top > top + 5);
  return second < 0 ? every.length : second;
}

customElements.define("result-grid", ResultGrid);
export { EACH, ResultGrid };
