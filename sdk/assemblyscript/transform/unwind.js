import { callersOf, definedFunctions, INDIRECT, walk } from "./expressions.js";

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
  const leaving = callersOf(binaryen, module, functions, ends);
  const stops = new Set([...entries, `${sdk}/run/leave`]);
  const pass = new Pass(binaryen, module, ends, leaving, `${sdk}/run/left`);
  for (const info of functions.values()) {
    if (leaving.has(info.name) && !stops.has(info.name)) pass.rewrite(info);
  }
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
