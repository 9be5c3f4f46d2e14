/** The conformance module: schema.graphql says what each resolver must do. */
import {
  Box,
  Context,
  Event,
  Json,
  MutationContext,
  Parents,
  Values,
  complete,
  completeWith as last,
  fail,
  log,
  skip,
} from "@runnel/sdk";
import {
  AnnounceArguments,
  BigArguments,
  ChainArguments,
  Echo,
  EchoArgumentsArguments,
  FailingArguments,
  LazyEventArguments,
  Node,
  Reading,
  Stamp,
  State,
  Station,
  StationLatestArguments,
  SumArguments,
  Unit,
  WarmArguments,
  Who,
} from "./schema";

export function constant(): i32 {
  return 42;
}

export function skipAlways(): i32 {
  return skip();
}

export function completeNow(): i32 {
  return complete();
}

export function completeWith(): i32 {
  return last(7);
}

export function nothing(): Box<i32> | null {
  return null;
}

export function reading(event: Event<Reading>): Reading {
  return event.read();
}

export function warm(event: Event<Reading>, args: WarmArguments): f64 {
  const celsius = event.read().celsius;
  if (celsius <= args.above) skip();
  return args.unit == Unit.FAHRENHEIT ? celsius * 1.8 + 32 : celsius;
}

export function lazyEvent(args: LazyEventArguments, event: Event<Reading>): f64 {
  return args.want ? event.read().celsius : 0;
}

export function echoArguments(args: EchoArgumentsArguments): Echo {
  const echo: Echo = {
    text: args.text,
    id: args.id,
    count: args.count,
    ratio: args.ratio,
    flag: args.flag,
    unit: args.unit,
    numbers: args.numbers,
    grid: args.grid,
    filter: null,
  };
  const filter = args.filter;
  if (filter != null) echo.filter = { prefix: filter.prefix, limit: filter.limit, tags: filter.tags };
  return echo;
}

export function whoAmI(context: Context): Who {
  const subject = context.claim<string | null>("sub");
  if (subject == null) skip();
  const roles = context.claim<Array<string> | null>("roles");
  return { subject, roles: roles == null ? [] : roles };
}

export function secret(context: Context): string {
  if (context.permitted("a")) return "a";
  if (context.permitted("b")) return "b";
  fail("neither a nor b");
}

export function stamp(context: Context): Stamp {
  const meta = context.meta();
  return { id: meta.id, channel: meta.channel, time: meta.time };
}

export function greeting(context: Context): string {
  const greeting = context.config<string | null>("greeting");
  return greeting == null ? "hello" : greeting;
}

export function failing(args: FailingArguments): i32 {
  return fail(args.message);
}

export function failingWith(): i32 {
  return fail("out of stock", Json.object().with("code", "OUT_OF_STOCK").with("left", 0));
}

export function panicking(): i32 {
  throw new Error("on purpose");
}

export function logging(): i32 {
  log.debug("debug line");
  log.info("info line");
  log.warn("warn line");
  log.error("error line");
  return 4;
}

export function big(args: BigArguments): string {
  return "0123456789".repeat(args.times);
}

export function note(event: Event<Reading>): string | null {
  return event.read().note;
}

export function chain(args: ChainArguments): Node | null {
  let node: Node | null = null;
  for (let label = 1; label <= args.depth; label++) node = { label, next: node };
  return node;
}

export function label(stations: Parents<Station>): string[] {
  return stations.read().map<string>((station) => "station " + station.id);
}

export function latest(parents: Parents<Station>, args: StationLatestArguments): Values<Reading> {
  const stations = parents.read();
  const celsius = args.celsius;
  const values = parents.values<Reading>();
  for (let i = 0; i < stations.length; i++) {
    const sensor = stations[i].id;
    if (stations[i].state == State.BROKEN) {
      values.fail(i, "out of order", Json.object().with("station", sensor));
    } else if (stations[i].state == State.OPEN) {
      values.set(i, {
        sensor,
        celsius,
        ok: true,
        tags: [],
        count: null,
        unit: null,
        note: null,
        grid: null,
        inner: null,
      });
    }
  }
  return values;
}

export function rank(parents: Parents<Station>, context: Context): Values<i32> {
  const values = parents.values<i32>();
  if (!context.permitted("rank")) fail("no ranks");
  for (let i = 0; i < values.length; i++) values.set(i, i + 1);
  return values;
}

export function sum(args: SumArguments): i32 {
  const sum = <i64>args.a + <i64>args.b;
  if (sum < i32.MIN_VALUE || sum > i32.MAX_VALUE) fail("overflow");
  return <i32>sum;
}

export function announce(context: MutationContext, args: AnnounceArguments): bool {
  const channel = args.channel;
  return context.publish(channel, Json.object().with("note", args.text));
}
