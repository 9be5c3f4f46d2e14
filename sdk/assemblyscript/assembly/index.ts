/**
 * What resolvers are written with. The types of a module's own schema are in
 * the `schema.ts` that the build writes next to its code.
 */
export { Box, box, valueOr } from "./box";
export { Context, Meta, MutationContext } from "./context";
export { Event } from "./event";
export { Json } from "./json";
export { log } from "./log";
export { Parents, Values } from "./parents";
export { complete, completeWith, fail, skip } from "./run";
