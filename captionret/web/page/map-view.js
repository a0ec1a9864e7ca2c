// A map of a library: a point for each picture, drawn on a canvas; near ones are shown as pictures.

import { ask, imageOf, place as placeOf } from "./api.js";
import { h } from "./dom.js";
import { Specks } from "./specks.js";
import { go } from "./state.js";

const SPAN = 65535;
const HEIGHT = 460;
const REACH = 14; // pixels from the pointer within which a point is meant
const MOST_SHOWN = 40; // small pictures at a time, where few points are left in view
const SIDE = 54;
const MANY = 20_000; // points

export class MapView extends HTMLElement {
  /** @param {string} lib */
  constructor(lib = "") {
    super();
    this.lib = lib;
    this.zoom = 1;
    this.x = 0.5;
    this.y = 0.5; // what stands in the middle
    this.points = new Uint16Array();
    /** @type {Map<number, {id: string, caption: string, image?: HTMLImageElement}>} */
    this.known = new Map();
    this.hover = -1;
  }

  async connectedCallback() {
    this.canvas = /** @type {HTMLCanvasElement} */ (h("canvas", { tabindex: 0, role: "img", "aria-label": "Map of the library: arrows move it, plus and minus zoom, 0 shows all, Enter opens the picture in the middle" }));
    this.tip = h("div.map-tip", { hidden: true, role: "status" });
    const note = h("p.map-note.by", { role: "status" }, h("span.spinner"), "The map is being made …");
    this.whole = h("button.button.map-whole", { type: "button", hidden: true, onclick: () => this.showAll() }, "Show all");
    this.append(this.canvas, this.tip, this.whole, note);
    this.listen(this.canvas);
    this.resizing = new ResizeObserver(() => this.draw());
    this.resizing.observe(this);
    try {
      const answer = await fetch(`/api${placeOf(this.lib)}/map`);
      if (!answer.ok) throw new Error((await answer.json()).error);
      this.points = new Uint16Array(await answer.arrayBuffer());
      note.remove();
    } catch (error) {
      this.replaceChildren(h("p.by", {}, `There is no map: ${/** @type {Error} */ (error).message}`));
    }
    this.draw();
  }

  disconnectedCallback() {
    this.resizing?.disconnect();
  }

  /** @param {HTMLCanvasElement} canvas */
  listen(canvas) {
    /** @type {Map<number, PointerEvent>} */
    const down = new Map();
    let moved = 0;
    canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.zoomAt(event.offsetX, event.offsetY, Math.exp(-event.deltaY / 400));
    }, { passive: false });
    canvas.addEventListener("pointerdown", (event) => {
      down.set(event.pointerId, event);
      moved = 0;
      canvas.setPointerCapture(event.pointerId);
    });
    canvas.addEventListener("pointermove", (event) => {
      const before = down.get(event.pointerId);
      if (!before) return this.point(event);
      const [dx, dy] = [event.offsetX - before.offsetX, event.offsetY - before.offsetY];
      moved += Math.abs(dx) + Math.abs(dy);
      const others = [...down.values()].filter((one) => one.pointerId !== event.pointerId);
      if (others.length) {
        const distance = (/** @type {PointerEvent} */ one) => Math.hypot(one.offsetX - others[0].offsetX, one.offsetY - others[0].offsetY) || 1;
        this.zoomAt(event.offsetX, event.offsetY, distance(event) / distance(before));
      } else this.move(dx, dy);
      down.set(event.pointerId, event);
      return undefined;
    });
    const up = (/** @type {PointerEvent} */ event) => {
      down.delete(event.pointerId);
      if (event.type === "pointerup" && moved < 5) this.open(this.nearest(event.offsetX, event.offsetY));
    };
    canvas.addEventListener("pointerup", up);
    canvas.addEventListener("pointercancel", up);
    canvas.addEventListener("pointerleave", () => this.meant(-1));
    canvas.addEventListener("keydown", (event) => {
      const steps = { ArrowLeft: [40, 0], ArrowRight: [-40, 0], ArrowUp: [0, 40], ArrowDown: [0, -40] };
      if (event.key in steps) {
        const [dx, dy] = steps[/** @type {keyof typeof steps} */ (event.key)];
        this.move(dx, dy);
      } else if (event.key === "Enter") this.open(this.middle());
      else if (event.key === "0") this.showAll();
      else if (event.key === "+" || event.key === "-") this.zoomAt(this.wide / 2, HEIGHT / 2, event.key === "+" ? 1.3 : 1 / 1.3);
      else return;
      event.preventDefault();
      this.meant(this.middle());
    });
    canvas.addEventListener("blur", () => this.meant(-1));
  }

  /** The point that stands nearest to the middle, which keys mean. */
  middle() {
    return this.nearest(this.wide / 2, HEIGHT / 2, Infinity);
  }

  get wide() {
    return this.clientWidth || 600;
  }

  /** Where points stand in the window: the browser is asked for its width once, not for each of them. */
  placing() {
    const { wide, scaleX, scaleY, points } = this;
    const [perX, perY] = [scaleX / SPAN, scaleY / SPAN];
    const [left, top] = [wide / 2 - this.x * scaleX, HEIGHT / 2 - this.y * scaleY];
    return {
      x: (/** @type {number} */ row) => points[2 * row] * perX + left,
      y: (/** @type {number} */ row) => points[2 * row + 1] * perY + top,
    };
  }

  /** Where a point stands in the window. @param {number} row */
  at(row) {
    const places = this.placing();
    return [places.x(row), places.y(row)];
  }

  get scaleX() {
    return (this.wide - 2 * SIDE) * this.zoom;
  }

  get scaleY() {
    return (HEIGHT - 2 * SIDE) * this.zoom;
  }

  /** @param {number} dx @param {number} dy */
  move(dx, dy) {
    this.x = clamp(this.x - dx / this.scaleX);
    this.y = clamp(this.y - dy / this.scaleY);
    this.draw();
  }

  /** @param {number} x @param {number} y @param {number} factor */
  zoomAt(x, y, factor) {
    const next = Math.min(400, Math.max(1, this.zoom * factor));
    const real = next / this.zoom;
    this.x = clamp(this.x + ((x - this.wide / 2) / this.scaleX) * (1 - 1 / real));
    this.y = clamp(this.y + ((y - HEIGHT / 2) / this.scaleY) * (1 - 1 / real));
    this.zoom = next;
    this.draw();
  }

  showAll() {
    [this.zoom, this.x, this.y] = [1, 0.5, 0.5];
    this.draw();
    this.canvas?.focus({ preventScroll: true });
  }

  draw() {
    if (this.whole) this.whole.hidden = this.zoom === 1 && this.x === 0.5 && this.y === 0.5;
    if (this.drawing) return;
    this.drawing = requestAnimationFrame(() => {
      this.drawing = 0;
      this.paint();
    });
  }

  paint() {
    const { canvas, wide } = this;
    const pen = canvas?.getContext("2d");
    if (!canvas || !pen) return;
    const sharp = Math.min(2, devicePixelRatio);
    canvas.width = wide * sharp;
    canvas.height = HEIGHT * sharp;
    canvas.style.setProperty("height", `${HEIGHT}px`);
    pen.scale(sharp, sharp);
    const style = getComputedStyle(this);
    pen.fillStyle = style.getPropertyValue("--accent");
    const count = this.points.length / 2;
    const size = Math.max(1.6, Math.min(5, 90 / Math.sqrt(count / this.zoom + 1)));
    const seen = [];
    const many = count > MANY ? new Specks(canvas, pen.fillStyle, size * sharp) : undefined;
    pen.globalAlpha = 0.7;
    const places = this.placing();
    for (let row = 0; row < count; row += 1) {
      const x = places.x(row);
      const y = places.y(row);
      if (x < -SIDE || y < -SIDE || x > wide + SIDE || y > HEIGHT + SIDE) continue;
      if (many) many.add(x * sharp, y * sharp);
      else pen.fillRect(x - size / 2, y - size / 2, size, size);
      if (seen.length <= MOST_SHOWN * 8) seen.push(row);
    }
    if (many) pen.putImageData(many.image, 0, 0);
    pen.globalAlpha = 1;
    const shown = apart(seen.map((row) => ({ row, place: this.at(row) })));
    this.drawn = new Set(shown.map((one) => one.row));
    this.paintPictures(pen, shown, style.getPropertyValue("--surface"));
  }

  /**
   * @param {CanvasRenderingContext2D} pen
   * @param {{row: number, place: number[]}[]} shown
   * @param {string} border
   */
  paintPictures(pen, shown, border) {
    for (const { row, place: [x, y] } of shown) {
      const image = this.known.get(row)?.image;
      if (!image?.complete || !image.naturalWidth) continue;
      const side = Math.min(image.naturalWidth, image.naturalHeight);
      const [left, top] = [(image.naturalWidth - side) / 2, (image.naturalHeight - side) / 2];
      pen.fillStyle = border;
      pen.fillRect(x - SIDE / 2 - 2, y - SIDE / 2 - 2, SIDE + 4, SIDE + 4);
      pen.drawImage(image, left, top, side, side, x - SIDE / 2, y - SIDE / 2, SIDE, SIDE);
    }
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => this.load(shown.map((one) => one.row)), 140);
  }

  /** Ask for the pictures of some points. @param {number[]} rows */
  async load(rows) {
    const missing = rows.filter((row) => !this.known.has(row)).slice(0, 60);
    if (!missing.length || !this.isConnected) return;
    const found = await ask(`${placeOf(this.lib)}/map/pictures?${new URLSearchParams(missing.map((row) => ["rows", String(row)]))}`).catch(() => []);
    found.forEach((/** @type {import("./api.js").Found} */ one, /** @type {number} */ place) => {
      const image = new Image();
      image.onload = () => this.draw();
      image.src = imageOf(this.lib, one.id, "small");
      this.known.set(missing[place], { id: one.id, caption: one.caption, image });
    });
  }

  /** The point that is meant by a place in the window; -1 for none. @param {number} x @param {number} y @param {number} [reach] */
  nearest(x, y, reach = REACH) {
    let [best, least] = [-1, reach ** 2];
    for (const [row, one] of this.known) {
      const [px, py] = this.at(row);
      if (one.image && Math.abs(px - x) < SIDE / 2 && Math.abs(py - y) < SIDE / 2 && this.drawn?.has(row)) return row;
    }
    const places = this.placing();
    for (let row = 0; row < this.points.length / 2; row += 1) {
      const distance = (places.x(row) - x) ** 2 + (places.y(row) - y) ** 2;
      if (distance < least) [best, least] = [row, distance];
    }
    return best;
  }

  /** @param {PointerEvent} event */
  point(event) {
    this.meant(this.nearest(event.offsetX, event.offsetY));
  }

  /** @param {number} row */
  async meant(row) {
    if (row === this.hover || !this.tip) return;
    this.hover = row;
    this.tip.hidden = row < 0;
    if (this.canvas) this.canvas.style.setProperty("cursor", row < 0 ? "grab" : "pointer");
    if (row < 0) return;
    if (!this.known.has(row)) await this.load([row]);
    const one = this.known.get(row);
    if (!one || this.hover !== row) return;
    const [x, y] = this.at(row);
    this.tip.replaceChildren(h("img", { src: imageOf(this.lib, one.id, "small"), alt: "" }), h("span", {}, one.caption));
    this.tip.style.setProperty("left", `${Math.min(Math.max(8, x + 18), this.wide - 228)}px`);
    this.tip.style.setProperty("top", `${Math.min(Math.max(8, y - 60), HEIGHT - 220)}px`);
  }

  /** @param {number} row */
  async open(row) {
    if (row < 0) return;
    if (!this.known.has(row)) await this.load([row]);
    const one = this.known.get(row);
    if (one) go({ page: "picture", id: one.id });
  }
}

/** @param {number} value */
const clamp = (value) => Math.min(1, Math.max(0, value));

/**
 * Those that can be shown as pictures without covering each other.
 * @param {{row: number, place: number[]}[]} seen
 */
function apart(seen) {
  /** @type {typeof seen} */
  const kept = [];
  for (const one of seen) {
    if (kept.length >= MOST_SHOWN) break;
    const clear = kept.every((other) => Math.abs(other.place[0] - one.place[0]) > SIDE + 4 || Math.abs(other.place[1] - one.place[1]) > SIDE + 4);
    if (clear) kept.push(one);
  }
  return kept;
}

customElements.define("map-view", MapView);
