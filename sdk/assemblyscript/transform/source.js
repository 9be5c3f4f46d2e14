/** How what a resolver returns is given to the host. */
const DELIVERIES = {
  values: (call) => `deliver(${call})`,
  required: (call) => `deliver(${call}.__required())`,
  list: (call) => `deliverList(${call})`,
};

/** The source whose exported functions the host calls, one per resolver. */
export function resolverSource(resolvers, files, layout) {
  const entries = [...new Set(resolvers.map((resolver) => resolver.entry))];
  const folder = layout.types.replace(/[^/]*$/, "");
  const up = "../".repeat(folder.split("/").length - 1) || "./";
  const from = (internalPath) => `${up}${internalPath}`;
  const lines = [
    `import { Box, Context, Event, Json, MutationContext, Parents } from "@runnel/sdk";`,
    `import { begin, deliver, verdict } from "@runnel/sdk/run";`,
    `import { deliverList } from "@runnel/sdk/parents";`,
    `import * as schema from "${from(layout.types.replace(/\.ts$/, ""))}";`,
    ...entries.map((entry, i) => `import * as entry${i} from "${from(entry.internalPath)}";`),
    `const files: StaticArray<string> = ${JSON.stringify(files)};`,
  ];
  resolvers.forEach(({ path, entry, parameters, values }, i) => {
    const call = `entry${entries.indexOf(entry)}.${path}(${parameters.join(", ")})`;
    lines.push(
      `function run${i}(): void { ${DELIVERIES[values ?? "values"](call)}; }`,
      `export function resolver${i}(): i32 { begin(files, ${Boolean(values)}); run${i}(); return verdict; }`,
    );
  });
  return { file: `${folder}runnel.resolvers.ts`, text: lines.join("\n") };
}
