import * as host from "./host";

/** Lines in the module's log. The host bounds how much one run may write. */
export namespace log {
  /** For the author. */
  export function debug(message: string): void {
    line(0, message);
  }

  /** For the record. */
  export function info(message: string): void {
    line(1, message);
  }

  /** Something is odd, and the run goes on. */
  export function warn(message: string): void {
    line(2, message);
  }

  /** Something is wrong. */
  export function error(message: string): void {
    line(3, message);
  }
}

/** A line at a level of `runnel_v1`: 0 debug, 1 info, 2 warn, 3 error. */
export function line(level: i32, message: string): void {
  const bytes = host.utf8(message);
  host.log(level, changetype<usize>(bytes), bytes.byteLength);
}
