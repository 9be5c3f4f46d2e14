import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

import { build, load } from "@runnel/sdk/testing";

const transform = fileURLToPath(new URL("../../transform/index.js", import.meta.url));

/** Builds a project of these files in a folder of its own; leaves nothing behind. */
export async function buildProject(files) {
  const folder = await mkdtemp(path.join(tmpdir(), "runnel-"));
  try {
    for (const [name, text] of Object.entries(files)) {
      await mkdir(path.dirname(path.join(folder, name)), { recursive: true });
      await writeFile(path.join(folder, name), text);
    }
    return await build(folder, ["assembly/index.ts", "--transform", transform, "--runtime", "stub", "-o", "out.wasm"]);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Builds a project and loads it; a program that does not compile rejects. */
export async function loadProject(files) {
  const { bytes, report } = await buildProject(files);
  if (!bytes) throw new Error(report);
  return load(bytes);
}
