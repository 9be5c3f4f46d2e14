//! A shop: a mutation publishes an event, a subscription delivers it, and a
//! field of what both give has a resolver of its own.

/// The module. Its types are those of schema.graphql.
#[runnel::module("schema.graphql")]
pub mod shop {
    use runnel::prelude::*;

    /// The event goes out once the order is delivered; a mutation that fails
    /// sends none.
    #[mutation]
    fn place_order(
        id: Argument<Id>,
        customer_id: Argument<Id>,
        sku: Argument<String>,
        quantity: Argument<i32>,
        context: Context,
        bus: Bus,
    ) -> Outcome<Order> {
        let quantity = quantity.read()?;
        if quantity < 1 {
            return fail(Error::new("order one or more").with("quantity", &quantity));
        }
        let order = Order {
            id: id.read()?,
            customer_id: customer_id.read()?,
            sku: sku.read()?,
            quantity,
            placed_at: context.meta()?.time,
        };
        bus.publish("placed", &order)?;
        deliver(order)
    }

    /// Which orders reach a subscriber is declared in the schema.
    #[subscription]
    fn order_placed(event: Event<Order>) -> Outcome<Order> {
        deliver(event.read()?)
    }

    /// Called once for all orders at a level of the response, and only where a
    /// client asks for their customers.
    #[field("Order.customer")]
    fn customer(orders: Parents<Order>) -> Resolved<Customer> {
        orders.read()?.each(|order| {
            let known = CUSTOMERS.iter().find(|(id, _)| order.customer_id == *id);
            let (id, name) = known.ok_or("no such customer")?;
            Ok(Customer {
                id: Id::from(*id),
                name: (*name).to_owned(),
            })
        })
    }

    /// A module keeps nothing between its runs; so the customers are part of it.
    const CUSTOMERS: [(&str, &str); 3] = [("c1", "Ada"), ("c2", "Grace"), ("c3", "Mary")];
}

#[cfg(test)]
mod tests {
    use super::shop::{Customer, Order, customer, order_placed, place_order};
    use runnel::Meta;
    use runnel::testing::{Run, json};

    fn order(id: &str, customer_id: &str) -> Order {
        Order {
            id: id.into(),
            customer_id: customer_id.into(),
            sku: "tea".into(),
            quantity: 2,
            placed_at: "2026-01-02T03:04:05.678Z".into(),
        }
    }

    fn placing(quantity: i32) -> Run {
        let order = order("o1", "c1");
        Run::of::<place_order>()
            .argument("id", order.id)
            .argument("customerId", order.customer_id)
            .argument("sku", order.sku)
            .argument("quantity", quantity)
            .meta(Meta {
                id: "r1".into(),
                channel: None,
                time: order.placed_at,
            })
    }

    #[test]
    fn who_waits_for_orders_gets_what_was_placed() {
        let placed = placing(2).run();
        assert_eq!(placed.delivered::<Order>(), order("o1", "c1"));
        let [event] = placed.published() else {
            panic!("{:?}", placed.published())
        };
        assert_eq!(event.channel, "placed");
        let delivered = Run::of::<order_placed>().event(&event.payload).run();
        assert_eq!(delivered.delivered::<Order>(), order("o1", "c1"));
    }

    #[test]
    fn an_order_of_nothing_is_no_order() {
        let ran = placing(0).run();
        assert_eq!(ran.failure().message, "order one or more");
        assert_eq!(ran.failure().extensions["quantity"], json("0"));
        assert!(ran.published().is_empty());
        assert_eq!(ran.reads(), ["argument quantity"]);
        let full = placing(1).full_bus().run();
        assert_eq!(full.failure().message, "publish: over the limit");
    }

    #[test]
    fn each_order_has_its_customer() {
        let ran = Run::of::<customer>()
            .parents([order("o1", "c2"), order("o2", "c9"), order("o3", "c1")])
            .run();
        let customers = ran.resolved::<Customer>();
        assert_eq!(customers[0].as_ref().unwrap().name, "Grace");
        let stranger = customers[1].as_ref().unwrap_err();
        assert_eq!(stranger.message, "no such customer");
        assert_eq!(customers[2].as_ref().unwrap().name, "Ada");
        assert_eq!(ran.reads(), ["parents"]);
    }
}
