/** The functions of a module that are not imported, by name. */
export function definedFunctions(binaryen, module) {
  const functions = new Map();
  for (let i = 0; i < module.getNumFunctions(); i++) {
    const ref = module.getFunctionByIndex(i);
    const info = binaryen.getFunctionInfo(ref);
    if (!info.module) functions.set(info.name, { ...info, ref });
  }
  return functions;
}

/** The functions that call one of `ends`, however indirectly, and those themselves. */
export function callersOf(binaryen, module, functions, ends) {
  const callers = new Map();
  for (const { name, body } of functions.values()) {
    walk(binaryen, body, (expression, kind) => {
      const callee =
        kind === "Call" ? binaryen.getExpressionInfo(expression).target : kind === "CallIndirect" ? INDIRECT : null;
      if (callee === null) return;
      if (!callers.has(callee)) callers.set(callee, new Set());
      callers.get(callee).add(name);
    });
  }
  const inTable = tableFunctions(binaryen, module);
  const found = new Set();
  const pending = [...ends];
  while (pending.length > 0) {
    const name = pending.pop();
    if (found.has(name)) continue;
    found.add(name);
    pending.push(...(callers.get(name) ?? []));
    if (inTable.has(name)) pending.push(INDIRECT);
  }
  return found;
}

/** Stands for whatever a call through the table may reach. */
export const INDIRECT = Symbol("indirect");

function tableFunctions(binaryen, module) {
  const names = new Set();
  for (let i = 0; i < module.getNumElementSegments(); i++) {
    const info = binaryen.getElementSegmentInfo(module.getElementSegmentByIndex(i));
    for (const name of info.data) names.add(name);
  }
  return names;
}

/** Where each kind of expression holds others. A list ends in [], and is counted. */
const CHILDREN = {
  Block: ["Child[]"],
  If: ["Condition", "IfTrue", "IfFalse"],
  Loop: ["Body"],
  Break: ["Value", "Condition"],
  Switch: ["Value", "Condition"],
  Call: ["Operand[]"],
  CallIndirect: ["Operand[]", "Target"],
  LocalGet: [],
  LocalSet: ["Value"],
  GlobalGet: [],
  GlobalSet: ["Value"],
  Load: ["Ptr"],
  Store: ["Ptr", "Value"],
  Const: [],
  Unary: ["Value"],
  Binary: ["Left", "Right"],
  Select: ["IfTrue", "IfFalse", "Condition"],
  Drop: ["Value"],
  Return: ["Value"],
  MemorySize: [],
  MemoryGrow: ["Delta"],
  MemoryCopy: ["Dest", "Source", "Size"],
  MemoryFill: ["Dest", "Value", "Size"],
  MemoryInit: ["Dest", "Offset", "Size"],
  DataDrop: [],
  Nop: [],
  Unreachable: [],
  RefNull: [],
  RefFunc: [],
  RefIsNull: ["Value"],
  SIMDExtract: ["Vec"],
  SIMDReplace: ["Vec", "Value"],
  SIMDShuffle: ["Left", "Right"],
  SIMDTernary: ["A", "B", "C"],
  SIMDShift: ["Vec", "Shift"],
  SIMDLoad: ["Ptr"],
  SIMDLoadStoreLane: ["Ptr", "Vec"],
};

/**
 * Visits an expression after all that it holds; where `visit` returns another
 * expression, that one takes its place. `enter` sees it before. Returns what
 * stands at the top.
 */
export function walk(binaryen, expression, visit, enter = () => {}) {
  const kind = kinds(binaryen).get(binaryen.getExpressionId(expression));
  if (kind === undefined)
    throw new Error("the program uses a WebAssembly instruction that the Runnel transform does not know");
  enter(expression);
  for (const slot of CHILDREN[kind]) {
    const list = slot.endsWith("[]") ? slot.slice(0, -2) : null;
    const get = binaryen[`_Binaryen${kind}Get${list ? `${list}At` : slot}`];
    const set = binaryen[`_Binaryen${kind}Set${list ? `${list}At` : slot}`];
    const plural = list === "Child" ? "Children" : `${list}s`;
    const count = list ? binaryen[`_Binaryen${kind}GetNum${plural}`](expression) : 1;
    for (let i = 0; i < count; i++) {
      const at = list ? [expression, i] : [expression];
      const child = get(...at);
      if (child === 0) continue;
      const other = walk(binaryen, child, visit, enter);
      if (other !== child) set(...at, other);
    }
  }
  return visit(expression, kind) ?? expression;
}

let known = null;

function kinds(binaryen) {
  known ??= new Map(
    Object.keys(CHILDREN).map((kind) => [binaryen[`${kind}Id`] ?? binaryen[`_Binaryen${kind}Id`](), kind]),
  );
  return known;
}
