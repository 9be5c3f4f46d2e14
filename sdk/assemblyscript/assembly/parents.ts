import { Box } from "./box";
import { encode } from "./encode";
import { Source, read } from "./input";
import { Json } from "./json";
import { deliver, raise, report } from "./run";
import { Writer } from "./writer";

/** How many parents the run has; -1 before they are read. */
let count: i32 = -1;

/**
 * The objects that a field of an object type is resolved for. They are what the
 * resolvers above have given, whole: members that nobody has selected are there,
 * too. None of them is null.
 */
export class Parents<T> {
  private parents: Array<T> | null = null;

  /**
   * The parents, in the order of the response. The host is asked the first time;
   * later calls give the same array. One that does not fit `T` ends the run with
   * an error such as `parents: 2.customerId: missing`.
   */
  read(): Array<T> {
    let parents = this.parents;
    if (parents == null) {
      parents = read<Array<T>>(Source.Parents, "");
      this.parents = parents;
      count = parents.length;
    }
    return parents;
  }

  /** Room for a value of type `V`, or an error, for each parent. */
  values<V>(): Values<V> {
    this.read();
    return new Values<V>(count);
  }
}

/**
 * A value or an error for each parent, by the parent's index: what a resolver
 * of a field of an object type returns. Without either a parent has null.
 */
export class Values<T> {
  private values: StaticArray<Box<T> | null>;
  private errors: StaticArray<Json | null>;
  private nullable: bool = true;

  /** @hidden */
  constructor(count: i32) {
    this.values = new StaticArray<Box<T> | null>(count);
    this.errors = new StaticArray<Json | null>(count);
  }

  /** The number of parents. */
  get length(): i32 {
    return this.values.length;
  }

  /** Gives the parent at `index` its value. */
  set(index: i32, value: T): void {
    this.values[index] = new Box<T>(value);
    this.errors[index] = null;
  }

  /**
   * Gives the parent at `index` an error; the other parents keep their values.
   * `extensions` is as for `fail`, which fails the field for all of them.
   */
  fail(index: i32, message: string, extensions: Json | null = null): void {
    this.errors[index] = report(message, extensions);
  }

  /** @hidden Makes an error of what was left out, where the field is never null. */
  __required(): Values<T> {
    this.nullable = false;
    return this;
  }

  /** @hidden */
  __encode(writer: Writer): void {
    writer.openArray();
    for (let i = 0; i < this.values.length; i++) {
      const error = this.errors[i];
      const value = this.values[i];
      if (error != null) failed(writer, error);
      else if (value != null) encode<T>(writer, value.value);
      else if (this.nullable) writer.raw("null");
      else failed(writer, report("the resolver has set no value", null));
    }
    writer.close(0x5d);
  }
}

function failed(writer: Writer, error: Json): void {
  writer.openObject();
  writer.name("@error");
  writer.raw(error.text);
  writer.close(0x7d);
}

/** Gives the host one value for each parent. Called by what the build generates. */
export function deliverList<V>(values: Array<V>): void {
  if (count < 0) raise("the resolver has not read its parents");
  if (values.length != count) {
    raise("the resolver gave " + values.length.toString() + " values for " + count.toString() + " parents");
  }
  deliver<Array<V>>(values);
}
