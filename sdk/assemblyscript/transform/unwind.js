/**
 * Ends runs early without exceptions.
 *
 * `skip`, `complete`, `fail` and failed reads set a flag (assembly/run.ts). This
 * pass makes each function that called one of them, however indirectly, return
 * at once when the call comes back with the flag set; what it returns is never
 * looked at. The exported resolvers are where that stops: they return the
 * verdict that was set with the flag.
 *
 * It runs before the optimizer, over Binaryen's expressions, in place.
 */
export function unwind(binaryen, module, entries, sdk) {
  const ends = new Set(["skip", "complete", "fail", "raise"].map((name) => `${sdk}/run/${name}`));
  const functions = definedFunctions(binaryen, module);
  const leaving = leavingFunctions(binaryen, module, functions, ends);
  const stops = new Set([...entries, `${sdk}/run/leave`]);
  const pass = new Pass(binaryen, module, ends, leaving, `${sdk}/run/left`);
  for (const info of functions.values()) {
    if (leaving.has(info.name) && !stops.has(info.name)) pass.rewrite(info);
  }
}

function definedFunctions(binaryen, module) {
  const functions = new Map();
  for (let i = 0; i < module.getNumFunctions(); i++) {
    const ref = module.getFunctionByIndex(i);
    const info = binaryen.getFunctionInfo(ref);
    if (!info.module) functions.set(info.name, { ...info, ref });
  }
  return functions;
}

/** The functions that may come back with the flag set. */
function leavingFunctions(binaryen, module, functions, ends) {
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
  const leaving = new Set();
  const pending = [...ends];
  while (pending.length > 0) {
    const name = pending.pop();
    if (leaving.has(name)) continue;
    leaving.add(name);
    pending.push(...(callers.get(name) ?? []));
    if (inTable.has(name)) pending.push(INDIRECT);
  }
  return leaving;
}

/** Stands for whatever a call through the table may reach. */
const INDIRECT = Symbol("indirect");

function tableFunctions(binaryen, module) {
  const names = new Set();
  for (let i = 0; i < module.getNumElementSegments(); i++) {
    const info = binaryen.getElementSegmentInfo(module.getElementSegmentByIndex(i));
    for (const name of info.data) names.add(name);
  }
  return names;
}

class Pass {
  constructor(binaryen, module, ends, leaving, flag) {
    Object.assign(this, { binaryen, module, ends, leaving, flag, labels: 0 });
  }

  rewrite(info) {
    this.results = info.results;
    const body = walk(this.binaryen, info.body, (expression, kind) => this.replacement(expression, kind));
    if (body !== info.body) this.binaryen._BinaryenFunctionSetBody(info.ref, body);
  }

  /** What a call becomes; undefined for any other expression. */
  replacement(expression, kind) {
    if (kind !== "Call" && kind !== "CallIndirect") return undefined;
    const { binaryen, module } = this;
    const { target, type } = binaryen.getExpressionInfo(expression);
    const callee = kind === "Call" ? target : INDIRECT;
    if (!this.leaving.has(callee) || type === binaryen.unreachable) return undefined;
    if (this.ends.has(callee)) return module.block(null, [expression, this.leave()], binaryen.none);
    const left = module.global.get(this.flag, binaryen.i32);
    if (type === binaryen.none) return module.block(null, [expression, module.if(left, this.leave())], type);
    const label = `leave|${this.labels++}`;
    const stay = module.br(label, module.i32.eqz(left), expression);
    return module.block(label, [module.drop(stay), this.leave()], type);
  }

  leave() {
    const { binaryen, module, results } = this;
    switch (results) {
      case binaryen.none:
        return module.return();
      case binaryen.i32:
        return module.return(module.i32.const(0));
      case binaryen.i64:
        return module.return(module.i64.const(0n));
      case binaryen.f32:
        return module.return(module.f32.const(0));
      case binaryen.f64:
        return module.return(module.f64.const(0));
      case binaryen.v128:
        return module.return(module.v128.const(new Array(16).fill(0)));
      default:
        throw new Error("a resolver's functions can only return numbers and objects");
    }
  }
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
 * expression, that one takes its place. Returns what stands at the top.
 */
function walk(binaryen, expression, visit) {
  const kind = kinds(binaryen).get(binaryen.getExpressionId(expression));
  if (kind === undefined)
    throw new Error("the program uses a WebAssembly instruction that the Runnel transform does not know");
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
      const other = walk(binaryen, child, visit);
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
