import assert from "node:assert/strict";
import { test } from "node:test";

import { loadProject } from "./support/project.js";

const SCHEMA = `
type Item { name: String! size: Int! }
type Order { id: ID! items: [Item!]! }
type Subscription {
  deep(limit: Int!): String! @on(channel: "orders")
  throughClosure: [String!]! @on(channel: "orders")
  firstItem: String! @on(channel: "orders")
  skipDeep: String! @on(channel: "orders")
  thrown: Int @on(channel: "orders")
  outOfBounds: Int @on(channel: "orders")
  inHelper: Int @on(channel: "orders")
  inClosure: Int @on(channel: "orders")
  missingKey: Int @on(channel: "orders")
  emptyList: Int @on(channel: "orders")
  operands: Int @on(channel: "orders")
  elsewhere: Int @on(channel: "orders")
  unassigned: String @on(channel: "orders")
  random: Float! @on(channel: "orders")
  heavy(count: Int!): Int! @on(channel: "orders")
  state: Int! @on(channel: "orders")
}
type Mutation { close(id: ID!): Boolean! }
`;

const run = await loadProject({
  "schema.graphql": SCHEMA,
  "assembly/index.ts": `import { Context, Event, Json, MutationContext, fail, log, skip } from "@runnel/sdk";
import { CloseArguments, DeepArguments, HeavyArguments, Item, Order } from "./schema";
import { other } from "./other";
class Reader {
  constructor(private event: Event<Order>) {}
  get order(): Order { return this.event.read(); }
  total(): i64 {
    let total: i64 = 0;
    for (let i = 0; i < this.order.items.length; i++) total += this.order.items[i].size;
    return total;
  }
}

export function deep(event: Event<Order>, args: DeepArguments, context: Context): string {
  const total = new Reader(event).total();
  log.info("total " + total.toString());
  if (total > args.limit) fail("{over the limit}", Json.object().with("total", total));
  return context.claim<string>("sub");
}

export function throughClosure(event: Event<Order>, context: Context): string[] {
  context.permitted("x");
  return event.read().items.map<string>((item: Item, i: i32): string => {
    log.info(item.name);
    if (item.size < 0) return fail(item.name + " is negative");
    return item.name;
  });
}

export function firstItem(event: Event<Order>): string {
  return event.read().items[0].name;
}

function positive(size: i32): f64 {
  if (size < 1) skip();
  return <f64>size;
}

export function skipDeep(event: Event<Order>): string {
  return positive(event.read().items[0].size).toString();
}

export function thrown(): i32 {
  throw new Error("no luck");
}

export function outOfBounds(event: Event<Order>): i32 {
  return event.read().items[2].size;
}

export function random(): f64 {
  trace("seeded", 1, 2);
  return Math.random();
}

export function heavy(args: HeavyArguments): i32 {
  const list = new Array<string>();
  for (let i = 0; i < args.count; i++) list.push(i.toString());
  return list.join(",").length;
}

let runs = 0;
export function state(): i32 {
  return ++runs;
}

export function close(args: CloseArguments, context: MutationContext): bool {
  const order: Order = { id: args.id, items: [{ name: "a", size: 1 }] };
  context.publish("orders", order);
  context.publish("ids", [args.id]);
  context.publish("count", 1);
  return true;
}

function third(items: Array<Item>): i32 {
  const count = items.length;
  return count + items[2].size;
}

export function inHelper(event: Event<Order>): i32 {
  return third(event.read().items);
}

export function inClosure(event: Event<Order>): i32 {
  return event.read().items.map<i32>((item: Item, i: i32, all: Array<Item>): i32 =>
    all[i + 1].size)[0];
}

export function missingKey(event: Event<Order>): i32 {
  const sizes = new Map<string, i32>();
  sizes.set("a", 1);
  return sizes.get(event.read().id);
}

export function emptyList(): i32 {
  const list: i32[] = [];

  return list.pop();
}

export function operands(event: Event<Order>): i32 {
  const items = event.read().items;
  return items[
    items[0].size + items[1].size
  ].size;
}

export function elsewhere(event: Event<Order>): i32 {
  const items = event.read().items;
  return other(items) + items.length;
}

class Holder {
  item!: Item;
}

export function unassigned(): string {
  return new Holder().item.name;
}
`,
  "assembly/other.ts": `import { Item } from "./schema";
export function other(items: Item[]): i32 { return items.length - items.pop().size / items.shift().size - items.shift().size; }
`,
});

const order = {
  id: "o1",
  items: [
    { name: "a", size: 2 },
    { name: "b", size: 3 },
  ],
};

test("a failed read ends the run where it stands", () => {
  const result = run("Subscription.deep", { event: { id: "o1", items: 7 }, arguments: { limit: 9 } });
  assert.equal(result.verdict, 2);
  assert.equal(result.fail, "event: items: expected a list, got a number");
  assert.deepEqual(result.reads, ["event"]);
  assert.deepEqual(result.log, []);
});

test("no value is made up for what a failed read should have given", () => {
  const result = run("Subscription.firstItem", { event: { id: "o1" } });
  assert.equal(result.verdict, 2, result.trap);
  assert.equal(result.fail, "event: items: missing");
});

test("a missing claim that must be there", () => {
  const result = run("Subscription.deep", { event: order, arguments: { limit: 9 } });
  assert.equal(result.fail, "claim sub: missing");
  assert.deepEqual(result.reads, ["event", "argument limit", "claim sub"]);
});

test("a message that looks like an object arrives as it is", () => {
  const result = run("Subscription.deep", { event: order, arguments: { limit: 1 } });
  assert.equal(result.fail, "{over the limit}");
  assert.deepEqual(result.failExtensions, { total: 5 });
});

test("fail inside a closure ends the run", () => {
  const items = [
    { name: "a", size: 1 },
    { name: "b", size: -1 },
    { name: "c", size: 1 },
  ];
  const result = run("Subscription.throughClosure", { event: { id: "o1", items } });
  assert.equal(result.verdict, 2);
  assert.equal(result.fail, "b is negative");
  assert.deepEqual(
    result.log.map((line) => line.message),
    ["a", "b"],
  );
  assert.deepEqual(run("Subscription.throughClosure", { event: order }).output, ["a", "b"]);
});

test("skip deep inside ends the run", () => {
  assert.equal(run("Subscription.skipDeep", { event: { id: "o1", items: [{ name: "a", size: 0 }] } }).verdict, 0);
  assert.equal(run("Subscription.skipDeep", { event: order }).output, "2.0");
});

test("throw is a trap with its place in the log", () => {
  const result = run("Subscription.thrown");
  assert.equal(result.verdict, "trap");
  assert.deepEqual(result.log, [{ level: 3, message: "panicked at assembly/index.ts:44:3: no luck" }]);
});

const checks = {
  outOfBounds: ["assembly/index.ts:48:10: Index out of range", "array"],
  inHelper: ["assembly/index.ts:77:18: Index out of range", "array"],
  inClosure: ["assembly/index.ts:86:5: Index out of range", "array"],
  missingKey: ["assembly/index.ts:92:10: Key does not exist", "map"],
  emptyList: ["assembly/index.ts:98:10: Array is empty", "array"],
  operands: ["assembly/index.ts:103:10: Index out of range", "array"],
  elsewhere: ["assembly/other.ts:2:107: Array is empty", "array"],
};

for (const [field, [message, file]] of Object.entries(checks)) {
  test(`a check of the library names the line that ran into it: ${field}`, () => {
    const result = run(`Subscription.${field}`, { event: order });
    assert.equal(result.verdict, "trap");
    const [text, check] = result.log[0].message.split(" (");
    assert.equal(text, `panicked at ${message}`);
    assert.match(check, new RegExp(`^~lib/${file}\\.ts:\\d+:\\d+\\)$`));
  });
}

test("a field that was not assigned is named by its declaration", () => {
  const result = run("Subscription.unassigned");
  assert.equal(result.verdict, "trap");
  assert.match(result.log[0].message, /^panicked at assembly\/index\.ts:114:3: Unexpected 'null'/);
});

test("random numbers come from the meta's id", () => {
  const meta = (id) => ({ id, channel: "orders", time: "2026-01-02T03:04:05.678Z" });
  const [a, b, c] = ["e1", "e1", "e2"].map((id) => run("Subscription.random", { meta: meta(id) }));
  assert.equal(a.output, b.output);
  assert.notEqual(a.output, c.output);
  assert.deepEqual(a.reads, ["meta"]);
  assert.deepEqual(a.log, [{ level: 0, message: "seeded 2.0" }]);
});

test("a run that allocates much is no worse than its data", () => {
  assert.equal(run("Subscription.heavy", { arguments: { count: 300_000 } }).output, 1_988_889);
});

test("every run starts from the same state", () => {
  assert.equal(run("Subscription.state").output, 1);
  assert.equal(run("Subscription.state").output, 1);
});

test("anything that has JSON can be published", () => {
  const result = run("Mutation.close", { arguments: { id: "o1" } });
  assert.deepEqual(result.published, [
    { channel: "orders", payload: { id: "o1", items: [{ name: "a", size: 1 }] } },
    { channel: "ids", payload: ["o1"] },
    { channel: "count", payload: 1 },
  ]);
});
