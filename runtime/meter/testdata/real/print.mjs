// Prints what the calls of a case print: node print.mjs NAME
import { cases, run } from "./calls.mjs";

const found = cases.find((c) => c.name === process.argv[2]);
if (!found) throw new Error(`cases: ${cases.map((c) => c.name).join(", ")}`);
console.log(JSON.stringify(run(found), null, 2));
