import assert from "node:assert/strict";
import { test } from "node:test";

import { buildProject } from "./support/project.js";

const SCHEMA = `
type Order { id: ID! total: Float }
type Subscription {
  orderUpdated(customerId: ID): Order @on(channel: "orders")
}
type Query { count: Int! totals: [Float!] }
type Mutation { close: Boolean! }
`;

const IMPORTS = `import { Box, Context, Event, MutationContext, skip } from "@runnel/sdk";
import { Order, OrderUpdatedArguments } from "./schema";
`;

const GOOD = {
  orderUpdated: "export function orderUpdated(event: Event<Order>): Order { return event.read(); }\n",
  count: "export function count(): i32 { return 1; }\n",
  totals: "export function totals(): Array<f64> { return [1]; }\n",
  close: "export function close(): bool { return true; }\n",
};

/** A program whose line 3 is what is tested; the other resolvers follow. */
function program(line, ...replaced) {
  const rest = Object.entries(GOOD).filter(([name]) => !replaced.includes(name));
  return IMPORTS + line + "\n" + rest.map(([, text]) => text).join("");
}

async function refused(files, ...expected) {
  const { bytes, report } = await buildProject({ "schema.graphql": SCHEMA, ...files });
  assert.equal(bytes, null, "it compiled");
  for (const part of expected) assert.ok(report.includes(part), `${JSON.stringify(part)} is not in\n${report}`);
  assert.equal(report.match(/^ERROR/gm)?.length, 1, report);
}

const source = (text) => ({ "assembly/index.ts": text });

test("the program that the mistakes are made in compiles", async () => {
  const { bytes, report } = await buildProject({ "schema.graphql": SCHEMA, ...source(program("")) });
  assert.ok(bytes, report);
});

test("a resolver for an unknown field", async () => {
  await refused(
    source(program("export function orderUpdate(): i32 { return 1; }")),
    "schema.graphql has no field orderUpdate in Subscription, Query or Mutation; did you mean orderUpdated?",
    "in assembly/index.ts(3,17)",
  );
});

test("a declared field without a resolver", async () => {
  await refused(
    source(program("", "close")),
    "Mutation.close has no resolver: assembly/index.ts must export a function close",
    "in schema.graphql(7,17)",
  );
});

test("a parameter of a type that no resolver takes", async () => {
  await refused(
    source(program("export function count(limit: i32): i32 { return limit; }", "count")),
    "Query.count: a resolver cannot take i32; this one may take Context",
    "in assembly/index.ts(3,30)",
  );
});

test("another field's arguments", async () => {
  await refused(
    source(program("export function count(args: OrderUpdatedArguments): i32 { return 1; }", "count")),
    "Query.count: a resolver cannot take OrderUpdatedArguments",
    "in assembly/index.ts(3,29)",
  );
});

test("an event in a query", async () => {
  await refused(
    source(program("export function count(event: Event<Order>): i32 { return 1; }", "count")),
    "Query.count: only a Subscription field has an event",
    "in assembly/index.ts(3,30)",
  );
});

test("a query that wants to publish", async () => {
  await refused(
    source(program("export function count(context: MutationContext): i32 { return 1; }", "count")),
    "Query.count: only a Mutation field may publish; take a Context",
    "in assembly/index.ts(3,32)",
  );
});

test("an event of a type that cannot be read", async () => {
  await refused(
    source(
      program("class Own {} export function orderUpdated(event: Event<Own>): Order { return skip(); }", "orderUpdated"),
    ),
    "an event cannot be read as Own; declare the payload's type in schema.graphql",
    "in assembly/index.ts(3,50)",
  );
});

test("a result of another type", async () => {
  await refused(
    source(program("export function count(): string { return ''; }", "count")),
    "Query.count is i32; its resolver returns string",
    "in assembly/index.ts(3,26)",
  );
});

test("a result that may be null where the field may not", async () => {
  await refused(
    source(program("export function count(): Box<i32> | null { return null; }", "count")),
    "Query.count is i32; its resolver returns Box<i32> | null",
    "in assembly/index.ts(3,26)",
  );
});

test("a list of another type", async () => {
  await refused(
    source(program("export function totals(): Array<i32> { return []; }", "totals")),
    "Query.totals is Array<f64> | null; its resolver returns Array<i32>",
    "in assembly/index.ts(3,27)",
  );
});

test("a member that the type does not have", async () => {
  await refused(
    source(program("export function count(): i32 { return new Order().totl; }", "count")),
    "Property 'totl' does not exist on type 'assembly/schema/Order'",
    "in assembly/index.ts(3,51)",
  );
});

test("a value left out of an object", async () => {
  await refused(
    source(program("export function orderUpdated(): Order { return { total: null }; }", "orderUpdated")),
    "Property 'id' is missing in type '<object>' but required in type 'assembly/schema/Order'",
    "in assembly/index.ts(3,48)",
  );
});

test("what no Runnel server has", async () => {
  await refused(
    source(program("export function count(): i32 { return <i32>Date.now(); }", "count")),
    "the program uses Date.now of the host env, which no Runnel server has; use context.meta().time",
  );
});

test("no schema", async () => {
  const { bytes, report } = await buildProject(source(program("")));
  assert.equal(bytes, null);
  assert.match(report, /schema\.graphql: no such file/);
});

const schemas = {
  "a syntax error": ["type Query { count: Int! ", "Syntax Error: Expected Name, found <EOF>.", "(1,26)"],
  "an unknown type": ["type Query {\n  order: Ordr\n}", 'Unknown type "Ordr".', "(2,10)"],
  "a field declared twice": [
    "type Query {\n  a: Int\n  a: Int\n}",
    'Field "Query.a" can only be defined once.',
    "(2,3)",
  ],
  "an unknown directive": ["type Query { a: Int @onn }", 'Unknown directive "@onn".', "(1,21)"],
  "a directive without what it needs": [
    "type Subscription { a: Int @on }",
    'Directive "@on" argument "channel" of type "String!" is required',
    "(1,28)",
  ],
  "an input as a result": ["input I { a: Int }\ntype Query { a: I }", "must be Output Type but got: I", "(2,17)"],
  "a schema block": ["schema { query: Query }\ntype Query { a: Int }", "a schema block is not needed", "(1,1)"],
  "a reserved name": ["type _runnelX { a: Int }", "names that begin with _runnel are the server's", "(1,6)"],
  "a name that the code needs": ["type Reader { a: Int }", "the generated code needs this name for itself", "(1,6)"],
};

for (const [name, [sdl, message, place]] of Object.entries(schemas)) {
  test(`a schema with ${name}`, async () => {
    const { bytes, report } = await buildProject({ "schema.graphql": sdl, ...source(program("")) });
    assert.equal(bytes, null);
    assert.ok(report.includes(message), report);
    assert.ok(report.includes(`in schema.graphql${place}`), report);
    assert.ok(!report.includes("not found"), report);
  });
}
