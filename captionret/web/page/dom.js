// Elements out of plain data. Texts become text nodes, never markup: a caption or a file name can hold anything.

const SVG = "http://www.w3.org/2000/svg";

/**
 * @typedef {Node | string | number | null | undefined | false} Child
 * @typedef {Record<string, unknown>} Props
 */

/**
 * Make an element.
 * @param {string} tag a name, with classes: "button.quiet"
 * @param {Props} [props] onclick and the like: listeners; vars: CSS variables; data: data-*; false, null: left out
 * @param {...(Child | Child[])} children
 * @returns {HTMLElement}
 */
export function h(tag, props = {}, ...children) {
  const [name, ...classes] = tag.split(".");
  const made = document.createElement(name);
  if (classes.length) made.className = classes.join(" ");
  for (const [key, value] of Object.entries(props)) put(made, key, value);
  made.append(...present(children));
  return made;
}

/**
 * @param {HTMLElement} made
 * @param {string} key
 * @param {unknown} value
 */
function put(made, key, value) {
  if (value === false || value === null || value === undefined) return;
  if (key.startsWith("on")) made.addEventListener(key.slice(2), /** @type {EventListener} */ (value));
  else if (key === "vars")
    for (const [name, one] of Object.entries(/** @type {object} */ (value))) made.style.setProperty(name, String(one));
  else if (key === "data") Object.assign(made.dataset, value);
  else if (key === "value") /** @type {HTMLInputElement} */ (made).value = String(value);
  else if (key === "class") made.classList.add(...String(value).split(" ").filter(Boolean));
  else made.setAttribute(key, value === true ? "" : String(value));
}

/**
 * @param {(Child | Child[])[]} children
 * @returns {(Node | string)[]}
 */
function present(children) {
  return /** @type {(Node | string)[]} */ (
    children
      .flat()
      .filter((one) => one !== null && one !== undefined && one !== false)
      .map((one) => (typeof one === "number" ? String(one) : one))
  );
}

const ICONS = {
  search: "M10.5 4a6.5 6.5 0 1 1 0 13 6.5 6.5 0 0 1 0-13zM15.5 15.5 21 21",
  close: "M6 6l12 12M18 6 6 18",
  image: "M4 5h16v14H4zM4 16l5-5 4 4 3-3 4 4M9 9.2a.6.6 0 1 1-.01 0",
  up: "M7 11v9H4v-9zM7 12l4-8c1.5 0 2.3 1 2 2.5L12.3 10H19c1 0 1.6.8 1.4 1.7l-1.6 7c-.2.8-.8 1.3-1.6 1.3H7",
  down: "M7 13V4H4v9zM7 12l4 8c1.5 0 2.3-1 2-2.5L12.3 14H19c1 0 1.6-.8 1.4-1.7l-1.6-7C18.6 4.5 18 4 17.2 4H7",
  info: "M12 3.5a8.5 8.5 0 1 1 0 17 8.5 8.5 0 0 1 0-17zM12 11v5.5M12 7.6v.1",
  grid: "M4 4h7v7H4zM13 4h7v7h-7zM4 13h7v7H4zM13 13h7v7h-7z",
  columns: "M4 4h6.5v16H4zM13.5 4H20v16h-6.5z",
  library: "M5 20V10M12 20V4M19 20v-7M3 20h18",
  check: "M4.5 12.5l5 5L19.5 7",
  pen: "M4 20l1-4L16 5l3 3L8 19zM14 7l3 3",
  add: "M12 5v14M5 12h14",
  sun: "M12 8a4 4 0 1 1 0 8 4 4 0 0 1 0-8zM12 2v2.5M12 19.5V22M2 12h2.5M19.5 12H22M5 5l1.7 1.7M17.3 17.3 19 19M19 5l-1.7 1.7M6.7 17.3 5 19",
  moon: "M20 14.5A8.5 8.5 0 1 1 9.5 4a7 7 0 0 0 10.5 10.5z",
  help: "M12 3.5a8.5 8.5 0 1 1 0 17 8.5 8.5 0 0 1 0-17zM9.5 9.5c0-1.5 1.1-2.5 2.5-2.5s2.5 1 2.5 2.3c0 1.7-2.5 2-2.5 4M12 16.5v.1",
  undo: "M8 5 4 9l4 4M4 9h10a6 6 0 0 1 0 12h-3",
  folder: "M3.5 6h6l2 2.5h9V19h-17z",
  day: "M4 6h16v14H4zM4 10h16M8 3.5V7M16 3.5V7",
  camera: "M4 8h4l1.5-2.5h5L16 8h4v11H4zM12 10a3.5 3.5 0 1 1 0 7 3.5 3.5 0 0 1 0-7z",
  lens: "M12 3.5a8.5 8.5 0 1 1 0 17 8.5 8.5 0 0 1 0-17zM12 8a4 4 0 1 1 0 8 4 4 0 0 1 0-8z",
  pin: "M12 21s-6.5-6.2-6.5-11a6.5 6.5 0 1 1 13 0c0 4.8-6.5 11-6.5 11zM12 7.6a2.4 2.4 0 1 1 0 4.8 2.4 2.4 0 0 1 0-4.8z",
  tag: "M4 4h7.5l8.5 8.5-7.5 7.5L4 11.5zM8 7.5a.6.6 0 1 1-.01 0",
  order: "M4 7h10M4 12h7M4 17h4M17 6v12M14 15l3 3 3-3",
  gauge: "M4 17a8 8 0 1 1 16 0M12 17l4-5",
  eye: "M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12zM12 9.3a2.7 2.7 0 1 1 0 5.4 2.7 2.7 0 0 1 0-5.4z",
  report: "M6 3.5h8l4 4v13H6zM14 3.5v4h4M9 16.5v-3M12 16.5v-6M15 16.5v-4",
  copies: "M4 8h12v12H4zM8 8V4h12v12h-4",
  next: "M9 5l7 7-7 7",
};

/** @typedef {keyof typeof ICONS} Icon */

/**
 * A drawing of 20 pixels that says nothing to a screen reader.
 * @param {Icon} name
 */
export function icon(name) {
  const drawn = document.createElementNS(SVG, "svg");
  drawn.setAttribute("viewBox", "0 0 24 24");
  drawn.setAttribute("aria-hidden", "true");
  drawn.setAttribute("class", "icon");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", ICONS[name]);
  drawn.append(path);
  return drawn;
}

/**
 * A button that shows an icon alone; its name is for screen readers, and a tip for others.
 * @param {Icon} drawn
 * @param {string} name
 * @param {Props} props
 */
export function iconButton(drawn, name, props) {
  return h("button.icon-button", { type: "button", "aria-label": name, title: name, ...props }, icon(drawn));
}

/**
 * A number as people read it: 12,345.
 * @param {number} value
 */
export const number = (value) => value.toLocaleString("en");

/**
 * @param {number} count
 * @param {string} one
 * @param {string} [many]
 */
export const counted = (count, one, many = `${one}s`) => `${number(count)} ${count === 1 ? one : many}`;

/** @param {number} value a probability: .97 */
export const probability = (value) => (value >= 0.995 ? ".99" : value.toFixed(2).replace(/^0/, ""));

/** Whether keys are being typed into a field. */
export function typing() {
  const active = document.activeElement;
  return active instanceof HTMLInputElement || active instanceof HTMLTextAreaElement || active instanceof HTMLSelectElement;
}

/** Whether nothing is focused, or what is not shown any more. */
export const focusLost = () =>
  !document.activeElement?.checkVisibility() || [document.body, document.getElementById("content")].includes(/** @type {HTMLElement} */ (document.activeElement));

/**
 * Draw a part of the page anew. The field or button of it that was focused is focused again, by its name; where
 * it is gone, what stands in its place.
 * @param {HTMLElement} place
 * @param {() => void} draw
 */
export function keepingFocus(place, draw) {
  const every = () => /** @type {HTMLElement[]} */ ([...place.querySelectorAll("select, input, button")]);
  const held = every().find((one) => one === document.activeElement);
  const at = held ? every().indexOf(held) : -1;
  const name = held?.getAttribute("aria-label");
  draw();
  if (!held || held.isConnected) return;
  const now = every();
  const there = now[Math.min(at, now.length - 1)];
  const named = name && there?.getAttribute("aria-label") !== name && now.find((one) => one.getAttribute("aria-label") === name);
  (named || there)?.focus({ preventScroll: true });
}

/**
 * Say something at the edge of the page, for a while. What an earlier notice offered to undo is not offered any more
 * beside a new one: it would undo both. The answer takes it away.
 * @param {string} text
 * @param {{bad?: boolean, action?: [string, () => void]}} [options]
 */
export function notify(text, { bad = false, action } = {}) {
  const place = document.getElementById("notices");
  const shown = h(bad ? "div.notice.bad" : "div.notice", {}, h("span", {}, text));
  if (action)
    shown.append(
      h("button.link", {
        type: "button",
        onclick: () => {
          shown.remove();
          action[1]();
        },
      }, action[0]),
    );
  if (action) place?.querySelectorAll(".notice:has(button)").forEach((one) => one.remove());
  place?.append(shown);
  setTimeout(() => shown.remove(), bad ? 9000 : 5000);
  return () => shown.remove();
}
