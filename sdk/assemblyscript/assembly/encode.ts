// @ts-nocheck: generics over AssemblyScript's own type tests
import { Writer } from "./writer";

/** Writes one value of type `T`; what JSON cannot say ends the run. */
export function encode<T>(writer: Writer, value: T): void {
  if (isNullable<T>()) {
    if (changetype<usize>(value) == 0) {
      writer.raw("null");
      return;
    }
  }
  if (isBoolean<T>()) {
    writer.raw(value ? "true" : "false");
  } else if (isFloat<T>()) {
    writer.float(value);
  } else if (isInteger<T>()) {
    writer.raw(value.toString());
  } else if (isString<nonnull<T>>()) {
    writer.string(changetype<string>(value));
  } else if (isArray<nonnull<T>>()) {
    encodeList<valueof<nonnull<T>>>(writer, changetype<nonnull<T>>(value));
  } else {
    if (!isDefined(changetype<nonnull<T>>(0).__encode)) {
      ERROR("only strings, numbers, bool, lists, Box, Json and the types of schema.graphql can be written");
    }
    changetype<nonnull<T>>(value).__encode(writer);
  }
}

function encodeList<E>(writer: Writer, list: Array<E>): void {
  writer.openArray();
  for (let i = 0; i < list.length; i++) encode<E>(writer, list[i]);
  writer.close(0x5d);
}

/** Writes a member of the object that is open; one that is null is left out. */
export function member<T>(writer: Writer, name: string, value: T): void {
  if (isNullable<T>()) {
    if (changetype<usize>(value) == 0) return;
  }
  writer.name(name);
  encode<T>(writer, value);
}
