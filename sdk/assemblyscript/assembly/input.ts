// @ts-nocheck: generics over AssemblyScript's own type tests
import { decode, decodeIds } from "./decode";
import * as host from "./host";
import { Reader } from "./reader";
import { raise } from "./run";

/** What can be read; the first four are the input kinds of `runnel_v1`. */
export enum Source {
  Event = 0,
  Meta = 2,
  Parents = 3,
  Config = 4,
  Argument = 5,
  Claim = 6,
}

/** What fits most inputs, so that one call of the host fetches them. */
const USUAL: i32 = 2048;

let buffer: usize = 0;
let capacity: i32 = 0;

/**
 * Reads an input whole, as a `T`. Where there is none, a nullable `T` is null;
 * any other ends the run. The host is asked only by this call.
 */
export function read<T>(source: Source, name: string, ids: bool = false): T {
  const reader = open(source, name);
  if (reader == null) return absent<T>(source, name, "");
  const value = ids ? decodeIds<T>(reader) : decode<T>(reader);
  reader.finish();
  return value;
}

/** Reads one member of an input that is an object. */
export function readMember<T>(source: Source, member: string): T {
  const reader = open(source, "");
  if (reader == null) return absent<T>(source, "", member);
  let found = false;
  let value = zero<T>();
  reader.enterObject("an object");
  while (reader.member()) {
    if (reader.is(member)) {
      value = decode<T>(reader);
      found = true;
    } else {
      reader.skip();
    }
  }
  reader.finish();
  return found ? value : absent<T>(source, "", member);
}

function absent<T>(source: Source, name: string, member: string): T {
  if (!isNullable<T>()) raise(label(source, name) + ": " + (member == "" ? "" : member + ": ") + "missing");
  return zero<T>();
}

/** Null; for what cannot be null, a value that nobody gets to see. */
function zero<T>(): T {
  if (isReference<T>()) return changetype<T>(<usize>0);
  else return <T>0;
}

/** Asks the host for an input; null where there is no such thing. */
function open(source: Source, name: string): Reader | null {
  if (buffer == 0) grow(USUAL);
  const bytes = host.utf8(name);
  let length = ask(source, bytes);
  if (length < 0) return null;
  if (length > capacity) {
    grow(length);
    ask(source, bytes);
  }
  return new Reader(buffer, length, label(source, name), source == Source.Parents);
}

function grow(size: i32): void {
  capacity = size;
  buffer = heap.alloc(size);
}

function ask(source: Source, name: ArrayBuffer): i32 {
  const at = changetype<usize>(name);
  if (source == Source.Argument) return host.argument(at, name.byteLength, buffer, capacity);
  if (source == Source.Claim) return host.claim(at, name.byteLength, buffer, capacity);
  return host.input(source, buffer, capacity);
}

/** The input as messages name it. */
function label(source: Source, name: string): string {
  if (source == Source.Event) return "event";
  if (source == Source.Meta) return "meta";
  if (source == Source.Parents) return "parents";
  if (source == Source.Config) return "config";
  return (source == Source.Argument ? "argument " : "claim ") + name;
}
