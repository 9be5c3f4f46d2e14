// @ts-nocheck: works on bytes and limbs in linear memory
/**
 * Decimal text to the nearest f64, ties to even, exactly: short numbers by one
 * multiplication or division that cannot round twice, all others by long
 * division of big integers.
 */

/** Significant digits that are looked at; what follows can only break a tie. */
const DIGITS: i32 = 800;
/** 32-bit limbs of a big integer: 801 digits, or 5^1127, and a bit to spare. */
const LIMBS: i32 = 96;

const POWERS: StaticArray<f64> = [
  1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
  1e21, 1e22,
];

/** The number that the JSON number between two addresses is nearest to. */
export function decimal(at: usize, end: usize): f64 {
  const negative = load<u8>(at) == 0x2d;
  if (negative) at++;
  let short: u64 = 0;
  let digits = 0; // significant ones, leading zeros left out
  let point = 0; // power of ten of the last digit
  let fraction = false;
  let cursor = at;
  for (; cursor < end; cursor++) {
    const c = <i32>load<u8>(cursor);
    if (c == 0x2e) {
      fraction = true;
      continue;
    }
    if (<u32>(c - 0x30) > 9) break;
    if (fraction) point--;
    if (digits > 0 || c != 0x30) {
      digits++;
      if (digits <= 19) short = short * 10 + <u64>(c - 0x30);
    }
  }
  const exponent = point + exponentOf(cursor, end);
  let value: f64;
  if (digits == 0) value = 0;
  else if (digits <= 15 && exponent >= 0 && exponent <= 22) value = <f64>short * POWERS[exponent];
  else if (digits <= 15 && exponent < 0 && exponent >= -22) value = <f64>short / POWERS[-exponent];
  else if (digits + exponent > 310) value = Infinity;
  else if (digits + exponent < -326) value = 0;
  else value = exact(at, cursor, digits, exponent);
  return negative ? -value : value;
}

/** The exponent that is written from `at`, held within what matters. */
function exponentOf(at: usize, end: usize): i32 {
  if (at >= end) return 0;
  const sign = load<u8>(++at);
  if (sign == 0x2d || sign == 0x2b) at++;
  let value = 0;
  for (; at < end; at++) value = min(value * 10 + <i32>load<u8>(at) - 0x30, 100_000_000);
  return sign == 0x2d ? -value : value;
}

/** A big integer: limbs, least significant first, and how many are in use. */
class Big {
  limbs: StaticArray<u32> = new StaticArray<u32>(LIMBS);
  used: i32 = 0;

  /** this = this * factor + more */
  scale(factor: u32, more: u32): void {
    let carry: u64 = more;
    for (let i = 0; i < this.used; i++) {
      carry += <u64>this.limbs[i] * factor;
      this.limbs[i] = <u32>carry;
      carry >>= 32;
    }
    if (carry != 0) this.limbs[this.used++] = <u32>carry;
  }

  bits(): i32 {
    return this.used == 0 ? 0 : (this.used << 5) - <i32>clz(this.limbs[this.used - 1]);
  }

  shift(by: i32): void {
    const whole = by >> 5;
    const rest: u32 = by & 31;
    if (whole > 0) {
      for (let i = this.used - 1; i >= 0; i--) this.limbs[i + whole] = this.limbs[i];
      for (let i = 0; i < whole; i++) this.limbs[i] = 0;
      this.used += whole;
    }
    if (rest > 0) this.scale(1 << rest, 0);
  }

  /** Takes `other` off if it is no more than this, and says whether it was. */
  take(other: Big): bool {
    if (this.used < other.used) return false;
    for (let i = this.used - 1; i >= 0; i--) {
      const theirs: u32 = i < other.used ? other.limbs[i] : 0;
      if (this.limbs[i] > theirs) break;
      if (this.limbs[i] < theirs) return false;
    }
    let borrow: i64 = 0;
    for (let i = 0; i < this.used; i++) {
      const theirs: u32 = i < other.used ? other.limbs[i] : 0;
      borrow += <i64>this.limbs[i] - <i64>theirs;
      this.limbs[i] = <u32>borrow;
      borrow >>= 32;
    }
    while (this.used > 0 && this.limbs[this.used - 1] == 0) this.used--;
    return true;
  }
}

// Kept for all numbers of a run: nothing is freed within one.
const top = new Big();
const bottom = new Big();

/** digits * 10^exponent, rounded once. */
function exact(at: usize, end: usize, digits: i32, exponent: i32): f64 {
  top.used = 0;
  let taken = 0;
  let rest = false;
  for (; at < end; at++) {
    const c = <u32>load<u8>(at) - 0x30;
    if (c > 9 || (taken == 0 && c == 0)) continue; // the point; leading zeros
    if (taken < DIGITS) top.scale(10, c);
    else if (c != 0) rest = true;
    taken++;
  }
  if (taken > DIGITS) {
    exponent += taken - DIGITS;
    if (rest) {
      // One more digit stands for all that were left out.
      top.scale(10, 1);
      exponent--;
    }
  }
  bottom.used = 0;
  bottom.scale(1, 1);
  const fives = exponent < 0 ? bottom : top;
  for (let i = abs(exponent); i > 0; i--) fives.scale(5, 0);
  return divide(exponent);
}

/** top / bottom * 2^power, rounded once. */
function divide(power: i32): f64 {
  const ahead = top.bits() - bottom.bits();
  if (ahead > 0) bottom.shift(ahead);
  else top.shift(-ahead);
  power += ahead;
  let quotient: u64 = 0;
  // Leading bit first; 64 of them, and whether anything is left.
  let taken = 0;
  while (taken < 64) {
    const bit = top.take(bottom);
    if (bit || taken > 0) {
      quotient = (quotient << 1) | u64(bit);
      taken++;
    } else {
      power--;
    }
    top.shift(1);
  }
  return assemble(quotient, power, top.used != 0);
}

/** quotient / 2^63 * 2^power, the quotient's top bit being set. */
function assemble(quotient: u64, power: i32, rest: bool): f64 {
  if (power > 1023) return Infinity;
  const drop = power < -1022 ? 11 + (-1022 - power) : 11;
  if (drop > 64) return 0;
  const kept = drop == 64 ? 0 : quotient >> drop;
  const half: u64 = (<u64>1) << (drop - 1);
  const below = quotient & ((half << 1) - 1);
  const up = below > half || (below == half && (rest || (kept & 1) == 1));
  // A normal number's top bit coincides with the lowest bit of its exponent,
  // and a carry out of the fraction raises the exponent as it should.
  const biased: u64 = power < -1022 ? 0 : <u64>(power + 1022);
  return reinterpret<f64>((biased << 52) + kept + u64(up));
}
