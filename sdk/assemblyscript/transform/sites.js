/**
 * Lets a check of the standard library be reported at the author's line.
 *
 * `abort` knows the place of the check, which for an index out of bounds is a
 * line of ~lib/array.ts. So wherever a function of the author's calls one of the
 * library's that may come to `abort`, this pass stores the place of the call in
 * a global (assembly/run.ts) just before. The compiler knows the places as it
 * would need them for a source map.
 *
 * It runs before the optimizer, over Binaryen's expressions, in place.
 */
import { callersOf, definedFunctions, walk } from "./expressions.js";

/** How a place is packed, from the top: 16 bits of line, 10 of column, 6 of file. */
const MAX_LINE = 0xffff;
const MAX_COLUMN = 0x3ff;
export const MAX_FILES = 64;

/** `files` are the paths of the author's sources, as panics are to spell them. */
export function markSites(binaryen, module, program, files, sdk) {
  const functions = definedFunctions(binaryen, module);
  const marks = new Marks(binaryen, module, files, {
    checked: callersOf(binaryen, module, functions, [`${sdk}/panic/abort`]),
    // The others may be where they have no place, which is a check.
    ends: new Set(["fail", "raise"].map((name) => `${sdk}/run/${name}`)),
    global: `${sdk}/run/site`,
  });
  for (const info of functions.values()) {
    const locations = program.instancesByName.get(info.name)?.debugLocations;
    if (locations?.size > 0 && !info.name.startsWith("~lib/")) marks.rewrite(info, locations);
  }
}

class Marks {
  constructor(binaryen, module, files, { checked, ends, global }) {
    Object.assign(this, { binaryen, module, files, checked, ends, global });
  }

  rewrite(info, locations) {
    const around = [0]; // the places of the expressions on the way down
    this.function = info.ref;
    this.locals = new Map();
    const body = walk(
      this.binaryen,
      info.body,
      (expression, kind) => {
        const site = around.pop();
        return kind === "Call" && site !== 0 ? this.replacement(expression, site) : undefined;
      },
      (expression) => around.push(this.site(locations.get(expression)) || around.at(-1)),
    );
    if (body !== info.body) this.binaryen._BinaryenFunctionSetBody(info.ref, body);
  }

  /** A place as it is packed; 0 for what is none of the author's. */
  site(range) {
    const file = range ? this.files.indexOf(range.source.normalizedPath) : -1;
    if (file < 0 || file >= MAX_FILES) return 0;
    const line = range.source.lineAt(range.start);
    const column = Math.min(range.source.columnAt(), MAX_COLUMN);
    return line > MAX_LINE ? 0 : ((line << 16) | (column << 6) | file) >>> 0;
  }

  /** A call that may end in a check, with its place stored after its operands. */
  replacement(call, site) {
    const { binaryen, module } = this;
    const { target, type, operands } = binaryen.getExpressionInfo(call);
    // What ~lib/rt does for `new` checks nothing that the author could have got wrong.
    const library = target.startsWith("~lib/") && !target.startsWith("~lib/rt/");
    if (!library || this.ends.has(target) || !this.checked.has(target) || type === binaryen.unreachable)
      return undefined;
    const store = module.global.set(this.global, module.i32.const(site | 0));
    if (operands.length === 0) return module.block(null, [store, call], type);
    const last = operands.at(-1);
    const kept = binaryen.getExpressionType(last);
    if (kept === binaryen.unreachable) return undefined;
    const local = this.local(kept);
    const operand = module.block(
      null,
      [binaryen._BinaryenLocalSet(module.ptr, local, last), store, binaryen._BinaryenLocalGet(module.ptr, local, kept)],
      kept,
    );
    binaryen._BinaryenCallSetOperandAt(call, operands.length - 1, operand);
    return undefined;
  }

  /** A local of the function for values of a type. */
  local(type) {
    if (!this.locals.has(type)) this.locals.set(type, this.binaryen._BinaryenFunctionAddVar(this.function, type));
    return this.locals.get(type);
  }
}
