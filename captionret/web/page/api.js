// What the server is asked. Every answer is JSON, every refusal a sentence.

import { lookForServer } from "./reaching.js";

/**
 * @typedef {{word: string, probability: number, certain: boolean}} Word
 * @typedef {{id: string, name: string, folder: string, caption: string, person: boolean, rank: number, score: number,
 *   words: Word[], why: string[], by_caption: string[], by_name: boolean, weak: boolean, copies: number, group: string}} Found
 * @typedef {{id: string, path: string, caption: string, person: boolean, taken: string | null, camera: string | null,
 *   keywords: string[]}} Listed
 * @typedef {{word: string, readings: {word: string, weight: number, how: string}[], suggestion: string | null}} Understood
 * @typedef {{library: string, mode: string, searched: number, fitting: number | null, offset: number, more: boolean, hits: Found[],
 *   notes: string[], understood: Understood[], nearest: string[], caption: string | null, milliseconds: number}} Answer
 * @typedef {{name: string, about: string, accepts: string[], adds: boolean}} Mode
 * @typedef {{name: string, kind: string}} KnownCaptioner
 * @typedef {{id: string, pictures: number, modes: Mode[], captioners: KnownCaptioner[], writable: boolean, uploads: boolean}} LibraryFacts
 * @typedef {{mode: string, by: string, hits: Found[], notes: string[], problem: string}} Column
 * @typedef {{columns: Column[], agreed: string[], different: number}} SideBySide
 * @typedef {{name: string, kind: string, since: string, pictures: number, words: number, different: number,
 *   scores: Record<string, number>}} CaptionerFigures
 * @typedef {{captioners: CaptionerFigures[], pairs: {one: string, other: string, pictures: number, agreement: number, found: number}[],
 *   disputed: {id: string, captions: Record<string, string>}[]}} CaptionersCompared
 * @typedef {{word: string, pictures: number}} CountedWord
 * @typedef {{name: string, pictures: number}} Counted
 * @typedef {{id: string, pictures: number, copies: number, captioned_by: string, root: string, by_person: number,
 *   cameras: Counted[], lenses: Counted[], keywords: Counted[], folders: Counted[], months: Counted[], undated: number,
 *   places: {latitude: number, longitude: number, km: number, pictures: number, folder: string}[],
 *   failures: {path: string, reason: string}[]}} Overview
 * @typedef {{word: string, probability: number, in_captions: boolean, head: number,
 *   classes: {name: string, probability: number}[]}} PictureWord
 * @typedef {{id: string, name: string, folder: string, captions: {text: string, logprob: number}[],
 *   captioned_by: string, person: boolean, words: PictureWord[],
 *   others: {name: string, kind: string, day: string, captions: {text: string, logprob: number}[]}[], width: number, height: number,
 *   taken: string | null, camera: string | null, lens: string | null, place: [number, number] | null, title: string | null,
 *   keywords: string[], copies: string[], missing: boolean}} PictureFacts
 * @typedef {{captioner: string, words: string[], rows: number, columns: number, weights: number[][]}} Attention
 * @typedef {{mode: string, k: number, pictures: number, lists: number | null, more: number | null,
 *   copies: {picture: Found, bits: number}[]}} Nearness
 * @typedef {{place: string, title: string, lead: string, folder: string, day: string}} Report
 * @typedef {{id: string, name: string, folder: string, width: number, height: number, size: number, sharpness: number,
 *   taken: string | null}} DuplicateFile
 * @typedef {{kind: string, files: DuplicateFile[]}} DuplicateGroup
 * @typedef {{state: string, groups: DuplicateGroup[], every: number, message: string}} DuplicatesFound
 * @typedef {{id: string, library: string, state: string, done: number, total: number, message: string}} Job
 */

/** The status of a refusal where there was no answer. */
export const UNREACHED = 0;
/** It is not any more what was seen. */
export const CHANGED = 412;

/** A refusal of the server, in its own words. */
export class Refused extends Error {
  /**
   * @param {number} status
   * @param {string} message
   */
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** Whether nobody waits any more. @param {unknown} error */
const stopped = (error) => error instanceof DOMException && error.name === "AbortError";

/**
 * @param {string} path
 * @param {RequestInit} [options]
 * @returns {Promise<any>}
 */
export async function ask(path, options = {}) {
  let answer;
  try {
    answer = await fetch(`/api${path}`, options);
  } catch (error) {
    if (stopped(error)) throw error;
    lookForServer();
    throw new Refused(UNREACHED, "The server does not answer. Is captionret serve still running?");
  }
  if (answer.status === 204) return null;
  const content = await answer.json().catch((error) => {
    if (stopped(error)) throw error; // half an answer is none
    return { error: `The server answered ${answer.status}.` };
  });
  if (!answer.ok) throw new Refused(answer.status, content.error ?? `The server answered ${answer.status}.`);
  return content;
}

/**
 * @param {string} path
 * @param {string} method
 * @param {unknown} [body]
 */
export const send = (path, method, body) =>
  ask(path, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { "Content-Type": "application/json" } }),
  });

/** @param {string} lib */
export const place = (lib) => `/libraries/${encodeURIComponent(lib)}`;

/**
 * The part of an address that asks for what a state asks for.
 * @param {import("./state.js").State} state
 * @param {Partial<import("./state.js").State>} [changes]
 */
export function query(state, changes = {}) {
  const asked = { ...state, ...changes };
  const given = new URLSearchParams();
  for (const name of /** @type {const} */ (["q", "image", "mode", "by", "under", "since", "until", "camera", "lens", "keyword", "near", "least"]))
    if (asked[name]) given.set(name, asked[name]);
  for (const name of /** @type {const} */ (["like", "dislike", "plus", "minus"]))
    for (const one of asked[name]) given.append(name, one);
  return given;
}

/**
 * @param {import("./state.js").State} state
 * @param {Partial<import("./state.js").State>} changes
 * @param {number} offset
 * @param {number} limit
 * @param {AbortSignal} [signal]
 * @returns {Promise<Answer>}
 */
export function search(state, changes, offset, limit, signal) {
  const given = query(state, changes);
  if (state.show === "day" || state.show === "folder") given.set("group", state.show);
  if (state.show === "day") given.set("sort", "newest");
  else if (state.show && state.show !== "folder") given.set("sort", state.show);
  given.set("offset", String(offset));
  given.set("limit", String(limit));
  return ask(`${place(state.lib)}/search?${given}`, { signal });
}

/**
 * @param {import("./state.js").State} state
 * @param {string[]} columns
 * @param {number} limit
 * @param {AbortSignal} signal
 * @returns {Promise<SideBySide>}
 */
export function sideBySide(state, columns, limit, signal) {
  const given = query(state);
  given.set("limit", String(limit));
  for (const one of columns) given.append("column", one);
  return ask(`${place(state.lib)}/compare?${given}`, { signal });
}

/** @param {string} lib @param {string} references @returns {Promise<CaptionersCompared>} */
export const captioners = (lib, references) => ask(`${place(lib)}/captioners?${new URLSearchParams({ references })}`);

/** @param {string} lib @returns {Promise<DuplicatesFound>} */
export const duplicates = (lib) => ask(`${place(lib)}/duplicates`);

/** @returns {Promise<Report[]>} */
export const reports = () => ask("/reports");

/** @param {string} lib @param {string} format */
export const exportOf = (lib, format) => `/api${place(lib)}/export?${new URLSearchParams({ format })}`;

/** @typedef {{libraries: LibraryFacts[], reports: boolean, exports: Record<string, string>, version: string, loading: boolean}} Libraries */

/** @returns {Promise<Libraries>} */
export const libraries = () => ask("/libraries");

/** @param {string} lib @returns {Promise<Overview>} */
export const overview = (lib) => ask(place(lib));

/** @param {string} lib @returns {Promise<{words: CountedWord[]}>} */
export const words = (lib) => ask(`${place(lib)}/words?limit=20000`);

/** @param {string} lib @param {string} id @returns {Promise<PictureFacts>} */
export const picture = (lib, id) => ask(`${place(lib)}/pictures/${id}`);

/**
 * Write a caption. Where somebody has changed it meanwhile, that is refused once, and `seen` is what it is now.
 * @param {string} lib
 * @param {string} id
 * @param {string} text
 * @param {{caption: string}} seen
 * @returns {Promise<PictureFacts>}
 */
export async function writeCaption(lib, id, text, seen) {
  try {
    return await send(`${place(lib)}/pictures/${id}/caption`, "PUT", { text, before: seen.caption });
  } catch (error) {
    if (!(error instanceof Refused) || error.status !== CHANGED) throw error;
    seen.caption = (await picture(lib, id)).captions[0]?.text ?? "";
    throw new Refused(CHANGED, `${error.message} Keep again to write yours over it.`);
  }
}

/** @param {string} lib @param {string[]} ids @returns {Promise<Listed[]>} */
export const listed = (lib, ids) => ask(`${place(lib)}/files?${new URLSearchParams(ids.map((id) => ["picture", id]))}`);

/** @param {string} lib @param {string} id @returns {Promise<Attention>} */
export const attention = (lib, id) => ask(`${place(lib)}/pictures/${id}/attention`);

/** @param {string} lib @param {string} id @param {AbortSignal} signal @returns {Promise<Nearness>} */
export const nearness = (lib, id, signal) => ask(`${place(lib)}/pictures/${id}/nearness`, { signal });

/**
 * Where a picture of the library is shown, or one that was sent.
 * @param {string} lib
 * @param {string} id
 * @param {"small" | "medium" | "large"} size
 */
export const imageOf = (lib, id, size) => `/api${place(lib)}/pictures/${id}/image?size=${size}`;

/** What a file that is sent is called: whatever it is, the server looks into it. @param {Blob} file */
export const sentAs = (file) => ({ "Content-Type": file.type.startsWith("image/") ? file.type : "application/octet-stream" });

/**
 * Send a picture to search with.
 * @param {Blob} file
 * @returns {Promise<{id: string, width: number, height: number}>}
 */
export const sendPicture = (file) =>
  ask("/query-pictures", { method: "POST", body: file, headers: sentAs(file) });
