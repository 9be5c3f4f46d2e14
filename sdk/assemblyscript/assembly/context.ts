import { encode } from "./encode";
import * as host from "./host";
import { Source, read, readMember } from "./input";
import { Reader } from "./reader";
import { Writer } from "./writer";

/**
 * Who the subscriber is and what they may do, the module's config, and the
 * event's meta.
 *
 * What a resolver reads here decides with whom its result can be shared: one
 * that asks for a permission runs once for those who hold it and once for all
 * others, one that reads the claim `sub` runs once per subscriber. So ask late,
 * and for little.
 */
export class Context {
  /** Whether the subscriber holds that permission. */
  permitted(permission: string): bool {
    const bytes = host.utf8(permission);
    return host.permitted(changetype<usize>(bytes), bytes.byteLength) == 1;
  }

  /**
   * A claim of the subscriber's identity. `claim<string | null>("sub")` is null
   * where there is no such claim; `claim<string>("sub")` then ends the run with
   * an error, as does a claim of another type.
   */
  claim<T>(name: string): T {
    return read<T>(Source.Claim, name);
  }

  /**
   * A member of the module's config, by the same rules as `claim`:
   * `config<string | null>("greeting")`.
   */
  config<T>(name: string): T {
    return readMember<T>(Source.Config, name);
  }

  /**
   * The event's, or the request's, id and time. Since no two events share them,
   * read it only where it is needed.
   */
  meta(): Meta {
    return read<Meta>(Source.Meta, "");
  }
}

/** The context of a Mutation field: it may publish. */
export class MutationContext extends Context {
  /**
   * Publishes an event into the tenant's own bus. It goes out, in order with the
   * others, once the resolver has delivered; on any other end none goes out.
   * False where the host does not take it: over a limit, or a bad channel.
   */
  publish<T>(channel: string, payload: T): bool {
    const name = host.utf8(channel);
    const writer = new Writer();
    encode<T>(writer, payload);
    return host.publish(changetype<usize>(name), name.byteLength, writer.start, writer.length) == 0;
  }
}

/** What the server knows of an event or a request. */
export class Meta {
  /** The id of the event; of the request for a Query or Mutation field. */
  id: string = "";
  /** The event's channel; empty for a Query or Mutation field. */
  channel: string = "";
  /** When it was accepted: RFC 3339, UTC, milliseconds. */
  time: string = "";

  /** @hidden */
  __decode(reader: Reader): Meta {
    const meta = new Meta();
    reader.enterObject("Meta");
    while (reader.member()) {
      if (reader.is("id")) meta.id = reader.string();
      else if (reader.is("channel")) meta.channel = reader.string();
      else if (reader.is("time")) meta.time = reader.string();
      else reader.skip();
    }
    return meta;
  }
}
