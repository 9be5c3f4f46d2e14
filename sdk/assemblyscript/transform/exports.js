const MODULE = "runnel_v1";
/** What to use instead of host functions that AssemblyScript's library calls. */
const INSTEAD = { console: "; use log of @runnel/sdk", Date: "; use context.meta().time" };
const KEPT = new Set(["memory", "_initialize"]);

/**
 * Replaces the program's exports by its resolvers, each as `Type.field`.
 * Returns what makes the module unfit for a Runnel server.
 */
export function linkExports(binaryen, module, resolvers) {
  for (const name of exportNames(binaryen, module)) {
    if (!KEPT.has(name)) module.removeExport(name);
  }
  if (isEmptyStart(binaryen, module)) module.removeExport("_initialize");
  for (const { internal, name } of resolvers) module.addFunctionExport(internal, name);
  // Imports that only removed exports had need of are gone after this.
  module.runPasses(["remove-unused-module-elements"]);
  return foreignImports(binaryen, module);
}

function exportNames(binaryen, module) {
  const names = [];
  for (let i = 0; i < module.getNumExports(); i++) {
    names.push(binaryen.getExportInfo(module.getExportByIndex(i)).name);
  }
  return names;
}

function isEmptyStart(binaryen, module) {
  if (!module.getExport("_initialize")) return false;
  const info = binaryen.getFunctionInfo(module.getFunction("~start"));
  return binaryen.getExpressionId(info.body) === binaryen.NopId;
}

function foreignImports(binaryen, module) {
  const problems = [];
  for (let i = 0; i < module.getNumFunctions(); i++) {
    const info = binaryen.getFunctionInfo(module.getFunctionByIndex(i));
    if (info.module && info.module !== MODULE) {
      problems.push(
        `the program uses ${info.base} of the host ${info.module}, which no Runnel server has${INSTEAD[info.base.split(".")[0]] ?? ""}`,
      );
    }
  }
  return problems;
}
