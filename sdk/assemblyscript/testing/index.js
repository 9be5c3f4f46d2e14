import { readFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";

import { Host } from "./host.js";

const SECTION = "runnel.schema";

/** Loads a built module, given as a path, a file URL or bytes. */
export async function load(wasm) {
  const bytes = wasm instanceof Uint8Array ? wasm : await readFile(wasm);
  return runner(new WebAssembly.Module(bytes));
}

/**
 * Builds the project in a folder by its asconfig.json, writing no wasm, and
 * loads the result. A program that does not compile rejects with asc's report.
 */
export async function compile(folder = ".", options = []) {
  const { bytes, report } = await build(folder, options);
  if (!bytes) throw new Error(report);
  return load(bytes);
}

/** The same without loading: `{ bytes, report }`, bytes being null on failure. */
export async function build(folder = ".", options = []) {
  const { main } = await import("assemblyscript/asc");
  const baseDir = folder instanceof URL ? fileURLToPath(folder) : path.resolve(folder);
  let bytes = null;
  const writeFile = (name, contents) => {
    if (name.endsWith(".wasm")) bytes = contents;
  };
  const { error, stderr } = await main(["--baseDir", baseDir, "--noColors", ...options], { writeFile });
  return { bytes: error ? null : bytes, report: stderr.toString() };
}

/** JSON text, or bytes, that a run is to meet exactly as they are. */
export class Raw {
  constructor(text) {
    this.bytes = typeof text === "string" ? new TextEncoder().encode(text) : text;
  }
}

/** An input as it stands: `run(name, { event: raw('{"total": 1e999}') })`. */
export function raw(text) {
  return new Raw(text);
}

function runner(module) {
  const run = (resolver, given = {}) => oneRun(module, resolver, given);
  const names = WebAssembly.Module.exports(module).map((e) => e.name);
  run.resolvers = names.filter((name) => name.includes("."));
  const [schema] = WebAssembly.Module.customSections(module, SECTION);
  run.schema = schema ? new TextDecoder().decode(schema) : null;
  return run;
}

/** Every run starts from the module's first image: an instance of its own. */
function oneRun(module, resolver, given) {
  if (!WebAssembly.Module.exports(module).some((e) => e.name === resolver)) {
    throw new Error(`the module has no resolver ${resolver}`);
  }
  const host = new Host(resolver, given);
  try {
    const instance = new WebAssembly.Instance(module, { runnel_v1: host.imports });
    host.memory = instance.exports.memory;
    instance.exports._initialize?.();
    host.running = true;
    return host.result(instance.exports[resolver]());
  } catch (error) {
    if (!(error instanceof WebAssembly.RuntimeError || error instanceof RangeError)) throw error;
    return { ...host.result("trap"), trap: error.message };
  }
}
