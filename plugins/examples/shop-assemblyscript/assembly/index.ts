import { Event, Json, MutationContext, Parents, Values, fail } from "@runnel/sdk";
import { Customer, Order, PlaceOrderArguments } from "./schema";

/** The event goes out once the order is returned; a mutation that fails sends none. */
export function placeOrder(args: PlaceOrderArguments, context: MutationContext): Order {
  const quantity = args.quantity;
  if (quantity < 1) fail("order one or more", Json.object().with("quantity", quantity));
  const order: Order = {
    id: args.id,
    customerId: args.customerId,
    sku: args.sku,
    quantity,
    placedAt: context.meta().time,
  };
  if (!context.publish("placed", order)) fail("publish: over the limit");
  return order;
}

/** Which orders reach a subscriber is declared in the schema. */
export function orderPlaced(event: Event<Order>): Order {
  return event.read();
}

/** Called once for all orders at a level of the response, and only where a client asks for their customers. */
export function customer(parents: Parents<Order>): Values<Customer> {
  const orders = parents.read();
  const values = parents.values<Customer>();
  for (let i = 0; i < orders.length; i++) {
    const id = orders[i].customerId;
    if (CUSTOMERS.has(id)) values.set(i, { id, name: CUSTOMERS.get(id) });
    else values.fail(i, "no such customer");
  }
  return values;
}

/** A module keeps nothing between its runs; so the customers are part of it. */
const CUSTOMERS = new Map<string, string>();
CUSTOMERS.set("c1", "Ada");
CUSTOMERS.set("c2", "Grace");
CUSTOMERS.set("c3", "Mary");
