import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

import { build, load } from "@runnel/sdk/testing";

const { bytes, report } = await build(new URL("..", import.meta.url));
assert.ok(bytes, report);
const run = await load(bytes);
const order = { id: "o1", customerId: "c1", status: "PAID", total: 12.5, note: "ring twice" };

test("an order is delivered without its note", () => {
  const { verdict, output, reads } = run("Subscription.orderUpdated", { event: order });
  assert.equal(verdict, 1);
  assert.deepEqual(output, { id: "o1", customerId: "c1", status: "PAID", total: 12.5 });
  assert.deepEqual(reads, ["event", "permitted orders:note"]);
});

test("the note is for those who may see it", () => {
  const { output } = run("Subscription.orderUpdated", { event: order, permissions: ["orders:note"] });
  assert.equal(output.note, "ring twice");
});

test("a draft is skipped", () => {
  const { verdict, reads } = run("Subscription.orderUpdated", { event: { ...order, status: "DRAFT" } });
  assert.equal(verdict, 0);
  assert.deepEqual(reads, ["event"]);
});

test("the committed module is what the sources build, byte for byte", async () => {
  const committed = await readFile(new URL("../orders-assemblyscript.wasm", import.meta.url));
  assert.ok(committed.equals(bytes), "run npm run build");
});
