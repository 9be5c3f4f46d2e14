import { decimal } from "./number";
import { raise } from "./run";
import { decodeString, scan, scannedEscapes, scannedTo, scannedUnits } from "./text";
import { MAX_DEPTH } from "./writer";

/**
 * A strict pull reader over one JSON text (RFC 8259). It is total: whatever the
 * text, every method returns or ends the run with a message that names the
 * input and the path: `event: inner.grid.1.1: expected Float, got a string`.
 */
export class Reader {
  /** Whether strings are read as GraphQL IDs, which may be whole numbers. */
  ids: bool = false;

  private at: usize;
  private readonly end: usize;
  private readonly limit: i32;
  private depth: i32 = 0;
  private fresh: bool = false;
  /** Per level where the key lies: begin, end. In an array: 0, index. */
  private frames: StaticArray<usize> = new StaticArray<usize>((MAX_DEPTH + 1) << 1);
  /** The last number or string: its bytes, without quotes. */
  private from: usize = 0;
  private to: usize = 0;
  private whole: bool = false;
  /** The key of the current member, where it has escapes. */
  private key: string | null = null;

  /** `label` names the input in messages; the text must outlive the reader. */
  constructor(
    private readonly start: usize,
    length: i32,
    private readonly label: string,
    /** Whether it is a list whose elements may each nest as deep as a value. */
    batch: bool = false,
  ) {
    this.limit = batch ? MAX_DEPTH + 1 : MAX_DEPTH;
    this.at = start;
    this.end = start + length;
  }

  /** Reads a `null`, and says whether there was one. */
  null(): bool {
    if (this.peek() != 0x6e) return false;
    this.word("null");
    return true;
  }

  /** Reads `true` or `false`. */
  boolean(): bool {
    const c = this.peek();
    if (c != 0x74 && c != 0x66) this.mismatch("Boolean");
    this.word(c == 0x74 ? "true" : "false");
    return c == 0x74;
  }

  /** Reads a whole number of 32 bits. */
  int(): i32 {
    this.number("Int");
    const value = decimal(this.from, this.to);
    if (value != Math.trunc(value) || value < -2147483648 || value > 2147483647) this.reject("an Int");
    return <i32>value;
  }

  /** Reads a number. */
  float(): f64 {
    this.number("Float");
    const value = decimal(this.from, this.to);
    if (!isFinite(value)) this.reject("a Float");
    return value;
  }

  /** Reads a string. */
  string(): string {
    if (this.peek() != 0x22) this.mismatch("String");
    this.quoted();
    return decodeString(this.from, this.to, scannedUnits);
  }

  /** Reads an ID: a string, or a whole number as its digits. */
  id(): string {
    const c = this.peek();
    if (c == 0x22) return this.string();
    this.number("ID");
    if (!this.whole) this.reject("an ID");
    return this.digitsText();
  }

  /** Reads the name of an enum's value. */
  name(type: string): string {
    if (this.peek() != 0x22) this.mismatch(type);
    return this.string();
  }

  /** Reads any value, and gives its text as it stands. */
  raw(): string {
    this.peek();
    const from = this.at;
    this.skip();
    return String.UTF8.decodeUnsafe(from, this.at - from);
  }

  /** Reads any value and forgets it. */
  skip(): void {
    const c = this.peek();
    if (c == 0x22) this.quoted();
    else if (c == 0x7b) {
      this.enterObject("");
      while (this.member()) this.skip();
    } else if (c == 0x5b) {
      this.enterArray();
      while (this.element()) this.skip();
    } else if (c == 0x74) this.word("true");
    else if (c == 0x66) this.word("false");
    else if (c == 0x6e) this.word("null");
    else this.number("");
  }

  /** Enters an object, which messages call `type`. */
  enterObject(type: string): void {
    if (this.peek() != 0x7b) this.mismatch(type);
    this.enter();
  }

  /** Steps to the next member, or past the end of the object. */
  member(): bool {
    if (!this.more(0x7d)) return false;
    if (this.peek() != 0x22) this.unexpected();
    this.quoted();
    this.key = scannedEscapes ? decodeString(this.from, this.to, scannedUnits) : null;
    const frame = (this.depth - 1) << 1;
    this.frames[frame] = this.from;
    this.frames[frame + 1] = this.to;
    if (this.peek() != 0x3a) this.unexpected();
    this.at++;
    return true;
  }

  /** Whether the current member has this name, which is a GraphQL name. */
  is(name: string): bool {
    const key = this.key;
    if (key != null) return key == name;
    if (this.to - this.from != <usize>name.length) return false;
    for (let i = 0; i < name.length; i++) {
      if (<i32>load<u8>(this.from + i) != name.charCodeAt(i)) return false;
    }
    return true;
  }

  /** Enters an array. */
  enterArray(): void {
    if (this.peek() != 0x5b) this.mismatch("a list");
    this.enter();
  }

  /** Steps to the next element, or past the end of the array. */
  element(): bool {
    if (!this.more(0x5d)) return false;
    this.frames[(this.depth << 1) - 1]++;
    return true;
  }

  /** Ends the run: the object that was just left has no member `name`. */
  missing(name: string): void {
    raise(this.place() + name + ": missing");
  }

  /** Ends the run: the string just read names no value of `type`. */
  unknown(name: string, type: string): void {
    raise(this.path() + name + " is not a value of " + type);
  }

  /** Ends the run unless nothing but white space is left. */
  finish(): void {
    if (this.peek() != -1) this.unexpected();
  }

  private peek(): i32 {
    while (this.at < this.end) {
      const c: i32 = load<u8>(this.at);
      if (c != 0x20 && c != 0x0a && c != 0x0d && c != 0x09) return c;
      this.at++;
    }
    return -1;
  }

  private enter(): void {
    if (this.depth == this.limit) raise(this.path() + "nested deeper than 64 levels");
    this.depth++;
    this.at++;
    this.fresh = true;
    const frame = (this.depth - 1) << 1;
    this.frames[frame] = 0;
    this.frames[frame + 1] = <usize>-1;
  }

  private more(close: i32): bool {
    const c = this.peek();
    const fresh = this.fresh;
    this.fresh = false;
    if (c == close) {
      this.depth--;
      this.at++;
      return false;
    }
    if (fresh) return true;
    if (c != 0x2c) this.unexpected();
    this.at++;
    return true;
  }

  private word(word: string): void {
    for (let i = 0; i < word.length; i++) {
      if (this.byte() != word.charCodeAt(i)) this.unexpected();
      this.at++;
    }
  }

  private quoted(): void {
    const from = this.at + 1;
    const bad = scan(from, this.end);
    if (bad != 0) {
      this.at = bad;
      this.unexpected();
    }
    this.from = from;
    this.to = scannedTo;
    this.at = scannedTo + 1;
  }

  /** Scans a number, which messages call `type`. */
  private number(type: string): void {
    const c = this.peek();
    if (c != 0x2d && <u32>(c - 0x30) > 9) this.mismatch(type);
    this.from = this.at;
    this.whole = true;
    if (c == 0x2d) this.at++;
    if (this.byte() == 0x30) this.at++;
    else this.digits();
    if (this.byte() == 0x2e) this.digitsAfter();
    if ((this.byte() | 0x20) == 0x65) {
      this.at++;
      const sign = this.byte();
      if (sign != 0x2b && sign != 0x2d) this.at--;
      this.digitsAfter();
    }
    this.to = this.at;
  }

  private digitsAfter(): void {
    this.whole = false;
    this.at++;
    this.digits();
  }

  private digits(): void {
    const from = this.at;
    while (<u32>(this.byte() - 0x30) < 10) this.at++;
    if (from == this.at) this.unexpected();
  }

  private byte(): i32 {
    return this.at < this.end ? <i32>load<u8>(this.at) : -1;
  }

  /** Ends the run: a value of another kind than `type` comes next. */
  private mismatch(type: string): void {
    const c = this.peek();
    let got = "a number";
    if (c == 0x22) got = "a string";
    else if (c == 0x7b) got = "an object";
    else if (c == 0x5b) got = "an array";
    else if (c == 0x74 || c == 0x66) got = "a boolean";
    else if (c == 0x6e) got = "null";
    else if (c != 0x2d && <u32>(c - 0x30) > 9) this.unexpected();
    raise(this.path() + "expected " + type + ", got " + got);
  }

  /** Ends the run: the number just read is none of the type's. */
  private reject(what: string): void {
    raise(this.path() + this.digitsText() + " is not " + what);
  }

  /** The number just read, as it is written. */
  private digitsText(): string {
    return decodeString(this.from, this.to, <i32>(this.to - this.from));
  }

  private unexpected(): void {
    const c = this.byte();
    let what = "byte " + c.toString();
    if (c < 0) what = "end";
    else if (c >= 0x20 && c < 0x7f) what = "'" + String.fromCharCode(c) + "'";
    raise(this.path() + "unexpected " + what + " at byte " + (this.at - this.start).toString());
  }

  /** The input and the current value's path: `event: inner.grid.1: `. */
  private path(): string {
    const place = this.place();
    return place.endsWith(".") ? place.substring(0, place.length - 1) + ": " : place;
  }

  /** The same as a prefix for a name: `event: inner.grid.1.`. */
  private place(): string {
    let place = this.label + ": ";
    for (let i = 0; i < this.depth; i++) {
      const from = this.frames[i << 1];
      const to = this.frames[(i << 1) + 1];
      if (from != 0) {
        scan(from, this.end);
        place += decodeString(from, to, scannedUnits) + ".";
      } else if (<i32>to >= 0) {
        place += (<i32>to).toString() + ".";
      }
    }
    return place;
  }
}
