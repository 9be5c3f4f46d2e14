#[runnel::module("orders.graphql")]
mod orders {
    use runnel::prelude::*;

    #[subscription]
    fn order_updated(
        event: Event<Order>,
        customer_id: Argument<Id>, //~ the schema declares this argument as `Argument<Option<
        above: Argument<f64>,
    ) -> Outcome<Order> {
        let _ = customer_id.read()?;
        let above: i32 = above.read()?; //~ expected `i32`, found `f64`
        let _ = above;
        deliver(event.read()?)
    }

    #[query]
    fn count() -> Outcome<i32> {
        deliver(1)
    }
}

#[runnel::module("orders.graphql")]
mod unknown {
    use runnel::prelude::*;

    #[subscription]
    fn order_updated(
        below: Argument<f64>, //~ Subscription.orderUpdated has no argument below; it declares: customerId, above
    ) -> Outcome<Order> {
        let _ = below.read()?;
        skip()
    }

    #[query]
    fn count(limit: Argument<i32>) -> Outcome<i32> { //~ Query.count has no argument limit; it declares: none
        deliver(limit.read()?)
    }
}

fn main() {}
