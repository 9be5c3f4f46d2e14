#[runnel::module("orders.graphql")] //~ orders.graphql:7:3: Subscription.orderUpdated has no resolver; write: #[subscription] fn order_updated(…) -> Outcome<Option<Order>>
mod orders {
    use runnel::prelude::*;

    #[subscription]
    fn order_update() -> Outcome<Order> { //~ the schema declares no field Subscription.orderUpdate; of Subscription it declares: orderUpdated
        skip()
    }

    #[query]
    fn count() -> Outcome<i32> {
        deliver(1)
    }

    #[mutation]
    fn cancel() -> Outcome<i32> { //~ the schema declares no field Mutation.cancel; of Mutation it declares: none
        deliver(1)
    }

    #[query("total")] //~ the schema declares no field Query.total
    fn sum() -> Outcome<i32> {
        deliver(1)
    }
}

fn main() {}
