/**
 * How a run ends.
 *
 * AssemblyScript has no exceptions, yet a failed read must end the run where it
 * stands. `skip`, `complete`, `fail` and `raise` set `left`; the build makes
 * every function on the way return at once when a call comes back with `left`
 * set (transform/unwind.js). So none of them returns to its caller.
 */
import * as host from "./host";
import { Json } from "./json";
import { Writer } from "./writer";
import { encode } from "./encode";

/** The discriminants of `runnel_v1`; they never change. */
const SKIP: i32 = 0;
const DELIVER: i32 = 1;
const FAILED: i32 = 2;
const COMPLETE: i32 = 3;

/** What the resolver export returns. */
export let verdict: i32 = DELIVER;

/** Whether the run is on its way out. Read by what the build inserts. */
export let left: bool = false;

/** Whether a resolver runs: false during start. */
let running: bool = false;

/** Whether it resolves a field of an object type, for a batch of parents. */
let batch: bool = false;

/**
 * Where the author's code last called into the library, for `abort`; 0 where it
 * has not. Written by what the build inserts (transform/sites.js).
 */
export let site: u32 = 0;

/** The author's sources. */
let files: StaticArray<string> | null = null;

/** The place in `site`, or "" where there is none. */
export function place(): string {
  const names = files;
  if (site == 0 || names == null) return "";
  return names[site & 0x3f] + ":" + (site >> 16).toString() + ":" + ((site >> 6) & 0x3ff).toString();
}

/**
 * Ends the run: this subscriber gets nothing of this event. For a Query or
 * Mutation field the value is null.
 *
 * It never returns, wherever it is called: `return skip()` and a plain `skip()`
 * are the same.
 */
// @ts-ignore: the build makes sure that it does not return
export function skip(): never {
  leave(SKIP);
}

/**
 * Ends the run and the subscription. It never returns. For subscriptions only.
 */
// @ts-ignore: the build makes sure that it does not return
export function complete(): never {
  leave(COMPLETE);
}

/**
 * Marks `value` as the subscription's last: return it, and the subscription
 * ends once it is delivered. For subscriptions only.
 */
export function completeWith<T>(value: T): T {
  if (batch) refuse();
  verdict = COMPLETE;
  return value;
}

/**
 * Ends the run with a GraphQL error; a subscription goes on with its next event.
 * It never returns. `extensions` is an object that goes into the error's
 * `extensions`: `fail("out of stock", Json.object().with("left", 0))`.
 */
// @ts-ignore: the build makes sure that it does not return
export function fail(message: string, extensions: Json | null = null): never {
  // A text that could be taken for an object is sent as one.
  if (extensions != null || message.trimStart().startsWith("{")) {
    raise(report(message, extensions).text);
  } else {
    raise(message);
  }
}

/** An error as an object of the ABI. */
export function report(message: string, extensions: Json | null): Json {
  const report = Json.object().with<string>("message", message);
  if (extensions != null) report.with<Json>("extensions", extensions);
  return report;
}

/** Ends the run with verdict 2 and this report, whatever it looks like. */
// @ts-ignore: the build makes sure that it does not return
export function raise(report: string): never {
  const bytes = host.utf8(report);
  if (!running) throw new Error(report);
  host.fail(changetype<usize>(bytes), bytes.byteLength);
  leave(FAILED);
}

function leave(by: i32): void {
  if (!running) throw new Error("a run can only be ended by a resolver");
  if (batch && by != FAILED) refuse();
  verdict = by;
  left = true;
}

/** There is no such verdict for a batch; the build refuses what it can see. */
function refuse(): void {
  throw new Error("the resolver of a field of an object type can neither skip nor complete");
}

/** Marks that a resolver runs. Called by what the build generates. */
export function begin(names: StaticArray<string>, parents: bool): void {
  files = names;
  batch = parents;
  running = true;
}

/** Gives the host the resolver's value. Called by what the build generates. */
export function deliver<T>(value: T): void {
  site = 0; // what fails from here on is not the author's doing
  const writer = new Writer(batch);
  encode<T>(writer, value);
  host.output(writer.start, writer.length);
}
