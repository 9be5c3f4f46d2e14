import assert from "node:assert/strict";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "node:test";

import { build, raw } from "@runnel/sdk/testing";

import { buildProject, loadProject } from "./support/project.js";

const SCHEMA = `
interface Named { name: String! }
type Order { id: ID! customerId: ID! customer(vip: Boolean! = false): Customer! note: String labels: [String!] price: Float name: String! weight: Int! }
type Customer implements Named { id: ID! name: String! orders: Int chain(links: Int!): Link }
type Link { next: Link }
type Club { members: [Customer!]! best: Named }
extend type Shipment { ref: String route: String }
input ShipmentRow { carrier: String! }
type Query { orders: [Order!]! name: String! }
type Mutation { close: Boolean! }
`;

const INDEX = `import { Context, Parents, Values, Json, Box, box, fail, skip, complete, completeWith } from "@runnel/sdk";
import { Club, Customer, CustomerChainArguments, Link, Named, Order, OrderCustomerArguments, ShipmentRow } from "./schema";

export function orders(): Order[] {
  return [{ id: "o1", customerId: "c1", note: null, name: "n" }];
}

export function name(): string { return "the query's"; }

export function close(): bool { return true; }

export function customer(parents: Parents<Order>, args: OrderCustomerArguments): Values<Customer> {
  const orders = parents.read();
  const values = parents.values<Customer>();
  const names = new Map<string, string>();
  names.set("c1", "Ada");
  names.set("c2", args.vip ? "Sir Bo" : "Bo");
  for (let i = 0; i < orders.length; i++) {
    const id = orders[i].customerId;
    if (id == "left out") continue;
    if (names.has(id)) values.set(i, { id, name: names.get(id) });
    else values.fail(i, "{no customer " + id + "}", Json.object().with("id", id));
  }
  return values;
}

export function labels(parents: Parents<Order>): Array<Array<string> | null> {
  return parents.read().map<Array<string> | null>((order) => (order.note == null ? null : [order.id, order.note!]));
}

export function price(parents: Parents<Order>): f64[] {
  const prices: f64[] = [];
  parents.read();
  for (let i = 0; i < parents.read().length + 1; i++) prices.push(i);
  return prices;
}

function positive(order: Order): i32 {
  if (order.id == "complete") complete();
  if (order.id == "last") return completeWith(3);
  if (order.id == "negative") fail("negative");
  if (order.id == "") skip();
  return order.id.length;
}

export function weight(parents: Parents<Order>): Values<i32> {
  const values = parents.values<i32>();
  for (let i = 0; i < values.length; i++) values.set(i, positive(parents.read()[i]));
  values.fail(0, "first");
  values.set(0, 5);
  if (parents.read()[0].customerId == "beyond") values.set(values.length, 1);
  return values;
}

export namespace customers {
  export function best(parents: Parents<Club>): Values<Named | null> {
    const values = parents.values<Named | null>();
    for (let i = 1; i < values.length; i++) values.set(i, parents.read()[0].members[0]);
    values.set(0, null);
    return values;
  }
  export function orders(parents: Parents<Customer>, context: Context): Values<Box<i32> | null> {
    const values = parents.values<Box<i32> | null>();
    values.set(1, box(context.permitted("orders") ? 2 : 1));
    return values;
  }
  export function chain(parents: Parents<Customer>, args: CustomerChainArguments): Array<Link | null> {
    let link: Link | null = null;
    for (let i = 0; i < args.links; i++) link = { next: link };
    parents.read();
    return [link];
  }
  export function helper(): i32 { return 1; }
}

export namespace Shipment {
  export function route(parents: Parents<ShipmentRow>): string[] {
    return parents.read().map<string>((row) => "by " + row.carrier);
  }
  export function notAField(): void {}
  function ref(): void {}
}
`;

const run = await loadProject({ "schema.graphql": SCHEMA, "assembly/index.ts": INDEX });
const order = (id, customerId, more) => ({ id, customerId, name: "n", ...more });

test("fields of object types are exports like root fields", () => {
  const fields = ["customer", "labels", "price", "weight"].map((name) => `Order.${name}`);
  assert.deepEqual(run.resolvers.sort(), [
    "Club.best",
    "Customer.chain",
    "Customer.orders",
    "Mutation.close",
    ...fields,
    "Query.name",
    "Query.orders",
    "Shipment.route",
  ]);
  assert.deepEqual(run("Query.orders").output, [{ id: "o1", customerId: "c1", name: "n" }]);
});

test("values, errors and what was left out, each at its parent", () => {
  const parents = [order("1", "c2"), order("2", "c3"), order("3", "c1", { customer: 7 }), order("4", "left out")];
  const { verdict, output, reads } = run("Order.customer", { parents, arguments: { vip: true } });
  assert.equal(verdict, 1);
  assert.deepEqual(reads, ["parents", "argument vip"]);
  assert.deepEqual(output, [
    { __typename: "Customer", id: "c2", name: "Sir Bo" },
    { "@error": { message: "{no customer c3}", extensions: { id: "c3" } } },
    { __typename: "Customer", id: "c1", name: "Ada" },
    { "@error": { message: "the resolver has set no value" } },
  ]);
});

test("where a field may be null, what was left out is null", () => {
  const parents = [
    { id: "a", name: "A" },
    { id: "b", name: "B" },
    { id: "c", name: "C" },
  ];
  assert.deepEqual(run("Customer.orders", { parents, permissions: ["orders"] }).output, [null, 2, null]);
  const clubs = [1, 2, 3].map(() => ({ members: parents, best: parents[2] }));
  const best = { __typename: "Customer", ...parents[0] };
  assert.deepEqual(run("Club.best", { parents: clubs }).output, [null, best, best]);
});

test("a list has a value for each parent, or is an error for all", () => {
  const parents = [order("1", "c1", { note: "n" }), order("2", "c1")];
  assert.deepEqual(run("Order.labels", { parents }).output, [["1", "n"], null]);
  assert.deepEqual(run("Shipment.route", { parents: [{ carrier: "sea", ref: "r" }] }).output, ["by sea"]);
  const result = run("Order.price", { parents });
  assert.equal(result.verdict, 2);
  assert.equal(result.fail, "the resolver gave 3 values for 2 parents");
});

test("parents that do not fit end the run", () => {
  assert.equal(run("Order.labels").fail, "parents: missing");
  const parents = [order("1", "c1"), { id: "2", name: "n" }];
  assert.equal(run("Order.labels", { parents }).fail, "parents: 1.customerId: missing");
  assert.equal(run("Order.labels", { parents: [null] }).fail, "parents: 0: expected Order, got null");
});

test("each parent and each value may nest to 64 levels", () => {
  const nested = (levels) => raw(`[{"route":${"[".repeat(levels - 1)}${"]".repeat(levels - 1)}}]`);
  assert.equal(run("Shipment.route", { parents: nested(64) }).fail, "parents: 0.carrier: missing");
  assert.match(
    run("Shipment.route", { parents: nested(65) }).fail,
    /^parents: 0\.route\..*: nested deeper than 64 levels$/,
  );

  const chain = (links) => run("Customer.chain", { parents: [{ id: "a", name: "A" }], arguments: { links } });
  let depth = 0;
  for (let link = chain(64).output[0]; link; link = link.next) depth++;
  assert.equal(depth, 64);
  assert.match(chain(65).fail, /^output: 0\.next\..*: nested deeper than 64 levels$/);
});

test("a batch is neither skipped nor completed, however deep the call is", () => {
  const weigh = (id, customerId = "c1") => run("Order.weight", { parents: [order("1", "c1"), order(id, customerId)] });
  assert.deepEqual(weigh("abc").output, [5, 3]);
  assert.equal(weigh("negative").fail, "negative");
  for (const [id, place] of [
    ["", "42:23"],
    ["complete", "39:31"],
    ["last", "40:34"],
  ]) {
    const { verdict, log } = weigh(id);
    assert.equal(verdict, "trap");
    const message = "the resolver of a field of an object type can neither skip nor complete";
    assert.ok(log[0].message.startsWith(`panicked at assembly/index.ts:${place}: ${message} (~lib/`), log[0].message);
  }
});

test("an index beyond the parents is reported where it was used", () => {
  const result = run("Order.weight", { parents: [order("1", "beyond")] });
  assert.equal(result.verdict, "trap");
  assert.match(result.log[0].message, /^panicked at assembly\/index\.ts:51:49: Index out of range/);
});

test("the types are the same after the first build and after the next", async () => {
  const folder = await mkdtemp(path.join(tmpdir(), "runnel-"));
  const transform = fileURLToPath(new URL("../transform/index.js", import.meta.url));
  const options = ["assembly/index.ts", "--transform", transform, "--runtime", "stub", "-o", "out.wasm"];
  const types = path.join(folder, "assembly/schema.ts");
  try {
    await mkdir(path.join(folder, "assembly"));
    await writeFile(path.join(folder, "schema.graphql"), SCHEMA);
    await writeFile(path.join(folder, "assembly/index.ts"), INDEX);
    const first = await build(folder, options);
    assert.ok(first.bytes, first.report);
    const text = await readFile(types, "utf8");
    assert.ok(!/ (customer|weight)!?:/.test(text) && / customerId!:/.test(text), text);
    const second = await build(folder, options);
    assert.ok(Buffer.from(first.bytes).equals(second.bytes));
    assert.equal(await readFile(types, "utf8"), text);

    // A resolver that goes away leaves a member behind.
    const less = INDEX.replace("export function customer(", "function customer(");
    await writeFile(path.join(folder, "assembly/index.ts"), less);
    const third = await build(folder, options);
    assert.equal(third.bytes, null);
    assert.match(third.report, /Property 'customer' is missing in type '<object>'/);
    assert.match(await readFile(types, "utf8"), / customer!: Customer;/);
  } finally {
    await rm(folder, { recursive: true });
  }
});

const IMPORTS = `import { Box, Context, Event, MutationContext, Parents, Values, skip as next, complete } from "@runnel/sdk";
import { Customer, Named, Order, OrderCustomerArguments, ShipmentRow } from "./schema";
`;

const REST = `
export function orders(): Order[] { return []; }
export namespace Query { export function name(): string { return ""; } }
export function close(): bool { return true; }
`;

/** What is said of a program whose third line is `line`. */
async function refused(line, message, place) {
  const rest = line.includes("close(") ? REST.replace(/.*close.*/, "") : REST;
  const text = IMPORTS + line + rest;
  const { bytes, report } = await buildProject({ "schema.graphql": SCHEMA, "assembly/index.ts": text });
  assert.equal(bytes, null, "it compiled");
  assert.ok(report.includes(message), report);
  assert.ok(report.includes(`in assembly/index.ts(3,${place})`), report);
  assert.equal(report.match(/^ERROR/gm)?.length, 1, report);
}

const orders = "parents: Parents<Order>";
const mistakes = {
  "a field that the type does not have": [
    `export function custmer(${orders}): Customer[] { return []; }`,
    "schema.graphql has no field custmer in Order; did you mean customer?",
    17,
  ],
  "a field that the namespace's type does not have": [
    `export namespace Shipment { export function rote(parents: Parents<ShipmentRow>): string[] { return []; } }`,
    "schema.graphql has no field rote in Shipment; did you mean route?",
    45,
  ],
  "parents of no type of the schema": [
    "export function customer(parents: Parents<i32>): Customer[] { return []; }",
    "Parents<i32>: only object types of schema.graphql have fields with resolvers",
    35,
  ],
  "parents of an interface": [
    "export function name(parents: Parents<Named>): string[] { return []; }",
    "Parents<Named>: only object types of schema.graphql have fields with resolvers",
    31,
  ],
  "parents of an input, and no namespace": [
    "export function route(parents: Parents<ShipmentRow>): string[] { return []; }",
    "Parents<ShipmentRow>: only object types of schema.graphql have fields with resolvers; put this one into an exported namespace of the type's name",
    32,
  ],
  "parents of another type than the namespace's": [
    `export namespace Shipment { export function route(${orders}): string[] { return []; } }`,
    "Shipment.route: the parents are Parents<Shipment>, not Parents<Order>",
    60,
  ],
  "no parents": [
    "export namespace Shipment { export function route(context: Context): string[] { return []; } }",
    "Shipment.route: the resolver of a field of an object type takes Parents<Shipment>",
    45,
  ],
  "no parents, and no namespace either": [
    "export function weight(): i32[] { return []; }",
    "schema.graphql has no field weight in Subscription, Query or Mutation; a resolver of Order.weight takes Parents<Order>",
    17,
  ],
  "parents in a mutation": [
    `export namespace Mutation { export function close(${orders}): bool { return true; } }`,
    "Mutation.close: only a field of an object type has parents",
    60,
  ],
  "an event": [
    `export function price(${orders}, event: Event<Order>): f64[] { return []; }`,
    "Order.price: only a Subscription field has an event",
    55,
  ],
  "a context that publishes": [
    `export function price(${orders}, context: MutationContext): f64[] { return []; }`,
    "Order.price: only a Mutation field may publish; take a Context",
    57,
  ],
  "a parameter of a type that no resolver takes": [
    `export function customer(${orders}, vip: bool): Customer[] { return []; }`,
    "Order.customer: a resolver cannot take bool; this one may take Parents<Order>, OrderCustomerArguments and Context",
    56,
  ],
  "one value for all": [
    `export function customer(${orders}): Customer { return new Customer(); }`,
    "Order.customer: for each parent it is Customer: its resolver returns Values<Customer>, or an Array of them, not Customer",
    52,
  ],
  "values of another type": [
    `export function price(${orders}): Values<i32> { return parents.values<i32>(); }`,
    "Order.price: for each parent it is Box<f64> | null: its resolver returns Values<Box<f64> | null>, or an Array of them, not Values<i32>",
    49,
  ],
  "values that may be null where the field may not": [
    `export function customer(${orders}): Array<Customer | null> { return []; }`,
    "its resolver returns Values<Customer>, or an Array of them, not Array<Customer | null>",
    52,
  ],
  "a value of another type": [
    `export function price(${orders}): Values<f64> { const v = parents.values<f64>(); v.set(0, "1"); return v; }`,
    "Type '~lib/string/String' is not assignable to type 'f64'",
    105,
  ],
  "a batch that is skipped": [
    `export function price(${orders}): f64[] { return next(); }`,
    "Order.price: next has no place here: each parent gets a value, null or an error",
    64,
  ],
  "a batch that completes, in a closure": [
    `export function price(${orders}): f64[] { return parents.read().map<f64>((o) => { if (o.id == "") complete(); return 1; }); }`,
    "Order.price: complete has no place here",
    113,
  ],
  "a member that has a resolver": [
    `export function price(${orders}): f64[] { return [parents.read()[0].price.value]; }`,
    "Property 'price' does not exist on type 'assembly/schema/Order'",
    83,
  ],
};

for (const [name, [line, message, place]] of Object.entries(mistakes)) {
  test(`a mistake: ${name}`, () => refused(line, message, place));
}

test("a field that is resolved twice", async () => {
  const twice = `export function price(${orders}): f64[] { return []; }
export namespace more { export function price(${orders}): f64[] { return []; } }`;
  const text = IMPORTS + twice + REST;
  const { report } = await buildProject({ "schema.graphql": SCHEMA, "assembly/index.ts": text });
  assert.ok(report.includes("Order.price has two resolvers"), report);
  assert.ok(report.includes("in assembly/index.ts(4,41)"), report);
});
