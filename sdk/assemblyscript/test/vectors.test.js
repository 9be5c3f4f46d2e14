import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

import { build, compile, load } from "@runnel/sdk/testing";

const vectorsOf = async (name) =>
  JSON.parse(await readFile(new URL(`../../../abi/vectors/${name}.json`, import.meta.url))).vectors;

/** Nulls equal absent members. */
function bare(value) {
  if (Array.isArray(value)) return value.map(bare);
  if (value === null || typeof value !== "object") return value;
  const members = Object.entries(value).filter(([, member]) => member !== null);
  return Object.fromEntries(members.map(([name, member]) => [name, bare(member)]));
}

function replay(run, vector) {
  const result = run(vector.resolver, vector);
  assert.deepEqual(result.reads, vector.reads, "reads");
  assert.equal(result.verdict, vector.verdict, `verdict: ${JSON.stringify(result).slice(0, 500)}`);
  assert.deepEqual(bare(result.output), bare(vector.output), "output");
  assert.equal(result.fail, vector.fail, "fail");
  assert.deepEqual(result.failExtensions, vector.failExtensions, "extensions");
  assert.deepEqual(result.published, vector.published ?? [], "published");
  if (vector.verdict === "trap") {
    const lines = vector.log ?? [];
    assert.equal(result.log.length, lines.length, "log");
    lines.forEach((line, i) => {
      assert.equal(result.log[i].level, line.level);
      assert.ok(result.log[i].message.includes(line.message), result.log[i].message);
    });
  } else {
    assert.deepEqual(result.log, vector.log ?? [], "log");
  }
}

const [conformance, ...examples] = [
  { folder: new URL("../conformance/", import.meta.url), wasm: "probe.wasm" },
  ...["orders", "shop"].map((name) => ({
    name,
    folder: new URL(`../../../plugins/examples/${name}-assemblyscript/`, import.meta.url),
    wasm: `${name}-assemblyscript.wasm`,
  })),
];
const built = ({ folder, wasm }) => new URL(wasm, folder);

const builds = {
  "as committed": () => load(built(conformance)),
  "with the collecting runtime": () => compile(conformance.folder, ["--runtime", "incremental"]),
  "not optimized": () =>
    compile(conformance.folder, ["--optimizeLevel", "0", "--shrinkLevel", "0", "--runtime", "minimal"]),
};

for (const [how, build] of Object.entries(builds)) {
  test(`probe ${how} replays its vectors`, async (t) => {
    const run = await build();
    for (const vector of await vectorsOf("probe")) {
      await t.test(vector.name, () => replay(run, vector));
    }
  });
}

for (const example of examples) {
  test(`the example ${example.name} replays its vectors`, async (t) => {
    const run = await load(built(example));
    for (const vector of await vectorsOf(example.name)) {
      await t.test(vector.name, () => replay(run, vector));
    }
  });
}

test("the committed conformance module is what its sources build, byte for byte", async () => {
  const { bytes, report } = await build(conformance.folder);
  assert.ok(bytes, report);
  assert.ok(Buffer.from(bytes).equals(await readFile(built(conformance))), "run npm run build");
});

test("the conformance module has the schema of the vectors", async () => {
  const { schema } = await load(built(conformance));
  assert.equal(schema, await readFile(new URL("../../../abi/vectors/probe.graphql", import.meta.url), "utf8"));
});

test("modules hold what a server takes, and nothing else", async () => {
  for (const [project, most] of [[conformance, 40_000], ...examples.map((example) => [example, 20_000])]) {
    const bytes = await readFile(built(project));
    const module = new WebAssembly.Module(bytes);
    const names = WebAssembly.Module.exports(module).map((e) => e.name);
    assert.ok(WebAssembly.Module.imports(module).every((i) => i.module === "runnel_v1"));
    assert.ok(
      names.every((name) => /^(memory|_initialize|(Subscription|Query|Mutation|Station|Order)\.\w+)$/.test(name)),
      names.join(),
    );
    for (const section of ["name", "producers", "sourceMappingURL", "target_features"]) {
      assert.equal(WebAssembly.Module.customSections(module, section).length, 0, section);
    }
    assert.ok(bytes.length <= most, `${project.wasm}: ${bytes.length} bytes`);
  }
});
