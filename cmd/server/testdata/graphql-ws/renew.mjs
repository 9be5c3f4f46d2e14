// Subscribes with the graphql-ws client and tokens that do not last: fetches a
// fresh one for each connection, and subscribes again when the server says that
// the token is not valid any more. Prints one JSON line for each thing that
// happens. node renew.mjs URL OPERATION TOKEN_URL
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';

const [url, query, tokenURL] = process.argv.slice(2);
const say = (what) => console.log(JSON.stringify(what));

const client = createClient({
  url,
  webSocketImpl: WebSocket,
  retryWait: () => new Promise((done) => setTimeout(done, 50)), // else it is seconds
  connectionParams: async () => {
    const answer = await fetch(tokenURL);
    return { authorization: `Bearer ${await answer.text()}` };
  },
  on: {
    connected: () => {
      // Messages of one socket are taken in order, so this query is answered only
      // after the subscription before it is live.
      client.subscribe({ query: '{ __typename }' }, { next: () => say({ live: true }), error: () => {}, complete: () => {} });
    },
    closed: (event) => say({ closed: event.code, reason: event.reason }),
  },
});

const subscribe = () =>
  client.subscribe(
    { query },
    {
      next: (result) => say({ next: result }),
      error: (errors) => {
        const code = errors?.[0]?.extensions?.code ?? String(errors);
        say({ error: code });
        if (code === 'UNAUTHENTICATED') subscribe(); // with the next connection's token
      },
      complete: () => say({ complete: true }),
    },
  );
subscribe();
