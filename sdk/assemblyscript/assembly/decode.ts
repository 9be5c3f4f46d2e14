// @ts-nocheck: generics over AssemblyScript's own type tests
import { Reader } from "./reader";

/** Reads one value of type `T`; a mismatch ends the run. */
export function decode<T>(reader: Reader): T {
  if (isNullable<T>()) {
    if (reader.null()) return changetype<T>(<usize>0);
  }
  if (isBoolean<T>()) {
    return reader.boolean();
  } else if (isFloat<T>()) {
    return <T>reader.float();
  } else if (isInteger<T>()) {
    if (sizeof<T>() != 4 || !isSigned<T>()) ERROR("read integers as i32, which is GraphQL's Int");
    return reader.int();
  } else if (isString<nonnull<T>>()) {
    return changetype<T>(reader.ids ? reader.id() : reader.string());
  } else if (isArray<nonnull<T>>()) {
    return changetype<T>(decodeList<valueof<nonnull<T>>>(reader));
  } else {
    if (!isDefined(changetype<nonnull<T>>(0).__decode)) {
      ERROR("only strings, i32, f64, bool, lists, Box, Json and the types of schema.graphql can be read");
    }
    return changetype<nonnull<T>>(0).__decode(reader);
  }
}

function decodeList<E>(reader: Reader): Array<E> {
  const list = new Array<E>();
  reader.enterArray();
  while (reader.element()) list.push(decode<E>(reader));
  return list;
}

/** The same where the strings in `T` are GraphQL IDs, which may be numbers. */
export function decodeIds<T>(reader: Reader): T {
  reader.ids = true;
  const value = decode<T>(reader);
  reader.ids = false;
  return value;
}
