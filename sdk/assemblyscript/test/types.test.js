import assert from "node:assert/strict";
import { test } from "node:test";

import { buildProject, loadProject } from "./support/project.js";

test("unions, interfaces, custom scalars, enums and lists of them", async () => {
  const run = await loadProject({
    "schema.graphql": `
      scalar Date
      enum Status { NEW PAID }
      interface Named { name: String! }
      type Person implements Named { name: String! born: Date }
      type Shop implements Named { name: String! status: [Status!]! open: [Boolean] }
      union Owner = Person | Shop
      type Subscription {
        owners: [Owner!]! @on(channel: "x")
        named: Named @on(channel: "x")
        echo: Shop @on(channel: "x")
        person: Person @on(channel: "x")
      }`,
    "assembly/index.ts": `import { Event, Json, box } from "@runnel/sdk";
      import { Named, Owner, Person, Shop, Status } from "./schema";
      export function owners(): Owner[] {
        const person: Person = { name: "p", born: Json.of("2026-01-02") };
        const shop: Shop = { name: "s", status: [Status.NEW, Status.PAID], open: [box(true), null] };
        return [person, shop];
      }
      export function named(): Named | null {
        const person: Person = { name: "p", born: null };
        return person;
      }
      export function echo(event: Event<Shop>): Shop {
        const shop = event.read();
        for (let i = 0; i < shop.status.length; i++) {
          switch (shop.status[i]) {
            case Status.NEW: shop.name += "n"; break;
            case Status.PAID: shop.name += "p"; break;
          }
        }
        return shop;
      }
      export function person(event: Event<Person>): Person { return event.read(); }`,
  });
  assert.deepEqual(run("Subscription.owners").output, [
    { __typename: "Person", name: "p", born: "2026-01-02" },
    { __typename: "Shop", name: "s", status: ["NEW", "PAID"], open: [true, null] },
  ]);
  assert.deepEqual(run("Subscription.named").output, { __typename: "Person", name: "p" });
  const shop = { name: "s", status: ["PAID", "NEW"], open: [false, null] };
  assert.deepEqual(run("Subscription.echo", { event: shop }).output, { __typename: "Shop", ...shop, name: "spn" });
  const wrong = run("Subscription.echo", { event: { ...shop, status: ["PAID", 1] } });
  assert.equal(wrong.fail, "event: status.1: expected Status, got a number");
  const born = { y: [1, { d: "\\u0041\n" }] };
  assert.deepEqual(run("Subscription.person", { event: { name: "p", born } }).output.born, born);
});

test("a field name of two root types, aliases, export lists and other files", async () => {
  const run = await loadProject({
    "schema.graphql": `type Query { order(id: ID!): String! delete: Boolean! total: Int! }
      extend type Subscription { order(id: ID!): String! @on(channel: "x") }`,
    "assembly/index.ts": `import { Context as Ctx, Event as E } from "@runnel/sdk";
      import * as schema from "./schema";
      type Text = string;
      export namespace Query {
        export function order(args: schema.QueryOrderArguments): Text { return "query " + args.id; }
      }
      export namespace Subscription {
        export function order(event: E<string>, context: Ctx, args: schema.SubscriptionOrderArguments): Text {
          return event.read() + " " + args.id;
        }
      }
      function remove(): boolean { return true; }
      export { remove as delete };
      export * from "./more";`,
    "assembly/more.ts": "export const ANSWER = 42; export function total(): i32 { return ANSWER; }",
  });
  assert.deepEqual(run.resolvers.sort(), ["Query.delete", "Query.order", "Query.total", "Subscription.order"]);
  assert.equal(run("Query.order", { arguments: { id: 7 } }).output, "query 7");
  assert.equal(run("Subscription.order", { event: "e", arguments: { id: "7" } }).output, "e 7");
  assert.equal(run("Query.delete").output, true);
  assert.equal(run("Query.total").output, 42);
});

test("a name of two root types needs a namespace", async () => {
  const { report } = await buildProject({
    "schema.graphql": "type Query { a: Int! } type Mutation { a: Int! }",
    "assembly/index.ts": "export function a(): i32 { return 1; }",
  });
  assert.match(report, /Query and Mutation both have a field a: put each resolver into an exported namespace/);
});

test("more required fields than one word of bits has", async () => {
  const names = Array.from({ length: 130 }, (_, i) => `f${i}`);
  const run = await loadProject({
    "schema.graphql": `type Wide { ${names.map((name) => `${name}: Int!`).join(" ")} }
      type Subscription { wide: Wide @on(channel: "x") }`,
    "assembly/index.ts": `import { Event } from "@runnel/sdk"; import { Wide } from "./schema";
      export function wide(event: Event<Wide>): Wide { return event.read(); }`,
  });
  const event = Object.fromEntries(names.map((name, i) => [name, i]));
  assert.deepEqual(run("Subscription.wide", { event }).output, event);
  for (const name of ["f0", "f63", "f64", "f127", "f129"]) {
    const { [name]: _, ...rest } = event;
    assert.equal(run("Subscription.wide", { event: rest }).fail, `event: ${name}: missing`);
  }
});

test("config and claims of every type", async () => {
  const run = await loadProject({
    "schema.graphql": "type Limits { top: Int! } type Query { all: [String!]! }",
    "assembly/index.ts": `import { Box, Context, Json, valueOr } from "@runnel/sdk"; import { Limits } from "./schema";
      export function all(context: Context): string[] {
        const age = context.claim<Box<i32> | null>("age");
        const raw = context.claim<Json | null>("raw");
        return [
          valueOr(age, -1).toString(),
          raw == null ? "-" : raw.text,
          context.claim<string[]>("roles").join("+"),
          context.config<Limits>("limits").top.toString(),
          context.config<f64>("ratio").toString(),
        ];
      }`,
  });
  const given = { claims: { roles: ["a", "b"], raw: { x: [1] }, age: 7 }, config: { limits: { top: 3 }, ratio: 0.5 } };
  assert.deepEqual(run("Query.all", given).output, ["7", '{"x":[1]}', "a+b", "3", "0.5"]);
  const bare = { claims: { roles: [] }, config: given.config };
  assert.deepEqual(run("Query.all", bare).output, ["-1", "-", "", "3", "0.5"]);
  const bad = { ...given, config: { limits: { top: "3" }, ratio: 0.5 } };
  assert.equal(run("Query.all", bad).fail, "config: limits.top: expected Int, got a string");
  assert.equal(run("Query.all", { ...given, config: [] }).fail, "config: expected an object, got an array");
  assert.equal(run("Query.all", { ...given, config: {} }).fail, "config: limits: missing");
});

test("package.json may say where the schema and the types lie", async () => {
  const run = await loadProject({
    "package.json": '{ "runnel": { "schema": "graph/api.graphql", "types": "assembly/made/types.ts" } }',
    "graph/api.graphql": "type Query { who: Who! } type Who { name: String! }",
    "assembly/index.ts": `import { Who } from "./made/types";
      export function who(): Who { return { name: "me" }; }`,
  });
  assert.deepEqual(run("Query.who").output, { name: "me" });
});
