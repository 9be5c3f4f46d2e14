/** What a run is given. What is left out is not there. */
export interface Given {
  /** The event's payload. Any JSON value, or `raw(text)`. */
  event?: unknown;
  /** The field's arguments, with defaults applied, as the server would pass them. */
  arguments?: Record<string, unknown>;
  /** The claims of the subscriber's identity. */
  claims?: Record<string, unknown>;
  /** The permissions that the subscriber holds. */
  permissions?: string[];
  /** `{ id, channel, time }` of the event, `{ id, time }` of a request. */
  meta?: unknown;
  /** The parents of a batch. */
  parents?: unknown;
  /** The module's config. */
  config?: unknown;
  /** What `publish` returns: 0 taken, 1 over a limit, 2 refused. */
  publishResult?: 0 | 1 | 2;
}

/** What came of a run. */
export interface Result {
  /** 0 skip, 1 deliver, 2 failed, 3 complete. */
  verdict: 0 | 1 | 2 | 3 | "trap";
  /** The value, for verdicts 1 and 3. Members that are null are left out. */
  output?: unknown;
  /** The error's message, for verdict 2. */
  fail?: string;
  /** The error's extensions, where it has any. */
  failExtensions?: Record<string, unknown>;
  /** What was read, in order: "event", "argument above", "permitted a", … */
  reads: string[];
  /** Lines of the module's log: 0 debug, 1 info, 2 warn, 3 error. */
  log: { level: number; message: string }[];
  /** Events that a Mutation published, taken or not. */
  published: { channel: string; payload: unknown }[];
  /** The engine's message, where the run trapped. */
  trap?: string;
}

/** A loaded module. Each call is a run of its own, from the same first image. */
export interface Run {
  (resolver: string, given?: Given): Result;
  /** The resolvers: "Subscription.orderUpdated", … */
  readonly resolvers: string[];
  /** The module's schema. */
  readonly schema: string | null;
}

/** Loads a built module, given as a path, a file URL or bytes. */
export function load(wasm: string | URL | Uint8Array): Promise<Run>;

/**
 * Builds the project in a folder by its asconfig.json, writing no wasm, and
 * loads the result. `options` are options of asc. Rejects with asc's report
 * where the program does not compile.
 */
export function compile(folder?: string | URL, options?: string[]): Promise<Run>;

/** The same without loading; `bytes` is null where the program does not compile. */
export function build(folder?: string | URL, options?: string[]): Promise<{ bytes: Uint8Array | null; report: string }>;

/** An input that a run is to meet exactly as it is, byte for byte. */
export function raw(text: string | Uint8Array): unknown;
