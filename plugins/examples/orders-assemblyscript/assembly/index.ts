import { Context, Event, skip } from "@runnel/sdk";
import { Order } from "./schema";

/** Orders as they change. Drafts are nobody's business, and notes are private. */
export function orderUpdated(event: Event<Order>, context: Context): Order {
  const order = event.read();
  if (order.status == "DRAFT") return skip();
  if (!context.permitted("orders:note")) order.note = null;
  return order;
}
