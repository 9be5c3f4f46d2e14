// Runs all audits of graphql-http against a server and prints one JSON line for
// each, and at the end how many there are. node audit.mjs URL
import { serverAudits } from 'graphql-http';

const audits = serverAudits({ url: process.argv[2] });
for (const { id, name, fn } of audits) {
  const { status, reason, response } = await fn();
  const got = response && `${response.status} ${await response.text().catch(() => 'a body that was read')}`;
  console.log(JSON.stringify({ id, name, status, reason, got }));
}
console.log(JSON.stringify({ audits: audits.length }));
