// Whether the server can be reached. Where it cannot, it is asked until it can, and the page goes on by itself.

import { h, icon } from "./dom.js";

const EVERY = 700; // milliseconds
let away = false;
let looking = false;

async function look() {
  try {
    await fetch("/page/mark.svg", { cache: "no-store" });
  } catch {
    away = true;
    setTimeout(look, EVERY);
    return;
  }
  looking = false;
  if (away) dispatchEvent(new Event("server-back"));
  away = false;
}

/** Something did not come: look whether the server is there, and tell the page when it is again. */
export function lookForServer() {
  if (looking) return;
  looking = true;
  look();
}

/** What is shown until the server answers. @param {() => void} again */
export const unreached = (again) => [
  icon("info"),
  h("h2", {}, "The server does not answer"),
  h("p", {}, "Is captionret serve still running? This page goes on by itself when it is."),
  h("p", {}, h("button.button", { type: "button", onclick: again }, "Try again")),
];
