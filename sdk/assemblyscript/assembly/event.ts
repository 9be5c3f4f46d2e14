import { Box } from "./box";
import { Source, read } from "./input";

/**
 * The event that a Subscription field is resolved for. `T` is the type of its
 * payload: one of the schema's types, a list, or any other that can be read.
 * Members of the payload that `T` does not have are ignored.
 */
export class Event<T> {
  private payload: Box<T> | null = null;

  /**
   * The payload. The host is asked the first time; later calls give the same
   * object. A payload that does not fit `T` ends the run with an error such as
   * `event: total: expected Float, got a string`.
   */
  read(): T {
    let payload = this.payload;
    if (payload == null) {
      payload = new Box<T>(read<T>(Source.Event, ""));
      this.payload = payload;
    }
    return payload.value;
  }
}
