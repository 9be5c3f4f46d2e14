/**
 * The host functions of `runnel_v1`, and how text travels through them: UTF-8,
 * as an address and a length in bytes. Nothing outside the SDK imports this.
 */

// @ts-ignore: decorator
@external("runnel_v1", "input")
export declare function input(kind: i32, into: usize, capacity: i32): i32;

// @ts-ignore: decorator
@external("runnel_v1", "argument")
export declare function argument(name: usize, length: i32, into: usize, capacity: i32): i32;

// @ts-ignore: decorator
@external("runnel_v1", "claim")
export declare function claim(name: usize, length: i32, into: usize, capacity: i32): i32;

// @ts-ignore: decorator
@external("runnel_v1", "permitted")
export declare function permitted(permission: usize, length: i32): i32;

// @ts-ignore: decorator
@external("runnel_v1", "output")
export declare function output(at: usize, length: i32): void;

// @ts-ignore: decorator
@external("runnel_v1", "fail")
export declare function fail(at: usize, length: i32): void;

// @ts-ignore: decorator
@external("runnel_v1", "publish")
export declare function publish(channel: usize, channelLength: i32, payload: usize, length: i32): i32;

// @ts-ignore: decorator
@external("runnel_v1", "log")
export declare function log(level: i32, at: usize, length: i32): void;

/** The UTF-8 bytes of `text`; what is no Unicode in it becomes U+FFFD. */
export function utf8(text: string): ArrayBuffer {
  return String.UTF8.encode(text, false, String.UTF8.ErrorMode.REPLACE);
}
