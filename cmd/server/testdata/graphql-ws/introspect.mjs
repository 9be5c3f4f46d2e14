// Has graphql-js read the server's introspection, as tools do, and prints the
// schema. node introspect.mjs URL
import { buildClientSchema, getIntrospectionQuery, printSchema } from 'graphql';

const response = await fetch(process.argv[2], {
  method: 'POST',
  headers: { 'content-type': 'application/json', accept: 'application/graphql-response+json' },
  body: JSON.stringify({ query: getIntrospectionQuery({ specifiedByUrl: true, directiveIsRepeatable: true, inputValueDeprecation: true }) }),
});
const { data, errors } = await response.json();
if (errors) throw new Error(JSON.stringify(errors));
console.log(printSchema(buildClientSchema(data)));
