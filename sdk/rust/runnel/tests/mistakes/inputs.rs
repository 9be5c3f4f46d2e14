#[runnel::module("orders.graphql")]
mod orders {
    use runnel::prelude::*;

    #[subscription]
    fn order_updated(
        order: Order, //~ a resolver cannot take `Order`
        bus: Bus, //~ only a resolver of a Mutation field may publish
    ) -> Outcome<Order> {
        let _ = bus.publish("orders", &order);
        deliver(order)
    }

    #[query]
    fn count(event: Event<Order>) -> Outcome<i32> { //~ only a resolver of a Subscription field has an event
        let _ = event.read()?;
        deliver(1)
    }
}

fn main() {}
