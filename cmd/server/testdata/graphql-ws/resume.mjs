// Subscribes with the client of resuming.mjs and prints a line for each result, until
// there were COUNT. node resume.mjs URL OPERATION COUNT [CURSOR]
import WebSocket from 'ws';
import { createResumingClient } from './resuming.mjs';

const [url, query, count, cursor] = process.argv.slice(2);
const say = (what) => console.log(JSON.stringify(what));

const client = createResumingClient({
  url,
  webSocketImpl: WebSocket,
  lazy: false,
  retryAttempts: Infinity,
  shouldRetry: () => true,
  retryWait: () => new Promise((done) => setTimeout(done, 1 + 20 * Math.random())),
  onNonLazyError: () => {},
  on: {
    connected: () => client?.subscribe({ query: '{ __typename }' }, { next: () => say({ live: true }), error: () => {}, complete: () => {} }),
  },
});

let left = Number(count);
const stop = client.subscribe(
  { query, extensions: cursor ? { runnel: { cursor } } : undefined },
  {
    next: ({ data, errors, extensions }) => {
      say(errors ? { code: errors[0].extensions?.code, cursor: extensions?.runnel.cursor } : { data, cursor: extensions?.runnel.cursor });
      if (--left === 0) stop();
    },
    error: (error) => say({ error }),
    complete: () => {
      say({ complete: true });
      client.dispose();
    },
  },
);
