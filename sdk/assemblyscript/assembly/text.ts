// @ts-nocheck: builds strings in place, by AssemblyScript's own layout
/**
 * Strings as they lie in JSON text: checked while they are scanned, decoded only
 * when somebody wants them.
 */

/** Bytes up to, not including, the closing quote of the last string scanned. */
export let scannedTo: usize = 0;
/** Its length in UTF-16 code units. */
export let scannedUnits: i32 = 0;
/** Whether it has escapes. */
export let scannedEscapes: bool = false;

/**
 * Scans a string from the byte after its opening quote. Returns the address of
 * the first byte that is no part of a valid string, or 0 where all is well.
 * `end` is the end of the text.
 */
export function scan(at: usize, end: usize): usize {
  let units = 0;
  let escapes = false;
  while (at < end) {
    const c: u32 = load<u8>(at);
    if (c == 0x22) {
      scannedTo = at;
      scannedUnits = units;
      scannedEscapes = escapes;
      return 0;
    }
    if (c < 0x20) return at;
    units++;
    if (c == 0x5c) {
      escapes = true;
      const size = escapeSize(at, end);
      if (size == 0) return at;
      if (size == 12) units++;
      at += size;
    } else if (c < 0x80) {
      at++;
    } else {
      const size = sequenceSize(at, end);
      if (size == 0) return at;
      if (size == 4) units++;
      at += size;
    }
  }
  return end;
}

/** The string between two addresses, which `scan` has found valid. */
export function decodeString(at: usize, end: usize, units: i32): string {
  const result = changetype<string>(__new((<usize>units) << 1, idof<string>()));
  let to = changetype<usize>(result);
  while (at < end) {
    let c: u32 = load<u8>(at++);
    if (c == 0x5c) {
      c = load<u8>(at++);
      if (c == 0x75) {
        c = hex(at);
        at += 4;
      } else {
        c = unescape(c);
      }
    } else if (c >= 0x80) {
      const more = c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
      c &= 0x3f >> more;
      for (let i = 0; i < more; i++) c = (c << 6) | (load<u8>(at++) & 0x3f);
      if (c > 0xffff) {
        store<u16>(to, 0xd7c0 + (c >> 10));
        to += 2;
        c = 0xdc00 | (c & 0x3ff);
      }
    }
    store<u16>(to, c);
    to += 2;
  }
  return result;
}

/** Bytes of the escape at `at`; 12 for a surrogate pair, 0 for none. */
function escapeSize(at: usize, end: usize): usize {
  if (at + 2 > end) return 0;
  const c: u32 = load<u8>(at, 1);
  if (c != 0x75) return c == 0x22 || c == 0x5c || c == 0x2f || unescape(c) != c ? 2 : 0;
  if (at + 6 > end) return 0;
  const unit = hex(at + 2);
  if (unit < 0) return 0;
  if ((unit & 0xf800) != 0xd800) return 6;
  if (unit >= 0xdc00 || at + 12 > end || load<u16>(at, 6) != 0x755c) return 0;
  return (hex(at + 8) & 0xfffffc00) == 0xdc00 ? 12 : 0;
}

/** What the letter after a backslash stands for; the letter itself if nothing. */
function unescape(c: u32): u32 {
  if (c == 0x62) return 0x08;
  if (c == 0x66) return 0x0c;
  if (c == 0x6e) return 0x0a;
  if (c == 0x72) return 0x0d;
  if (c == 0x74) return 0x09;
  return c;
}

/** Four hexadecimal digits, or -1. */
function hex(at: usize): i32 {
  let value = 0;
  for (let i: usize = 0; i < 4; i++) {
    const c: i32 = load<u8>(at + i);
    const letter = (c | 0x20) - 0x61;
    if (<u32>(c - 0x30) < 10) value = (value << 4) | (c - 0x30);
    else if (<u32>letter < 6) value = (value << 4) | (letter + 10);
    else return -1;
  }
  return value;
}

/** Bytes of the UTF-8 sequence at `at`, which is beyond ASCII; 0 if malformed. */
function sequenceSize(at: usize, end: usize): usize {
  const c: u32 = load<u8>(at);
  const size: usize = c < 0xc2 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf5 ? 4 : 0;
  if (size == 0 || at + size > end) return 0;
  for (let i: usize = 1; i < size; i++) {
    if ((load<u8>(at + i) & 0xc0) != 0x80) return 0;
  }
  const second: u32 = load<u8>(at, 1);
  if (c == 0xe0 && second < 0xa0) return 0; // overlong
  if (c == 0xed && second > 0x9f) return 0; // surrogate
  if (c == 0xf0 && second < 0x90) return 0; // overlong
  if (c == 0xf4 && second > 0x8f) return 0; // beyond U+10FFFF
  return size;
}
