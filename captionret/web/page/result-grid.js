// Pictures in rows, asked for while one scrolls.

import { h } from "./dom.js";
import { choose } from "./chosen.js";
import { groupHead } from "./groups.js";
import { Parts } from "./parts.js";
import { go } from "./state.js";
import { card, judge, undo } from "./picture-card.js";
import { bestOf } from "./scores.js";

const EACH = 40; // pictures that are asked for at a time, or a few more, so that they are whole rows
const FIRST = 16; // of an answer, drawn at once: what a window holds
const NEAR = "1500px"; // of the window's end: more are asked for

/**
 * @typedef {import("./api.js").Answer} Answer
 */

class ResultGrid extends HTMLElement {
  constructor() {
    super();
    this.parts = new Parts(measured);
    this.reaching = new IntersectionObserver((seen) => seen.some((one) => one.isIntersecting) && this.more(), { rootMargin: NEAR });
    this.addEventListener("keydown", (event) => this.key(event));
    this.addEventListener("click", (event) => {
      const button = /** @type {HTMLElement | null} */ (/** @type {HTMLElement} */ (event.target).closest("[data-choose]"));
      if (button?.dataset.choose) choose(button.dataset.choose, event.shiftKey ? this.ids : []);
    });
    /** All pictures of the answer so far. @type {string[]} */
    this.ids = [];
  }

  /**
   * Show an answer; `next` asks for the hits from an offset on.
   * @param {Answer} answer
   * @param {(offset: number, limit: number) => Promise<Answer>} next
   */
  show(answer, next) {
    this.next = next;
    this.best = bestOf(answer.hits);
    this.ids = [];
    this.asking = false;
    /** The group of the last picture. */
    this.group = "";
    this.parts.clear();
    this.reaching.disconnect();
    this.end = h("div.end", { role: "status" });
    this.replaceChildren(this.end);
    this.add(answer, FIRST);
  }

  /** How many pictures to ask for: whole rows. */
  get each() {
    const row = h("div.part");
    this.append(row);
    const columns = getComputedStyle(row).gridTemplateColumns.split(" ").length;
    row.remove();
    return Math.ceil(EACH / columns) * columns;
  }

  /** @param {Answer} answer @param {number} [first] pictures that are drawn at once */
  add(answer, first = 0) {
    if (answer.hits.length) {
      const { hits } = answer;
      const before = this.group ?? "";
      const part = h(hits[0].group ? "div.part.grouped" : "div.part");
      this.end?.before(part);
      this.parts.add(part, hits.length, (place) => this.piece(hits[place], place ? hits[place - 1].group : before), first);
      this.group = hits[hits.length - 1].group;
      this.ids.push(...hits.map((one) => one.id));
    }
    if (answer.more && this.end) this.reaching.observe(this.end);
  }

  /**
   * A card, under the heading of its group where that begins.
   * @param {Answer["hits"][0]} hit
   * @param {string} before the group of the picture before
   */
  piece(hit, before) {
    const shown = card(hit, { best: this.best, choice: true });
    return hit.group && hit.group !== before ? [groupHead(hit.group), shown] : [shown];
  }

  async more() {
    if (this.asking || !this.next || !this.end) return;
    this.asking = true;
    this.reaching.unobserve(this.end);
    const { next } = this;
    try {
      const answer = await next(this.ids.length, this.each);
      if (next === this.next) this.add(answer);
    } catch (error) {
      if (next === this.next) this.broken(/** @type {Error} */ (error).message);
    } finally {
      if (next === this.next) this.asking = false;
    }
  }

  /**
   * Say below the pictures that there are more, which did not come.
   * @param {string} why
   */
  broken(why) {
    this.end?.replaceChildren(h("p", {}, `There are more pictures. ${why}`),
      h("button.button", { type: "button", onclick: () => this.again() }, "Try again"));
  }

  /** Ask for what did not come. */
  again() {
    this.querySelectorAll(".gone").forEach((one) => one.dispatchEvent(new Event("again")));
    if (!this.end?.childElementCount) return;
    this.end.replaceChildren();
    this.more();
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
    else if (event.key.toLowerCase() === "x") choose(id, event.shiftKey ? this.ids : []);
  }
}

/**
 * Keep how the pictures of a part stand, for the squares that are seen in their place.
 * @param {HTMLElement} part
 */
function measured(part) {
  const frames = /** @type {HTMLElement[]} */ ([...part.querySelectorAll(".frame")]);
  const [first] = frames.map((one) => one.getBoundingClientRect());
  const below = frames.map((one) => one.getBoundingClientRect()).find((one) => one.top > first.top);
  part.style.setProperty("--wide", `${first.width}px`);
  part.style.setProperty("--high", `${first.height}px`);
  part.style.setProperty("--apart", `${below ? below.top - first.top : first.height}px`);
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
export { ResultGrid };
