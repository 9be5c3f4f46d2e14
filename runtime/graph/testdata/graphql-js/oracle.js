// Answers cases with what graphql-js does: lines of JSON in, lines of JSON out,
// in order. A line {"sdl"} sets the schema of the cases after it.
'use strict';

const readline = require('node:readline');
const graphql = require('graphql');

// What a resolver put out is JSON, so an object type's value must be an object
// and an abstract one names its type. graphql-js would read fields of anything.
function prepare(sdl) {
  const schema = graphql.buildSchema(sdl);
  const problems = graphql.validateSchema(schema);
  if (problems.length > 0) throw problems[0];
  for (const type of Object.values(schema.getTypeMap())) {
    if (graphql.isObjectType(type) && !type.name.startsWith('__')) type.isTypeOf = isObject;
  }
  return schema;
}

const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);

const typeResolver = (value) =>
  isObject(value) && Object.hasOwn(value, '__typename') && typeof value.__typename === 'string' ? value.__typename : undefined;

// Where a document is invalid: at which stage, and by which rules.
function refused(schema, query) {
  let document;
  try {
    document = graphql.parse(query, { allowEmptySelectionSets: false }); // which the grammar does not have
  } catch (error) {
    return { stage: 'syntax', messages: [error.message] };
  }
  const broken = new Set();
  const errors = graphql.validate(schema, document, graphql.specifiedRules.map((rule) => noting(rule, broken)));
  if (errors.length === 0) return { document };
  return { stage: 'validation', messages: errors.map((e) => e.message), rules: [...broken] };
}

// A rule that notes its name where it reports an error.
const noting = (rule, broken) => (context) => {
  const own = Object.create(context);
  own.reportError = (error) => {
    broken.add(rule.name);
    context.reportError(error);
  };
  return rule(own);
};

// Resolves fields of objects: by their own resolvers, as random.Resolver has it,
// or as members. Notes which resolvers are called with which arguments.
function objectFields(resolvers) {
  const resolved = new Set();
  const resolve = (source, values, _context, info) => {
    const name = `${info.parentType.name}.${info.fieldName}`;
    const resolver = resolvers[name];
    if (!resolver) return Object.hasOwn(source, info.fieldName) ? source[info.fieldName] : undefined;
    resolved.add(JSON.stringify([name, JSON.stringify(values)]));
    if (resolver.Fault) throw new Error(resolver.Fault);
    const number = Object.hasOwn(source, '#') ? source['#'] : 0;
    const value = JSON.parse(resolver.Elements[(number + Object.keys(values).length) % resolver.Elements.length]);
    if (isObject(value) && Object.hasOwn(value, '@error')) throw new Error('of an element');
    return value;
  };
  return { resolved, resolve };
}

// A location whose column counts characters, not UTF-16 units.
function inCharacters({ line, column }, query) {
  const before = query.split(/\r\n|\n|\r/)[line - 1].slice(0, column - 1);
  return { line, column: [...before].length + 1 };
}

async function answer(schema, request) {
  const { document, ...refusal } = refused(schema, request.query);
  if (!document) return refusal;
  const operation = graphql.getOperationAST(document, request.operationName);
  if (!operation) return { stage: 'validation', messages: ['no such operation'], rules: [] };
  const calls = [];
  const outputs = Object.fromEntries(Object.entries(request.outputs).map(([name, text]) => [name, JSON.parse(text)]));
  const { resolved, resolve: resolveNested } = objectFields(request.resolvers);
  const parent = { query: 'Query', mutation: 'Mutation', subscription: 'Subscription' }[operation.operation];
  const args = {
    schema,
    document,
    operationName: request.operationName,
    variableValues: request.variables ? JSON.parse(request.variables) : undefined,
    typeResolver,
  };
  let result;
  if (operation.operation === 'subscription') {
    result = await graphql.subscribe({
      ...args,
      fieldResolver: resolveNested,
      subscribeFieldResolver: async function* (_source, values, _context, info) {
        calls.push([info.path.key, values]);
        yield { [info.fieldName]: outputs[`${parent}.${info.fieldName}`] };
      },
    });
    if (Symbol.asyncIterator in result) result = (await result.next()).value;
  } else {
    const resolve = (_source, values, _context, info) => {
      calls.push([info.path.key, values]);
      return outputs[`${parent}.${info.fieldName}`];
    };
    result = await graphql.execute({
      ...args,
      fieldResolver: (source, values, context, info) => (source === undefined ? resolve : resolveNested)(source, values, context, info),
    });
  }
  const errors = result.errors ?? [];
  if (!('data' in result)) return { stage: 'request', messages: errors.map((e) => e.message) };
  return {
    stage: 'execution',
    messages: errors.map((e) => e.message),
    errors: errors.map((e) => ({ path: e.path ?? [], locations: e.locations.map((at) => inCharacters(at, request.query)) })),
    data: JSON.stringify(result.data),
    resolved: [...resolved].map((call) => JSON.parse(call)),
    calls: calls.map(([key, values]) => [key, JSON.stringify(values)]),
  };
}

async function main() {
  let schema;
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const request = JSON.parse(line);
    if (request.sdl) {
      schema = prepare(request.sdl);
      continue;
    }
    process.stdout.write(JSON.stringify(await answer(schema, request)) + '\n');
  }
}

main();
