#[runnel::module("orders.graphql")]
mod orders {
    use runnel::prelude::*;

    #[subscription]
    fn order_updated(event: Event<Order>) -> Outcome<Order> {
        let order = event.read()?;
        let _ = order.price; //~ no field `price`
        deliver(Order { id: order.id, total: 1.0 }) //~ mismatched types
    }

    #[query]
    fn count(context: Context) -> Outcome<i32> {
        let _: Option<Order> = context.claim::<f64>("order")?; //~ expected `Option<Order>`, found `Option<f64>`
        deliver("many") //~ the trait bound `i32: From<&str>` is not satisfied
    }
}

fn main() {}
