// What the page makes of answers.

import assert from "node:assert/strict";
import test from "node:test";

import { ask, sentAs, writeCaption } from "../../captionret/web/page/api.js";

/** @param {object} answer */
const answering = (answer) => { globalThis.fetch = async () => answer; };

test("half an answer, for which nobody waits any more, is none", async () => {
  const json = async () => { throw new DOMException("", "AbortError"); };
  answering({ ok: true, status: 200, json });
  await assert.rejects(ask("/libraries"), { name: "AbortError" });
});

test("a refusal is a sentence, whatever comes", async () => {
  const json = async () => { throw new SyntaxError("not JSON"); };
  answering({ ok: false, status: 502, json });
  await assert.rejects(ask("/libraries"), { message: "The server answered 502." });
});

test("a file that is no picture is sent as it is, for the server to say so", () => {
  assert.deepEqual(sentAs(new Blob(["x"], { type: "text/plain" })), { "Content-Type": "application/octet-stream" });
  assert.deepEqual(sentAs(new Blob(["x"], { type: "image/heic" })), { "Content-Type": "image/heic" });
});

test("a caption that somebody changed meanwhile is shown before it is written over", async () => {
  const bodies = [];
  let held = "theirs";
  globalThis.fetch = async (_, { method, body } = {}) => {
    if (method !== "PUT") return { ok: true, status: 200, json: async () => ({ captions: [{ text: held }] }) };
    const { text, before } = JSON.parse(body);
    bodies.push(before);
    if (before !== held) return { ok: false, status: 412, json: async () => ({ error: "Changed." }) };
    held = text;
    return { ok: true, status: 200, json: async () => ({}) };
  };
  const seen = { caption: "a dog" };
  await assert.rejects(writeCaption("photos", "1", "mine", seen), { message: "Changed. Keep again to write yours over it." });
  await writeCaption("photos", "1", "mine", seen);
  assert.deepEqual([bodies, held], [["a dog", "theirs"], "mine"]);
});
