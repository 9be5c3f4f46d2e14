// Says what graphql-js has against schemas: lines of JSON in, each an SDL, and
// lines of JSON out, each a list of messages.
'use strict';

const readline = require('node:readline');
const { buildSchema, validateSchema } = require('graphql');

function problems(sdl) {
  try {
    return validateSchema(buildSchema(sdl)).map((problem) => problem.message);
  } catch (error) {
    return [error.message];
  }
}

async function main() {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    process.stdout.write(JSON.stringify(problems(JSON.parse(line))) + '\n');
  }
}

main();
