import { Node, NodeKind } from "assemblyscript";

const RUN = new Set(["~lib/@runnel/sdk", "~lib/@runnel/sdk/index", "~lib/@runnel/sdk/run"]);
const ENDS = new Set(["skip", "complete", "fail", "raise"]);

/**
 * Tells the compiler that `skip()`, `complete()` and `fail()` never return,
 * which AssemblyScript has no type for: each such statement, and each `return`
 * of such a call, becomes a block that ends in a loop without an exit. So no
 * value needs to be returned after it, and `if (x == null) skip();` leaves x
 * non-null.
 */
export function markEnds(source) {
  const names = endsOf(source);
  if (names.size > 0) visit(source, names);
}

/** The names by which a source calls the functions that end a run. */
function endsOf(source, functions = ENDS) {
  const names = new Set();
  for (const statement of source.statements) {
    if (statement.kind !== NodeKind.Import || !RUN.has(statement.internalPath)) continue;
    for (const declaration of statement.declarations ?? []) {
      if (functions.has(declaration.foreignName.text)) names.add(declaration.name.text);
    }
  }
  return names;
}

/** The calls of these functions of the SDK in a node of a source. */
export function callsOf(source, node, functions) {
  const names = endsOf(source, functions);
  const calls = [];
  const search = (value) => {
    if (Array.isArray(value)) return value.forEach(search);
    if (typeof value?.kind !== "number" || !value.range) return;
    if (value.kind === NodeKind.Call && names.has(value.expression.text)) calls.push(value);
    for (const [key, child] of Object.entries(value)) if (key !== "range") search(child);
  };
  if (names.size > 0) search(node);
  return calls;
}

function visit(node, names) {
  for (const [key, value] of Object.entries(node)) {
    if (key === "range") continue;
    if (key === "body" && node.arrowKind && value?.kind === NodeKind.Expression) {
      // The body of `() => skip()` is an expression, and stays one.
      visit(value, names);
    } else if (Array.isArray(value)) {
      value.forEach((element, i) => (value[i] = replaced(element, names)));
    } else {
      node[key] = replaced(value, names);
    }
  }
}

function replaced(value, names) {
  if (typeof value?.kind !== "number" || !value.range) return value;
  const call = endingCall(value, names);
  if (call) return endless(call, value.range);
  visit(value, names);
  return value;
}

/** The call in `skip();` and `return skip();`. */
function endingCall(node, names) {
  let call = null;
  if (node.kind === NodeKind.Expression) call = node.expression;
  if (node.kind === NodeKind.Return) call = node.value;
  if (call?.kind !== NodeKind.Call || call.expression.kind !== NodeKind.Identifier) return null;
  return names.has(call.expression.text) ? call : null;
}

function endless(call, range) {
  const loop = Node.createWhileStatement(Node.createTrueExpression(range), Node.createEmptyStatement(range), range);
  return Node.createBlockStatement([Node.createExpressionStatement(call), loop], range);
}
