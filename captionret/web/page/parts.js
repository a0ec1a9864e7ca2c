// Parts of a long list. Those far from the window are taken off the page, so that ten thousand pictures are as
// light as sixty; those that come near are drawn a few pieces a frame, and none while they fly past.

const NEAR = "1500px"; // from the window: what is farther away is folded
const FRAME = 5; // milliseconds of a frame that may go into drawing
const LATELY = 150; // milliseconds
const FAST = 1; // windows that the page was scrolled lately: nobody sees what flies past faster

/**
 * @typedef {object} Part
 * @property {number} count of its pieces
 * @property {(place: number) => Node[]} piece makes the piece at a place
 * @property {number} drawn how many of them are on the page
 */

export class Parts {
  /** @param {(part: HTMLElement) => void} measure called before a part is emptied: what its look while folded follows */
  constructor(measure) {
    this.measure = measure;
    /** @type {Map<Element, Part>} */
    this.every = new Map();
    /** @type {Set<HTMLElement>} those near the window that are not drawn whole */
    this.waiting = new Set();
    /** @type {{top: number, time: number}[]} where the page stood lately */
    this.stood = [];
    addEventListener("scroll", () => this.scrolled(), { passive: true });
    this.next = 0;
    this.near = new IntersectionObserver((seen) => seen.forEach((one) => this.seen(one)), { rootMargin: NEAR });
  }

  clear() {
    this.near.disconnect();
    this.every.clear();
    this.waiting.clear();
  }

  /**
   * Take in a part that is on the page and empty.
   * @param {HTMLElement} part
   * @param {number} count
   * @param {Part["piece"]} piece
   * @param {number} [first] so many pieces are drawn at once
   */
  add(part, count, piece, first = 0) {
    this.every.set(part, { count, piece, drawn: 0 });
    this.draw(part, Math.min(first, count));
    this.near.observe(part);
  }

  /** @param {IntersectionObserverEntry} entry */
  seen({ target, isIntersecting }) {
    const part = /** @type {HTMLElement} */ (target);
    const held = this.every.get(part);
    if (!held || !part.checkVisibility()) return; // another page is open
    if (!isIntersecting) this.fold(part, held);
    else if (held.drawn < held.count) {
      this.waiting.add(part);
      this.later();
    }
  }

  /** @param {HTMLElement} part @param {Part} held */
  fold(part, held) {
    this.waiting.delete(part);
    if (!held.drawn || part.contains(document.activeElement)) return;
    if (!part.classList.contains("folded")) {
      this.draw(part, held.count);
      this.measure(part);
      part.style.setProperty("height", `${part.getBoundingClientRect().height}px`);
      part.classList.add("folded");
    }
    part.replaceChildren();
    held.drawn = 0;
  }

  /** Draw in the next frame. */
  later() {
    if (!this.next) this.next = requestAnimationFrame(() => this.frame());
  }

  frame() {
    this.next = 0;
    const began = performance.now();
    if (this.scrolled() < FAST * innerHeight)
      for (const part of this.nearestFirst()) {
        const held = /** @type {Part} */ (this.every.get(part));
        while (held.drawn < held.count && performance.now() - began < FRAME) this.draw(part, held.drawn + 1);
      }
    if (this.waiting.size) this.later();
  }

  /** How many pixels the page was scrolled lately. */
  scrolled() {
    const now = performance.now();
    this.stood = this.stood.filter(({ time }) => time > now - LATELY);
    this.stood.push({ top: scrollY, time: now });
    return Math.abs(scrollY - this.stood[0].top);
  }

  /** The parts to draw. */
  nearestFirst() {
    const far = (/** @type {Element} */ part) => {
      const { top, bottom } = part.getBoundingClientRect();
      return Math.max(0, top - innerHeight, -bottom);
    };
    return [...this.waiting].map((part) => ({ part, far: far(part) })).sort((one, other) => one.far - other.far).map((one) => one.part);
  }

  /**
   * Draw the pieces of a part up to a place.
   * @param {HTMLElement} part
   * @param {number} until
   */
  draw(part, until) {
    const held = /** @type {Part} */ (this.every.get(part));
    for (; held.drawn < until; held.drawn += 1) part.append(...held.piece(held.drawn));
    if (held.drawn < held.count) return;
    this.waiting.delete(part);
    part.style.removeProperty("height");
    part.classList.remove("folded");
  }
}
