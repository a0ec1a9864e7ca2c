// What each key does, shown on "?".

import { h } from "./dom.js";

const KEYS = [
  ["/", "type a query"],
  ["arrows", "go from picture to picture"],
  ["Enter", "more like this picture"],
  ["o", "open the picture's page"],
  ["l, d", "like it, dislike it"],
  ["x", "choose it; with Shift: all since the last one"],
  ["u", "undo the last like or dislike"],
  ["e", "on a picture's page: write its caption anew"],
  ["a, e, s", "in Review: accept, edit, skip"],
  ["arrows, +, -, 0", "on a map: move, zoom, show all; Enter opens the middle"],
  ["click on a word", "search it; with Alt held: leave it out"],
  ["Esc", "close, or leave the field"],
  ["?", "this list"],
];

export function showKeys() {
  const dialog = /** @type {HTMLDialogElement} */ (
    h("dialog", { "aria-label": "Keys", onclose: () => dialog.remove(), onclick: (/** @type {Event} */ event) => {
      if (event.target === dialog) dialog.close();
    } },
      h("h2", {}, "Keys"),
      h("dl.keys", {}, KEYS.flatMap(([keys, what]) => [h("dt", {}, keys.split(", ").map((one) => h("kbd", {}, one))), h("dd", {}, what)])),
      h("form", { method: "dialog" }, h("button.button", {}, "Close")))
  );
  document.body.append(dialog);
  dialog.showModal();
}
