import { NodeKind } from "assemblyscript";

import { argumentsClass, assemblyType } from "./generate.js";
import { Names } from "./names.js";
import { isScalar, ROOTS } from "./schema.js";

const SDK = "~lib/@runnel/sdk/";
const PRIMITIVES = { Int: "i32", Float: "f64", Boolean: "bool" };

/** SourceKind.UserEntry */
const ENTRY = 1;

/**
 * Finds the resolver of every root field among what the entry files export, and
 * checks its signature.
 *
 * @returns resolvers as `{ name: "Type.field", exported, entry, parameters }`
 *   and problems as `{ range | node, message }`, node being one of the schema's.
 */
export function findResolvers(sources, types, layout) {
  const search = new Search(sources, types, layout);
  search.run();
  return search;
}

class Search {
  constructor(sources, types, layout) {
    this.types = types;
    this.names = new Names(sources);
    this.entries = sources.filter((source) => source.sourceKind === ENTRY && !source.internalPath.startsWith("~lib/"));
    this.typesPath = layout.types.replace(/\.ts$/, "");
    this.layout = layout;
    this.resolvers = [];
    this.problems = [];
  }

  run() {
    const fields = this.fields();
    const functions = this.functions();
    for (const found of functions) {
      const field = fields.find((f) => f.name === found.name && (found.root ? f.root === found.root : !f.ambiguous));
      if (!field) this.strayFunction(found, fields);
      else {
        field.resolved = true;
        this.check(field, found);
      }
    }
    for (const field of fields.filter((f) => !f.resolved)) this.missing(field, functions);
  }

  /** All root fields; those whose name several root types have are ambiguous. */
  fields() {
    const fields = ROOTS.flatMap((root) => (this.types.get(root)?.fields ?? []).map((field) => ({ ...field, root })));
    for (const field of fields) field.ambiguous = fields.some((f) => f !== field && f.name === field.name);
    return fields;
  }

  /** All exported functions; those of `namespace Query` and so on have a root. */
  functions() {
    const functions = [];
    for (const entry of this.entries) {
      for (const [name, { source, node, at }] of this.names.exportsOf(entry)) {
        if (node.kind === NodeKind.FunctionDeclaration) functions.push({ name, source, node, at, entry, path: name });
        if (node.kind !== NodeKind.NamespaceDeclaration || !ROOTS.includes(name)) continue;
        for (const member of node.members.filter((m) => m.kind === NodeKind.FunctionDeclaration)) {
          const path = `${name}.${member.name.text}`;
          functions.push({ name: member.name.text, source, node: member, at: member.name, entry, path, root: name });
        }
      }
    }
    return functions;
  }

  report(range, message) {
    this.problems.push({ range, message });
  }

  strayFunction({ name, root, at }, fields) {
    const same = fields.filter((field) => field.name === name);
    if (!root && same.length > 1) {
      const names = same.map((field) => field.root).join(" and ");
      this.report(
        at.range,
        `${names} both have a field ${name}: put each resolver into an exported namespace of the type's name`,
      );
      return;
    }
    const near = closest(name, fields);
    const hint = near ? `; did you mean ${near}?` : "";
    const where = root ?? "Subscription, Query or Mutation";
    this.report(at.range, `${this.layout.schema} has no field ${name} in ${where}${hint}`);
  }

  missing(field, functions) {
    if (functions.some((found) => found.name === field.name)) return;
    const place = field.ambiguous ? ` in a namespace ${field.root}` : "";
    const entry = this.entries[0]?.normalizedPath ?? "the entry file";
    const message = `${field.root}.${field.name} has no resolver: ${entry} must export a function ${field.name}${place}`;
    this.problems.push({ node: field.node, message });
  }

  check(field, found) {
    const { source, node } = found;
    if (node.typeParameters?.length > 0)
      this.report(found.at.range, `${field.name}: a resolver has no type parameters`);
    const parameters = node.signature.parameters.map((parameter) => this.parameter(field, source, parameter));
    this.checkReturn(field, source, node.signature.returnType, found);
    this.resolvers.push({ name: `${field.root}.${field.name}`, path: found.path, entry: found.entry, parameters });
  }

  /** The expression that makes an argument for a parameter. */
  parameter(field, source, { type: node, name }) {
    const type = this.names.type(source, node);
    const sdk = type.path.startsWith(SDK) && !type.nullable ? type.name : null;
    const own = argumentsClass(field.root, field, this.types);
    if (own && type.path === this.typesPath && type.name === own && !type.nullable) return `new schema.${own}()`;
    if (sdk === "Context") return "new Context()";
    if (sdk === "MutationContext" && field.root === "Mutation") return "new MutationContext()";
    if (sdk === "Event" && field.root === "Subscription") return this.event(field, type, node);
    const range = node.range.end > node.range.start ? node.range : name.range;
    this.report(range, `${field.root}.${field.name}: ${this.refusal(field, sdk, node, own)}`);
    return "";
  }

  refusal(field, sdk, node, own) {
    if (sdk === "Event") return "only a Subscription field has an event";
    if (sdk === "MutationContext") return "only a Mutation field may publish; take a Context";
    const choices = [...(field.root === "Subscription" ? ["Event<T>"] : []), ...(own ? [own] : [])];
    choices.push(field.root === "Mutation" ? "MutationContext" : "Context");
    const list = choices.length > 1 ? `${choices.slice(0, -1).join(", ")} and ${choices.at(-1)}` : choices[0];
    const spelled = node.range.toString() || "a parameter without a type";
    return `a resolver cannot take ${spelled}; this one may take ${list}`;
  }

  event(field, type, node) {
    const payload = type.arguments[0];
    const code = payload && this.readable(payload);
    if (!code) {
      const spelled = node.typeArguments?.[0]?.range.toString() ?? "nothing";
      this.report(
        node.range,
        `${field.root}.${field.name}: an event cannot be read as ${spelled}; declare the payload's type in ${this.layout.schema}`,
      );
    }
    return `new Event<${code}>()`;
  }

  /** The code of a type that can be read from JSON, or null. */
  readable({ path, name, arguments: args, nullable }) {
    const suffix = nullable ? " | null" : "";
    if (path === "" && ["i32", "f64", "bool"].includes(name)) return nullable ? null : name;
    if (path === "" && name === "string") return name + suffix;
    const inner = args.map((argument) => this.readable(argument));
    if (inner.includes(null)) return null;
    if (path === "" && name === "Array" && inner.length === 1) return `Array<${inner[0]}>${suffix}`;
    if (path.startsWith(SDK) && name === "Box" && inner.length === 1) return `Box<${inner[0]}>${suffix}`;
    if (path.startsWith(SDK) && name === "Json") return name + suffix;
    const kind = path === this.typesPath ? this.types.get(name)?.kind : null;
    return ["object", "input", "enum"].includes(kind) ? `schema.${name}${suffix}` : null;
  }

  checkReturn(field, source, node, found) {
    if (this.fits(field.type, this.names.type(source, node))) return;
    const declared = assemblyType(field.type, this.types);
    const omitted = node.range.end <= node.range.start;
    const spelled = omitted ? "nothing" : node.range.toString();
    this.report(
      omitted ? found.at.range : node.range,
      `${field.root}.${field.name} is ${declared}; its resolver returns ${spelled}`,
    );
  }

  /** Whether values of an AssemblyScript type are values of a GraphQL type. */
  fits(type, code) {
    if (code.nullable && !type.nullable) return false;
    if (type.list) {
      return (
        code.path === "" &&
        code.name === "Array" &&
        code.arguments.length === 1 &&
        this.fits(type.list, code.arguments[0])
      );
    }
    const primitive = PRIMITIVES[type.name];
    if (primitive && code.path.startsWith(SDK) && code.name === "Box") {
      return type.nullable && this.fits({ name: type.name }, code.arguments[0]);
    }
    if (primitive || isScalar(type.name)) return code.path === "" && code.name === (primitive ?? "string");
    if (this.types.get(type.name)?.kind === "scalar") return code.path.startsWith(SDK) && code.name === "Json";
    return code.path === this.typesPath && (code.name === type.name || this.belongs(code.name, type.name));
  }

  /** Whether an object type is one of an interface's or a union's. */
  belongs(name, abstract) {
    return this.types.get(name)?.abstracts.includes(abstract) ?? false;
  }
}

/** The source whose exported functions the host calls, one per resolver. */
export function resolverSource(resolvers, files, layout) {
  const entries = [...new Set(resolvers.map((resolver) => resolver.entry))];
  const folder = layout.types.replace(/[^/]*$/, "");
  const up = "../".repeat(folder.split("/").length - 1) || "./";
  const from = (internalPath) => `${up}${internalPath}`;
  const lines = [
    `import { Box, Context, Event, Json, MutationContext } from "@runnel/sdk";`,
    `import { begin, deliver, verdict } from "@runnel/sdk/run";`,
    `import * as schema from "${from(layout.types.replace(/\.ts$/, ""))}";`,
    ...entries.map((entry, i) => `import * as entry${i} from "${from(entry.internalPath)}";`),
    `const files: StaticArray<string> = ${JSON.stringify(files)};`,
  ];
  resolvers.forEach(({ path, entry, parameters }, i) => {
    const call = `entry${entries.indexOf(entry)}.${path}(${parameters.join(", ")})`;
    lines.push(
      `function run${i}(): void { deliver(${call}); }`,
      `export function resolver${i}(): i32 { begin(files); run${i}(); return verdict; }`,
    );
  });
  return { file: `${folder}runnel.resolvers.ts`, text: lines.join("\n") };
}

/** The field whose name is at most a third of its letters away, if any. */
function closest(name, fields) {
  const distances = fields.map((field) => ({
    field,
    distance: distance(name.toLowerCase(), field.name.toLowerCase()),
  }));
  const [best] = distances.sort((a, b) => a.distance - b.distance);
  return best && best.distance * 3 <= best.field.name.length ? best.field.name : null;
}

function distance(a, b) {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next[j] = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1));
    }
    row = next;
  }
  return row[b.length];
}
