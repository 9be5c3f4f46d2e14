import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

import { build, load } from "@runnel/sdk/testing";

const { bytes, report } = await build(new URL("..", import.meta.url));
assert.ok(bytes, report);
const run = await load(bytes);

const meta = { id: "r1", time: "2026-01-02T03:04:05.678Z" };
const order = (id, customerId) => ({ id, customerId, sku: "tea", quantity: 2, placedAt: meta.time });
const place = (quantity, more) =>
  run("Mutation.placeOrder", { arguments: { id: "o1", customerId: "c1", sku: "tea", quantity }, meta, ...more });

test("who waits for orders gets what was placed", () => {
  const placed = place(2);
  assert.deepEqual(placed.output, order("o1", "c1"));
  assert.deepEqual(placed.published, [{ channel: "placed", payload: order("o1", "c1") }]);
  const { output } = run("Subscription.orderPlaced", { event: placed.published[0].payload });
  assert.deepEqual(output, order("o1", "c1"));
});

test("an order of nothing is no order", () => {
  const { fail, failExtensions, published, reads } = place(0);
  assert.equal(fail, "order one or more");
  assert.deepEqual(failExtensions, { quantity: 0 });
  assert.deepEqual(published, []);
  assert.deepEqual(reads, ["argument quantity"]);
  assert.equal(place(1, { publishResult: 1 }).fail, "publish: over the limit");
});

test("each order has its customer", () => {
  const parents = [order("o1", "c2"), order("o2", "c9"), order("o3", "c1")];
  const { output, reads } = run("Order.customer", { parents });
  assert.deepEqual(output, [
    { id: "c2", name: "Grace" },
    { "@error": { message: "no such customer" } },
    { id: "c1", name: "Ada" },
  ]);
  assert.deepEqual(reads, ["parents"]);
});

test("the committed module is what the sources build, byte for byte", async () => {
  const committed = await readFile(new URL("../shop-assemblyscript.wasm", import.meta.url));
  assert.ok(committed.equals(bytes), "run npm run build");
});
