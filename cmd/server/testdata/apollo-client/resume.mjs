// Subscribes with Apollo Client over a client that resumes, and prints a line for each
// result, until there were COUNT. node resume.mjs URL OPERATION COUNT
import { ApolloClient, InMemoryCache, gql } from '@apollo/client';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import WebSocket from 'ws';
import { createResumingClient } from '../graphql-ws/resuming.mjs';

const [url, operation, count] = process.argv.slice(2);
const say = (what) => console.log(JSON.stringify(what));

globalThis.WebSocket ??= WebSocket; // which browsers have, and the link asks for
const socket = createResumingClient({
  url,
  retryAttempts: Infinity,
  shouldRetry: () => true,
  retryWait: () => new Promise((done) => setTimeout(done, 20)),
});
const client = new ApolloClient({ link: new GraphQLWsLink(socket), cache: new InMemoryCache() });

let left = Number(count);
const subscription = client.subscribe({ query: gql(operation), fetchPolicy: 'no-cache' }).subscribe({
  next: ({ data }) => {
    say({ n: data.tick.n });
    if (--left === 0) {
      subscription.unsubscribe();
      client.stop();
      socket.dispose();
    }
  },
  error: (error) => say({ error: error.message }),
});
// Messages of one socket are taken in order: this is answered once the subscription is live.
setTimeout(() => client.query({ query: gql('{ __typename }'), fetchPolicy: 'no-cache' }).then(() => say({ live: true })), 0);
