// A server on graphql-js, graphql-ws and ws, to compare with: a queue for each subscriber,
// and an index by customer written by hand.

import { createServer } from "node:http";

const sdl = `
  type Order {
    id: ID!
    customerId: ID!
    status: String!
    total: Float
    sentAt: Float
    note: String
  }

  type Query {
    open: Boolean!
  }

  type Subscription {
    orderUpdated(customerId: ID): Order
  }
`;

// The subscribers to each customer's orders, and to everyone's under null.
const byCustomer = new Map([[null, new Set()]]);

/** Queue is what a subscriber has not been sent yet. */
class Queue {
  #values = [];
  #waiting = null;
  #ended = false;
  #left;

  /** left is called once the subscriber has gone. */
  constructor(left) {
    this.#left = left;
  }

  push(value) {
    if (this.#waiting) {
      this.#waiting({ value, done: false });
      this.#waiting = null;
    } else {
      this.#values.push(value);
    }
  }

  [Symbol.asyncIterator]() {
    return this;
  }

  next() {
    if (this.#values.length > 0) return Promise.resolve({ value: this.#values.shift(), done: false });
    if (this.#ended) return Promise.resolve({ value: undefined, done: true });
    return new Promise((resolve) => (this.#waiting = resolve));
  }

  return() {
    this.#ended = true;
    this.#values = [];
    this.#waiting?.({ value: undefined, done: true });
    this.#waiting = null;
    this.#left(this);
    return Promise.resolve({ value: undefined, done: true });
  }
}

const rootValue = {
  orderUpdated({ customerId = null }) {
    if (!byCustomer.has(customerId)) byCustomer.set(customerId, new Set());
    const subscribers = byCustomer.get(customerId);
    const queue = new Queue((gone) => {
      subscribers.delete(gone);
      if (customerId !== null && subscribers.size === 0) byCustomer.delete(customerId);
    });
    subscribers.add(queue);
    return queue;
  },
};

function publish(order) {
  const event = { orderUpdated: order };
  for (const subscribers of [byCustomer.get(null), byCustomer.get(order.customerId) ?? []]) {
    for (const queue of subscribers) queue.push(event);
  }
}

/** Takes one order a line. */
async function takeEvents(request, response) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  try {
    const lines = Buffer.concat(chunks).toString().split("\n");
    for (const order of lines.filter(Boolean).map((line) => JSON.parse(line))) publish(order);
    response.writeHead(202).end();
  } catch (error) {
    response.writeHead(400).end(String(error));
  }
}

/** Serves with one version of the packages, which dependencies names. */
export function serve({ buildSchema, useServer, WebSocketServer, dependencies }) {
  const server = createServer((request, response) => {
    if (request.method === "POST" && request.url === "/events") takeEvents(request, response);
    else response.writeHead(404).end();
  });
  const pings = 0; // none
  const options = { schema: buildSchema(sdl), roots: { subscription: rootValue } };
  useServer(options, new WebSocketServer({ server, path: "/graphql" }), pings);
  const versions = Object.entries({ "Node.js": process.version, ...dependencies }).map((entry) => entry.join(" "));
  server.listen(0, "127.0.0.1", 4096, () => {
    console.log(`serving on 127.0.0.1:${server.address().port} (${versions.join(", ")})`);
  });
}
