/** What the code that the build writes is made of. Not for use by hand. */
export { Box } from "./box";
export { Json } from "./json";
export { Reader } from "./reader";
export { Writer } from "./writer";
export { decode, decodeIds } from "./decode";
export { member } from "./encode";
export { argument } from "./argument";
