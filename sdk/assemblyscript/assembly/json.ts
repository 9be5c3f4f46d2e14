import { Reader } from "./reader";
import { Writer } from "./writer";
import { encode } from "./encode";

/**
 * JSON text as it stands: a value of a custom scalar, the extensions of an
 * error, or the payload of an event that has no type of its own.
 *
 *     Json.object().with("code", "OUT_OF_STOCK").with("left", 0)
 *     Json.of(["a", "b"])
 */
export class Json {
  constructor(
    /** One JSON value. It is not checked: bad text is bad output. */
    public text: string,
  ) {}

  /** The JSON of a string, number, boolean, list or type of the schema. */
  static of<T>(value: T): Json {
    const writer = new Writer();
    encode<T>(writer, value);
    return new Json(writer.text());
  }

  /** An empty object, to be filled by `with`. */
  static object(): Json {
    return new Json("{}");
  }

  /**
   * Adds a member at the end of this object. Returns this same object, so that
   * calls can be chained.
   */
  with<T>(name: string, value: T): Json {
    const text = this.text;
    const head = text.substring(0, text.length - 1);
    const member = Json.of<string>(name).text + ":" + Json.of<T>(value).text + "}";
    this.text = text.length == 2 ? head + member : head + "," + member;
    return this;
  }

  /** The text. */
  toString(): string {
    return this.text;
  }

  /** @hidden */
  __decode(reader: Reader): Json {
    return new Json(reader.raw());
  }

  /** @hidden */
  __encode(writer: Writer): void {
    writer.raw(this.text);
  }
}
