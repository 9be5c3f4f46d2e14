import { Reader } from "./reader";
import { Writer } from "./writer";
import { decode } from "./decode";
import { encode } from "./encode";

/**
 * A number or a boolean that may be null: AssemblyScript's own cannot. `Int` is
 * `Box<i32> | null`, `Float` is `Box<f64> | null`, `Boolean` is `Box<bool> |
 * null`; their non-null kinds are plain `i32`, `f64` and `bool`.
 *
 *     const total = order.total;
 *     if (total != null && total.value > 100) …
 *     order.total = box(12.5);
 *     order.total = null;
 *     const limit = valueOr(args.limit, 10);
 */
export class Box<T> {
  constructor(
    /** What is in the box. */
    public value: T,
  ) {}

  /** The value as text. */
  toString(): string {
    // @ts-ignore: T is a number or a boolean
    return this.value.toString();
  }

  /** @hidden */
  __decode(reader: Reader): Box<T> {
    return new Box<T>(decode<T>(reader));
  }

  /** @hidden */
  __encode(writer: Writer): void {
    encode<T>(writer, this.value);
  }
}

/** Puts a number or a boolean into a box: `order.total = box(12.5)`. */
export function box<T>(value: T): Box<T> {
  return new Box<T>(value);
}

/** What is in the box, or `otherwise` where there is none. */
export function valueOr<T>(box: Box<T> | null, otherwise: T): T {
  return box == null ? otherwise : box.value;
}
