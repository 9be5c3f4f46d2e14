// @ts-nocheck: stands in for AssemblyScript's env imports
import { Source, read } from "./input";
import { line } from "./log";
import { Meta } from "./context";
import { place } from "./run";

/**
 * What `throw`, `assert` and the checks of the language end in: a line at level
 * error that says where, then a trap. For a check of the library that is where
 * the author's code called it; the check's own place follows.
 */
export function abort(message: string | null, file: string | null, row: u32, column: u32): void {
  let text = "panicked";
  let check = "";
  if (file != null) {
    const at = file + ":" + row.toString() + ":" + column.toString();
    const caller = file.startsWith("~lib/") ? place() : "";
    text += " at " + (caller == "" ? at : caller);
    if (caller != "") check = " (" + at + ")";
  }
  line(3, text + (message == null ? "" : ": " + message) + check);
  unreachable();
}

/** What `trace(message, …)` writes: a line at level debug. */
export function trace(
  message: string,
  n: i32 = 0,
  a0: f64 = 0,
  a1: f64 = 0,
  a2: f64 = 0,
  a3: f64 = 0,
  a4: f64 = 0,
): void {
  if (n > 0) message += " " + a0.toString();
  if (n > 1) message += " " + a1.toString();
  if (n > 2) message += " " + a2.toString();
  if (n > 3) message += " " + a3.toString();
  if (n > 4) message += " " + a4.toString();
  line(0, message);
}

/** Seeds `Math.random`: from the meta's id, so it counts as a read of the meta. */
export function seed(): f64 {
  const id = read<Meta>(Source.Meta, "").id;
  let hash: u64 = 0xcbf29ce484222325;
  for (let i = 0; i < id.length; i++) hash = (hash ^ (<u64>id.charCodeAt(i))) * 0x100000001b3;
  return reinterpret<f64>(hash);
}
