// @ts-nocheck: generics over AssemblyScript's own type tests
import { Source, read } from "./input";

/** Reads an argument of the field; `ids` where its strings are GraphQL IDs. */
export function argument<T>(name: string, ids: bool = false): T {
  return read<T>(Source.Argument, name, ids);
}
