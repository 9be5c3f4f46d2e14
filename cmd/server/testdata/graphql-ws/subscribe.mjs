// Subscribes with the graphql-ws client, which reconnects by itself, and prints
// one JSON line for each thing that happens. After COUNT results it completes
// the operation; COUNT 0 leaves that to the server.
// node subscribe.mjs URL OPERATION COUNT [CONNECTION_PARAMS]
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';

const [url, query, count, connectionParams] = process.argv.slice(2);
const say = (what) => console.log(JSON.stringify(what));

const client = createClient({
  url,
  webSocketImpl: WebSocket,
  retryAttempts: Infinity,
  shouldRetry: () => true, // where nobody listens yet, too
  retryWait: () => new Promise((done) => setTimeout(done, 50)),
  connectionParams: connectionParams ? JSON.parse(connectionParams) : undefined,
  on: { connected: () => live(), closed: (event) => say({ closed: event.code, reason: event.reason }) },
});

// Messages of one socket are taken in order, so this query is answered only
// after the subscription before it is live.
const live = () =>
  client.subscribe({ query: '{ __typename }' }, { next: (result) => say({ live: result.data }), error: (e) => say({ liveError: e }), complete: () => {} });

let left = Number(count);
const stop = client.subscribe(
  { query },
  {
    next: (result) => {
      say({ next: result });
      if (--left === 0) stop();
    },
    error: (errors) => {
      say({ error: errors });
      client.dispose();
    },
    complete: () => {
      say({ complete: true });
      client.dispose();
    },
  },
);
