// Subscribes with the graphql-sse client, in distinct connections mode, and prints
// one JSON line for each thing that happens. After COUNT results it completes; 0
// leaves that to the server. When the server goes away the client comes back.
// node subscribe.mjs URL OPERATION COUNT [HEADERS]
import { createClient } from 'graphql-sse';

const [url, query, count, headers] = process.argv.slice(2);
const say = (what) => console.log(JSON.stringify(what));

const client = createClient({
  url,
  headers: headers ? JSON.parse(headers) : {},
  retryAttempts: 100,
  retry: () => new Promise((resolve) => setTimeout(resolve, 100)),
});

let left = Number(count);
const stop = client.subscribe(
  { query },
  {
    next: (result) => {
      say({ next: result });
      if (--left === 0) stop();
    },
    error: (error) => say({ error: String(error) }),
    complete: () => say({ complete: true }),
  },
  { connected: (again) => say({ connected: true, again }) },
);
