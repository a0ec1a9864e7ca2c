// A list of pictures for spreadsheets.

import assert from "node:assert/strict";
import test from "node:test";

import { tableOf } from "../../captionret/web/page/tables.js";

test("a list of pictures holds whatever a caption or a name does, and no formula", () => {
  const picture = { id: "1", path: "/photos/a, b.jpg", caption: '=HYPERLINK("x")', person: true, taken: null, camera: null, keywords: ["sea", "sand"] };
  assert.equal(tableOf([picture]), '\ufeffpath,caption,person,taken,camera,keywords\r\n"/photos/a, b.jpg","\'=HYPERLINK(""x"")",true,,,"sea, sand"\r\n');
});
