// New pictures: dropped here, or found in the library's folder by an index job.

import { ask, imageOf, place as placeOf, send, sentAs } from "./api.js";
import { counted, h, icon, notify, number } from "./dom.js";
import { served } from "./served.js";
import { link, state } from "./state.js";

/** @param {HTMLElement} place */
export function show(place) {
  const page = new AddPage(place, state().lib);
  page.draw();
  return () => page.end();
}

class AddPage {
  /**
   * @param {HTMLElement} place
   * @param {string} lib
   */
  constructor(place, lib) {
    this.place = place;
    this.lib = lib;
    this.added = h("ul.added");
    this.job = h("div.job", { "aria-live": "polite" });
    this.folders = h("section", { hidden: true });
    /** @type {EventSource | undefined} */
    this.events = undefined;
  }

  end() {
    this.events?.close();
  }

  draw() {
    const taken = served.find(this.lib)?.uploads ?? false;
    this.place.replaceChildren(
      h("h1", {}, "Add pictures"),
      taken ? this.dropZone() : h("p.lead", {}, "To drop pictures here, start the server with --uploads FOLDER: a folder below the library's, into which they are written."),
      this.added,
      h("h2", {}, "Index the folder"),
      h("p.by", {}, "Captions what is new or changed in the library's folder. Searching goes on meanwhile; what is captioned is found at once."),
      this.job, this.folders);
    this.offerJob();
    this.offerFolders();
    ask("/jobs").then((jobs) => {
      const running = jobs.find((/** @type {import("./api.js").Job} */ one) => one.library === this.lib && ["running", "paused"].includes(one.state));
      if (running) this.follow(running);
    }, () => {});
  }

  dropZone() {
    const file = /** @type {HTMLInputElement} */ (h("input", { type: "file", multiple: true, accept: "image/*,.heic,.tif,.tiff,.jxl,.cr2,.cr3,.nef,.nrw,.arw,.dng,.raf,.orf,.rw2,.pef,.srw", id: "new-pictures", class: "hidden", onchange: () => this.take([...(file.files ?? [])]) }));
    const zone = h("div.drop-zone", {
      ondragover: (/** @type {Event} */ event) => {
        event.preventDefault();
        zone.classList.add("over");
      },
      ondragleave: () => zone.classList.remove("over"),
      ondrop: (/** @type {DragEvent} */ event) => {
        event.preventDefault();
        zone.classList.remove("over");
        this.take([...(event.dataTransfer?.files ?? [])]);
      },
    }, icon("image"), h("p", {}, "Drop pictures here, or ", file, h("label.link", { for: "new-pictures" }, "choose some")), h("small", {}, "They are captioned and found within seconds."));
    return zone;
  }

  /** One after the other. @param {File[]} files */
  async take(files) {
    for (const one of files) {
      const line = h("li", {}, h("span.spinner"), h("span", {}, one.name));
      this.added.prepend(line);
      try {
        const found = await ask(`${placeOf(this.lib)}/pictures?name=${encodeURIComponent(one.name)}`, { method: "POST", body: one, headers: sentAs(one) });
        line.replaceChildren(h("a", link({ page: "picture", id: found.id }), h("img", { src: imageOf(this.lib, found.id, "small"), alt: "", width: 88, height: 66 }), h("span", {}, h("b", {}, found.caption), h("small", {}, one.name))));
      } catch (error) {
        line.className = "bad";
        line.replaceChildren(icon("close"), h("span", {}, h("b", {}, one.name), h("small", {}, String(/** @type {Error} */ (error).message))));
      }
    }
    served.forget(this.lib);
    dispatchEvent(new Event("library-changed"));
  }

  /**
   * The folders of which a new library may be made.
   * @param {{root: number, inside: string, name: string}[]} [above] those that were gone through
   */
  async offerFolders(above = []) {
    const here = above[above.length - 1];
    const asked = here ? `?${new URLSearchParams({ root: String(here.root), inside: here.inside })}` : "";
    const { folders } = await ask(`/folders${asked}`).catch(() => ({ folders: [] }));
    this.folders.hidden = !here && !folders.length;
    this.folders.replaceChildren(
      h("h2", {}, "A new library"),
      h("p.by", {}, "Choose a folder; its pictures, and those of the folders in it, are captioned."),
      h("p.crumbs", { hidden: !here }, h("button.link", { type: "button", onclick: () => this.offerFolders() }, "All"), above.map((one, place) =>
        [" / ", h("button.link", { type: "button", onclick: () => this.offerFolders(above.slice(0, place + 1)) }, one.name)]).flat()),
      h("ul.chips.left", {}, folders.map((/** @type {{root: number, inside: string, name: string}} */ one) =>
        h("li", {}, h("button.chip-link", { type: "button", onclick: () => this.offerFolders([...above, one]) }, icon("folder"), one.name)))),
      here ? this.newLibrary(here) : "");
  }

  /** @param {{root: number, inside: string, name: string}} folder */
  newLibrary(folder) {
    const name = /** @type {HTMLInputElement} */ (h("input", { type: "text", "aria-label": "Name of the library", maxlength: 60, value: folder.name.split(/[\\/]/).pop() ?? "" }));
    const make = async (/** @type {Event} */ event) => {
      event.preventDefault();
      try {
        await send("/libraries", "POST", { root: folder.root, inside: folder.inside, name: name.value });
        location.assign(`/add?lib=${encodeURIComponent(name.value)}`);
      } catch (error) {
        notify(String(/** @type {Error} */ (error).message), { bad: true });
      }
    };
    return h("form.new-library", { onsubmit: make }, h("span", {}, "Index this folder as"), name, h("button.button.first", {}, "Begin"));
  }

  /** @param {string} [note] */
  offerJob(note = "") {
    this.job.replaceChildren(note && h("p", {}, note) || "", h("button.button.first", { type: "button", onclick: () => this.start() }, icon("folder"), "Index now"));
  }

  async start() {
    try {
      this.follow(await send(`${placeOf(this.lib)}/jobs`, "POST"));
    } catch (error) {
      notify(String(/** @type {Error} */ (error).message), { bad: true });
    }
  }

  /** @param {import("./api.js").Job} job */
  follow(job) {
    this.drawJob(job);
    this.events?.close();
    this.events = new EventSource(`/api/jobs/${job.id}/events`);
    this.events.onmessage = (event) => this.drawJob(JSON.parse(event.data));
    this.events.onerror = () => {
      if (this.events?.readyState !== EventSource.CLOSED) return; // it is asked for again
      this.offerJob("The server was started anew meanwhile. What was captioned is kept; index again for the rest.");
    };
  }

  /** @param {import("./api.js").Job} job */
  drawJob(job) {
    if (["done", "failed", "cancelled"].includes(job.state)) {
      this.events?.close();
      served.forget(this.lib);
      dispatchEvent(new Event("library-changed"));
      this.offerJob({ done: job.message, failed: `It failed: ${job.message}`, cancelled: "Stopped. What was captioned is kept." }[job.state] ?? "");
      return;
    }
    const does = (/** @type {string} */ name) => () => send(`/jobs/${job.id}/${name}`, "POST").then((now) => this.drawJob(now), (error) => notify(error.message, { bad: true }));
    this.job.replaceChildren(
      h("p", {}, job.total ? `${number(job.done)} of ${counted(job.total, "picture")}` : "Looking through the folder …", job.state === "paused" && " (paused)"),
      h("progress", { "aria-label": "Indexed", ...(job.total ? { max: job.total, value: job.done } : {}) }),
      h("p.buttons", {},
        job.state === "paused" ? h("button.button", { type: "button", onclick: does("resume") }, "Go on") : h("button.button", { type: "button", onclick: does("pause") }, "Pause"),
        h("button.button", { type: "button", onclick: does("cancel") }, "Stop")));
  }
}
