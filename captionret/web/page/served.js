// The libraries that are served, and the words of each, asked for once.

import { words } from "./api.js";

class Served {
  constructor() {
    /** @type {import("./api.js").LibraryFacts[]} */
    this.all = [];
    this.version = "";
    /** Milliseconds that the last answer took. */
    this.pace = 30;
    this.reports = false;
    /** @type {Record<string, string>} */
    this.exports = {};
    /** @type {Map<string, Promise<import("./api.js").CountedWord[]>>} */
    this.wordsOf = new Map();
    /** As they were known last. @type {Map<string, import("./api.js").CountedWord[]>} */
    this.listed = new Map();
  }

  /** @param {import("./api.js").Libraries} found */
  set(found) {
    this.all = found.libraries;
    this.version = found.version;
    this.reports = found.reports;
    this.exports = found.exports;
  }

  /** @param {string} lib */
  find(lib) {
    return this.all.find((one) => one.id === lib);
  }

  /**
   * The words of a library, the commonest first; none where they cannot be had.
   * @param {string} lib
   */
  words(lib) {
    let found = this.wordsOf.get(lib);
    if (!found) {
      found = words(lib).then(
        (answer) => {
          this.listed.set(lib, answer.words);
          return answer.words;
        },
        () => {
          this.wordsOf.delete(lib);
          return [];
        },
      );
      this.wordsOf.set(lib, found);
    }
    return found;
  }

  /** The words of a library as they were when they came last; none before. @param {string} lib */
  lastWords(lib) {
    return this.listed.get(lib) ?? [];
  }

  /** Ask for the words of a library anew: its captions were changed. @param {string} lib */
  forget(lib) {
    this.wordsOf.delete(lib);
  }
}

export const served = new Served();
