// Run by `node --test tests/page`: what the page does with texts.

import assert from "node:assert/strict";
import test from "node:test";

import { columnOf, columnsOf, oneMore, readColumn } from "../../captionret/web/page/columns.js";
import { shades } from "../../captionret/web/page/shades.js";
import { allMonths } from "../../captionret/web/page/months.js";
import { completed, lastWord, onlyLeavesOut, pause, replaceLast, withWord } from "../../captionret/web/page/words.js";

const KNOWN = [{ word: "dog" }, { word: "dogs" }, { word: "beach" }, { word: "onion" }];

test("the last word is the one that is being typed", () => {
  assert.equal(lastWord("a dog on the bea"), "bea");
  assert.equal(lastWord("a dog -Peo"), "peo");
  assert.equal(lastWord("a dog "), "");
  assert.equal(lastWord("dog's"), "dog's");
});

test("an unfinished word is completed by the commonest that begins so", () => {
  assert.equal(completed("two do", KNOWN), "two dog");
  assert.equal(completed("two dog -bea", KNOWN), "two dog -beach");
});

test("what a filter names is no word of the library", () => {
  for (const text of ["under:bea", "a dog under:do", "-camera:on", 'dog camera:"canon do', "since:2019 under:a/bea"]) {
    assert.equal(lastWord(text), "", text);
    assert.equal(completed(text, KNOWN), text);
  }
  assert.equal(lastWord("under:2019 bea"), "bea");
});

test("a whole word, a short one and an unknown one are left as they are", () => {
  for (const text of ["dog", "a dog on", "a d", "zzz", "dog "]) assert.equal(completed(text, KNOWN), text);
});

test("accepting a word keeps what stands before it", () => {
  assert.equal(replaceLast("a dog on the bea", "beach"), "a dog on the beach");
  assert.equal(replaceLast("dog -pe", "people"), "dog -people");
});

test("a word is in a query once, asked for or left out", () => {
  assert.equal(withWord("a dog beach", "dog", true), "a beach -dog");
  assert.equal(withWord("a -dog beach", "dog", false), "a beach dog");
  assert.equal(withWord("", "traffic light", true), '-"traffic light"');
});

test("a time line shows months without pictures, too", () => {
  const months = [{ name: "2019-11", pictures: 2 }, { name: "2020-02", pictures: 5 }];
  assert.deepEqual(allMonths(months).map((one) => [one.name, one.pictures]), [
    ["2019-11", 2], ["2019-12", 0], ["2020-01", 0], ["2020-02", 5],
  ]);
});

test("a column is a mode, and a captioner whose name may hold a colon", () => {
  assert.deepEqual(readColumn("words"), { mode: "words", by: "" });
  assert.deepEqual(readColumn("words:openai:gemma3"), { mode: "words", by: "openai:gemma3" });
  assert.equal(columnOf("words", "openai:gemma3"), "words:openai:gemma3");
  assert.equal(columnOf("words", ""), "words");
});

test("two to four columns are compared, each once, the usual ones where fewer are chosen", () => {
  const modes = ["auto", "words", "embedding", "jaccard"];
  assert.deepEqual(columnsOf([], modes, ""), ["auto", "words", "jaccard"]);
  assert.deepEqual(columnsOf(["words", "words"], modes, "a.csv"), ["auto:a.csv", "words:a.csv", "jaccard:a.csv"]);
  assert.deepEqual(columnsOf(["a", "b", "c", "d", "e"], modes, ""), ["a", "b", "c", "d"]);
});

test("one more column is another captioner first, then another mode", () => {
  const modes = ["auto", "words"];
  assert.equal(oneMore(["auto", "auto:b"], modes, ["a", "b"]), "auto:a");
  assert.equal(oneMore(["jaccard", "auto"], modes, ["a"]), "words");
  assert.equal(oneMore(["words", "auto"], modes, ["a"]), "");
});

test("what was looked at most is clear, what was not is dark", () => {
  assert.deepEqual([...shades([0, 0.2, 0.05], 0.8)], [0, 0, 0, 204, 0, 0, 0, 0, 0, 0, 0, 102]);
  assert.deepEqual([...shades([0, 0], 1)], [0, 0, 0, 255, 0, 0, 0, 255]);
});

test("a library that answers at once is asked nearly with every key, a slow one less often", () => {
  assert.deepEqual([0, 20, 100, 4000].map(pause), [40, 40, 150, 250]);
});

test("a text that only leaves out asks for nothing", () => {
  for (const text of ["", "-dog", '-"traffic light" -dog ']) assert.ok(onlyLeavesOut(text), text);
  for (const text of ["a -dog", "-dog cat", "well-known", '"a -dog"']) assert.ok(!onlyLeavesOut(text), text);
});
