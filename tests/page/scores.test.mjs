import assert from "node:assert/strict";
import { test } from "node:test";

import { bestOf, share } from "../../captionret/web/page/scores.js";

test("a score fills as much of its bar as it is of the best", () => {
  assert.equal(bestOf([{ score: 0.5 }, { score: 2 }]), 2);
  assert.equal(share(0.5, 2), 0.25);
  assert.equal(share(2, 2), 1);
});

test("a logarithm of a likelihood fills it by the ratio of the likelihoods", () => {
  assert.equal(bestOf([{ score: -4 }, { score: -5 }]), -4);
  assert.equal(share(-4, -4), 1);
  assert.ok(Math.abs(share(-4 - Math.log(2), -4) - 0.5) < 1e-12);
});

test("the smallest bar can be seen, and pictures that were not compared have none", () => {
  assert.equal(share(-9, 3), 0.02);
  assert.equal(bestOf([{ score: 0 }, { score: 0 }]), null);
  assert.equal(bestOf([{ score: 1 }, { score: 1 }]), null);
  assert.equal(bestOf([]), null);
});
