// Publishes four orders with the CloudEvents SDK, one in each mode, twice, and
// prints the answers as lines of JSON: publish.mjs URL
import { CloudEvent, HTTP } from "cloudevents";

const url = process.argv[2];

// The SDK does not percent-encode what it puts into headers, as it should: the id
// of the event in binary mode is ASCII.
function order(number, data) {
  return new CloudEvent({
    id: number === 1 ? "n 1" : `n°${number}`,
    source: "urn:shop:till",
    type: "orders",
    subject: `order ${number}`,
    traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    data: data ?? { id: `o${number}`, customerId: "mine", status: "PAID" },
  });
}

const bytes = new TextEncoder().encode('{"id":"o4","customerId":"mine","status":"PAID"}');
const messages = {
  binary: HTTP.binary(order(1)),
  structured: HTTP.structured(order(2)),
  batch: { headers: { "content-type": "application/cloudevents-batch+json" }, body: JSON.stringify([order(3)]) },
  bytes: HTTP.structured(order(4, bytes)),
};
for (const again of [false, true]) {
  for (const [mode, { headers, body }] of Object.entries(messages)) {
    const response = await fetch(url, { method: "POST", headers, body });
    const answer = await response.json();
    console.log(JSON.stringify({ mode, again, status: response.status, accepted: answer.accepted, errors: answer.errors }));
  }
}
