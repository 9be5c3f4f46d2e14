// Subscribes with Apollo Client over its GraphQLWsLink, which reconnects by
// itself, and prints one JSON line for each thing that happens. After COUNT
// results it unsubscribes; COUNT 0 leaves the end to the server.
// node subscribe.mjs URL OPERATION COUNT [CONNECTION_PARAMS]
import { ApolloClient, InMemoryCache, gql } from '@apollo/client';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';

const [url, operation, count, connectionParams] = process.argv.slice(2);
const say = (what) => console.log(JSON.stringify(what));

globalThis.WebSocket ??= WebSocket; // which browsers have, and the link asks for
const socket = createClient({
  url,
  retryAttempts: Infinity,
  shouldRetry: () => true, // where nobody listens yet, too
  retryWait: () => new Promise((done) => setTimeout(done, 50)),
  connectionParams: connectionParams ? JSON.parse(connectionParams) : undefined,
  on: { connected: () => live(), closed: (event) => say({ closed: event.code, reason: event.reason }) },
});
const client = new ApolloClient({ link: new GraphQLWsLink(socket), cache: new InMemoryCache() });

// Messages of one socket are taken in order, so this query is answered only
// after the subscription before it is live.
const live = () =>
  client.query({ query: gql('{ __typename }'), fetchPolicy: 'no-cache' }).then(
    ({ data }) => say({ live: data }),
    (error) => say({ liveError: error.message }),
  );

const end = () => {
  client.stop();
  socket.dispose();
};
let left = Number(count);
const subscription = client.subscribe({ query: gql(operation) }).subscribe({
  next: ({ data, error }) => {
    say(error ? { error: error.errors ?? error.message } : { next: { data } });
    if (error) end();
    if (--left === 0) {
      subscription.unsubscribe();
      say({ complete: true });
      end();
    }
  },
  error: (error) => {
    say({ error: error.errors ?? error.message });
    end();
  },
  complete: () => {
    if (left === 0) return;
    say({ complete: true });
    end();
  },
});
