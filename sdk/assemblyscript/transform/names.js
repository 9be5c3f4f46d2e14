import { CommonFlags, NodeKind } from "assemblyscript";

/**
 * Follows names through the imports, exports and type aliases of a program's
 * sources, as far as checking signatures needs it.
 */
export class Names {
  constructor(sources) {
    this.sources = new Map(sources.map((source) => [source.internalPath, source]));
  }

  /** The source that an import path means, where it is part of the program. */
  source(internalPath) {
    return this.sources.get(internalPath) ?? this.sources.get(`${internalPath}/index`);
  }

  /** Every export of a source: a map from name to `{ source, node, exported }`. */
  exportsOf(source, seen = new Set()) {
    const exports = new Map();
    if (!source || seen.has(source)) return exports;
    seen.add(source);
    for (const statement of source.statements) {
      if (statement.kind === NodeKind.Export) this.#reexports(source, statement, seen, exports);
      else if (statement.name && statement.flags & CommonFlags.Export) {
        exports.set(statement.name.text, { source, node: statement, at: statement.name });
      }
    }
    return exports;
  }

  #reexports(source, statement, seen, exports) {
    const from = statement.internalPath ? this.source(statement.internalPath) : null;
    if (!statement.members) {
      for (const [name, found] of this.exportsOf(from, seen)) exports.set(name, found);
      return;
    }
    for (const { localName, exportedName } of statement.members) {
      const found = from ? this.exportsOf(from, new Set()).get(localName.text) : this.find(source, localName.text);
      if (found) exports.set(exportedName.text, { ...found, at: exportedName });
    }
  }

  /** The declaration that a plain name means in a source, or undefined. */
  find(source, name) {
    for (const statement of source.statements) {
      if (statement.kind === NodeKind.Import) {
        const imported = statement.declarations?.find((declaration) => declaration.name.text === name);
        const from = imported && this.source(statement.internalPath);
        if (from) return this.exportsOf(from).get(imported.foreignName.text);
      } else if (statement.name?.text === name && statement.kind !== NodeKind.ImportDeclaration) {
        return { source, node: statement, at: statement.name };
      }
    }
    return undefined;
  }

  /** The declaration that a type's name means, dots and all. */
  #findType(source, typeName) {
    const name = typeName.identifier.text;
    if (!typeName.next) return this.find(source, name);
    for (const statement of source.statements) {
      if (statement.kind === NodeKind.Import && statement.namespaceName?.text === name) {
        const from = this.source(statement.internalPath);
        return from && this.exportsOf(from).get(typeName.next.identifier.text);
      }
    }
    return undefined;
  }

  /**
   * What a type annotation means: `{ path, name, arguments, nullable }`, where
   * path is that of the declaring source, or "" for what is built in.
   */
  type(source, node) {
    if (node.kind !== NodeKind.NamedType) return { path: "?", name: "?", arguments: [], nullable: false };
    const found = this.#findType(source, node.name);
    if (found?.node.kind === NodeKind.TypeDeclaration && !found.node.typeParameters) {
      const meant = this.type(found.source, found.node.type);
      return { ...meant, nullable: meant.nullable || node.isNullable };
    }
    return {
      path: found?.source.internalPath ?? "",
      name: found?.node.name.text ?? builtin(node.name.identifier.text),
      arguments: (node.typeArguments ?? []).map((argument) => this.type(source, argument)),
      nullable: node.isNullable,
    };
  }
}

function builtin(name) {
  return { number: "f64", boolean: "bool", String: "string" }[name] ?? name;
}
