import { createClient } from 'graphql-ws';

// Makes a graphql-ws client whose subscriptions go on where they were when its socket
// comes back. A client sends the same payload again then, so the cursor is kept in it.
export function createResumingClient(options) {
  const positions = new Map(); // of the running operations, by id
  let ids = 0;
  const client = createClient({
    ...options,
    generateID: (payload) => (positions.set(String(++ids), payload.extensions.runnel), String(ids)),
  });
  client.on('ping', (received, payload) => {
    for (const [id, cursor] of Object.entries((received && payload?.runnel?.cursors) || {}))
      if (positions.has(id)) positions.get(id).cursor = cursor;
  });
  const subscribe = (payload, sink) => {
    const position = { cursor: null, ...payload.extensions?.runnel };
    const stop = client.subscribe({ ...payload, extensions: { ...payload.extensions, runnel: position } }, {
      next: (result) => {
        position.cursor = result.extensions?.runnel?.cursor ?? position.cursor;
        sink.next(result);
      },
      error: (error) => (forget(), sink.error(error)),
      complete: () => (forget(), sink.complete()),
    });
    const id = String(ids);
    const forget = () => positions.delete(id);
    return stop;
  };
  return { ...client, subscribe };
}
