import { raise } from "./run";

/** How deep arrays and objects may nest, in what is read and what is written. */
export const MAX_DEPTH: i32 = 64;

/**
 * Writes one JSON text as UTF-8 into a buffer of its own. What JSON cannot say
 * (a number that is not finite, nesting beyond `MAX_DEPTH`) ends the run.
 */
export class Writer {
  /** Address of the text. Moves when the buffer grows. */
  start: usize = heap.alloc(512);
  /** Bytes written. */
  length: i32 = 0;

  /** How deep this text may nest. */
  private readonly limit: i32;
  private capacity: i32 = 512;
  private depth: i32 = 0;
  /** Per level the member that is being written; null in an array. */
  private names: StaticArray<string | null> = new StaticArray<string | null>(MAX_DEPTH + 1);
  /** Per level the index of the element that is being written. */
  private indices: StaticArray<i32> = new StaticArray<i32>(MAX_DEPTH + 1);

  /** `batch` where the text is a list whose elements may each nest as deep as a value. */
  constructor(batch: bool = false) {
    this.limit = batch ? MAX_DEPTH + 1 : MAX_DEPTH;
  }

  /** The text written so far. */
  text(): string {
    return String.UTF8.decodeUnsafe(this.start, this.length);
  }

  /** Opens an object; `close` with `}` ends it. */
  openObject(): void {
    this.open(0x7b);
  }

  /** Opens an array; `close` with `]` ends it. */
  openArray(): void {
    this.open(0x5b);
  }

  /** Ends the innermost array or object by its closing bracket. */
  close(bracket: i32): void {
    this.depth--;
    this.reserve(1);
    this.push(bracket);
  }

  /** Begins a member, whose value must follow. */
  name(name: string): void {
    this.quoted(name);
    this.push(0x3a);
    this.names[this.depth - 1] = name;
  }

  /** Writes a string. */
  string(value: string): void {
    this.quoted(value);
  }

  /** Writes a finite number, as short as it can be read back. */
  float(value: f64): void {
    this.separate();
    if (!isFinite(value)) raise(this.path() + value.toString() + " is not a Float");
    let text = value.toString();
    if (text.endsWith(".0")) text = text.substring(0, text.length - 2);
    // AssemblyScript prints no sign for it.
    if (value == 0 && reinterpret<i64>(value) != 0) text = "-0";
    this.append(text);
  }

  /** Writes `text`, which must be one JSON value. */
  raw(text: string): void {
    this.separate();
    this.append(text);
  }

  private append(text: string): void {
    this.reserve(text.length * 3);
    this.length += <i32>(
      String.UTF8.encodeUnsafe(
        changetype<usize>(text),
        text.length,
        this.start + this.length,
        false,
        String.UTF8.ErrorMode.REPLACE,
      )
    );
  }

  private open(bracket: i32): void {
    this.separate();
    if (this.depth == this.limit) raise(this.path() + "nested deeper than 64 levels");
    this.names[this.depth] = null;
    this.indices[this.depth++] = -1;
    this.push(bracket);
  }

  /** Writes the comma that is due before a value, and counts elements. */
  private separate(): void {
    this.reserve(2);
    const depth = this.depth;
    if (depth > 0) this.indices[depth - 1]++;
    if (this.length == 0) return;
    const last = load<u8>(this.start + this.length - 1);
    if (last != 0x7b && last != 0x5b && last != 0x3a) this.push(0x2c);
  }

  private quoted(value: string): void {
    this.separate();
    const units = value.length;
    this.reserve(units * 6 + 2);
    let to = this.start + this.length;
    store<u8>(to++, 0x22);
    for (let i = 0; i < units; i++) {
      let c: u32 = load<u16>(changetype<usize>(value) + ((<usize>i) << 1));
      if (c < 0x80) {
        if (c < 0x20 || c == 0x22 || c == 0x5c) {
          to = escape(to, c);
        } else {
          store<u8>(to++, c);
        }
        continue;
      }
      if ((c & 0xf800) == 0xd800) {
        const low: u32 = i + 1 < units ? load<u16>(changetype<usize>(value) + ((<usize>i) << 1), 2) : 0;
        if (c < 0xdc00 && (low & 0xfc00) == 0xdc00) {
          c = 0x10000 + ((c & 0x3ff) << 10) + (low & 0x3ff);
          i++;
        } else {
          c = 0xfffd;
        }
      }
      to = encodeScalar(to, c);
    }
    store<u8>(to++, 0x22);
    this.length = <i32>(to - this.start);
  }

  private push(byte: i32): void {
    store<u8>(this.start + this.length++, byte);
  }

  /** Sees to it that `more` bytes fit, and a colon or comma after them. */
  private reserve(more: i32): void {
    const need = this.length + more + 2;
    if (need <= this.capacity) return;
    this.capacity = max(need, this.capacity << 1);
    this.start = heap.realloc(this.start, this.capacity);
  }

  /** Where in the value the writer stands: `output: items.0.total: `. */
  private path(): string {
    let path = "output: ";
    for (let i = 0; i < this.depth; i++) {
      const name = this.names[i];
      path += name == null ? this.indices[i].toString() : name;
      path += i + 1 == this.depth ? ": " : ".";
    }
    return path;
  }
}

/** Writes the escape of `c`; gives the address after it. */
function escape(to: usize, c: u32): usize {
  store<u8>(to, 0x5c);
  let short: u32 = c;
  if (c == 0x0a) short = 0x6e;
  else if (c == 0x0d) short = 0x72;
  else if (c == 0x09) short = 0x74;
  else if (c < 0x20) {
    store<u8>(to, 0x75, 1);
    store<u16>(to, 0x3030, 2);
    store<u8>(to, 0x30 + (c >> 4), 4);
    const low = c & 15;
    store<u8>(to, low < 10 ? 0x30 + low : 0x57 + low, 5);
    return to + 6;
  }
  store<u8>(to, short, 1);
  return to + 2;
}

/** Writes a code point beyond ASCII; gives the address after it. */
function encodeScalar(to: usize, c: u32): usize {
  if (c < 0x800) {
    store<u8>(to++, 0xc0 | (c >> 6));
  } else {
    if (c < 0x10000) {
      store<u8>(to++, 0xe0 | (c >> 12));
    } else {
      store<u8>(to++, 0xf0 | (c >> 18));
      store<u8>(to++, 0x80 | ((c >> 12) & 0x3f));
    }
    store<u8>(to++, 0x80 | ((c >> 6) & 0x3f));
  }
  store<u8>(to++, 0x80 | (c & 0x3f));
  return to;
}
