import { Raw } from "./index.js";

const KINDS = ["event", "arguments", "meta", "parents", "config"];
const ABSENT = -1;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** A host of one run: answers from what is given, and writes down what happens. */
export class Host {
  constructor(resolver, given) {
    this.resolver = resolver;
    this.given = given;
    this.permissions = new Set(given.permissions);
    this.reads = [];
    this.log = [];
    this.published = [];
    this.running = false;
    this.imports = {
      input: (kind, at, capacity) => this.#input(kind, at, capacity),
      argument: (...range) => this.#named("argument", this.given.arguments, ...range),
      claim: (...range) => this.#named("claim", this.given.claims, ...range),
      permitted: (at, length) => this.#permitted(at, length),
      output: (at, length) => void (this.output = this.#text(at, length)),
      fail: (at, length) => void (this.failure = this.#text(at, length)),
      publish: (...ranges) => this.#publish(...ranges),
      log: (level, at, length) => {
        this.log.push({ level: Math.min(Math.max(level, 0), 3), message: this.#text(at, length) });
      },
    };
  }

  /** What came of the run that ended with this verdict. */
  result(verdict) {
    const result = { verdict, reads: this.reads, log: this.log, published: this.published };
    if ((verdict === 1 || verdict === 3) && this.output !== undefined) result.output = JSON.parse(this.output);
    if (verdict === 2) Object.assign(result, failureOf(this.failure));
    return result;
  }

  #input(kind, at, capacity) {
    const name = KINDS[kind];
    if (name === undefined || (!this.running && name !== "config")) return ABSENT;
    this.#read(name);
    const value = name === "arguments" ? (this.given.arguments ?? {}) : this.given[name];
    return this.#give(value, at, capacity);
  }

  #named(kind, values, nameAt, nameLength, at, capacity) {
    const name = this.#text(nameAt, nameLength);
    if (!this.running) return ABSENT;
    this.#read(`${kind} ${name}`);
    return this.#give(values && Object.hasOwn(values, name) ? values[name] : undefined, at, capacity);
  }

  #permitted(at, length) {
    const permission = this.#text(at, length);
    this.#read(`permitted ${permission}`);
    return this.permissions.has(permission) ? 1 : 0;
  }

  #publish(channelAt, channelLength, at, length) {
    if (!this.resolver.startsWith("Mutation.")) throw new WebAssembly.RuntimeError("publish outside a Mutation");
    const channel = this.#text(channelAt, channelLength);
    this.published.push({ channel, payload: JSON.parse(this.#text(at, length)) });
    return this.given.publishResult ?? 0;
  }

  /** A read counts when it is first asked for. */
  #read(name) {
    if (!this.reads.includes(name)) this.reads.push(name);
  }

  #give(value, at, capacity) {
    if (value === undefined) return ABSENT;
    const bytes = value instanceof Raw ? value.bytes : encoder.encode(JSON.stringify(value));
    const into = this.#bytes(at, capacity);
    if (bytes.length <= capacity) into.set(bytes);
    return bytes.length;
  }

  #text(at, length) {
    return decoder.decode(this.#bytes(at, length));
  }

  #bytes(at, length) {
    const [from, size] = [at >>> 0, length >>> 0];
    if (from + size > this.memory.buffer.byteLength) throw new WebAssembly.RuntimeError("a range outside memory");
    return new Uint8Array(this.memory.buffer, from, size);
  }
}

/** A failure's text is a message, or an object of message and extensions. */
function failureOf(text) {
  if (text === undefined) return { fail: "resolver failed" };
  try {
    const report = JSON.parse(text);
    if (typeof report?.message === "string") {
      return report.extensions ? { fail: report.message, failExtensions: report.extensions } : { fail: report.message };
    }
  } catch {
    // A plain message.
  }
  return { fail: text };
}
