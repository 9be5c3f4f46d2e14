// Reads the result of an introspection query and prints the schema that a
// client makes of it, or fails with what is wrong.
'use strict';

const { readFileSync } = require('node:fs');
const { buildClientSchema, printSchema, validateSchema } = require('graphql');

const schema = buildClientSchema(JSON.parse(readFileSync(0, 'utf8')).data);
const problems = validateSchema(schema);
if (problems.length > 0) throw problems[0];
process.stdout.write(printSchema(schema) + '\n');
