// Pictures in rows, asked for while one scrolls. Parts that are far away are taken off the page, so that ten
// thousand are as light as sixty.

import { h } from "./dom.js";
import { groupHead } from "./groups.js";
import { go } from "./state.js";
import { card, judge, undo } from "./picture-card.js";
import { bestOf } from "./scores.js";

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
    this.best = bestOf(answer.hits);
    this.count = 0;
    this.asking = false;
    /** @type {Map<Element, {hits: Answer["hits"], group: string}>} with the group of the picture before */
    this.parts = new Map();
    this.group = "";
    this.folding.disconnect();
    this.reaching.disconnect();
    this.end = h("div.end", { "aria-hidden": "true" });
    this.replaceChildren(this.end);
    this.add(answer);
  }

  /** @param {Answer} answer */
  add(answer) {
    if (answer.hits.length) {
      const { hits } = answer;
      const part = h(hits[0].group ? "div.part.grouped" : "div.part", {}, this.drawn(hits, this.group ?? ""));
      this.end?.before(part);
      this.parts?.set(part, { hits, group: this.group ?? "" });
      this.folding.observe(part);
      this.group = hits[hits.length - 1].group;
    }
    this.count = answer.offset + answer.hits.length;
    if (answer.more && this.end) this.reaching.observe(this.end);
  }

  /**
   * Cards, each group's under its heading.
   * @param {Answer["hits"]} hits
   * @param {string} group of the picture before
   */
  drawn(hits, group) {
    return hits.flatMap((one, place) => {
      const before = place ? hits[place - 1].group : group;
      const shown = card(one, { best: this.best });
      return one.group && one.group !== before ? [groupHead(one.group), shown] : [shown];
    });
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
    const held = this.parts?.get(part);
    if (!held || !this.checkVisibility()) return; // another page is open
    if (seen.isIntersecting && !part.childElementCount) {
      part.replaceChildren(...this.drawn(held.hits, held.group));
      part.style.removeProperty("height");
    } else if (!seen.isIntersecting && part.childElementCount && !part.contains(document.activeElement)) {
      part.style.setProperty("height", `${part.getBoundingClientRect().height}px`);
      part.replaceChildren();
    }
  }

  /** Focus a picture, if it is shown. @param {string | undefined} id */
  focusOn(id) {
    const every = /** @type {NodeListOf<HTMLElement>} */ (this.querySelectorAll(".shown"));
    [...every].find((one) => one.dataset.id === id)?.focus({ preventScroll: true });
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const chosen = /** @type {HTMLElement | null} */ (event.target);
    if (event.ctrlKey || event.metaKey || event.altKey || !chosen?.closest("picture-card")) return;
    const every = /** @type {HTMLElement[]} */ ([...this.querySelectorAll(".shown")]);
    const place = every.findIndex((one) => one.closest("picture-card") === chosen.closest("picture-card"));
    const id = every[place].dataset.id ?? "";
    const steps = { ArrowRight: () => place + 1, ArrowLeft: () => place - 1, ArrowDown: () => below(every, place, 1), ArrowUp: () => below(every, place, -1) };
    if (event.key in steps) {
      const next = steps[/** @type {keyof typeof steps} */ (event.key)]();
      event.preventDefault();
      if (next < 0) document.querySelector("search-box")?.dispatchEvent(new Event("wanted"));
      else every[Math.min(next, every.length - 1)].focus();
    } else if (event.key === "o") go({ page: "picture", id });
    else if (event.key === "l" || event.key === "d") judge(id, event.key === "l");
    else if (event.key === "u") undo();
  }
}

/**
 * The picture below one, or above it; rows may end early. -1: there is none above.
 * @param {HTMLElement[]} every
 * @param {number} place
 * @param {1 | -1} step
 */
function below(every, place, step) {
  const here = every[place].getBoundingClientRect();
  let [found, top] = [-1, 0];
  for (let other = place + step; other in every; other += step) {
    const there = every[other].getBoundingClientRect();
    if (Math.abs(there.top - here.top) < 5) continue;
    if (found >= 0 && Math.abs(there.top - top) > 5) break; // the row after next
    const nearer = found < 0 || Math.abs(there.left - here.left) < Math.abs(every[found].getBoundingClientRect().left - here.left);
    if (nearer) [found, top] = [other, there.top];
  }
  return found < 0 && step > 0 ? every.length - 1 : found;
}

customElements.define("result-grid", ResultGrid);
export { EACH, ResultGrid };
