// The days of which pictures are shown: two marks on a small time line, or two dates.

import { counted, h } from "./dom.js";
import { allMonths } from "./months.js";
import { go } from "./state.js";

/** A button of the filter bar that opens the time line. */
export class DayRange {
  constructor() {
    /** @type {{name: string, pictures: number}[]} */
    this.months = [];
    this.bars = h("div.time-line", { "aria-hidden": "true" });
    this.says = h("p.by", { "aria-live": "polite" });
    this.from = this.mark("From month");
    this.to = this.mark("To month");
    this.since = this.date("From", "since");
    this.until = this.date("To", "until");
    this.line = h("div", {}, this.bars, this.from, this.to);
    this.panel = h("div.day-range", { popover: "auto", role: "dialog", "aria-label": "Days" },
      this.says, this.line, h("p.days", {}, this.since, "–", this.until));
    this.button = h("button.link-like", { type: "button", "aria-haspopup": "dialog", onclick: () => this.open() });
    document.body.append(this.panel);
  }

  /** @param {string} name */
  mark(name) {
    return /** @type {HTMLInputElement} */ (h("input", { type: "range", min: 0, "aria-label": name, oninput: () => this.show(), onchange: () => this.choose() }));
  }

  /** @param {string} name @param {"since" | "until"} key */
  date(name, key) {
    const field = /** @type {HTMLInputElement} */ (h("input", { type: "date", "aria-label": name, onchange: () => go({ [key]: field.value }) }));
    return field;
  }

  /**
   * The button as it is now.
   * @param {import("./state.js").State} now
   * @param {import("./api.js").Counted[]} months with pictures
   */
  draw(now, months) {
    this.months = months.length ? allMonths(months) : [];
    const last = this.months.length - 1;
    const place = (/** @type {string} */ day, /** @type {number} */ otherwise) => {
      const found = day ? this.months.findIndex((one) => one.name >= day.slice(0, 7)) : otherwise;
      return String(found < 0 ? last : found);
    };
    this.from.max = this.to.max = String(Math.max(last, 0));
    this.from.value = place(now.since, 0);
    this.to.value = place(now.until, last);
    this.since.value = whole(now.since, "-01");
    this.until.value = whole(now.until, "");
    this.button.textContent = now.since && now.until
      ? (now.since === now.until ? now.since : `${now.since} – ${now.until}`)
      : now.since ? `since ${now.since}` : now.until ? `until ${now.until}` : "Any day";
    this.line.hidden = last < 1;
    const top = Math.max(1, ...this.months.map((one) => one.pictures));
    this.bars.replaceChildren(...this.months.map((one) => h("span", { vars: { "--share": one.pictures / top }, class: one.pictures ? "" : "none" })));
    this.show();
    return this.button;
  }

  /** The months between the marks, in whichever order these stand. */
  between() {
    const [first, last] = [Number(this.from.value), Number(this.to.value)].sort((one, other) => one - other);
    return { first, last };
  }

  show() {
    const { first, last } = this.between();
    if (!this.months.length) return this.says.replaceChildren("No picture says when it was taken.");
    [...this.bars.children].forEach((one, place) => one.classList.toggle("out", place < first || place > last));
    const inside = this.months.slice(first, last + 1).reduce((sum, one) => sum + one.pictures, 0);
    const [from, to] = [this.months[first].name, this.months[last].name];
    for (const [mark, name] of /** @type {const} */ ([[this.from, from], [this.to, to]])) mark.setAttribute("aria-valuetext", name);
    return this.says.replaceChildren(from === to ? from : `${from} to ${to}`, `: ${counted(inside, "picture")}`);
  }

  choose() {
    const { first, last } = this.between();
    go({ since: first === 0 ? "" : this.months[first].name, until: last === this.months.length - 1 ? "" : this.months[last].name });
  }

  open() {
    const under = this.button.getBoundingClientRect();
    this.panel.style.setProperty("--left", `${Math.max(8, Math.min(under.left - 14, innerWidth - 348))}px`);
    this.panel.style.setProperty("--top", `${under.bottom + 12}px`);
    this.panel.togglePopover();
  }
}

/**
 * A day as a date field takes it; a month gives its first, or its last day.
 * @param {string} day
 * @param {string} first "-01" for the first day of a month; "" for its last
 */
export function whole(day, first) {
  if (/^\d{4}$/.test(day)) return whole(first ? `${day}-01` : `${day}-12`, first);
  if (!/^\d{4}-\d\d$/.test(day)) return day;
  if (first) return day + first;
  const [year, month] = day.split("-").map(Number);
  return `${day}-${new Date(Date.UTC(year, month, 0)).getUTCDate()}`;
}

