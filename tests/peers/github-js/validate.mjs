// Holds GraphQL queries, and the answers that a server gave, against GitHub's schema. Prints each mistake on a line of its own.
//   node validate.mjs NODE_MODULES < a JSON object a line: {"query": …, "variables": …, "answer": {"data": …}}
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';

const require = createRequire(`${process.argv[2]}/`);
const { buildASTSchema, graphql, parse, validate } = require('graphql');
// Some releases of the schema name a field twice.
const schema = buildASTSchema(parse(readFileSync(`${process.argv[2]}/@octokit/graphql-schema/schema.graphql`, 'utf8')), { assumeValidSDL: true });
for (const line of readFileSync(0, 'utf8').split('\n').filter(line => line)) {
  const { query, variables, answer } = JSON.parse(line);
  const mistakes = validate(schema, parse(query));
  // Run over the answer itself: what is not there where something must be, or is of another type, is an error.
  const { errors = [] } = mistakes.length ? {} : await graphql({ schema, source: query, rootValue: answer.data, variableValues: variables });
  for (const mistake of [...mistakes, ...errors]) console.log(mistake.message);
}
