import assert from "node:assert/strict";
import { test } from "node:test";

import { raw } from "@runnel/sdk/testing";

import { loadProject } from "./support/project.js";

const run = await loadProject({
  "schema.graphql": `
    scalar Any
    type Node { next: Node value: Int }
    type Subscription {
      any: Any @on(channel: "x")
      floats: [Float!] @on(channel: "x")
      ints: [Int!] @on(channel: "x")
      text: String @on(channel: "x")
      node: Node @on(channel: "x")
      half: String @on(channel: "x")
      ratio(by: Float!): [Float!] @on(channel: "x")
      cycle: Node @on(channel: "x")
    }`,
  "assembly/index.ts": `import { Event, Json } from "@runnel/sdk";
    import { Node, RatioArguments } from "./schema";
    export function any(event: Event<Json>): Json { return event.read(); }
    export function floats(event: Event<Array<f64>>): f64[] { return event.read(); }
    export function ints(event: Event<Array<i32>>): i32[] { return event.read(); }
    export function text(event: Event<string>): string { return event.read(); }
    export function node(event: Event<Node>): Node { return event.read(); }
    export function half(event: Event<string>): string { return event.read().substring(0, 1) + "|"; }
    export function ratio(args: RatioArguments): f64[] { return [1, 1 / args.by]; }
    export function cycle(): Node { const node: Node = { next: null, value: null }; node.next = node; return node; }`,
});

/** A small generator of its own, so that a failure can be repeated. */
function random(seed) {
  return (below) => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return Math.floor((seed / 2 ** 32) * below);
  };
}

const of = (name, event) => run(`Subscription.${name}`, { event });

function floats(texts) {
  const result = of("floats", raw(`[${texts.join(",")}]`));
  assert.equal(result.verdict, 1, result.fail);
  return result.output;
}

function sameFloats(texts) {
  const got = floats(texts);
  texts.forEach((text, i) => {
    assert.ok(Object.is(got[i], JSON.parse(text)), `${text}: got ${got[i]}, want ${JSON.parse(text)}`);
  });
}

test("floats of every bit pattern come back as they were", () => {
  const next = random(1);
  const view = new DataView(new ArrayBuffer(8));
  const texts = [];
  while (texts.length < 5000) {
    view.setUint32(0, next(2 ** 32));
    view.setUint32(4, next(2 ** 32));
    const value = view.getFloat64(0);
    if (Number.isFinite(value)) texts.push(String(value), value.toExponential(), value.toPrecision(21));
  }
  sameFloats(texts);
});

test("decimals of all lengths are rounded as JSON.parse rounds them", () => {
  const next = random(2);
  const digits = (n) => Array.from({ length: n }, () => next(10)).join("");
  const texts = [];
  for (let i = 0; i < 3000; i++) {
    texts.push(`${1 + next(9)}${digits(next(25))}.${digits(1 + next(40))}e${next(660) - 360}`);
  }
  sameFloats(texts.filter((text) => Number.isFinite(Number(text))));
});

test("ties and edges", () => {
  const tie = 2n ** 53n;
  sameFloats([
    "0", "-0", "0.0e5", "1", "-1.5", "1E2", "1e+2", "9007199254740993", "9007199254740995", `${tie * 2n + 1n}`,
    `${tie}.5`, `${tie + 1n}.${"0".repeat(900)}1`, `${tie}.${"9".repeat(900)}`, `0.${"0".repeat(400)}1`,
    "1.7976931348623157e308", "1.7976931348623158e308", "4.9e-324", "2.4703282292062327e-324", "2.4703282292062328e-324",
    "2.2250738585072014e-308", "2.2250738585072011e-308", "1e-400", "123456789012345678901234567890e-10", "1e22", "1e23",
    `${"1".repeat(309)}`, `${"0.".padEnd(330, "0")}${"3".repeat(800)}`,
  ]); // prettier-ignore
});

test("what no float holds is refused", () => {
  for (const text of ["1e309", "-1e999999999999", "1".repeat(310)]) {
    assert.equal(of("floats", raw(`[0,${text}]`)).fail, `event: 1: ${text} is not a Float`);
  }
});

test("whole numbers may be written in any way", () => {
  assert.deepEqual(
    of("ints", raw("[0,-0,1e3,12.0,-2147483648,2147483647,2147483647e0,5e-0]")).output.map(Number),
    [0, 0, 1000, 12, -2147483648, 2147483647, 2147483647, 5],
  );
  for (const text of ["2147483648", "-2147483649", "0.1", "1e10", "1e-1"]) {
    assert.equal(of("ints", raw(`[${text}]`)).fail, `event: 0: ${text} is not an Int`);
  }
});

test("strings of any characters come back as they were", () => {
  const next = random(3);
  const kinds = [
    () => next(0x80),
    () => next(0x800),
    () => next(0xd800),
    () => 0xe000 + next(0x2000),
    () => 0x10000 + next(0x100000),
  ];
  for (let i = 0; i < 300; i++) {
    const text = String.fromCodePoint(...Array.from({ length: next(60) }, () => kinds[next(kinds.length)]()));
    const escaped = JSON.stringify(text).replace(
      /[^\x20-\x7e]/g,
      (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`,
    );
    assert.equal(of("text", text).output, text);
    assert.equal(of("text", raw(escaped)).output, text);
  }
});

test("half a character is written as U+FFFD", () => {
  assert.equal(of("half", "🚀").output, "\ufffd|");
});

const SEEDS = [
  '{"a":[1,-2.5e+3,null,true,false,"x\\n\\u00e9\\ud83d\\ude80é🚀"],"b":{"c":{},"d":[]}}',
  '[[["deep"]],0,"",{"":0}]',
  " \t\r\n[ 1 , 2 ] ",
  '"\\"\\\\\\/\\b\\f\\n\\r\\t"',
];
const SCRAPS = [
  '"',
  "\\",
  "{",
  "}",
  "[",
  "]",
  ",",
  ":",
  "0",
  "1",
  "-",
  ".",
  "e",
  "+",
  "t",
  "n",
  " ",
  "\n",
  "\u0000",
  "\\u",
  "é",
  "🚀",
];

test("exactly what JSON.parse takes is taken, whatever the text", () => {
  const next = random(4);
  let taken = 0;
  for (let i = 0; i < 6000; i++) {
    const characters = [...SEEDS[next(SEEDS.length)]];
    for (let n = next(3); n >= 0; n--)
      characters.splice(next(characters.length + 1), next(3), ...[SCRAPS[next(SCRAPS.length)]].slice(next(2)));
    const text = characters.join("");
    let want;
    try {
      want = JSON.parse(text);
    } catch {
      want = undefined;
    }
    const result = of("any", raw(text));
    if (want === undefined) {
      assert.equal(result.verdict, 2, `taken: ${JSON.stringify(text)}`);
      assert.match(result.fail, /^event: .*(unexpected|expected)/s);
    } else if (/\\ud[89a-f]/.test(JSON.stringify(want))) {
      assert.equal(result.verdict, 2, `half a surrogate pair taken: ${text}`);
    } else {
      taken++;
      assert.equal(result.verdict, 1, `refused: ${JSON.stringify(text)}: ${result.fail}`);
      assert.deepEqual(result.output, want);
    }
  }
  assert.ok(taken > 500, `only ${taken} texts were valid`);
});

test("half a surrogate pair and malformed UTF-8 are no text", () => {
  for (const text of ['"\\ud83d"', '"\\ude80"', '"\\ud83d\\u0041"', '"\\ud83dx"']) {
    assert.match(of("text", raw(text)).fail, /^event: unexpected/);
  }
  const bytes = [
    [0x80],
    [0xc0, 0x80],
    [0xc3],
    [0xe0, 0x80, 0x80],
    [0xed, 0xa0, 0x80],
    [0xf0, 0x80, 0x80, 0x80],
    [0xf4, 0x90, 0x80, 0x80],
    [0xff],
  ];
  for (const sequence of bytes) {
    assert.match(
      of("text", raw(Uint8Array.of(0x22, ...sequence, 0x22))).fail,
      /^event: unexpected byte \d+ at byte 1$/,
    );
  }
});

test("nesting is taken to 64 levels, in what is read", () => {
  const nested = (levels) => "[".repeat(levels) + "]".repeat(levels);
  const chain = (levels) => '{"next":'.repeat(levels - 1) + "{}" + "}".repeat(levels - 1);
  assert.deepEqual(of("any", raw(nested(64))).output, JSON.parse(nested(64)));
  assert.equal(of("any", raw(nested(65))).fail, `event: ${Array(64).fill(0).join(".")}: nested deeper than 64 levels`);
  assert.deepEqual(of("node", raw(chain(64))).output, JSON.parse(chain(64)));
  const path = Array(64).fill("next").join(".");
  assert.equal(of("node", raw(chain(65))).fail, `event: ${path}: nested deeper than 64 levels`);
  const unread = `{"other":${nested(65)}}`;
  assert.match(of("node", raw(unread)).fail, /^event: other\.0.*: nested deeper than 64 levels$/);
  assert.match(of("any", raw("[".repeat(1_000_000))).fail, /nested deeper than 64 levels$/);
});

test("nesting ends at 64 levels, in what is written", () => {
  assert.equal(of("cycle").fail, `output: ${Array(64).fill("next").join(".")}: nested deeper than 64 levels`);
});

test("what is not finite is no output", () => {
  const result = run("Subscription.ratio", { arguments: { by: 0 } });
  assert.equal(result.fail, "output: 1: Infinity is not a Float");
});

test("messages name keys as they are, whatever they hold", () => {
  assert.equal(
    of("node", raw('{"ne\\u0078t":{"v\\u0061lue":"x"}}')).fail,
    "event: next.value: expected Int, got a string",
  );
  assert.equal(of("node", raw('{"é\\n":[1,]}')).fail, "event: é\n.1: unexpected ']' at byte 11");
});
