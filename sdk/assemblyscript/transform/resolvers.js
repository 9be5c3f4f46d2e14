import { CommonFlags, NodeKind } from "assemblyscript";

import { closest } from "./closest.js";
import { callsOf } from "./ends.js";
import { argumentsClass, assemblyType } from "./generate.js";
import { Names } from "./names.js";
import { isScalar, ROOTS } from "./schema.js";

const SDK = "~lib/@runnel/sdk/";
const PRIMITIVES = { Int: "i32", Float: "f64", Boolean: "bool" };

/** SourceKind.UserEntry */
const ENTRY = 1;

/** Ends that a field of an object type does not have. */
const NOT_IN_BATCHES = new Set(["skip", "complete", "completeWith"]);

/**
 * Finds the resolver of every root field, and those that fields of object types
 * have, among what the entry files export, and checks their signatures.
 *
 * @returns resolvers as `{ name: "Type.field", path, entry, parameters, values }`,
 *   values being how a batch is given; resolved, the names of those of object
 *   types; and problems as `{ range | node, message }`, node being one of the
 *   schema's.
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
    this.resolved = new Set();
    this.problems = [];
  }

  run() {
    const fields = this.fields();
    const functions = this.functions();
    for (const found of functions.filter((f) => f.parent !== undefined)) this.checkBatch(found);
    const others = functions.filter((f) => f.parent === undefined);
    for (const found of others) {
      const field = fields.find((f) => f.name === found.name && (found.root ? f.root === found.root : !f.ambiguous));
      if (!field) this.strayFunction(found, fields);
      else {
        field.resolved = true;
        this.check(field, found);
      }
    }
    for (const field of fields.filter((f) => !f.resolved)) this.missing(field, others);
  }

  /** All root fields; those whose name several root types have are ambiguous. */
  fields() {
    const fields = ROOTS.flatMap((root) => (this.types.get(root)?.fields ?? []).map((field) => ({ ...field, root })));
    for (const field of fields) field.ambiguous = fields.some((f) => f !== field && f.name === field.name);
    return fields;
  }

  /**
   * All exported functions that are meant to be resolvers. Those of `namespace
   * Query` and so on have a root, those of fields of object types a parent.
   */
  functions() {
    const functions = [];
    const add = (found) => functions.push({ ...found, parent: this.parentOf(found) });
    for (const entry of this.entries) {
      for (const [name, { source, node, at }] of this.names.exportsOf(entry)) {
        if (node.kind === NodeKind.FunctionDeclaration) add({ name, source, node, at, entry, path: name });
        if (node.kind !== NodeKind.NamespaceDeclaration) continue;
        const root = ROOTS.includes(name) ? name : undefined;
        for (const member of node.members.filter((m) => m.kind === NodeKind.FunctionDeclaration)) {
          const path = `${name}.${member.name.text}`;
          add({ name: member.name.text, source, node: member, at: member.name, entry, path, root, within: name });
        }
      }
    }
    return functions.filter((found) => found.parent !== undefined || found.root || !found.within);
  }

  /**
   * The name of the type whose field a function resolves for a batch of parents;
   * undefined for every other function. A namespace of a type's name says which,
   * and otherwise the parents' type.
   */
  parentOf({ name, source, node, within, root }) {
    if (root) return undefined;
    const type = this.types.get(within);
    const parents = this.parentsOf(source, node);
    const exported = node.flags & CommonFlags.Export;
    if (type?.kind === "object" && exported) {
      return parents || type.fields.some((field) => field.name === name) ? within : undefined;
    }
    return parents && (!within || exported) ? this.className(parents.type.arguments[0]) : undefined;
  }

  /** The parameter of a function that is its parents, if any. */
  parentsOf(source, node) {
    const parameters = node.signature.parameters.map(({ type, name }) => {
      return { node: type, name, type: this.names.type(source, type) };
    });
    return parameters.find(({ type }) => type.path.startsWith(SDK) && type.name === "Parents");
  }

  /** The name of the schema's type that a type is the class of; else "". */
  className(type) {
    return type?.path === this.typesPath && !type.nullable ? type.name : "";
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
    const parent = [...this.types.values()].find((type) => hasField(type, name) && !ROOTS.includes(type.name));
    const hint = near
      ? `; did you mean ${near}?`
      : parent
        ? `; a resolver of ${parent.name}.${name} takes Parents<${parent.name}>`
        : "";
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
    const parameters = this.parameters(field, found);
    this.checkReturn(field, source, node.signature.returnType, found);
    this.resolvers.push({ name: `${field.root}.${field.name}`, path: found.path, entry: found.entry, parameters });
  }

  parameters(field, { source, node, at }) {
    if (node.typeParameters?.length > 0) this.report(at.range, `${field.name}: a resolver has no type parameters`);
    return node.signature.parameters.map((parameter) => this.parameter(field, source, parameter));
  }

  /** Checks the resolver of a field of an object type. */
  checkBatch(found) {
    const { source, node, parent, path, entry } = found;
    const type = this.types.get(parent);
    const name = `${parent}.${found.name}`;
    const declared = type?.kind === "object" && type.fields.find((field) => field.name === found.name);
    if (!declared) return this.strayBatch(found, type);
    if (this.resolved.has(name)) return this.report(found.at.range, `${name} has two resolvers`);
    this.resolved.add(name);
    if (!this.parentsOf(source, node)) {
      this.report(found.at.range, `${name}: the resolver of a field of an object type takes Parents<${parent}>`);
    }
    const field = { ...declared, root: parent, batch: true };
    const parameters = this.parameters(field, found);
    const values = this.checkValues(field, source, node.signature.returnType, found);
    for (const call of callsOf(source, node.body, NOT_IN_BATCHES)) {
      const spelled = call.expression.range.toString();
      this.report(call.range, `${name}: ${spelled} has no place here: each parent gets a value, null or an error`);
    }
    this.resolvers.push({ name, path, entry, parameters, values });
  }

  /** A function that has parents, but none that have the field. */
  strayBatch({ name, at, source, node, parent }, type) {
    if (type?.kind === "object") {
      const near = closest(name, type.fields);
      const hint = near ? `; did you mean ${near}?` : "";
      this.report(at.range, `${this.layout.schema} has no field ${name} in ${parent}${hint}`);
    } else {
      const parents = this.parentsOf(source, node);
      const message = `${parents.node.range.toString()}: only object types of ${this.layout.schema} have fields with resolvers`;
      const input = type?.kind === "input" ? "; put this one into an exported namespace of the type's name" : "";
      this.report(parents.node.range, message + input);
    }
  }

  /** How the values of a batch are given to the host. */
  checkValues(field, source, node, found) {
    const type = this.names.type(source, node);
    const [value] = type.arguments;
    const list = type.path === "" && type.name === "Array";
    const values = type.path.startsWith(SDK) && type.name === "Values";
    if ((!list && !values) || type.nullable || type.arguments.length !== 1 || !this.fits(field.type, value)) {
      const declared = assemblyType(field.type, this.types);
      const want = `for each parent it is ${declared}: its resolver returns Values<${declared}>, or an Array of them`;
      const omitted = node.range.end <= node.range.start;
      const spelled = omitted ? "nothing" : node.range.toString();
      this.report(omitted ? found.at.range : node.range, `${field.root}.${field.name}: ${want}, not ${spelled}`);
    }
    if (list) return "list";
    return field.type.nullable ? "values" : "required";
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
    if (sdk === "Parents" && field.batch) return this.parents(field, type, node);
    const range = node.range.end > node.range.start ? node.range : name.range;
    this.report(range, `${field.root}.${field.name}: ${this.refusal(field, sdk, node, own)}`);
    return "";
  }

  refusal(field, sdk, node, own) {
    if (sdk === "Event") return "only a Subscription field has an event";
    if (sdk === "Parents") return "only a field of an object type has parents";
    if (sdk === "MutationContext") return "only a Mutation field may publish; take a Context";
    const choices = own ? [own] : [];
    if (field.root === "Subscription") choices.unshift("Event<T>");
    if (field.batch) choices.unshift(`Parents<${field.root}>`);
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

  /** Parents are of the field's type, or of an input that stands for it. */
  parents(field, type, node) {
    const payload = type.arguments[0];
    const name = this.className(payload);
    const code = payload && this.readable(payload);
    if (!code || (name !== field.root && this.types.get(name)?.kind !== "input")) {
      const message = `the parents are Parents<${field.root}>, not ${node.range.toString()}`;
      this.report(node.range, `${field.root}.${field.name}: ${message}`);
    }
    return `new Parents<${code}>()`;
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

function hasField(type, name) {
  return type.kind === "object" && type.fields.some((field) => field.name === name);
}
