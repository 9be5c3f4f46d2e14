import { buildASTSchema, concatAST, Kind, parse, Source, validateSchema } from "graphql";
import { validateSDL } from "graphql/validation/validate.js";

/** The root types whose fields are resolved by exported functions. */
export const ROOTS = ["Subscription", "Query", "Mutation"];

const SCALARS = new Set(["Int", "Float", "Boolean", "ID", "String"]);

/** What every Runnel schema may use without declaring it. */
const PREDECLARED = parse(
  `directive @on(channel: String!, initial: Boolean = false, overflow: Overflow = DISCONNECT, key: String) repeatable on FIELD_DEFINITION
   directive @match(path: String!, arg: String, claim: String, in: [String!]) repeatable on FIELD_DEFINITION
   directive @requires(permission: String!) repeatable on FIELD_DEFINITION
   enum Overflow { DISCONNECT LATEST }`,
  { noLocation: true },
);

/** A mistake in a schema, and the part of its text where it lies. */
export class SchemaError extends Error {
  constructor(message, start, end = start + 1) {
    super(message);
    this.start = start;
    this.end = end;
  }
}

/**
 * Reads SDL into the types that code is generated from: a map from name to
 * `{ kind, name, description, fields | values | types, interfaces }`, where
 * kind is "object", "input", "enum", "scalar", "interface" or "union".
 *
 * @returns {{ types: Map<string, object>, errors: SchemaError[] }}
 */
export function readSchema(sdl, path) {
  let document;
  try {
    document = parse(new Source(sdl, path));
  } catch (error) {
    return { types: new Map(), errors: [located(error)] };
  }
  const errors = [...refused(document), ...invalid(document)];
  const types = new Map();
  if (errors.length > 0) return { types, errors };
  for (const definition of document.definitions) collect(types, definition);
  for (const type of types.values()) {
    type.abstracts = abstractsOf(types, type);
  }
  return { types, errors };
}

/** What GraphQL itself has against the document. */
function invalid(document) {
  const complete = withPredeclared(asDefinitions(document));
  const errors = validateSDL(complete);
  if (errors.length > 0) return errors.map(located);
  return validateSchema(buildASTSchema(complete, { assumeValidSDL: true }))
    .filter((error) => error.nodes?.length > 0)
    .map(located);
}

/** What Runnel does not take. */
function refused(document) {
  const errors = [];
  for (const node of document.definitions) {
    if (node.kind === Kind.SCHEMA_DEFINITION || node.kind === Kind.SCHEMA_EXTENSION) {
      const message = "a schema block is not needed: root types are named Query, Mutation and Subscription";
      errors.push(new SchemaError(message, node.loc.start, node.loc.start + "schema".length));
    } else if (node.name?.value.startsWith("_runnel")) {
      errors.push(at(node.name, `${node.name.value}: names that begin with _runnel are the server's`));
    }
  }
  return errors;
}

function withPredeclared(document) {
  const declared = new Set(document.definitions.map((node) => `${node.kind} ${node.name?.value}`));
  const missing = PREDECLARED.definitions.filter((node) => !declared.has(`${node.kind} ${node.name.value}`));
  return concatAST([document, { kind: Kind.DOCUMENT, definitions: missing }]);
}

/**
 * Makes the first `extend` of a type that the document does not define its
 * definition: the rest of the type is another module's.
 */
function asDefinitions(document) {
  const defined = new Set();
  for (const node of document.definitions) {
    if (node.kind.endsWith("TypeDefinition")) defined.add(node.name.value);
  }
  const definitions = document.definitions.map((node) => {
    if (!node.kind.endsWith("TypeExtension") || defined.has(node.name.value)) return node;
    defined.add(node.name.value);
    return { ...node, kind: node.kind.replace("Extension", "Definition") };
  });
  return { ...document, definitions };
}

const KINDS = {
  Object: "object",
  InputObject: "input",
  Enum: "enum",
  Scalar: "scalar",
  Interface: "interface",
  Union: "union",
};

function collect(types, node) {
  const match = /^(\w+)Type(Definition|Extension)$/.exec(node.kind);
  if (!match) return;
  const name = node.name.value;
  const type = types.get(name) ?? { kind: KINDS[match[1]], name, fields: [], values: [], types: [], interfaces: [] };
  types.set(name, type);
  type.node ??= node.name;
  type.description ??= node.description?.value;
  type.fields.push(...(node.fields ?? []).map(field));
  type.values.push(...(node.values ?? []).map(plain));
  type.types.push(...(node.types ?? []).map((t) => t.name.value));
  type.interfaces.push(...(node.interfaces ?? []).map((t) => t.name.value));
}

function plain(node) {
  return { name: node.name.value, description: node.description?.value, node: node.name };
}

function field(node) {
  const args = (node.arguments ?? []).map((argument) => ({ ...plain(argument), type: typeOf(argument.type) }));
  return { ...plain(node), type: typeOf(node.type), arguments: args };
}

/** `{ name | list, nullable }` */
function typeOf(node, nullable = true) {
  if (node.kind === Kind.NON_NULL_TYPE) return typeOf(node.type, false);
  if (node.kind === Kind.LIST_TYPE) return { list: typeOf(node.type), nullable };
  return { name: node.name.value, nullable };
}

/** A type reference as SDL spells it. */
export function spell(type) {
  const inner = type.list ? `[${spell(type.list)}]` : type.name;
  return type.nullable ? inner : `${inner}!`;
}

/** Whether a name is one of the five scalars of GraphQL. */
export function isScalar(name) {
  return SCALARS.has(name);
}

/** The interfaces and unions that an object type belongs to. */
function abstractsOf(types, type) {
  const unions = [...types.values()].filter((other) => other.types.includes(type.name));
  return [...type.interfaces, ...unions.map((union) => union.name)];
}

function located(error) {
  const node = error.nodes?.find((n) => n.loc);
  const start = node?.loc.start ?? error.positions?.[0] ?? 0;
  return new SchemaError(error.message, start, node ? (node.name?.loc ?? node.loc).end : start + 1);
}

/** A mistake at a node of the document. */
export function at(node, message) {
  return new SchemaError(message, node.loc.start, node.loc.end);
}
