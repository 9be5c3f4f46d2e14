import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { DiagnosticCategory, DiagnosticCode, DiagnosticMessage, Parser, Range, Source } from "assemblyscript";

import { linkExports } from "./exports.js";
import { markEnds } from "./ends.js";
import { bridges, generate, resolvedIn, unwritable } from "./generate.js";
import { findResolvers } from "./resolvers.js";
import { readSchema } from "./schema.js";
import { markSites, MAX_FILES } from "./sites.js";
import { resolverSource } from "./source.js";
import { unwind } from "./unwind.js";

const LIBRARY = fileURLToPath(new URL("../assembly/", import.meta.url));
const SDK = "~lib/@runnel/sdk";

/** What stands in for the functions that AssemblyScript takes from `env`. */
const ALIASES = { abort: `${SDK}/panic/abort`, trace: `${SDK}/panic/trace`, seed: `${SDK}/panic/seed` };

/** Where a project keeps its schema and its generated types, unless package.json says otherwise. */
const LAYOUT = { schema: "schema.graphql", types: "assembly/schema.ts" };

/**
 * The transform that makes a Runnel module of an AssemblyScript program:
 *
 * - it writes the types of schema.graphql into assembly/schema.ts;
 * - it checks the exported functions against the schema's fields, and leaves
 *   what has a resolver out of the types;
 * - it exports each as `Type.field`, puts the schema into the custom section
 *   `runnel.schema`, and leaves no other export than the memory.
 */
export default class RunnelTransform {
  constructor() {
    // asc applies a transform once per spelling of its path.
    this.idle = Boolean(this.program.runnel);
    if (this.idle) return;
    this.program.runnel = true;
    this.root = path.resolve(this.baseDir);
    this.layout = { ...LAYOUT, ...packageJson(this.root).runnel };
    this.readSchema();
    this.loadLibrary();
    if (this.failed) this.standInForTypes();
    this.setOptions();
  }

  /** Keeps a bad schema from being reported as a missing file as well, before there are any types. */
  standInForTypes() {
    const file = this.layout.types;
    if (!existsSync(path.join(this.root, file))) this.program.parser.parseFile("", file, false);
  }

  readSchema() {
    const file = this.layout.schema;
    if (!existsSync(path.join(this.root, file))) {
      this.error(null, `${file}: no such file; a Runnel module has its GraphQL schema there`);
      return;
    }
    this.sdl = readFileSync(path.join(this.root, file), "utf8");
    this.schemaSource = new Source(0, file, this.sdl);
    const { types, errors } = readSchema(this.sdl, file);
    if (errors.length === 0) errors.push(...unwritable(types));
    for (const error of errors) this.error(this.schemaRange(error.start, error.end), error.message);
    this.types = types;
    if (this.failed) return;
    const written = path.join(this.root, this.layout.types);
    const before = existsSync(written) ? readFileSync(written, "utf8") : "";
    // Which fields have resolvers is known once the sources are parsed; mostly it is as it was.
    this.written = generate(types, this.layout.schema, resolvedIn(before, types));
    if (this.written !== before) this.writeTypes();
  }

  writeTypes() {
    const file = path.join(this.root, this.layout.types);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, this.written);
  }

  /** Leaves the fields that have resolvers out of the types, in the file and in the program. */
  leaveOut(resolved, parser) {
    const text = generate(this.types, this.layout.schema, resolved);
    if (text === this.written) return;
    this.written = text;
    this.writeTypes();
    const again = new Parser(this.program.diagnostics);
    again.parseFile(text, this.layout.types, false);
    const { sources } = parser;
    const index = sources.findIndex((source) => source.normalizedPath === this.layout.types);
    if (index >= 0) sources[index] = again.sources[0];
  }

  /** Adds the SDK's own sources, so that they always fit this transform. */
  loadLibrary() {
    const { parser } = this.program;
    parser.parseFile("export type never = void;", "~lib/never.ts", false);
    parser.parseFile(`export * from "./sdk/index";`, `${SDK}.ts`, false);
    for (const file of readdirSync(LIBRARY)
      .filter((name) => name.endsWith(".ts"))
      .sort()) {
      parser.parseFile(readFileSync(LIBRARY + file, "utf8"), `${SDK}/${file}`, false);
    }
  }

  setOptions() {
    const { options } = this.program;
    options.exportStart = "_initialize";
    options.sourceMap = true; // so that the compiler keeps the places of expressions
    options.globalAliases ??= new Map();
    for (const [name, element] of Object.entries(ALIASES)) options.globalAliases.set(name, element);
  }

  /** Checks the resolvers, and adds the source that calls them. */
  afterParse(parser) {
    if (this.idle || this.failed) return;
    const { resolvers, resolved, problems } = findResolvers(parser.sources, this.types, this.layout);
    this.leaveOut(resolved, parser);
    this.addBridges(parser, resolved);
    for (const { range, node, message } of problems) {
      this.error(range ?? this.schemaRange(node.loc.start, node.loc.end), message);
    }
    if (this.failed) return;
    this.resolvers = resolvers;
    for (const source of parser.sources) markEnds(source);
    this.files = this.ownFiles(parser);
    const { file, text } = resolverSource(resolvers, this.files, this.layout);
    this.resolverPath = file.replace(/\.ts$/, "");
    parser.parseFile(text, file, true);
  }

  /** The paths of the author's sources, as far as panics can name them. */
  ownFiles(parser) {
    const written = parser.sources.map((source) => source.normalizedPath).filter((file) => !file.startsWith("~lib/"));
    return written.filter((file) => file !== this.layout.types).slice(0, MAX_FILES);
  }

  /** Gives the generated classes the hidden methods that generic code calls. */
  addBridges(parser, resolved) {
    const typesPath = this.layout.types.replace(/\.ts$/, "");
    const source = parser.sources.find((s) => s.internalPath === typesPath);
    if (!source) return;
    for (const { name, text } of bridges(this.types, resolved)) {
      const bridge = new Parser();
      bridge.parseFile(text, this.layout.types, false);
      const target = source.statements.find((statement) => statement.name?.text === name && statement.members);
      target?.members.push(...bridge.sources[0].statements[0].members);
    }
  }

  /** Gives the finished module its shape. */
  afterCompile(module) {
    if (this.idle || this.failed) return;
    const entries = this.resolvers.map((resolver, i) => ({
      ...resolver,
      internal: `${this.resolverPath}/resolver${i}`,
    }));
    markSites(this.binaryen, module, this.program, this.files, SDK);
    unwind(
      this.binaryen,
      module,
      entries.map((entry) => entry.internal),
      SDK,
    );
    const problems = linkExports(this.binaryen, module, entries);
    for (const message of problems) this.error(null, message);
    module.addCustomSection("runnel.schema", new TextEncoder().encode(this.sdl));
  }

  schemaRange(start, end) {
    return Object.assign(new Range(start, end), { source: this.schemaSource });
  }

  error(range, message) {
    this.failed = true;
    const diagnostic = DiagnosticMessage.create(DiagnosticCode.User_defined_0, DiagnosticCategory.Error);
    diagnostic.message = message;
    if (range) diagnostic.withRange(range);
    this.program.diagnostics.push(diagnostic);
  }
}

function packageJson(root) {
  const file = path.join(root, "package.json");
  return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : {};
}
